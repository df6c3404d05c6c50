//! Observations counted in exponential buckets.

mod buckets;
mod cells;
mod index;
mod reading;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

pub use buckets::NativeBuckets;
use cells::{Cells, Range};
pub(super) use reading::NativeCounts;
pub use reading::NativeReading;

use super::buckets::{Buckets, Layout};
use super::exemplar::{Exemplar, Exemplars};
use super::family::Family;
use super::kind::{Kind, Rejected, Unit};
use super::scale::{Amount, NoValue, Scale, fraction_sum};
use super::snapshot::{Blocks, Metric, Visitor, sealed};
use super::timer::Timer;
use crate::label::LabelSet;
use crate::sync::{AtomicU64, Mutex, Ordering};

/// Counts observations in exponential buckets, which need no bounds chosen beforehand, and sums them: what Prometheus
/// calls a native histogram, and OpenTelemetry an exponential one.
///
/// By default a quantile that is read from it is at most 0.55 % off, whatever is measured, as long as that is spread over
/// less than a factor of a million; beyond that twice as much, and so on: see [`NativeBuckets`]. Buckets add up over
/// instances and over time, as those of a [`Histogram`](super::Histogram) do. It needs a scraper that asks for the
/// protobuf format, as Prometheus does from 2.40 on with `--enable-feature=native-histograms`, or OTLP; what knows text
/// only is shown the count and the sum: [`Buckets::and_native`](super::Buckets::and_native) has classic buckets beside.
///
/// Recording takes no lock. Memory comes when a range of values is first seen, 512 bytes for half an octave at the default
/// schema: some kilobytes a series for what is usually measured, 64 at most for times and sizes by the default schema, and
/// twice as much by the next finer one. A family with an open label makes them for 32 series at a time.
///
/// The unit of its family decides how it sums, as for a [`Histogram`](super::Histogram). Times and sizes are not negative:
/// a negative one is dropped and counted, as are not-a-number and infinity. Other numbers may be negative; what is no
/// further from 0 than 2^-64 counts as 0, and what is further than 2^64 is dropped and counted.
///
/// ```
/// use observe_core::metric::{NativeBuckets, NativeHistogram, Unit};
/// use std::time::Duration;
///
/// let waits = NativeHistogram::new(NativeBuckets::new(), Some(Unit::Seconds));
/// waits.observe(0.3);
/// waits.observe_duration(Duration::from_millis(7));
/// assert_eq!((waits.count(), waits.sum()), (2, 0.307));
/// ```
pub struct NativeHistogram {
    shared: Arc<NativeShared>,
    cells: Cells,
    zero: AtomicU64,
    sum: AtomicU64,
    exemplars: Exemplars,
}

/// What the native histograms of a family have in common.
pub struct NativeShared {
    /// Of no classic buckets.
    layout: Layout,
    range: Range,
    buckets: NativeBuckets,
    /// What the last reading was written into, for the next one.
    scratch: Mutex<NativeCounts>,
}

/// How many exemplars are kept where there are no classic buckets to keep them by.
const EXEMPLARS: usize = 8;

/// How many exemplars are kept.
fn places(layout: &Layout) -> usize {
    if layout.bounds().is_empty() { EXEMPLARS } else { layout.bounds().len() + 1 }
}

impl NativeShared {
    pub(super) fn new(buckets: NativeBuckets, unit: Option<Unit>) -> Self {
        // A family that was refused can still be touched.
        let schema = buckets.schema.clamp(index::COARSEST, index::FINEST);
        let layout = Layout::new(&Buckets::new(&[]), unit);
        let range = Range::of(layout.scale, schema);
        Self { range, buckets: buckets.schema(schema), layout, scratch: Mutex::default() }
    }

    /// What to read into, to be given back. It is taken out: a visitor may be anybody's, and no lock is held while one
    /// looks.
    pub(super) fn take_scratch(&self) -> NativeCounts {
        std::mem::take(&mut *self.scratch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn give_back(&self, scratch: NativeCounts) {
        *self.scratch.lock().unwrap_or_else(PoisonError::into_inner) = scratch;
    }
}

impl NativeHistogram {
    /// A native histogram of no family.
    #[must_use]
    pub fn new(buckets: NativeBuckets, unit: Option<Unit>) -> Self {
        <Self as Metric>::new(&Arc::new(NativeShared::new(buckets, unit)))
    }

    /// Counts one observation, in the unit of the metric.
    #[inline]
    pub fn observe(&self, value: f64) {
        self.take(self.shared.layout.amount(value));
    }

    /// Counts a time.
    #[inline]
    pub fn observe_duration(&self, time: Duration) {
        self.observe_nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a time in nanoseconds.
    #[inline]
    pub fn observe_nanos(&self, nanos: u64) {
        if self.shared.layout.takes_nanos(nanos) {
            self.count_amount(Amount::Units(nanos));
        } else {
            self.take(self.shared.layout.amount_of_nanos(nanos));
        }
    }

    /// Counts a whole number of the metric's unit: a size in bytes.
    #[inline]
    pub fn observe_u64(&self, value: u64) {
        if self.shared.layout.takes_whole(value) {
            self.count_amount(Amount::Units(value));
        } else {
            self.take(self.shared.layout.amount_of_whole(value));
        }
    }

    /// Measures from now until the guard is dropped.
    #[inline]
    pub fn timer(&self) -> Timer<'_> {
        Timer::native(self)
    }

    /// Names the trace of an observation that was counted before: see
    /// [`Histogram::exemplify`](super::Histogram::exemplify). Kept is the latest of each octave, of eight octaves at most.
    pub fn exemplify(&self, exemplar: &Exemplar) {
        let NativeShared { layout, range, .. } = &*self.shared;
        let value = exemplar.value;
        let is_none = !value.is_finite()
            || layout.scale != Scale::Fraction && value < 0.0
            || value.abs() > range.largest();
        if is_none {
            return;
        }
        let place = if value.abs() <= range.zero_threshold() {
            0
        } else {
            range.octave(range.positive(value.abs())) % EXEMPLARS
        };
        self.exemplars.put(EXEMPLARS, place, exemplar);
    }

    /// How many observations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.zero.load(Ordering::Relaxed).wrapping_add(self.cells.total())
    }

    /// The sum of what was counted, in the unit of the metric.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.shared.layout.scale.sum(self.sum.load(Ordering::Relaxed))
    }

