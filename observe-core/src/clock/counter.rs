//! The processor's time-stamp counter: read in a few nanoseconds, where the kernel's clock takes twenty.
//!
//! It is trusted where the kernel trusts it for its own clock, and only once it was held against that clock for long
//! enough to know its pace; when the two part, it is not asked again. Its readings are not ordered across threads to
//! the nanosecond: differences of ticks saturate.
#![allow(unsafe_code, reason = "the intrinsic that reads the counter is declared so; it touches no memory")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long it is held against the kernel's clock, to know its pace to a ten-millionth.
const LEARNING: Duration = Duration::from_millis(500);
/// How far the two may part, and with each second that the process runs: clocks that are set slowly, by 1 in 2,000 at most,
/// stay below it.
const APART: Duration = Duration::from_millis(1);
/// A reading of both at once that took longer than this is not one.
const AT_ONCE: Duration = Duration::from_micros(1);

/// The counter, from the moment on that it was made at.
#[derive(Debug)]
pub(super) struct Counter {
    first: u64,
    /// Nanoseconds a count, in 2^-32. 0: not known yet.
    pace: AtomicU64,
    /// It is not to be trusted any more.
    is_apart: AtomicBool,
}

impl Counter {
    /// One that counts from now on, if the kernel's own clock is made of it.
    pub(super) fn new() -> Option<Self> {
        const SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        let is_trusted = std::fs::read_to_string(SOURCE).is_ok_and(|source| source.trim() == "tsc");
        is_trusted.then(|| Self { first: read(), pace: AtomicU64::new(0), is_apart: AtomicBool::new(false) })
    }

    /// Nanoseconds since it was made, if its pace is known.
    #[inline]
    pub(super) fn nanos(&self) -> Option<u64> {
        match self.pace.load(Ordering::Relaxed) {
            0 => None,
            pace => Some(scaled(read().saturating_sub(self.first), pace)),
        }
    }

    /// Holds it against the kernel's clock, by which it was made at `start`.
    pub(super) fn compare(&self, start: Instant) {
        let Some((count, nanos)) = at_once(self.first, start) else { return };
        self.judge(count, nanos);
    }

    /// So many counts are so many nanoseconds.
    fn judge(&self, count: u64, nanos: u64) {
        let pace = self.pace.load(Ordering::Relaxed);
        if pace == 0 {
            if !self.is_apart.load(Ordering::Relaxed) && nanos >= LEARNING.as_nanos() as u64 {
                let learnt = (u128::from(nanos) << 32) / u128::from(count.max(1));
                self.pace.store(u64::try_from(learnt).unwrap_or(0), Ordering::Relaxed);
            }
        } else if scaled(count, pace).abs_diff(nanos) > APART.as_nanos() as u64 + nanos / 1_000 {
            self.is_apart.store(true, Ordering::Relaxed);
            self.pace.store(0, Ordering::Relaxed);
        }
    }
}

fn scaled(count: u64, pace: u64) -> u64 {
    ((u128::from(count) * u128::from(pace)) >> 32) as u64
}

/// Both, read at once: nothing came between that took long.
fn at_once(first: u64, start: Instant) -> Option<(u64, u64)> {
    (0..8).find_map(|_| {
        let before = start.elapsed();
        let count = read();
        let after = start.elapsed();
        let nanos = u64::try_from((before + (after - before) / 2).as_nanos()).ok()?;
        (after - before <= AT_ONCE).then(|| (count.saturating_sub(first), nanos))
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

    fn counter() -> Counter {
        Counter { first: 0, pace: AtomicU64::new(0), is_apart: AtomicBool::new(false) }
    }

    // Mutations caught: a pace from a moment's reading; one that is off; counts taken for nanoseconds.
    #[test]
    fn its_pace_is_learnt_and_kept() {
        let counter = counter();
        counter.judge(300_000_000, 100_000_000);
        assert_eq!(counter.nanos(), None);
        counter.judge(3_000_000_000, 1_000_000_000);
        let pace = counter.pace.load(Ordering::Relaxed);
        assert_eq!(scaled(3_000_000_000_000, pace).abs_diff(1_000_000_000_000) / 1_000, 0);
        // A clock that is set slowly.
        counter.judge(30_000_000_000, 10_004_000_000);
        assert!(counter.nanos().is_some());
    }

    // Mutation caught: a counter that went on while the process slept, and is asked again.
    #[test]
    fn one_that_parts_from_the_kernels_clock_is_not_asked_again() {
        let counter = counter();
        counter.judge(3_000_000_000, 1_000_000_000);
        counter.judge(9_000_000_000, 2_000_000_000);
        assert_eq!(counter.nanos(), None);
        counter.judge(12_000_000_000, 4_000_000_000);
        assert_eq!(counter.nanos(), None);
    }

    // This machine's own, where there is one: it keeps the kernel's time.
    #[test]
    fn it_tells_the_kernels_time() {
        let start = Instant::now();
        let Some(counter) = Counter::new() else {
            eprintln!("no counter: the kernel's clock is another one here");
            return;
        };
        std::thread::sleep(LEARNING);
        let told = (0..1_000).find_map(|_| {
            counter.compare(start);
            let nanos = counter.nanos()?;
            Some(start.elapsed().abs_diff(Duration::from_nanos(nanos)))
        });
        assert!(told.is_some_and(|apart| apart < Duration::from_secs(1)), "{told:?}");
    }
}
