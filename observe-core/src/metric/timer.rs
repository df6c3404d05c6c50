//! Measures a time from here to there.

use std::time::Duration;

use super::histogram::Histogram;
use super::hot_histogram::HotHistogram;
use crate::clock::Instant;

/// Measures a time, and observes it when it is dropped: also by `?`, by an unwinding panic, and when a
/// future is cancelled.
#[derive(Debug)]
#[must_use = "it measures until it is dropped"]
pub struct Timer<'a> {
    observer: Option<Observer<'a>>,
    start: Instant,
}

#[derive(Debug)]
enum Observer<'a> {
    Plain(&'a Histogram),
    Hot(&'a HotHistogram),
}

impl<'a> Timer<'a> {
    #[inline]
    pub(super) fn plain(histogram: &'a Histogram) -> Self {
        Self { observer: Some(Observer::Plain(histogram)), start: Instant::now() }
    }

    #[inline]
    pub(super) fn hot(histogram: &'a HotHistogram) -> Self {
        Self { observer: Some(Observer::Hot(histogram)), start: Instant::now() }
    }

    /// Observes the time now, and says it.
    pub fn stop(mut self) -> Duration {
        self.observe()
    }

    /// Observes nothing.
    pub fn discard(mut self) {
        self.observer = None;
    }

    fn observe(&mut self) -> Duration {
        let time = self.start.elapsed();
        match self.observer.take() {
            Some(Observer::Plain(histogram)) => histogram.observe_duration(time),
            Some(Observer::Hot(histogram)) => histogram.observe_duration(time),
            None => {}
        }
        time
    }
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        if self.observer.is_some() {
            self.observe();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Buckets, Unit};

    #[test]
    fn a_timer_observes_once_or_not_at_all() {
        let plain = Histogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        let hot = HotHistogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        for timer in [
            |plain: &Histogram, _: &HotHistogram| {
                drop(plain.timer());
                let _ = plain.timer().stop();
                plain.timer().discard();
            },
            |_: &Histogram, hot: &HotHistogram| {
                drop(hot.timer());
                let _ = hot.timer().stop();
                hot.timer().discard();
            },
        ] {
            timer(&plain, &hot);
        }
        assert_eq!((plain.count(), hot.count()), (2, 2));
    }
}
