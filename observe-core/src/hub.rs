//! What operations report to: one for each telemetry.

use crate::clock::Clock;
use crate::record::Sink;
use crate::registry::Registry;
use crate::sampling::Sampling;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

/// The wired parts of a telemetry that the edges use. Built by the roof.
pub(crate) struct Hub {
    pub(crate) clock: Clock,
    pub(crate) registry: Registry,
    pub(crate) sampling: Sampling,
    /// From which duration on a local root is slow.
    pub(crate) slow: Duration,
    pub(crate) sink: Arc<dyn Sink>,
    /// Whether lines of operations (target `observe`, level info) pass the filter.
    pub(crate) request_lines: AtomicBool,
    pub(crate) losses: Losses,
}

static INSTALLED: OnceLock<Arc<Hub>> = OnceLock::new();

impl Hub {
    /// Makes this hub the one that code without a context of its own reports to. `false`: there is one already.
    pub(crate) fn install(self: &Arc<Self>) -> bool {
        INSTALLED.set(Arc::clone(self)).is_ok()
    }

    /// The installed hub, else one that writes no line and that nobody scrapes: contexts and the metrics of
    /// statics work all the same.
    pub(crate) fn installed_or_detached() -> Arc<Self> {
        static DETACHED: LazyLock<Arc<Hub>> = LazyLock::new(|| Arc::new(Hub::detached()));
        Arc::clone(INSTALLED.get().unwrap_or_else(|| &DETACHED))
    }
}
