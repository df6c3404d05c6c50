//! Observations of many threads at once, counted in buckets.

use std::sync::Arc;
use std::time::Duration;

use super::buckets::{Buckets, Layout, MAX_BOUNDS};
use super::cells::{CHUNK, Cells, Mine};
use super::exemplar::Exemplar;
use super::family::Family;
use super::histogram::{Histogram, show};
use super::kind::{Kind, Rejected, Unit};
use super::scale::{Amount, NoValue, fraction_sum, nanos};
use super::snapshot::{Blocks, Metric, Visitor, sealed};
use super::timer::Timer;
use crate::label::LabelSet;
use crate::sync::Ordering;

/// From so many observations on a series has cells of its own: one that is seldom recorded takes none.
const BUSY: u64 = 64;

/// A [`Histogram`] for what many threads observe all the time: about two nanoseconds, of up to 64
/// threads at once.
///
/// Each thread counts in cells of its own. That takes 8 bytes a bucket and 8 for the sum for each thread that observes (in
/// pieces of 4 KiB, which series share) beside those of a [`Histogram`], from the 65th observation of a series on, and
/// whoever reads it adds them up. Take a
/// [`Histogram`] unless threads wait for each other at it; in everything else they are the same.
///
/// ```
/// use observe_core::metric::{Buckets, HotHistogram, Unit};
/// use std::time::Duration;
///
/// let waits = HotHistogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
/// std::thread::scope(|scope| {
///     for _ in 0..4 {
///         scope.spawn(|| waits.observe_duration(Duration::from_millis(7)));
///     }
/// });
/// assert_eq!(waits.count(), 4);
/// ```
pub struct HotHistogram {
    /// That of `shared`, nearer.
    layout: Arc<Layout>,
    /// What threads without cells counted, and the exemplars.
    shared: Histogram,
    /// The sum, then the buckets, `+Inf` last.
    cells: Cells,
}

impl HotHistogram {
    /// A histogram of no family.
    #[must_use]
    pub fn new(buckets: &Buckets, unit: Option<Unit>) -> Self {
        Self::around(Histogram::new(buckets, unit))
    }

    fn around(shared: Histogram) -> Self {
        const { assert!(MAX_BOUNDS + 2 <= CHUNK, "a chunk has room for the largest histogram") };
        let layout = Arc::clone(shared.layout());
        let words = u16::try_from(layout.words()).unwrap_or(u16::MAX);
        Self { layout, cells: Cells::new(words), shared }
    }

    /// Counts one observation, in the unit of the metric.
    pub fn observe(&self, value: f64) {
        self.take(self.layout.amount(value));
    }

    /// Counts a time.
    #[inline]
    pub fn observe_duration(&self, time: Duration) {
        self.observe_nanos(nanos(time));
    }

    /// Counts a time in nanoseconds.
    #[inline]
    pub fn observe_nanos(&self, nanos: u64) {
        if self.layout.takes_nanos(nanos) {
            self.add_quick(nanos);
        } else {
            self.take_nanos(nanos);
        }
    }

    /// Counts a whole number of the metric's unit: a size in bytes.
    #[inline]
    pub fn observe_u64(&self, value: u64) {
        if self.layout.takes_whole(value) {
            self.add_quick(value);
        } else {
            self.take_whole(value);
        }
    }

    #[inline(never)]
    fn take_nanos(&self, nanos: u64) {
        self.take(self.layout.amount_of_nanos(nanos));
    }

    #[inline(never)]
    fn take_whole(&self, value: u64) {
        self.take(self.layout.amount_of_whole(value));
    }

    fn take(&self, amount: Result<Amount, NoValue>) {
        let amount = match amount {
            Ok(amount) => amount,
            Err(fault) => return self.layout.refuse(fault),
        };
        self.shared.count_native(amount);
        match amount {
            Amount::Units(units) => self.add(units),
            Amount::Fraction(value) => self.add_fraction(value),
        }
    }

