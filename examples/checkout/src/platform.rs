//! What a service runs on, and how much of it it uses.

use observe_core::{Telemetry, collect};
use tokio::runtime::Handle;

/// Reads it at each scrape.
pub(crate) fn observe(telemetry: &Telemetry, runtime: &Handle) {
    let registry = telemetry.registry();
    collect::process(registry);
    collect::pressure(registry);
    collect::cgroup(registry);
    collect::runtime(registry, runtime);
}
