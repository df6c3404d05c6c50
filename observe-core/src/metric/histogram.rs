//! Observations counted in buckets.

use std::sync::Arc;
use std::time::Duration;

use super::buckets::{Buckets, Layout, MAX_BOUNDS};
use super::exemplar::{Exemplar, Exemplars};
use super::family::Family;
use super::kind::{Kind, Rejected, Unit};
use super::native_histogram::{NativeHistogram, NativeReading, NativeShared};
use super::scale::{Amount, NoValue, Scale, fraction_sum, nanos};
use super::snapshot::{BLOCK, Blocks, Histograms, Metric, Rows, Visitor, sealed};
use super::timer::Timer;
use crate::label::LabelSet;
use crate::sync::{AtomicU64, OnceBox, Ordering};

/// Counts observations in buckets with fixed bounds, and sums them.
///
/// Buckets can be added up over instances and over time, so the quantiles of a whole fleet can be computed
/// from them: take this rather than a [`Summary`](super::Summary) unless you know why not.
///
/// The unit of its family decides how it sums: times (`_seconds`) in whole nanoseconds, sizes (`_bytes`) in whole
/// bytes, anything else as `f64`. Times and sizes are not negative: a negative one is dropped and counted,
/// as are not-a-number and infinity.
///
/// ```
/// use observe_core::metric::{Buckets, Histogram, Unit};
/// use std::time::Duration;
///
/// let waits = Histogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
/// waits.observe(0.3);
/// waits.observe_duration(Duration::from_millis(7));
/// {
///     let _timed = waits.timer(); // observes when it is dropped
/// }
/// assert_eq!(waits.count(), 3);
/// ```
pub struct Histogram {
    slab: Arc<Slab>,
    /// Which of the slab's words is this one's first.
    begin: u32,
}

/// The words of many histograms side by side: for each the sum, then the buckets, `+Inf` last.
struct Slab {
    layout: Arc<Layout>,
    words: Box<[AtomicU64]>,
    exemplars: OnceBox<Box<[Exemplars]>>,
    /// Their exponential buckets, if there are some.
    natives: Box<[NativeHistogram]>,
}

impl Histogram {
    /// A histogram of no family.
    #[must_use]
    pub fn new(buckets: &Buckets, unit: Option<Unit>) -> Self {
        <Self as Metric>::new(&Arc::new(Layout::new(buckets, unit)))
    }

    /// Counts one observation, in the unit of the metric.
    pub fn observe(&self, value: f64) {
        self.take(self.slab.layout.amount(value));
    }

    /// Counts a time.
    #[inline]
    pub fn observe_duration(&self, time: Duration) {
        self.observe_nanos(nanos(time));
    }

    /// Counts a time in nanoseconds.
    #[inline]
    pub fn observe_nanos(&self, nanos: u64) {
        if self.slab.layout.takes_nanos(nanos) {
            self.add_quick(nanos);
        } else {
            self.take_nanos(nanos);
        }
    }

    /// Counts a whole number of the metric's unit: a size in bytes.
    #[inline]
    pub fn observe_u64(&self, value: u64) {
        if self.slab.layout.takes_whole(value) {
            self.add_quick(value);
        } else {
            self.take_whole(value);
        }
    }

