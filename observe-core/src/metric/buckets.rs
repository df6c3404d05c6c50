//! The bounds of a histogram, and finding the bucket of a value.

use std::borrow::Cow;
use std::sync::Arc;

use super::kind::{Rejected, Unit};
use super::native_histogram::{NativeBuckets, NativeShared};
use super::scale::{Amount, LIMIT, NoValue, Scale, fraction_sum};
use super::text::Le;
use crate::error::{Error, Kind};
use crate::sync::{AtomicU64, Ordering};

/// The most bounds a histogram has.
pub const MAX_BOUNDS: usize = 128;

/// The upper bounds of a histogram's buckets, increasing; the last bucket, `+Inf`, is not named.
///
/// ```
/// use observe_core::metric::Buckets;
///
/// const FAST: Buckets = Buckets::new(&[0.001, 0.002, 0.005, 0.01]);
/// let wide = Buckets::exponential(1.0, 2.0, 10)?;
/// assert_eq!(wide.bounds().last(), Some(&512.0));
/// assert!(Buckets::linear(0.0, -1.0, 3).unwrap_err().is_invalid());
/// # let _ = FAST;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    bounds: Cow<'static, [f64]>,
    /// Of the exponential buckets beside them, if there are some.
    native: Option<NativeBuckets>,
}

impl Buckets {
    /// From 5 ms to 10 s: the bounds that the OpenTelemetry HTTP conventions advise for durations.
    pub const SECONDS: Buckets =
        Buckets::new(&[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]);

    /// From 256 B to 64 MiB in steps of 4.
    pub const BYTES: Buckets = Buckets::new(&[
        256.0,
        1_024.0,
        4_096.0,
        16_384.0,
        65_536.0,
        262_144.0,
        1_048_576.0,
        4_194_304.0,
        16_777_216.0,
        67_108_864.0,
    ]);

    /// These bounds: finite, increasing, from 1 to 128 of them.
    ///
    /// Whether they are is asked where the family is registered, and by `#[metric]` while compiling.
    #[must_use]
    pub const fn new(bounds: &'static [f64]) -> Self {
        Self { bounds: Cow::Borrowed(bounds), native: None }
    }

    /// `count` bounds, each `width` above the one before; the first is `start`.
    ///
    /// # Errors
    ///
    /// If they are not finite and increasing, or not 1 to 128 ([`Error::is_invalid`]).
    pub fn linear(start: f64, width: f64, count: usize) -> Result<Self, Error> {
        Self::made(count, |i| start + width * i as f64)
    }

    /// `count` bounds, each `factor` times the one before; the first is `start`.
    ///
    /// # Errors
    ///
    /// If they are not finite and increasing, or not 1 to 128 ([`Error::is_invalid`]).
    pub fn exponential(start: f64, factor: f64, count: usize) -> Result<Self, Error> {
        Self::made(count, |i| start * factor.powi(i32::try_from(i).unwrap_or(i32::MAX)))
    }

    fn made(count: usize, bound: impl Fn(usize) -> f64) -> Result<Self, Error> {
        // One more than allowed at most, which the rule then refuses.
        let bounds: Vec<f64> = (0..count.min(MAX_BOUNDS + 1)).map(bound).collect();
        Self::try_from(bounds)
    }

    /// With exponential buckets beside these: whatever is declared with them is a native histogram to whoever reads such,
    /// and a classic one to whoever does not. In a [`View`](super::View) it makes one of any histogram, of those of this
    /// library too. A recording costs what both cost; a number further from 0 than 2^64 counts in the outermost bucket.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_core::metric::{Buckets, NativeBuckets, View};
    ///
    /// let both = Buckets::SECONDS.and_native(NativeBuckets::new());
    /// let telemetry = Telemetry::builder("shop")
    ///     .view(View::of("http_server_request_duration_seconds").buckets(both))
    ///     .build()?;
    /// # let _ = telemetry;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub const fn and_native(mut self, native: NativeBuckets) -> Self {
        self.native = Some(native);
        self
    }

    /// Whether there are exponential buckets beside them.
    pub(super) const fn is_native(&self) -> bool {
        self.native.is_some()
    }

    /// The bounds.
    #[must_use]
    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The rule that the bounds break, if any.
    pub(crate) const fn fault(&self) -> Option<&'static str> {
        if let Some(native) = self.native
            && let Some(fault) = native.fault()
        {
            return Some(fault);
        }
        match &self.bounds {
            Cow::Borrowed(bounds) => bounds_fault(bounds),
            // Only made by `try_from`, which has asked.
            Cow::Owned(_) => None,
        }
    }
}

