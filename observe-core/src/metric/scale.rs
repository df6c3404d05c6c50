//! In what histograms and summaries count.

use super::kind::Unit;
use std::time::Duration;

/// In what a value is counted and summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Whole nanoseconds: everything in seconds.
    Nanos,
    /// Whole units: bytes.
    Whole,
    /// As it is.
    Fraction,
}

/// Beyond this a value in whole units is out of range: a few of them would wrap the sum.
pub(super) const LIMIT: u64 = 1 << 63;

impl Scale {
    pub(super) const fn of(unit: Option<Unit>) -> Scale {
        match unit {
            Some(Unit::Seconds) => Scale::Nanos,
            Some(Unit::Bytes) => Scale::Whole,
            _ => Scale::Fraction,
        }
    }

    /// A number that is not negative, in whole units. Beyond the range it saturates, which [`Amount`] refuses.
    #[inline]
    pub(super) fn units(self, value: f64) -> u64 {
        match self {
            // Rounded by hand, as `round` is a call on the oldest x86-64.
            Scale::Nanos => (value * 1e9 + 0.5) as u64,
            Scale::Whole | Scale::Fraction => (value + 0.5) as u64,
        }
    }

    /// What the word that sums holds, as a number of the metric's unit.
    #[inline]
    pub(super) fn sum(self, word: u64) -> f64 {
        match self {
            Scale::Nanos => word as f64 / 1e9,
            Scale::Whole => word as f64,
            Scale::Fraction => f64::from_bits(word),
        }
    }
}

/// What is counted of an observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Amount {
    /// Nanoseconds or bytes, below the limit.
    Units(u64),
    /// Finite.
    Fraction(f64),
}

/// Why something observed is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoValue {
    NotFinite,
    OutOfRange,
}

/// The nanoseconds of a time; one of centuries, which is out of range, is [`u64::MAX`].
#[inline]
pub(super) fn nanos(time: Duration) -> u64 {
    const CENTURIES: u64 = LIMIT / 1_000_000_000;
    match time.as_secs() {
        // Far below what a `u64` holds: a product without `u128`.
        secs @ 0..=CENTURIES => secs * 1_000_000_000 + u64::from(time.subsec_nanos()),
        _ => u64::MAX,
    }
}

impl Amount {
    pub(super) fn units(units: u64) -> Result<Self, NoValue> {
        if units < LIMIT { Ok(Amount::Units(units)) } else { Err(NoValue::OutOfRange) }
    }
}

/// What the word that sums holds when `value` is added, if it holds the bits of an `f64`. Past what an `f64` can hold
/// the sum stands still.
pub(super) fn fraction_sum(sum: u64, value: f64) -> u64 {
    let more = f64::from_bits(sum) + value;
    if more.is_finite() { more.to_bits() } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_centuries_is_out_of_range() {
        let times = [Duration::from_nanos(LIMIT - 1), Duration::from_nanos(LIMIT), Duration::MAX];
        assert_eq!(times.map(nanos), [LIMIT - 1, LIMIT, u64::MAX]);
    }
}
