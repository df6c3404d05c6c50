//! Reading files of the kernel, and telling once of those that cannot be read.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_core::Level;

use super::say_missing;
use crate::catch::{catch, is_mute};
use crate::registry::{Collect, Collector, Registry};
use crate::semconv::log::OWN_TARGET;

/// The files below a root, which is `/` but in tests.
pub(super) struct Files {
    root: PathBuf,
    /// Of what was told that it is missing.
    told: Mutex<BTreeSet<&'static str>>,
}

impl Default for Files {
    fn default() -> Self {
        Self::below("/")
    }
}

impl Files {
    pub(super) fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), told: Mutex::default() }
    }

    /// Where a file of the system is.
    pub(super) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// What `read` makes of a file. If that fails, or panics over what it finds, `None`: and that is told once.
    pub(super) fn read<T, E: Display>(
        &self,
        path: &'static str,
        read: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Option<T> {
        self.read_at(path, &self.at(path), read)
    }

    /// As [`read`](Files::read), of a file whose place is known only as it is read; `what` stands for it.
    pub(super) fn read_at<T, E: Display>(
        &self,
        what: &'static str,
        path: &Path,
        read: impl FnOnce(&Path) -> Result<T, E>,
    ) -> Option<T> {
        match catch(|| read(path)) {
            Some(Ok(value)) => return Some(value),
            Some(Err(why)) => self.miss(what, &why),
            None => self.miss(what, &"it is not written as it should be"),
        }
        None
    }

    /// Tells once that something is not there; later, if nobody listens now.
    pub(super) fn miss(&self, what: &'static str, why: &dyn Display) {
        if is_mute() || !tracing::enabled!(target: OWN_TARGET, Level::DEBUG) {
            return;
        }
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(what) {
            say_missing(what, why);
        }
    }
}

/// Whether a registry has the collector `C`.
struct Added<C>(AtomicBool, PhantomData<fn() -> C>);

/// Adds a collector to a registry that has none of its kind, and asks it once, so that what is missing is told at the
/// start.
pub(super) fn add<C: Collector + Any>(registry: &Registry, collector: C) {
    let made = registry.shared(|| Added::<C>(AtomicBool::new(false), PhantomData), |_| Vec::new());
    if made.is_ok_and(|added| !added.0.swap(true, Ordering::Relaxed)) {
        let collector = Arc::new(collector);
        Collect::rehearse(&*collector);
        registry.collector(move |out: &mut Collect<'_>| collector.collect(out));
    }
}
