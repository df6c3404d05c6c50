//! Time, injected: a monotonic tick and the wall clock that belongs to it.
//!
//! One reading serves both: a [`Tick`] is taken once, durations are differences of ticks, and the wall
//! time of a tick is the tick plus an anchor. The anchor is renewed by whoever calls
//! [`Clock::renew`] (the log worker does, about once a second), so a clock that is set is followed without
//! a system call for each line.

#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
mod counter;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(miri))))]
mod no_counter;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod still;
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
use self::counter::Counter;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(miri))))]
use self::no_counter::Counter;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
pub(crate) use self::still::{Instant, unix_now};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) use std::time::Instant;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A reading of a [`Clock`]: nanoseconds since a moment before the first reading. Two that lie less than a few microseconds
/// apart may come in the wrong order, mostly those of two threads; then the time between them is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(u64);

impl Tick {
    /// The reading that was so many nanoseconds after the clock was made.
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock was made.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this tick; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Where time comes from. Cheap to clone; clones share their anchor.
///
/// [`Clock::system`] is what everything uses unless told otherwise; [`ManualClock`] is for tests.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    System(&'static System),
    Manual(ManualClock),
}

/// The process has one.
#[derive(Debug)]
pub(crate) struct System {
    start: Instant,
    counter: Option<Counter>,
    /// How far the counter was ahead when it parted from the kernel's clock: ticks go on from there.
    ahead: AtomicU64,
    /// Unix nanoseconds at `start`, by the wall clock's latest reading.
    anchor: AtomicU64,
}

impl Clock {
    /// The system's monotonic and wall clocks. On `wasm32-unknown-unknown`, which has none, a clock that stands still at
    /// 1970-01-01T00:00:00Z: give [`Builder::clock`](crate::Builder::clock) a [`ManualClock`] there, moved on by the
    /// host's time.
    #[must_use]
    pub fn system() -> Self {
        static SYSTEM: LazyLock<System> = LazyLock::new(|| {
            let (counter, start) = Counter::new().unzip();
            let start = start.unwrap_or_else(Instant::now);
            System { start, counter, ahead: AtomicU64::new(0), anchor: AtomicU64::new(unix_now()) }
        });
        Self { source: Source::System(&SYSTEM) }
    }

    /// Reads the monotonic clock.
    #[must_use]
    #[inline]
    pub fn now(&self) -> Tick {
        match &self.source {
            Source::System(system) => Tick(system.nanos()),
            Source::Manual(manual) => Tick(manual.0.tick.load(Ordering::Relaxed)),
        }
    }

    /// The wall time of `tick`, as nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    #[inline]
    pub fn unix_nanos(&self, tick: Tick) -> u64 {
        let anchor = match &self.source {
            Source::System(system) => system.anchor.load(Ordering::Relaxed),
            Source::Manual(manual) => manual.0.anchor.load(Ordering::Relaxed),
        };
        anchor.saturating_add(tick.0)
    }

    /// Reads the wall clock again, so that a clock that was set is followed.
    pub fn renew(&self) {
        if let Source::System(system) = &self.source {
            system.compare();
            let tick = system.nanos();
            system.anchor.store(unix_now().saturating_sub(tick), Ordering::Relaxed);
        }
    }
}

impl System {
    #[inline]
    fn nanos(&self) -> u64 {
        self.counter.as_ref().and_then(Counter::nanos).unwrap_or_else(|| self.kernel_nanos())
    }

    fn kernel_nanos(&self) -> u64 {
        let nanos = saturating_nanos(self.start.elapsed());
        if self.counter.as_ref().is_some_and(|counter| counter.is_due(nanos)) {
            self.compare();
        }
        nanos.saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    fn compare(&self) {
        if let Some(counter) = &self.counter
            && let Some(ahead) = counter.compare(self.start)
        {
            self.ahead.store(ahead, Ordering::Relaxed);
            counter.leave();
        }
    }
}

/// A time that is being measured, by the clock it was begun with.
#[derive(Debug)]
pub(crate) enum Stopwatch {
    System(&'static System, u64),
    Manual(ManualClock, Tick),
}

impl Clock {
    /// Measures from now on: for what needs no tick, and is not to hold on to a clock that is shared.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        match &self.source {
            Source::System(system) => Stopwatch::System(system, system.nanos()),
            Source::Manual(manual) => Stopwatch::Manual(manual.clone(), self.now()),
        }
    }
}

impl Stopwatch {
    /// The time since it was begun, in nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        match self {
            Stopwatch::System(system, start) => system.nanos().saturating_sub(*start),
            Stopwatch::Manual(manual, start) => manual.0.tick.load(Ordering::Relaxed).saturating_sub(start.0),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

/// A clock that moves only when told to. Clones share one time.
///
/// ```
/// use observe_core::clock::{Clock, ManualClock};
/// use std::time::Duration;
///
/// let manual = ManualClock::new();
/// let clock = Clock::from(manual.clone());
/// let before = clock.now();
/// manual.advance(Duration::from_millis(3));
/// assert_eq!(clock.now().since(before), Duration::from_millis(3));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<Manual>);

#[derive(Debug, Default)]
struct Manual {
    tick: AtomicU64,
    anchor: AtomicU64,
}

impl ManualClock {
    /// A clock that stands at tick 0 and at 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves both times on.
    pub fn advance(&self, by: Duration) {
        self.0.tick.fetch_add(saturating_nanos(by), Ordering::Relaxed);
    }

    /// Sets the wall time, and leaves the monotonic time as it is.
    pub fn set_wall(&self, wall: SystemTime) {
        let unix = saturating_nanos(wall.duration_since(UNIX_EPOCH).unwrap_or_default());
        let tick = self.0.tick.load(Ordering::Relaxed);
        self.0.anchor.store(unix.saturating_sub(tick), Ordering::Relaxed);
    }
}

impl From<ManualClock> for Clock {
    fn from(manual: ManualClock) -> Self {
        Self { source: Source::Manual(manual) }
    }
}

/// Nanoseconds since 1970-01-01T00:00:00Z, by the wall clock.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
pub(crate) fn unix_now() -> u64 {
    saturating_nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// 2^64 nanoseconds are 584 years: saturating is for hostile input only.
fn saturating_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_never_underflows() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        let early = clock.now();
        manual.advance(Duration::from_secs(1));
        assert_eq!(early.since(clock.now()), Duration::ZERO);
    }

    #[test]
    fn the_wall_moves_with_the_tick_and_can_be_set() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        manual.advance(Duration::from_secs(2));
        manual.set_wall(UNIX_EPOCH + Duration::from_secs(100));
        let tick = clock.now();
        assert_eq!(clock.unix_nanos(tick), 100_000_000_000);
        manual.advance(Duration::from_nanos(5));
        assert_eq!(clock.unix_nanos(clock.now()), 100_000_000_005);
        assert_eq!(clock.now().since(tick), Duration::from_nanos(5));
    }

    #[test]
    fn the_system_clock_is_near_the_wall() {
        let clock = Clock::system();
        clock.renew();
        let here = clock.unix_nanos(clock.now());
        assert!(here.abs_diff(unix_now()) < 60_000_000_000);
    }
}