    #[inline]
    fn add_quick(&self, units: u64) {
        match self.cells.mine() {
            Some(cells) => {
                let bucket = self.layout.quick_bucket(units);
                cells.add(0, units);
                cells.add(1 + bucket, 1);
            }
            None => self.add_cold(units),
        }
    }

    #[cold]
    #[inline(never)]
    fn add_cold(&self, units: u64) {
        self.add(units);
    }

    /// Those of this thread, once there is something to be had by them.
    fn cells(&self) -> Option<Mine> {
        self.cells.mine().or_else(|| {
            let is_busy = self.cells.are_born() || self.shared.count() >= BUSY;
            is_busy.then(|| self.cells.search()).flatten()
        })
    }

    fn add(&self, units: u64) {
        match self.cells() {
            Some(cells) => {
                cells.add(0, units);
                cells.add(1 + self.layout.bucket(units), 1);
            }
            None => self.shared.add(units),
        }
    }

    fn add_fraction(&self, value: f64) {
        match self.cells() {
            Some(cells) => {
                cells.change(0, |sum| fraction_sum(sum, value));
                cells.add(1 + self.layout.bucket_of_fraction(value), 1);
            }
            None => self.shared.add_fraction(value),
        }
    }

    /// Measures from now until the guard is dropped.
    #[inline]
    pub fn timer(&self) -> Timer<'_> {
        Timer::hot(self)
    }

    /// Names the trace of an observation that was counted before, as [`Histogram::exemplify`] does.
    pub fn exemplify(&self, exemplar: &Exemplar) {
        self.shared.exemplify(exemplar);
    }

    /// How many observations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        let mut count = self.shared.count();
        self.cells.each(|words| {
            for word in words.iter().skip(1) {
                count = count.wrapping_add(word.load(Ordering::Relaxed));
            }
        });
        count
    }

    /// The sum of what was counted, in the unit of the metric.
    #[must_use]
    pub fn sum(&self) -> f64 {
        let mut sum = [self.shared.sum_word()];
        self.add_cells(&mut sum);
        self.layout.scale.sum(sum[0])
    }

    /// Adds to these words what threads counted in their cells.
    fn add_cells(&self, to: &mut [u64]) {
        self.cells.each(|words| self.layout.add(to, words.iter().map(|word| word.load(Ordering::Relaxed))));
    }
}

impl std::fmt::Debug for HotHistogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HotHistogram").field("count", &self.count()).field("sum", &self.sum()).finish()
    }
}

impl<L: LabelSet> Family<L, HotHistogram> {
    /// A family of histograms of the hot kind, apart from that as [`Family::histogram`].
    #[must_use]
    pub const fn hot_histogram(name: &'static str, help: &'static str, buckets: Buckets) -> Self {
        let fault = buckets.fault();
        Self::fixed(name, help, buckets, fault)
    }

    /// The histogram of one combination of labels. Where it has to be born it has bounds of its own; what
    /// the family has too many series for has the family's, and so has all where a view chose them.
    pub(crate) fn with_buckets(&self, labels: L, buckets: &Buckets) -> &HotHistogram {
        if self.is_rebucketed() {
            return self.with(labels);
        }
        self.with_own(labels, |layout| <HotHistogram as Metric>::new(&Arc::new(layout.with_bounds(buckets))))
    }
}

impl sealed::Sealed for HotHistogram {}

impl Metric for HotHistogram {
    type Config = Buckets;
    type Shared = Arc<Layout>;
    const KIND: Kind = Kind::Histogram;

