//! Why a trace is kept.

/// Why a trace is kept: the attribute `sampling.reason` of its spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// Its randomness is in the baseline.
    Baseline,
    /// A span in it failed or panicked, or wrote a line at `ERROR`.
    Failure,
    /// Its local root took longer than the limit.
    Slow,
    /// Somebody asked for it.
    Marked,
    /// It was bad for an objective, without a failure.
    Objective,
}

impl Keep {
    /// Every reason.
    pub const ALL: [Keep; 5] = [Keep::Baseline, Keep::Failure, Keep::Slow, Keep::Marked, Keep::Objective];

    /// `baseline`, `failure`, `slow`, `marked` or `objective`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Keep::Baseline => "baseline",
            Keep::Failure => "failure",
            Keep::Slow => "slow",
            Keep::Marked => "marked",
            Keep::Objective => "objective",
        }
    }
}
