//! Observations counted in exponential buckets.

mod buckets;
mod cells;
mod index;
mod reading;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use buckets::NativeBuckets;
use cells::{Cells, Range};
pub(super) use reading::NativeCounts;
pub use reading::NativeReading;

use super::buckets::{Amount, Buckets, Layout, NoValue, Scale};
use super::exemplar::{Exemplar, Exemplars};
use super::family::Family;
use super::kind::{Kind, Rejected, Unit};
use super::snapshot::{Blocks, Metric, Visitor, sealed};
use super::timer::Timer;
use crate::label::LabelSet;

/// Counts observations in exponential buckets, which need no bounds chosen beforehand, and sums them: what Prometheus
/// calls a native histogram, and OpenTelemetry an exponential one.
///
/// By default a quantile that is read from it is at most 0.55 % off, whatever is measured, as long as that is spread over
/// less than a factor of a million; beyond that twice as much, and so on: see [`NativeBuckets`]. Buckets add up over
/// instances and over time, as those of a [`Histogram`](super::Histogram) do. It needs a scraper that asks for the
/// protobuf format, as Prometheus does from 2.40 on with `--enable-feature=native-histograms`, or OTLP; what knows text
/// only is shown the classic buckets that may stand beside.
///
/// Recording takes no lock. Memory comes when a range of values is first seen, 512 bytes for half an octave at the default
/// schema: some kilobytes a series for what is usually measured, and 64 at most for times and sizes.
///
/// The unit of its family decides how it sums, as for a [`Histogram`](super::Histogram). Times and sizes are not negative:
/// a negative one is dropped and counted, as are not-a-number and infinity. Other numbers may be negative; what is no
/// further from 0 than 2^-64 counts as 0, and what is further than 2^64 is dropped and counted.
///
/// ```
/// use observe_core::metric::{NativeBuckets, NativeHistogram, Unit};
/// use std::time::Duration;
///
/// let waits = NativeHistogram::new(&NativeBuckets::new(), Some(Unit::Seconds));
/// waits.observe(0.3);
/// waits.observe_duration(Duration::from_millis(7));
/// assert_eq!((waits.count(), waits.sum()), (2, 0.307));
/// ```
pub struct NativeHistogram {
    shared: Arc<Shared>,
    cells: Cells,
    zero: AtomicU64,
    sum: AtomicU64,
    /// The classic buckets; none unless they were chosen.
    classic: Box<[AtomicU64]>,
    exemplars: Exemplars,
}

/// What the native histograms of a family have in common.
pub struct Shared {
    /// Of the classic buckets, or of none.
    layout: Layout,
    range: Range,
    schema: i8,
    most: usize,
    /// What the last reading was written into, for the next one.
    scratch: Mutex<NativeCounts>,
}

/// How many exemplars are kept where there are no classic buckets to keep them by.
const EXEMPLARS: usize = 8;

/// How many exemplars are kept.
fn places(layout: &Layout) -> usize {
    if layout.bounds().is_empty() { EXEMPLARS } else { layout.bounds().len() + 1 }
}

impl Shared {
    fn new(buckets: &NativeBuckets, unit: Option<Unit>) -> Self {
        // A family that was refused can still be touched.
        let schema = buckets.schema.clamp(index::COARSEST, index::FINEST);
        let layout = Layout::new(buckets.classic.as_ref().unwrap_or(&Buckets::new(&[])), unit);
        let range = Range::of(layout.scale, schema);
        Self { range, schema, most: usize::from(buckets.most), layout, scratch: Mutex::default() }
    }
}

impl NativeHistogram {
    /// A native histogram of no family.
    #[must_use]
    pub fn new(buckets: &NativeBuckets, unit: Option<Unit>) -> Self {
        <Self as Metric>::new(&Arc::new(Shared::new(buckets, unit)))
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
        self.take(self.shared.layout.amount_of_nanos(nanos));
    }

    /// Counts a whole number of the metric's unit: a size in bytes.
    #[inline]
    pub fn observe_u64(&self, value: u64) {
        self.take(self.shared.layout.amount_of_whole(value));
    }

