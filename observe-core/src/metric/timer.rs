//! Measures a time from here to there.

use std::time::Duration;

use super::histogram::Histogram;
use super::hot_histogram::HotHistogram;
use super::native_histogram::NativeHistogram;
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
    Native(&'a NativeHistogram),
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

    #[inline]
    pub(super) fn native(histogram: &'a NativeHistogram) -> Self {
        Self { observer: Some(Observer::Native(histogram)), start: Instant::now() }
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
            Some(Observer::Native(histogram)) => histogram.observe_duration(time),
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
    use crate::metric::{Buckets, NativeBuckets, Unit};

    type Three = (Histogram, HotHistogram, NativeHistogram);

    #[test]
    fn a_timer_observes_once_or_not_at_all() {
        let plain = Histogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        let hot = HotHistogram::new(&Buckets::SECONDS, Some(Unit::Seconds));
        let native = NativeHistogram::new(NativeBuckets::new(), Some(Unit::Seconds));
        let all = (plain, hot, native);
        for timer in [
            |(plain, _, _): &Three| plain.timer(),
            |(_, hot, _): &Three| hot.timer(),
            |(_, _, native): &Three| native.timer(),
        ] as [fn(&Three) -> Timer<'_>; 3]
        {
            drop(timer(&all));
            let _ = timer(&all).stop();
            timer(&all).discard();
        }
        let (plain, hot, native) = all;
        assert_eq!((plain.count(), hot.count(), native.count()), (2, 2, 2));
    }
}