impl TryFrom<Vec<f64>> for Buckets {
    type Error = Error;

    /// # Errors
    ///
    /// If the bounds are not finite and increasing, or not 1 to 128 ([`Error::is_invalid`]).
    fn try_from(bounds: Vec<f64>) -> Result<Self, Error> {
        match bounds_fault(&bounds) {
            None => Ok(Self { bounds: Cow::Owned(bounds), native: None }),
            Some(fault) => Err(Error::new(Kind::Invalid, fault)),
        }
    }
}

const fn bounds_fault(bounds: &[f64]) -> Option<&'static str> {
    if bounds.is_empty() {
        return Some("a histogram has at least one bound");
    }
    if bounds.len() > MAX_BOUNDS {
        return Some("a histogram has at most 128 bounds");
    }
    let mut i = 0;
    while i < bounds.len() {
        if !bounds[i].is_finite() {
            return Some("the bounds of a histogram are finite (`+Inf` is always there)");
        }
        if i > 0 && bounds[i - 1] >= bounds[i] {
            return Some("the bounds of a histogram increase");
        }
        i += 1;
    }
    None
}

/// What is counted just as it is, and finds its bucket by one comparison.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quick {
    Nanos,
    Whole,
    Nothing,
}

/// What the histograms of a family have in common.
#[derive(Clone)]
pub struct Layout {
    pub(super) scale: Scale,
    bounds: Box<[f64]>,
    /// The smallest number of units beyond each bound, and then one that nothing reaches: as many as a `u8` can
    /// tell apart, in place, to save the hottest path a check and a load.
    thresholds: [u64; 256],
    /// How many thresholds every value of a class has passed.
    first: [u8; CLASSES],
    /// How many thresholds lie within one class, at most.
    steps: u8,
    quick: Quick,
    native: Option<Arc<NativeShared>>,
    le: Box<[Le]>,
    refused: Arc<Refused>,
}

/// What was observed and is no value, in all series of a family.
#[derive(Default)]
struct Refused {
    not_finite: AtomicU64,
    out_of_range: AtomicU64,
}

/// A quarter of an octave each: four times the 64 places of the highest bit.
const CLASSES: usize = 256;

/// The class of a number: its highest bit and the two below. Grows with the number.
#[inline]
const fn class(units: u64) -> usize {
    let shifted = units.saturating_add(4);
    let high = shifted.ilog2();
    // The highest bit of the second part is one too many: taken off in the first.
    (((high - 1) << 2) as usize + (shifted >> (high - 2)) as usize) % CLASSES
}

/// The smallest number of a class.
fn class_begin(class: usize) -> u64 {
    let (high, below) = ((class >> 2) as u32, class as u64 & 3);
    if high < 2 { 0 } else { ((4 | below) << (high - 2)) - 4 }
}

impl Layout {
    pub(super) fn new(buckets: &Buckets, unit: Option<Unit>) -> Self {
        let native = buckets.native.map(|native| Arc::new(NativeShared::new(native, unit)));
        Self::classic(buckets, unit).with_native(native)
    }

    /// Of these buckets alone, without exponential ones.
    pub(super) fn classic(buckets: &Buckets, unit: Option<Unit>) -> Self {
        Self::made(buckets, Scale::of(unit), Arc::default())
    }

    /// What is counted in exponential buckets, too, does not go the quickest way.
    fn with_native(mut self, native: Option<Arc<NativeShared>>) -> Self {
        if native.is_some() {
            self.quick = Quick::Nothing;
        }
        self.native = native;
        self
    }

    /// What its histograms have in common as native ones, if they are.
    pub(super) fn native(&self) -> Option<&Arc<NativeShared>> {
        self.native.as_ref()
    }

    /// The layout of a series of the same family that has bounds of its own.
    pub(super) fn with_bounds(&self, buckets: &Buckets) -> Self {
        Self::made(buckets, self.scale, Arc::clone(&self.refused)).with_native(self.native.clone())
    }

    /// The bounds that both have.
    pub(super) fn common(&self, other: &Layout) -> Self {
        let both = self.bounds.iter().copied().filter(|bound| other.bounds.contains(bound));
        let buckets = Buckets { bounds: Cow::Owned(both.collect()), native: None };
        Self::made(&buckets, self.scale, Arc::default())
    }