    /// Measures from now until the guard is dropped.
    #[inline]
    pub fn timer(&self) -> Timer<'_> {
        Timer::native(self)
    }

    /// Names the trace of an observation that was counted before: see
    /// [`Histogram::exemplify`](super::Histogram::exemplify). Kept is the latest of each classic bucket; without these
    /// the latest of each octave, of eight octaves at most.
    pub fn exemplify(&self, exemplar: &Exemplar) {
        let Shared { layout, range, .. } = &*self.shared;
        let value = exemplar.value;
        let is_none = !value.is_finite()
            || layout.scale != Scale::Fraction && value < 0.0
            || value.abs() > range.largest();
        if is_none {
            return;
        }
        let place = if !layout.bounds().is_empty() {
            match layout.amount(value) {
                Ok(Amount::Units(units)) => layout.bucket(units),
                Ok(Amount::Fraction(value)) => layout.bucket_of_fraction(value),
                Err(_) => return,
            }
        } else if value.abs() <= range.zero_threshold() {
            0
        } else {
            range.octave(range.positive(value.abs())) % EXEMPLARS
        };
        self.exemplars.put(places(layout), place, exemplar);
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

    #[inline]
    fn take(&self, amount: Result<Amount, NoValue>) {
        match amount {
            Ok(Amount::Units(units)) => self.add(units),
            Ok(Amount::Fraction(value)) => self.add_f64(value),
            Err(fault) => self.shared.layout.refuse(fault),
        }
    }

    #[inline]
    fn add(&self, units: u64) {
        let Shared { layout, range, .. } = &*self.shared;
        if units == 0 {
            self.zero.fetch_add(1, Ordering::Relaxed);
        } else {
            self.cells.count(range.positive(layout.scale.sum(units)));
        }
        self.sum.fetch_add(units, Ordering::Relaxed);
        self.add_classic(layout.bucket(units));
    }

    fn add_f64(&self, value: f64) {
        let Shared { layout, range, .. } = &*self.shared;
        if value.abs() > range.largest() {
            return layout.refuse(NoValue::OutOfRange);
        }
        if value.abs() <= range.zero_threshold() {
            self.zero.fetch_add(1, Ordering::Relaxed);
        } else {
            let cell = if value > 0.0 { range.positive(value) } else { range.negative(value) };
            self.cells.count(cell);
        }
        let add = |sum| Some((f64::from_bits(sum) + value).to_bits());
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        self.add_classic(layout.bucket_of_fraction(value));
    }

    /// Whoever sees it here sees it in its cell, too: so the classic buckets never have more than the others.
    #[inline]
    fn add_classic(&self, bucket: usize) {
        if let Some(count) = self.classic.get(bucket) {
            count.fetch_add(1, Ordering::Release);
        }
    }

    fn read_into(&self, counts: &mut NativeCounts) {
        let Shared { range, most, schema, .. } = &*self.shared;
        let NativeCounts { positive, negative, words, .. } = counts;
        positive.clear();
        negative.clear();
        words.clear();
        words.push(self.sum.load(Ordering::Relaxed));
        words.extend(self.classic.iter().map(|count| count.load(Ordering::Acquire)));
        counts.zero = self.zero.load(Ordering::Relaxed);
        self.cells.each(
            *range,
            |index, count| positive.push((index, count)),
            |index, count| negative.push((index, count)),
        );
        (counts.schema, counts.most, counts.zero_threshold) = (range.schema(), *most, range.zero_threshold());
        counts.lower(*schema);
        // Nothing that was counted is ever taken back: what has too many buckets has them from now on, so the schema does
        // not rise again.
        counts.bound();
        if self.classic.is_empty() {
            let total = counts.total();
            counts.words.push(total);
        }
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
    type Shared = Arc<Shared>;
    const KIND: Kind = Kind::NativeHistogram;

    fn fault(config: &NativeBuckets) -> Option<&'static str> {
        config.fault()
    }

    fn rebucketed(config: &NativeBuckets, buckets: &Buckets) -> Option<NativeBuckets> {
        Some(config.beside(buckets))
    }

    fn has_buckets(config: &NativeBuckets, buckets: &Buckets) -> bool {
        config.classic.as_ref() == Some(buckets)
    }

    fn share(config: &NativeBuckets, unit: Option<Unit>) -> Arc<Shared> {
        Arc::new(Shared::new(config, unit))
    }

    fn new(shared: &Arc<Shared>) -> Self {
        let classic = match shared.layout.bounds().len() {
            0 => 0,
            bounds => bounds + 1,
        };
        Self {
            cells: Cells::new(shared.range),
            zero: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            classic: (0..classic).map(|_| AtomicU64::new(0)).collect(),
            exemplars: Exemplars::default(),
            shared: Arc::clone(shared),
        }
    }

    fn read<'a>(
        shared: &'a Arc<Shared>,
        cells: impl Iterator<Item = (u64, &'a Self)>,
        mut blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    ) {
        let scratch = || shared.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: the visitor may be anybody's, and no lock is held while it looks.
        let mut counts = std::mem::take(&mut *scratch());
        for (key, histogram) in cells {
            histogram.read_into(&mut counts);
            let (keys, exemplars) = ([key], [Some(&histogram.exemplars)]);
            visitor.native_histogram(
                &blocks.next(&keys),
                &NativeReading::new(&shared.layout, &counts, &exemplars),
            );
        }
        *scratch() = counts;
    }

    fn rejected<'a>(shared: &Arc<Shared>, _: impl Iterator<Item = &'a Self>) -> Rejected {
        shared.layout.rejected()
    }
}

#[cfg(test)]
mod tests;
