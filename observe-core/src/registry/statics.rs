//! Families that are statics: found through the linker, or when they are first touched.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::metric::{AnyFamily, Buckets};

/// Every `#[metric] static` of the program, gathered by the linker.
#[cfg(not(any(miri, target_family = "wasm")))]
#[doc(hidden)]
#[allow(unsafe_code, reason = "linkme declares the section's boundaries; the crate is made for it")]
#[linkme::distributed_slice]
pub static METRICS: [&'static dyn AnyFamily];

/// Those that could not be, or did not want to be.
static TOUCHED: Mutex<Vec<&'static dyn AnyFamily>> = Mutex::new(Vec::new());

/// The buckets that views chose for statics that are not touched yet: theirs are the process's.
static CHOSEN: Mutex<BTreeMap<String, Buckets>> = Mutex::new(BTreeMap::new());

/// Remembers the buckets of a family that may be a static, and come later.
pub(super) fn choose(name: &str, buckets: &Buckets) {
    CHOSEN.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), buckets.clone());
}

/// How many statics are known by now. It never falls.
pub(super) fn known() -> usize {
    linked().len() + TOUCHED.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// The statics known by now, always in the same order.
pub(super) fn all() -> Vec<&'static dyn AnyFamily> {
    let touched = TOUCHED.lock().unwrap_or_else(PoisonError::into_inner);
    linked().iter().chain(touched.iter()).copied().collect()
}

#[cfg(not(any(miri, target_family = "wasm")))]
fn linked() -> &'static [&'static dyn AnyFamily] {
    &METRICS
}

#[cfg(any(miri, target_family = "wasm"))]
fn linked() -> &'static [&'static dyn AnyFamily] {
    &[]
}

/// A family in a `static` that is on `/metrics` from its first touch on: what `#[metric(lazy)]` makes.
///
/// ```
/// use observe_core::LazyMetric;
/// use observe_core::metric::{Counter, Family};
///
/// static LINES: LazyMetric<Family<(), Counter>> = LazyMetric::new({
///     static INNER: Family<(), Counter> = Family::counter("lazy_lines_total", "Lines written.");
///     &INNER
/// });
/// LINES.inc();
/// ```
#[derive(Debug)]
pub struct LazyMetric<F: 'static> {
    inner: &'static F,
    touched: AtomicBool,
}

impl<F: AnyFamily> LazyMetric<F> {
    /// Wraps a family.
    #[must_use]
    pub const fn new(inner: &'static F) -> Self {
        Self { inner, touched: AtomicBool::new(false) }
    }

    #[cold]
    fn register(&self) {
        let chosen =
            CHOSEN.lock().unwrap_or_else(PoisonError::into_inner).get(self.inner.head().name).cloned();
        if let Some(buckets) = chosen {
            // What comes too late is told where the family is taken in.
            let _ = self.inner.rebucket(&buckets);
        }
        if !self.touched.swap(true, Ordering::Relaxed) {
            TOUCHED.lock().unwrap_or_else(PoisonError::into_inner).push(self.inner);
        }
    }
}

impl<F: AnyFamily> Deref for LazyMetric<F> {
    type Target = F;

    #[inline]
    fn deref(&self) -> &F {
        if !self.touched.load(Ordering::Relaxed) {
            self.register();
        }
        self.inner
    }
}
