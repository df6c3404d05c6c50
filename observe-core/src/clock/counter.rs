//! The processor's time-stamp counter: read in a few nanoseconds, where the kernel's clock takes twenty.
//!
//! It is trusted where the kernel trusts it for its own clock, and only once it was held against that clock for long
//! enough to know its pace, which is learnt anew, over all the time since, whenever it is held against it again. When
//! the two part (the process slept, and only one of them did) it is not asked again. Its readings are not ordered across
//! threads to the nanosecond: differences of ticks saturate.
#![allow(unsafe_code, reason = "the intrinsic that reads the counter is declared so; it touches no memory")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long it is held against the kernel's clock before it is asked.
const LEARNING: Duration = Duration::from_millis(50);
/// How far the two may part between two looks, and with each second between them: clocks that are set slowly, by 1 in
/// 2,000 at most, stay below it.
const APART: Duration = Duration::from_millis(1);
/// A reading of both at once that took longer than this is not one.
const AT_ONCE: Duration = Duration::from_micros(1);

/// The counter, from the moment on that it was made at.
#[derive(Debug)]
pub(super) struct Counter {
    first: u64,
    /// Nanoseconds a count, in 2^-32. 0: not known yet, or not to be trusted any more.
    pace: AtomicU64,
    is_apart: AtomicBool,
    /// When it was held against the kernel's clock the last time.
    looked: AtomicU64,
}

impl Counter {
    /// One that counts from now on, if the kernel's own clock is made of it; and that clock's time now.
    pub(super) fn new() -> Option<(Self, Instant)> {
        const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        if std::fs::read_to_string(SOURCE).is_ok_and(|source| source.trim() == "tsc") {
            at_once().map(|(first, start)| (Self::from(first), start))
        } else {
            None
        }
    }

    fn from(first: u64) -> Self {
        let (pace, looked) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { first, pace, is_apart: AtomicBool::new(false), looked }
    }

    /// Nanoseconds since it was made, if its pace is known.
    #[inline]
    pub(super) fn nanos(&self) -> Option<u64> {
        match self.pace.load(Ordering::Relaxed) {
            0 => None,
            // One that was reset in between has no time.
            pace => Some(scaled(read().checked_sub(self.first)?, pace)),
        }
    }

    /// Whether its pace can be learnt, so long after it was made.
    pub(super) fn is_due(&self, nanos: u64) -> bool {
        nanos >= LEARNING.as_nanos() as u64 && !self.is_apart.load(Ordering::Relaxed)
    }

    /// Holds it against the kernel's clock, by which it was made at `start`. When they have parted: by how much it was
    /// ahead, in nanoseconds, from now on not to be asked any more.
    pub(super) fn compare(&self, start: Instant) -> Option<u64> {
        let (count, now) = at_once()?;
        let nanos = u64::try_from(now.saturating_duration_since(start).as_nanos()).ok()?;
        self.judge(count.saturating_sub(self.first), nanos)
    }

    /// So many counts are so many nanoseconds.
    fn judge(&self, count: u64, nanos: u64) -> Option<u64> {
        let pace = self.pace.load(Ordering::Relaxed);
        let between = nanos.saturating_sub(self.looked.swap(nanos, Ordering::Relaxed));
        if !self.is_due(nanos) {
            return None;
        }
        let told = scaled(count, pace);
        if pace > 0 && told.abs_diff(nanos) > APART.as_nanos() as u64 + between / 1_000 {
            self.is_apart.store(true, Ordering::Relaxed);
            return Some(told.saturating_sub(nanos));
        }
        let learnt = (u128::from(nanos) << 32) / u128::from(count.max(1));
        self.pace.store(u64::try_from(learnt).unwrap_or(0), Ordering::Relaxed);
        None
    }

    /// From now on nobody asks it.
    pub(super) fn leave(&self) {
        self.pace.store(0, Ordering::Relaxed);
    }
}

fn scaled(count: u64, pace: u64) -> u64 {
    ((u128::from(count) * u128::from(pace)) >> 32) as u64
}

/// Both, read at once: nothing came between that took long.
fn at_once() -> Option<(u64, Instant)> {
    (0..8).find_map(|_| {
        let before = Instant::now();
        let count = read();
        let between = before.elapsed();
        (between <= AT_ONCE).then(|| (count, before + between / 2))
    })
}

#[inline]
fn read() -> u64 {
    // SAFETY: every x86-64 processor has the instruction, and the kernel, whose clock is read by it from this process, too,
    // lets it be used.
    unsafe { core::arch::x86_64::_rdtsc() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    // Mutations caught: a pace from a moment's reading, or one that stays as it was learnt first; one that is off; counts
    // taken for nanoseconds; a clock that is set slowly taken for another.
    #[test]
    fn its_pace_is_learnt_and_bettered() {
        let counter = Counter::from(0);
        counter.judge(30_000_000, SECOND / 100);
        assert_eq!(counter.nanos(), None);
        let apart = |count| scaled(count, counter.pace.load(Ordering::Relaxed)).abs_diff(count / 3);
        // Read half a microsecond apart.
        assert_eq!(counter.judge(3 * SECOND, SECOND + 500), None);
        assert!(apart(3_000 * SECOND) > 400_000);
        assert_eq!(counter.judge(300 * SECOND, 100 * SECOND), None);
        assert!(apart(3_000 * SECOND) < 1_000);
        assert_eq!(counter.judge(330 * SECOND, 110 * SECOND + 4_000_000), None);
        assert!(counter.nanos().is_some());
    }

    // Mutations caught: a counter that went on while the process slept and is learnt from, or asked again; small steps
    // allowed as large as long ones.
    #[test]
    fn one_that_parts_from_the_kernels_clock_is_not_asked_again() {
        let counter = Counter::from(0);
        assert_eq!(counter.judge(3_000 * SECOND, 1_000 * SECOND), None);
        let ahead = counter.judge(3_006 * SECOND, 1_001 * SECOND);
        assert!(ahead.is_some_and(|ahead| ahead.abs_diff(SECOND) < 1_000), "{ahead:?}");
        counter.leave();
        assert_eq!(counter.judge(6_000 * SECOND, 2_000 * SECOND), None);
        assert_eq!(counter.nanos(), None);
    }

    // This machine's own, where there is one: it keeps the kernel's time.
    #[test]
    fn it_tells_the_kernels_time() {
        let Some((counter, start)) = Counter::new() else {
            eprintln!("no counter: the kernel's clock is another one here");
            return;
        };
        std::thread::sleep(LEARNING);
        let is_learnt = (0..1_000).any(|_| {
            counter.compare(start);
            counter.nanos().is_some()
        });
        assert!(is_learnt);
        std::thread::sleep(LEARNING);
        // Whoever is interrupted between the two readings looks again.
        let apart = (0..1_000).filter_map(|_| {
            let told = Duration::from_nanos(counter.nanos()?);
            Some(start.elapsed().abs_diff(told))
        });
        assert!(apart.min().is_some_and(|apart| apart < LEARNING / 500));
    }
}