    fn take(&self, amount: Result<Amount, NoValue>) {
        let layout = &self.shared.layout;
        match amount {
            Ok(Amount::Fraction(value)) if value.abs() > self.shared.range.largest() => {
                layout.refuse(NoValue::OutOfRange);
            }
            Ok(amount) => self.count_amount(amount),
            Err(fault) => layout.refuse(fault),
        }
    }

    #[inline]
    fn count_amount(&self, amount: Amount) {
        self.count_cell(amount);
        match amount {
            Amount::Units(units) => {
                self.sum.fetch_add(units, Ordering::Relaxed);
            }
            Amount::Fraction(value) => {
                let add = |sum| Some(fraction_sum(sum, value));
                let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
            }
        }
    }

    /// Counts what was found to be a value, in its bucket and nowhere else: beyond the outermost one in that.
    #[inline]
    pub(super) fn count_cell(&self, amount: Amount) {
        let NativeShared { layout, range, .. } = &*self.shared;
        let value = match amount {
            Amount::Units(units) => layout.scale.sum(units),
            Amount::Fraction(value) => value.clamp(-range.largest(), range.largest()),
        };
        if value.abs() <= range.zero_threshold() {
            self.zero.fetch_add(1, Ordering::Relaxed);
        } else if value > 0.0 {
            self.cells.count(range.positive(value));
        } else {
            self.cells.count(range.negative(value));
        }
    }

    pub(super) fn read_cells(&self, counts: &mut NativeCounts) {
        let NativeShared { range, buckets, .. } = &*self.shared;
        let NativeCounts { positive, negative, .. } = counts;
        positive.clear();
        negative.clear();
        self.cells.each(
            *range,
            |index, count| positive.push((index, count)),
            |index, count| negative.push((index, count)),
        );
        counts.zero = self.zero.load(Ordering::Relaxed);
        (counts.schema, counts.most, counts.zero_threshold) =
            (range.schema(), usize::from(buckets.most), range.zero_threshold());
        counts.lower(buckets.schema);
        // Nothing that was counted is ever taken back: what has too many buckets has them from now on, so the schema does
        // not rise again.
        counts.bound();
    }

    /// As many that count nothing but exponential buckets.
    pub(super) fn beside(shared: &Arc<NativeShared>, count: usize) -> Box<[Self]> {
        (0..count).map(|_| <Self as Metric>::new(shared)).collect()
    }
}

impl std::fmt::Debug for NativeHistogram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeHistogram").field("count", &self.count()).field("sum", &self.sum()).finish()
    }
}

impl<L: LabelSet> Family<L, NativeHistogram> {
    /// How many series a family of native histograms has at most, unless [`max_series`](Family::max_series) says
    /// otherwise: each takes more than a classic one does.
    pub const DEFAULT_MAX_NATIVE_HISTOGRAMS: u32 = 1_000;

    /// A family of native histograms, of at most a thousand series. For times its name ends in `_seconds`, for sizes in
    /// `_bytes`.
    #[must_use]
    pub const fn native_histogram(name: &'static str, help: &'static str, buckets: NativeBuckets) -> Self {
        let fault = buckets.fault();
        Self::fixed(name, help, buckets, fault).max_series(Self::DEFAULT_MAX_NATIVE_HISTOGRAMS)
    }
}

impl sealed::Sealed for NativeHistogram {}

impl Metric for NativeHistogram {
    type Config = NativeBuckets;
    type Shared = Arc<NativeShared>;
    const KIND: Kind = Kind::NativeHistogram;

    fn fault(config: &NativeBuckets) -> Option<&'static str> {
        config.fault()
    }

    fn share(config: &NativeBuckets, unit: Option<Unit>) -> Arc<NativeShared> {
        Arc::new(NativeShared::new(*config, unit))
    }

    fn new(shared: &Arc<NativeShared>) -> Self {
        Self {
            cells: Cells::new(shared.range),
            zero: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            exemplars: Exemplars::default(),
            shared: Arc::clone(shared),
        }
    }

    fn read<'a>(
        shared: &'a Arc<NativeShared>,
        cells: impl Iterator<Item = (u64, &'a Self)>,
        mut blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    ) {
        let mut counts = shared.take_scratch();
        for (key, histogram) in cells {
            let sum = histogram.sum.load(Ordering::Relaxed);
            histogram.read_cells(&mut counts);
            // As classic buckets it is `+Inf` alone.
            let words = [sum, counts.total()];
            let (keys, exemplars) = ([key], [Some(&histogram.exemplars)]);
            let reading = NativeReading::new(&shared.layout, &counts, &words, &exemplars);
            visitor.native_histogram(&blocks.next(&keys), &reading);
        }
        shared.give_back(counts);
    }

    fn rejected<'a>(shared: &Arc<NativeShared>, _: impl Iterator<Item = &'a Self>) -> Rejected {
        shared.layout.rejected()
    }
}

#[cfg(test)]
mod tests;
