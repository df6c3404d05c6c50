//! A number that goes up, counted by many threads at once.

use super::cells::Cells;
use super::family::Family;
use super::kind::{Kind, Unit};
use super::snapshot::{Blocks, Metric, Values, Visitor, sealed};
use crate::label::LabelSet;
use crate::sync::{AtomicU64, Ordering};

/// A [`Counter`](super::Counter) for what many threads count all the time: about a nanosecond, of up to 64 threads at once.
///
/// Each thread adds to a cell of its own. That takes 8 bytes for each thread that counts (in pieces of 4 KiB, which
/// series share) beside 16 of its own, and whoever reads it adds them up; each thread that records in anything hot has a
/// table of 4 KiB, too. Take a [`Counter`](super::Counter) unless threads wait
/// for each other at it; in everything else they are the same.
///
/// ```
/// use observe_core::metric::HotCounter;
/// let packets = HotCounter::new();
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| packets.add(10));
///     }
/// });
/// assert_eq!(packets.get(), 40);
/// ```
pub struct HotCounter {
    cells: Cells,
    /// What threads without cells counted.
    shared: AtomicU64,
}

impl HotCounter {
    /// A counter at 0, of no family.
    #[must_use]
    pub const fn new() -> Self {
        Self { cells: Cells::new(1), shared: AtomicU64::new(0) }
    }

    /// Counts one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        match self.cells.mine() {
            Some(cells) => cells.add(0, n),
            None => self.add_elsewhere(n),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_elsewhere(&self, n: u64) {
        match self.cells.search() {
            Some(cells) => cells.add(0, n),
            None => {
                self.shared.fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// What was counted, added up.
    #[must_use]
    pub fn get(&self) -> u64 {
        let mut sum = self.shared.load(Ordering::Relaxed);
        self.cells.each(|cells| {
            for cell in cells {
                sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
            }
        });
        sum
    }
}

impl Default for HotCounter {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for HotCounter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HotCounter").field(&self.get()).finish()
    }
}

impl<L: LabelSet> Family<L, HotCounter> {
    /// A family of counters; the name ends in `_total`.
    #[must_use]
    pub const fn hot_counter(name: &'static str, help: &'static str) -> Self {
        Self::fixed(name, help, (), None)
    }
}

impl sealed::Sealed for HotCounter {}

impl Metric for HotCounter {
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
        blocks.scalars(cells, HotCounter::get, |rows, values| visitor.scalars(rows, Values::U64(values)));
    }
}