    fn fault(config: &Buckets) -> Option<&'static str> {
        <Histogram as Metric>::fault(config)
    }

    fn kind(config: &Buckets) -> Kind {
        <Histogram as Metric>::kind(config)
    }

    fn rebucketed(config: &Buckets, buckets: &Buckets) -> Option<Buckets> {
        <Histogram as Metric>::rebucketed(config, buckets)
    }

    fn has_buckets(config: &Buckets, buckets: &Buckets) -> bool {
        <Histogram as Metric>::has_buckets(config, buckets)
    }

    fn share(config: &Buckets, unit: Option<Unit>) -> Arc<Layout> {
        <Histogram as Metric>::share(config, unit)
    }

    fn new(layout: &Arc<Layout>) -> Self {
        Self::around(<Histogram as Metric>::new(layout))
    }

    fn births(layout: &Arc<Layout>, count: usize) -> Vec<Self> {
        Histogram::births(layout, count).into_iter().map(Self::around).collect()
    }

    fn read<'a>(
        layout: &'a Arc<Layout>,
        cells: impl Iterator<Item = (u64, &'a Self)>,
        blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    ) {
        let cells = cells.map(|(key, histogram)| (key, &histogram.shared, histogram));
        show(layout, cells, blocks, visitor, Self::add_cells);
    }

    fn rejected<'a>(layout: &Arc<Layout>, _: impl Iterator<Item = &'a Self>) -> Rejected {
        layout.rejected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is recorded in often, as if it had been.
    fn busy(buckets: &Buckets, unit: Option<Unit>) -> HotHistogram {
        let histogram = HotHistogram::new(buckets, unit);
        assert!(histogram.cells.search().is_some());
        histogram
    }

    // Catches: cells for what is seldom recorded; what came before them lost, or counted twice.
    #[test]
    fn a_series_has_cells_once_it_is_busy() {
        let histogram = HotHistogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        for n in 1..=2 * BUSY {
            histogram.observe(0.3);
            assert_eq!(histogram.cells.are_born(), n > BUSY, "{n}");
            assert_eq!(histogram.count(), n);
        }
    }

    // Catches: a block that is left out of the sum, a sum kept in f64, buckets added up beside their own.
    #[test]
    fn what_threads_observe_is_added_up() {
        let histogram = busy(&Buckets::new(&[0.1, 1.0]), Some(Unit::Seconds));
        std::thread::scope(|scope| {
            scope.spawn(|| histogram.observe_nanos(100_000_001));
            scope.spawn(|| histogram.observe_duration(Duration::from_secs(1_000_000)));
            histogram.observe(0.1);
        });
        let mut words = [0; 4];
        histogram.add_cells(&mut words);
        assert_eq!(words, [1_000_000_200_000_001, 1, 1, 1]);
        assert_eq!(histogram.count(), 3);
        assert_eq!(histogram.sum(), 1_000_000.200_000_001);
    }

    // Catches: the bits of a sum with a fraction added up as a whole number.
    #[test]
    fn numbers_keep_their_fraction_and_their_sign() {
        // Two bounds in one class: not the quickest way.
        let histogram = busy(&Buckets::new(&[-1.0, 0.5, 0.51]), None);
        std::thread::scope(|scope| {
            scope.spawn(|| [-2.0, 0.5].map(|value| histogram.observe(value)));
            scope.spawn(|| [-1.0, 0.75].map(|value| histogram.observe(value)));
        });
        histogram.observe_u64(3);
        histogram.observe_nanos(250_000_000);
        assert_eq!((histogram.count(), histogram.sum()), (6, 1.5));
    }

    #[test]
    fn what_is_no_value_is_counted_apart() {
        let times = HotHistogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 1e300] {
            times.observe(value);
        }
        times.observe_duration(Duration::MAX);
        let none = std::iter::empty();
        assert_eq!(HotHistogram::rejected(&times.layout, none), Rejected { not_finite: 3, out_of_range: 3 });
        assert_eq!((times.count(), times.sum()), (0, 0.0));
    }

    // Catches: what was counted in the shared way left out, once cells were full.
    #[test]
    fn what_has_no_cells_is_counted_all_the_same() {
        let histogram = HotHistogram::new(&Buckets::new(&[0.1, 1.0]), Some(Unit::Seconds));
        histogram.shared.add(7);
        histogram.observe_nanos(3);
        assert_eq!((histogram.count(), histogram.sum()), (2, 1e-8));
    }
}
