//! How often something may happen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Tick;

/// Lets a few through at once, and then one in each interval. Takes no lock: a panic may have come under any.
pub(super) struct Rate {
    every: u64,
    /// How far ahead of time the next may be due.
    ahead: u64,
    /// When one would be due if they came evenly, in the clock's nanoseconds.
    due: AtomicU64,
}

impl Rate {
    pub(super) fn new(every: Duration, burst: u32) -> Self {
        let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX);
        let ahead = every.saturating_mul(u64::from(burst.max(1) - 1));
        Self { every, ahead, due: AtomicU64::new(0) }
    }

    /// Whether this one may.
    ///
    /// # Errors
    ///
    /// With how long it takes until one may.
    pub(super) fn admit(&self, now: Tick) -> Result<(), Duration> {
        let next = |due: u64| {
            let early = due.saturating_sub(now.nanos());
            (early <= self.ahead).then(|| due.max(now.nanos()).saturating_add(self.every))
        };
        self.due
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .map(drop)
            .map_err(|due| Duration::from_nanos(due.saturating_sub(now.nanos()).saturating_sub(self.ahead)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};

    // Mutations caught: a burst that is one more or less; time that is saved up beyond the burst.
    #[test]
    fn a_burst_and_then_one_in_each_interval() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        let rate = Rate::new(Duration::from_secs(60), 2);
        let admits = || rate.admit(clock.now());
        assert_eq!([admits(), admits()], [Ok(()); 2]);
        assert_eq!(admits(), Err(Duration::from_secs(60)));
        manual.advance(Duration::from_secs(59));
        assert_eq!(admits(), Err(Duration::from_secs(1)));
        manual.advance(Duration::from_secs(1));
        assert_eq!(admits(), Ok(()));
        assert!(admits().is_err());
        manual.advance(Duration::from_secs(3_600));
        assert_eq!([admits(), admits()], [Ok(()); 2]);
        assert!(admits().is_err());
    }
}