    /// Measures from now until the guard is dropped.
    #[inline]
    pub fn timer(&self) -> Timer<'_> {
        Timer::plain(self)
    }

    /// Names the trace of an observation that was counted before, as the example of its bucket. It is shown in
    /// OpenMetrics until another one of the same bucket takes its place.
    ///
    /// Apart from observing, since whether a trace is kept is known later, and the id of one that is not
    /// points nowhere. A value that could not have been observed is ignored.
    pub fn exemplify(&self, exemplar: &Exemplar) {
        let bucket = match self.slab.layout.amount(exemplar.value) {
            Ok(Amount::Units(units)) => self.slab.layout.bucket(units),
            Ok(Amount::Fraction(value)) => self.slab.layout.bucket_of_fraction(value),
            Err(_) => return,
        };
        let words = self.slab.layout.words();
        let series = self.slab.words.len() / words;
        let exemplars =
            self.slab.exemplars.get_or_init(|| Box::new((0..series).map(|_| Exemplars::default()).collect()));
        if let Some(exemplars) = exemplars.get(self.at()) {
            exemplars.put(words - 1, bucket, exemplar);
        }
    }

    /// How many observations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        let counts = self.words().get(1..).unwrap_or_default();
        counts.iter().fold(0, |sum, count| sum.wrapping_add(count.load(Ordering::Relaxed)))
    }

    /// The sum of what was counted, in the unit of the metric.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.slab.layout.scale.sum(self.sum_word())
    }

    pub(super) fn sum_word(&self) -> u64 {
        self.word(0).map_or(0, |sum| sum.load(Ordering::Relaxed))
    }

    /// The sum, and the buckets.
    fn words(&self) -> &[AtomicU64] {
        let begin = self.begin as usize;
        self.slab.words.get(begin..begin + self.slab.layout.words()).unwrap_or_default()
    }

    /// Which of the slab's histograms this is.
    fn at(&self) -> usize {
        self.begin as usize / self.slab.layout.words()
    }

    #[inline]
    fn word(&self, at: usize) -> Option<&AtomicU64> {
        self.slab.words.get(self.begin as usize + at)
    }

    #[inline(never)]
    fn take_nanos(&self, nanos: u64) {
        self.take(self.slab.layout.amount_of_nanos(nanos));
    }

    #[inline(never)]
    fn take_whole(&self, value: u64) {
        self.take(self.slab.layout.amount_of_whole(value));
    }

    fn take(&self, amount: Result<Amount, NoValue>) {
        let amount = match amount {
            Ok(amount) => amount,
            Err(fault) => return self.slab.layout.refuse(fault),
        };
        self.count_native(amount);
        match amount {
            Amount::Units(units) => self.add(units),
            Amount::Fraction(value) => self.add_fraction(value),
        }
    }

    /// Counts in the exponential buckets, if there are some.
    #[inline]
    pub(super) fn count_native(&self, amount: Amount) {
        if !self.slab.natives.is_empty()
            && let Some(native) = self.slab.natives.get(self.at())
        {
            native.count_cell(amount);
        }
    }

    #[inline]
    fn add_quick(&self, units: u64) {
        // The sum first: its place is known, and while the processor is busy with it the bucket is found.
        if let Some(sum) = self.word(0) {
            sum.fetch_add(units, Ordering::Relaxed);
        }
        if let Some(count) = self.word(1 + self.slab.layout.quick_bucket(units)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn add(&self, units: u64) {
        if let (Some(sum), Some(count)) = (self.word(0), self.word(1 + self.slab.layout.bucket(units))) {
            sum.fetch_add(units, Ordering::Relaxed);
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn add_fraction(&self, value: f64) {
        if let Some(sum) = self.word(0) {
            let add = |sum| Some(fraction_sum(sum, value));
            let _ = sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
        if let Some(count) = self.word(1 + self.slab.layout.bucket_of_fraction(value)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What the histograms of its family have in common.
    #[inline]
    pub(super) fn layout(&self) -> &Arc<Layout> {
        &self.slab.layout
    }

    fn exemplars(&self) -> Option<&Exemplars> {
        self.slab.exemplars.get()?.get(self.at())
    }
}

impl std::fmt::Debug for Histogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Histogram").field("count", &self.count()).field("sum", &self.sum()).finish()
    }
}

/// A histogram that somebody else counted.
pub(crate) struct Counted {
    layout: Layout,
    words: Vec<u64>,
}

impl Counted {
    /// `None`: the bounds break a rule, there is not one count for each bucket, or the sum is none of such observations.
    pub(crate) fn new(buckets: &Buckets, unit: Option<Unit>, counts: &[u64], sum: f64) -> Option<Self> {
        let layout = Layout::new(buckets, unit);
        let sum = match layout.scale {
            _ if buckets.fault().is_some() || !sum.is_finite() => return None,
            Scale::Fraction => sum.to_bits(),
            Scale::Nanos | Scale::Whole if sum < 0.0 => return None,
            scale => scale.units(sum),
        };
        let words: Vec<u64> = std::iter::once(sum).chain(counts.iter().copied()).collect();
        (words.len() == layout.words()).then_some(Self { layout, words })
    }

    /// Shows it as the one series of a block.
    pub(crate) fn read(&self, visitor: &mut dyn Visitor, rows: &Rows<'_>) {
        visitor.histograms(rows, &Histograms::new(&self.layout, &self.words, &[]));
    }
}

impl<L: LabelSet> Family<L, Histogram> {
    /// A family of histograms. For times its name ends in `_seconds`, for sizes in `_bytes`.
    #[must_use]
    pub const fn histogram(name: &'static str, help: &'static str, buckets: Buckets) -> Self {
        let fault = buckets.fault();
        Self::fixed(name, help, buckets, fault)
    }
}

impl sealed::Sealed for Histogram {}

/// How many words one block of histograms takes on the stack.
const WORDS: usize = 512;

impl Metric for Histogram {
    type Config = Buckets;
    type Shared = Arc<Layout>;
    const KIND: Kind = Kind::Histogram;

    fn fault(config: &Buckets) -> Option<&'static str> {
        config.fault()
    }

    fn kind(config: &Buckets) -> Kind {
        if config.is_native() { Kind::NativeHistogram } else { Kind::Histogram }
    }

    fn rebucketed(_: &Buckets, buckets: &Buckets) -> Option<Buckets> {
        Some(buckets.clone())
    }

    fn has_buckets(config: &Buckets, buckets: &Buckets) -> bool {
        config == buckets
    }

    fn share(config: &Buckets, unit: Option<Unit>) -> Arc<Layout> {
        Arc::new(Layout::new(config, unit))
    }

    fn new(layout: &Arc<Layout>) -> Self {
        Self { slab: Arc::new(Slab::new(layout, 1)), begin: 0 }
    }

    fn births(layout: &Arc<Layout>, count: usize) -> Vec<Self> {
        let slab = Arc::new(Slab::new(layout, count));
        // At most 65,536 histograms of 130 words.
        let births =
            (0..count).map(|at| Self { slab: Arc::clone(&slab), begin: (at * layout.words()) as u32 });
        births.collect()
    }

    fn read<'a>(
        layout: &'a Arc<Layout>,
        cells: impl Iterator<Item = (u64, &'a Self)>,
        blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    ) {
        show(layout, cells.map(|(key, histogram)| (key, histogram, ())), blocks, visitor, |(), _| {});
    }

    fn rejected<'a>(layout: &Arc<Layout>, _: impl Iterator<Item = &'a Self>) -> Rejected {
        layout.rejected()
    }
}

/// Shows histograms, with their keys, to a visitor; `more` adds to the words of each what is counted elsewhere.
pub(super) fn show<'a, E>(
    mut layout: &'a Arc<Layout>,
    cells: impl Iterator<Item = (u64, &'a Histogram, E)>,
    mut blocks: Blocks<'_>,
    visitor: &mut dyn Visitor,
    more: impl Fn(E, &mut [u64]),
) {
    if let Some(native) = layout.native() {
        return show_native(native, cells, blocks, visitor, more);
    }
    const { assert!(MAX_BOUNDS + 2 <= WORDS, "a block has room for one histogram at least") };
    let mut keys = [0_u64; BLOCK];
    let mut words = [0_u64; WORDS];
    let mut exemplars = [None; BLOCK];
    let mut filled = 0;
    let mut emit = |layout: &Layout, keys: &[u64], words: &[u64], exemplars: &[Option<&Exemplars>]| {
        let rows = blocks.next(keys);
        let words = &words[..keys.len() * layout.words()];
        visitor.histograms(&rows, &Histograms::new(layout, words, &exemplars[..keys.len()]));
    };
    for (key, histogram, elsewhere) in cells {
        // A block is of one layout: those with bounds of their own stand apart.
        let full = filled == (WORDS / layout.words()).min(BLOCK);
        if full || (filled > 0 && !Arc::ptr_eq(layout, &histogram.slab.layout)) {
            emit(layout, &keys[..filled], &words, &exemplars);
            filled = 0;
        }
        layout = &histogram.slab.layout;
        keys[filled] = key;
        exemplars[filled] = histogram.exemplars();
        let begin = filled * layout.words();
        let own = &mut words[begin..begin + layout.words()];
        for (to, word) in own.iter_mut().zip(histogram.words()) {
            *to = word.load(Ordering::Relaxed);
        }
        more(elsewhere, own);
        filled += 1;
    }
    if filled > 0 {
        emit(layout, &keys[..filled], &words, &exemplars);
    }
}

/// The same of those that have exponential buckets, too.
fn show_native<'a, E>(
    native: &NativeShared,
    cells: impl Iterator<Item = (u64, &'a Histogram, E)>,
    mut blocks: Blocks<'_>,
    visitor: &mut dyn Visitor,
    more: impl Fn(E, &mut [u64]),
) {
    let mut words = [0_u64; WORDS];
    let mut scratch = native.take_scratch();
    for (key, histogram, elsewhere) in cells {
        let layout = &histogram.slab.layout;
        // What is in a classic bucket was in a cell before.
        let own = &mut words[..layout.words()];
        for (to, word) in own.iter_mut().zip(histogram.words()) {
            *to = word.load(Ordering::Relaxed);
        }
        more(elsewhere, own);
        let Some(native) = histogram.slab.natives.get(histogram.at()) else { continue };
        native.read_cells(&mut scratch);
        let (keys, exemplars) = ([key], [histogram.exemplars()]);
        let reading = NativeReading::new(layout, &scratch, own, &exemplars);
        visitor.native_histogram(&blocks.next(&keys), &reading);
    }
    native.give_back(scratch);
}

impl Slab {
    fn new(layout: &Arc<Layout>, count: usize) -> Self {
        let words = (0..count * layout.words()).map(|_| AtomicU64::new(0)).collect();
        let natives = layout.native().map(|native| NativeHistogram::beside(native, count));
        Self {
            layout: Arc::clone(layout),
            words,
            exemplars: OnceBox::new(),
            natives: natives.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(histogram: &Histogram) -> Vec<u64> {
        histogram.words()[1..].iter().map(|word| word.load(Ordering::Relaxed)).collect()
    }

    // Catches: `<` for `<=` at a bound; a sum kept in f64, which loses the nanosecond.
    #[test]
    fn times_are_summed_to_the_nanosecond() {
        let histogram = Histogram::new(&Buckets::new(&[0.1, 1.0]), Some(Unit::Seconds));
        histogram.observe(0.1);
        histogram.observe_nanos(100_000_001);
        histogram.observe_duration(Duration::from_secs(1_000_000));
        histogram.observe_nanos(1);
        assert_eq!(counts(&histogram), [2, 1, 1]);
        assert_eq!(histogram.words()[0].load(Ordering::Relaxed), 1_000_000_200_000_002);
        assert_eq!(histogram.count(), 4);
    }

    #[test]
    fn numbers_keep_their_fraction_and_their_sign() {
        let histogram = Histogram::new(&Buckets::new(&[-1.0, 0.5]), None);
        for value in [-2.0, -1.0, 0.5, 0.75] {
            histogram.observe(value);
        }
        assert_eq!(counts(&histogram), [2, 1, 1]);
        assert_eq!(histogram.sum(), -1.75);
        histogram.observe_u64(3);
        histogram.observe_nanos(250_000_000);
        assert_eq!(histogram.sum(), 1.5);
    }

    // Catches: NaN in the sum, a negative time wrapped to 584 years.
    #[test]
    fn what_is_no_value_is_counted_apart() {
        let times = Histogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, 1e300] {
            times.observe(value);
        }
        times.observe_duration(Duration::MAX);
        assert_eq!(times.slab.layout.rejected(), Rejected { not_finite: 3, out_of_range: 3 });
        assert_eq!((times.count(), times.sum()), (0, 0.0));
    }

    // Catches: neighbours in a slab that overlap.
    #[test]
    fn neighbours_do_not_share_words() {
        let layout = Arc::new(Layout::new(&Buckets::new(&[1.0]), None));
        let histograms = Histogram::births(&layout, 3);
        histograms[1].observe(0.5);
        histograms[1].observe(2.0);
        let all: Vec<u64> = histograms.iter().map(Histogram::count).collect();
        assert_eq!(all, [0, 2, 0]);
    }
}
