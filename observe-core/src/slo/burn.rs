//! How fast a budget is spent.

use super::BurnRule;
use std::time::Duration;

/// How fast a budget is spent in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BurnRate {
    /// The window.
    pub window: Duration,
    /// How many times faster than allowed; 1 spends the whole budget in exactly the objective's period.
    pub rate: f64,
    /// How much of the window has been seen.
    pub covered: Duration,
}

/// A pair of windows in which the budget is spent faster than its rule allows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Burn {
    /// The objective's name.
    pub slo: String,
    /// Which rule it passed.
    pub rule: BurnRule,
    /// How many times faster than allowed the budget is spent in the long window, as far as that is covered.
    pub rate: f64,
    /// How much of the long window has been seen.
    pub covered: Duration,
}