    /// Adds the words of one histogram to those of another.
    pub(super) fn add(&self, to: &mut [u64], words: impl IntoIterator<Item = u64>) {
        for (at, (to, word)) in to.iter_mut().zip(words).enumerate() {
            *to = match self.scale {
                Scale::Fraction if at == 0 => fraction_sum(*to, f64::from_bits(word)),
                _ => to.wrapping_add(word),
            };
        }
    }

    fn made(buckets: &Buckets, scale: Scale, refused: Arc<Refused>) -> Self {
        // A family that was refused can still be touched: then only what is sound of its bounds is kept.
        let mut bounds: Vec<f64> = Vec::new();
        for bound in buckets.bounds().iter().take(MAX_BOUNDS) {
            if bound.is_finite() && bounds.last().is_none_or(|last| last < bound) {
                bounds.push(*bound);
            }
        }
        let beyond = |bound: &f64| match *bound {
            bound if bound < 0.0 => 0,
            bound => scale.units(bound).saturating_add(1),
        };
        let mut thresholds = [u64::MAX; 256];
        for (threshold, bound) in thresholds.iter_mut().zip(&bounds) {
            *threshold = beyond(bound);
        }
        let passed = |units: u64| thresholds.partition_point(|threshold| *threshold <= units);
        let mut first = [0; CLASSES];
        let mut steps = 0;
        for (class, first) in first.iter_mut().enumerate() {
            let begin = passed(class_begin(class));
            let end = if class + 1 < CLASSES {
                passed(class_begin(class + 1).saturating_sub(1))
            } else {
                bounds.len()
            };
            *first = u8::try_from(begin).unwrap_or(u8::MAX);
            steps = steps.max(end.saturating_sub(begin));
        }
        Self {
            scale,
            le: bounds.iter().copied().map(Some).chain([None]).map(Le::new).collect(),
            bounds: bounds.into_boxed_slice(),
            thresholds,
            first,
            steps: u8::try_from(steps).unwrap_or(u8::MAX),
            quick: match scale {
                Scale::Nanos if steps <= 1 => Quick::Nanos,
                Scale::Whole if steps <= 1 => Quick::Whole,
                _ => Quick::Nothing,
            },
            native: None,
            refused,
        }
    }

    /// The bounds, without `+Inf`.
    pub(crate) fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    /// The text of each bucket's label.
    pub(super) fn le(&self) -> &[Le] {
        &self.le
    }

    /// How many words a histogram takes: its buckets and its sum.
    pub(super) fn words(&self) -> usize {
        self.bounds.len() + 2
    }

    /// A value in the unit of the metric, as it is counted.
    pub(super) fn amount(&self, value: f64) -> Result<Amount, NoValue> {
        match self.scale {
            _ if !value.is_finite() => Err(NoValue::NotFinite),
            Scale::Fraction => Ok(Amount::Fraction(value)),
            _ if value < 0.0 => Err(NoValue::OutOfRange),
            scale => Amount::units(scale.units(value)),
        }
    }

    /// Whether a time goes the quickest way: it is counted just as it is, and finds its bucket by one comparison.
    #[inline]
    pub(super) fn takes_nanos(&self, nanos: u64) -> bool {
        self.quick == Quick::Nanos && nanos < LIMIT
    }

    /// Whether a whole number goes the quickest way.
    #[inline]
    pub(super) fn takes_whole(&self, value: u64) -> bool {
        self.quick == Quick::Whole && value < LIMIT
    }

    /// A time.
    pub(super) fn amount_of_nanos(&self, nanos: u64) -> Result<Amount, NoValue> {
        match self.scale {
            Scale::Nanos => Amount::units(nanos),
            Scale::Whole | Scale::Fraction => self.amount(nanos as f64 / 1e9),
        }
    }

    /// A whole number of the metric's unit.
    pub(super) fn amount_of_whole(&self, value: u64) -> Result<Amount, NoValue> {
        match self.scale {
            Scale::Whole => Amount::units(value),
            Scale::Nanos | Scale::Fraction => self.amount(value as f64),
        }
    }

    /// The bucket of a number of units that goes the quickest way.
    #[inline]
    pub(super) fn quick_bucket(&self, units: u64) -> usize {
        let index = self.first[class(units)];
        usize::from(index) + usize::from(self.thresholds[usize::from(index)] <= units)
    }

