//! How often.

use std::time::Duration;

/// How often metrics are pushed, and how long one push may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
}

impl Pace {
    /// The OpenTelemetry specification's, "Periodic exporting MetricReader".
    pub(crate) const INTERVAL: Duration = Duration::from_secs(60);
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(24 * 3_600);

    /// Within what makes sense: never without a pause, and always again.
    pub(super) fn clamped(self) -> Self {
        Self {
            interval: self.interval.clamp(Self::SHORTEST, Self::LONGEST),
            timeout: self.timeout.clamp(Self::SHORTEST, Self::LONGEST),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { interval: Self::INTERVAL, timeout: Self::TIMEOUT }
    }
}
