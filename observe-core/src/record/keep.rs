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
}

impl Keep {
    /// Every reason.
    pub const ALL: [Keep; 4] = [Keep::Baseline, Keep::Failure, Keep::Slow, Keep::Marked];

    /// `baseline`, `failure`, `slow` or `marked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Keep::Baseline => "baseline",
            Keep::Failure => "failure",
            Keep::Slow => "slow",
            Keep::Marked => "marked",
        }
    }
}