    /// The bucket of a number of units.
    pub(super) fn bucket(&self, units: u64) -> usize {
        if self.steps > 8 {
            return self.thresholds.partition_point(|threshold| *threshold <= units);
        }
        let mut index = self.first[class(units)];
        for _ in 0..self.steps {
            index += u8::from(self.thresholds[usize::from(index)] <= units);
        }
        usize::from(index)
    }

    /// The bucket of a finite number that is counted as it is.
    pub(super) fn bucket_of_fraction(&self, value: f64) -> usize {
        self.bounds.partition_point(|bound| *bound < value)
    }

    #[cold]
    pub(super) fn refuse(&self, fault: NoValue) {
        let count = match fault {
            NoValue::NotFinite => &self.refused.not_finite,
            NoValue::OutOfRange => &self.refused.out_of_range,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rejected(&self) -> Rejected {
        Rejected {
            not_finite: self.refused.not_finite.load(Ordering::Relaxed),
            out_of_range: self.refused.out_of_range.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: [&[f64]; 5] = [&[], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[1.0, f64::INFINITY]];

    #[test]
    fn bounds_that_break_a_rule_are_refused() {
        for bad in BAD {
            assert!(Buckets::new(bad).fault().is_some(), "{bad:?}");
            assert!(Buckets::try_from(bad.to_vec()).unwrap_err().is_invalid());
        }
        assert!(Buckets::linear(1.0, 1.0, 128).is_ok());
        assert!(Buckets::linear(1.0, 1.0, 129).is_err());
        assert!(Buckets::linear(1.0, 1.0, usize::MAX).is_err());
        assert!(Buckets::exponential(1.0, 10.0, 100).is_ok());
        assert!(Buckets::exponential(1.0, 1e300, 3).is_err());
        assert_eq!(Buckets::SECONDS.fault(), None);
        assert_eq!(Buckets::BYTES.fault(), None);
    }

    #[test]
    fn classes_grow_and_begin_where_they_say() {
        for class_number in 8..CLASSES {
            let begin = class_begin(class_number);
            assert_eq!(class(begin), class_number);
            if begin > 0 {
                assert_eq!(class(begin - 1), class_number - 1);
            }
        }
        assert_eq!(class(u64::MAX), 255);
    }

    fn layouts() -> Vec<(Buckets, Option<Unit>)> {
        vec![
            (Buckets::SECONDS, Some(Unit::Seconds)),
            (Buckets::BYTES, Some(Unit::Bytes)),
            (Buckets::linear(0.0, 1e-9, 128).unwrap(), Some(Unit::Seconds)),
            (Buckets::linear(100.0, 0.5, 100).unwrap(), Some(Unit::Seconds)),
            (Buckets::new(&[-1.0, 0.0, 1.0]), Some(Unit::Bytes)),
            (Buckets::exponential(1.0, 2.0, 60).unwrap(), Some(Unit::Bytes)),
        ]
    }

    proptest::proptest! {
        // Catches: `<` for `<=` at a bound, a table off by one class, the padding reached.
        #[test]
        fn the_table_finds_what_a_scan_finds(units in 0..LIMIT, shift in 0_u32..63) {
            for (buckets, unit) in layouts() {
                let layout = Layout::new(&buckets, unit);
                let near = buckets.bounds().iter().flat_map(|bound| {
                    let at = layout.scale.units(*bound);
                    [at.saturating_sub(1), at, at + 1]
                });
                for units in near.chain([units >> shift]) {
                    let beyond = |bound: &&f64| **bound < 0.0 || layout.scale.units(**bound) < units;
                    let scan = buckets.bounds().iter().filter(beyond).count();
                    proptest::prop_assert_eq!(layout.bucket(units), scan);
                    if layout.takes_nanos(units) || layout.takes_whole(units) {
                        proptest::prop_assert_eq!(layout.quick_bucket(units), scan);
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_no_amount() {
        let layout = Layout::new(&Buckets::SECONDS, Some(Unit::Seconds));
        assert_eq!(layout.amount_of_nanos(LIMIT), Err(NoValue::OutOfRange));
        assert_eq!(layout.amount_of_nanos(LIMIT - 1), Ok(Amount::Units(LIMIT - 1)));
        assert!(layout.takes_nanos(LIMIT - 1) && !layout.takes_nanos(LIMIT) && !layout.takes_whole(1));
        assert_eq!(layout.bucket(LIMIT - 1), 14);
        layout.refuse(NoValue::OutOfRange);
        assert_eq!(layout.rejected().out_of_range, 1);
    }
}
