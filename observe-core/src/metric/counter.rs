//! A number that goes up.

use super::family::Family;
use super::kind::{Kind, Unit};
use super::snapshot::{Blocks, Metric, Values, Visitor, sealed};
use crate::label::LabelSet;
use crate::sync::{AtomicU64, Ordering};

/// Counts events, or whole units of something. It cannot go down.
///
/// One atomic addition without ordering: nanoseconds, though threads that share one counter wait for each
/// other's cache line. Past 2^64 it begins again at 0, which Prometheus takes for a restart.
///
/// ```
/// use observe_core::metric::Counter;
/// let orders = Counter::new();
/// orders.inc();
/// orders.add(2);
/// assert_eq!(orders.get(), 3);
/// ```
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A counter at 0, of no family.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Counts one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Brings it up to `n`, if it is below.
    #[cfg(feature = "metrics")]
    pub(crate) fn raise(&self, n: u64) {
        self.0.fetch_max(n, Ordering::Relaxed);
    }

    /// What was counted.
    #[inline]
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<L: LabelSet> Family<L, Counter> {
    /// A family of counters; the name ends in `_total`.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self::fixed(name, help, (), None)
    }
}

impl sealed::Sealed for Counter {}

impl Metric for Counter {
    type Config = ();
    type Shared = ();
    const KIND: Kind = Kind::Counter;

    fn share((): &(), _: Option<Unit>) {}

    fn new((): &()) -> Self {
        Self::default()
    }

    fn read<'a>(
        (): &'a (),
        cells: impl Iterator<Item = (u64, &'a Self)>,
        blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    ) {
        blocks.scalars(cells, Counter::get, |rows, values| visitor.scalars(rows, Values::U64(values)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a load and a store in place of `fetch_add`.
    #[test]
    fn threads_lose_nothing() {
        const EACH: u64 = if cfg!(miri) { 500 } else { 10_000 };
        let counter = Counter::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..EACH).for_each(|_| counter.inc()));
            }
        });
        assert_eq!(counter.get(), 4 * EACH);
    }
}
