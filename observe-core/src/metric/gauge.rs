//! Numbers that go up and down.

use super::family::Family;
use super::kind::{Kind, Rejected, Unit};
use super::snapshot::{Blocks, Metric, Values, Visitor, sealed};
use crate::label::LabelSet;
use crate::sync::{AtomicI64, AtomicU64, Ordering};

/// A whole number that goes up and down: things in flight, connections, bytes held.
///
/// ```
/// use observe_core::metric::Gauge;
/// let open = Gauge::new();
/// {
///     let _one = open.track();
///     assert_eq!(open.get(), 1);
/// }
/// assert_eq!(open.get(), 0);
/// ```
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// A gauge at 0, of no family.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicI64::new(0))
    }

    /// Adds one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Takes one away.
    #[inline]
    pub fn dec(&self) {
        self.sub(1);
    }

    /// Adds `n`.
    #[inline]
    pub fn add(&self, n: i64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes `n` away.
    #[inline]
    pub fn sub(&self, n: i64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// Sets it.
    #[inline]
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// What it stands at.
    #[inline]
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds one for as long as the guard lives, whichever way it ends.
    #[inline]
    pub fn track(&self) -> Tracked<'_> {
        self.inc();
        Tracked { gauge: self }
    }
}

/// Holds one of a [`Gauge`], and gives it back when it is dropped.
#[derive(Debug)]
#[must_use = "it is given back at once unless it is held"]
pub struct Tracked<'a> {
    gauge: &'a Gauge,
}

impl Drop for Tracked<'_> {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl<L: LabelSet> Family<L, Gauge> {
    /// A family of gauges of whole numbers.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::fixed(name, help, (), None)
    }
}

impl sealed::Sealed for Gauge {}

impl Metric for Gauge {
    type Config = ();
    type Shared = ();
    const KIND: Kind = Kind::Gauge;

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
        blocks.scalars(cells, Gauge::get, |rows, values| visitor.scalars(rows, Values::I64(values)));
    }
}

/// A number with a fraction that goes up and down: a ratio, a temperature, seconds.
///
/// Not a number and infinity are not taken: they are dropped and counted.
#[derive(Debug, Default)]
pub struct GaugeF64 {
    bits: AtomicU64,
    rejected: AtomicU64,
}

impl GaugeF64 {
    /// A gauge at 0, of no family.
    #[must_use]
    pub const fn new() -> Self {
        Self { bits: AtomicU64::new(0), rejected: AtomicU64::new(0) }
    }

    /// Sets it.
    #[inline]
    pub fn set(&self, value: f64) {
        if value.is_finite() {
            self.bits.store(value.to_bits(), Ordering::Relaxed);
        } else {
            self.reject();
        }
    }

    /// Adds `n`, which may be negative. A sum beyond what an `f64` can hold is not taken either.
    pub fn add(&self, n: f64) {
        let sum = |bits: u64| {
            let sum = f64::from_bits(bits) + n;
            sum.is_finite().then_some(sum.to_bits())
        };
        if self.bits.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum).is_err() {
            self.reject();
        }
    }

    /// What it stands at.
    #[inline]
    #[must_use]
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }

    #[cold]
    fn reject(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }
}

impl<L: LabelSet> Family<L, GaugeF64> {
    /// A family of gauges of numbers with a fraction.
    #[must_use]
    pub const fn gauge_f64(name: &'static str, help: &'static str) -> Self {
        Self::fixed(name, help, (), None)
    }
}

impl sealed::Sealed for GaugeF64 {}

impl Metric for GaugeF64 {
    type Config = ();
    type Shared = ();
    const KIND: Kind = Kind::Gauge;

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
        blocks.scalars(cells, GaugeF64::get, |rows, values| visitor.scalars(rows, Values::F64(values)));
    }

    fn rejected<'a>((): &(), cells: impl Iterator<Item = &'a Self>) -> Rejected {
        let not_finite = cells.map(|gauge| gauge.rejected.load(Ordering::Relaxed)).sum();
        Rejected { not_finite, ..Rejected::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a guard that gives back only on the happy path.
    #[test]
    fn a_tracked_one_is_given_back_while_unwinding() {
        let gauge = Gauge::new();
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _tracked = gauge.track();
            assert_eq!(gauge.get(), 1);
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(unwound.is_err());
        assert_eq!(gauge.get(), 0);
    }

    // Catches: NaN stored, which no later addition would ever remove.
    #[test]
    fn only_finite_numbers_are_taken() {
        let gauge = GaugeF64::new();
        gauge.set(1.5);
        gauge.set(f64::NAN);
        gauge.add(f64::INFINITY);
        gauge.add(-0.25);
        gauge.add(f64::MAX);
        gauge.add(f64::MAX);
        assert_eq!(gauge.get(), f64::MAX);
        assert_eq!(GaugeF64::rejected(&(), [&gauge].into_iter()).not_finite, 3);
    }
}
