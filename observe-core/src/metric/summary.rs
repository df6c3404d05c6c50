//! Quantiles of a moving window.

use std::cell::Cell;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram as Hdr;

use super::family::Family;
use super::kind::{Kind, Rejected, Unit};
use super::scale::{LIMIT, Scale};
use super::snapshot::{BLOCK, Blocks, Metric, QUANTILES, Quantiles, Visitor, sealed};
use crate::clock::Clock;
use crate::label::LabelSet;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering, statics, thread_local};

/// The median, p90, p99, p99.9 and the maximum of the last minute, computed here, at most 1 % off.
///
/// Take a [`Histogram`](super::Histogram) unless you know why not. Quantiles cannot be aggregated: the mean of
/// the p99 of two instances is not their p99, nor is the maximum, and over another window than the one
/// chosen here they say nothing. The buckets of histograms add up over instances and over time; a
/// summary is for one process, looked at by itself, whose values nobody could guess bounds for. It also
/// costs more: a recording takes a lock (one of four, so that threads seldom meet), and a series takes up to
/// 240 kB, whether anybody scrapes or not.
///
/// Times (`_seconds`) are told apart from a nanosecond to an hour, sizes (`_bytes`) from 1 to 2^42, anything else
/// from a millionth to a million; beyond that a value counts as the limit. None is negative: a negative one is
/// dropped and counted, as are not-a-number, infinity, and what is 2^63 nanoseconds or bytes and more. `_sum` and `_count` are of all time, not of the window.
///
/// ```
/// use observe_core::metric::{Summary, Unit, Window};
/// use std::time::Duration;
///
/// let waits = Summary::new(Window::MINUTE, Some(Unit::Seconds));
/// for millis in 1..=100 {
///     waits.observe_duration(Duration::from_millis(millis));
/// }
/// let median = waits.quantiles().values[0];
/// assert!((median - 0.05).abs() < 0.05 * 0.01);
/// ```
pub struct Summary {
    shared: Arc<Shared>,
    stripes: [Mutex<Live>; STRIPES],
    ring: Mutex<Ring>,
    count: AtomicU64,
    sum: AtomicU64,
}

/// How far back a summary looks, and by which clock.
#[derive(Clone, Debug)]
pub struct Window {
    length: Duration,
    clock: Option<Clock>,
}

impl Window {
    /// The last 60 seconds, in six slices of ten: what a family has unless told otherwise.
    pub const MINUTE: Window = Window::new(Duration::from_secs(60));

    /// The last `length`, at least a second. It moves by a sixth of it.
    #[must_use]
    pub const fn new(length: Duration) -> Self {
        Self { length, clock: None }
    }

    /// Told by this clock instead of the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }
}

const STRIPES: usize = 4;
const SLICES: u64 = 6;

/// What the summaries of a family have in common.
pub struct Shared {
    scale: Scale,
    /// Nanoseconds of a slice.
    slice: u64,
    clock: Clock,
    not_finite: AtomicU64,
    out_of_range: AtomicU64,
}

/// What one stripe counted in the slice `slice` and has not yet handed to the ring.
#[derive(Default)]
struct Live {
    slice: u64,
    counts: Option<Hdr<u32>>,
}

/// What was counted in each slice of the window. The scratch is for adding these up.
#[derive(Default)]
struct Ring {
    slices: [(u64, Option<Hdr<u32>>); SLICES as usize],
    scratch: Option<Hdr<u32>>,
}

impl Shared {
    fn new(window: &Window, unit: Option<Unit>) -> Self {
        let length = window.length.max(Duration::from_secs(1)).as_nanos();
        Self {
            scale: Scale::of(unit),
            slice: u64::try_from(length).unwrap_or(u64::MAX) / SLICES,
            clock: window.clock.clone().unwrap_or_else(system),
            not_finite: AtomicU64::new(0),
            out_of_range: AtomicU64::new(0),
        }
    }

    /// The number of the slice that is now.
    fn now(&self) -> u64 {
        self.clock.now().nanos() / self.slice
    }

    /// The largest value that is told apart, in the steps that are counted.
    const fn limit(&self) -> u64 {
        match self.scale {
            Scale::Nanos => 3_600_000_000_000,
            Scale::Whole => 1 << 42,
            Scale::Fraction => 1_000_000_000_000,
        }
    }

    /// Steps in one unit.
    const fn steps(&self) -> f64 {
        match self.scale {
            Scale::Nanos => 1e9,
            Scale::Whole => 1.0,
            Scale::Fraction => 1e6,
        }
    }

    fn counts(&self) -> Option<Hdr<u32>> {
        // Two significant digits are 128 steps in each octave: less than 0.8 % off. The bounds are valid, so
        // this is always something.
        Hdr::new_with_bounds(1, self.limit(), 2).ok()
    }
}

fn system() -> Clock {
    static SYSTEM: OnceLock<Clock> = OnceLock::new();
    SYSTEM.get_or_init(Clock::system).clone()
}

impl Summary {
    /// A summary of no family.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "declared in place, as a family's is")]
    pub fn new(window: Window, unit: Option<Unit>) -> Self {
        <Self as Metric>::new(&Arc::new(Shared::new(&window, unit)))
    }

    /// Counts one observation, in the unit of the metric.
    pub fn observe(&self, value: f64) {
        if !value.is_finite() {
            self.shared.not_finite.fetch_add(1, Ordering::Relaxed);
        } else if value < 0.0 {
            self.shared.out_of_range.fetch_add(1, Ordering::Relaxed);
        } else {
            let steps = (value * self.shared.steps()).round() as u64;
            match self.shared.scale {
                Scale::Nanos | Scale::Whole => self.add_units(steps),
                Scale::Fraction => self.add(steps, |sum| {
                    let next = f64::from_bits(sum) + value;
                    // Past what an f64 can hold the sum stands still.
                    if next.is_finite() { next.to_bits() } else { sum }
                }),
            }
        }
    }

    /// Counts a time.
    pub fn observe_duration(&self, time: Duration) {
        match self.shared.scale {
            Scale::Nanos => self.add_units(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)),
            Scale::Whole | Scale::Fraction => self.observe(time.as_secs_f64()),
        }
    }

    /// What it says now.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        for stripe in &self.stripes {
            let mut live = stripe.lock().unwrap_or_else(PoisonError::into_inner);
            self.hand_over(&mut live);
        }
        let now = self.shared.now();
        let mut values = [f64::NAN; QUANTILES.len()];
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let Ring { slices, scratch } = &mut *ring;
        if scratch.is_none() {
            *scratch = self.shared.counts();
        }
        if let Some(scratch) = scratch {
            scratch.reset();
            for (slice, counts) in slices {
                if let Some(counts) = counts
                    && *slice + SLICES > now
                {
                    // Of the same bounds, so always added.
                    let _ = scratch.add(&*counts);
                }
            }
            if !scratch.is_empty() {
                let steps = self.shared.steps();
                values = QUANTILES.map(|q| scratch.value_at_quantile(q) as f64 / steps);
            }
        }
        let sum = self.sum.load(Ordering::Relaxed);
        Quantiles::new(values, self.shared.scale.sum(sum), self.count.load(Ordering::Relaxed))
    }

    /// Adds whole units. What is as large as two of it would wrap the sum is no value.
    fn add_units(&self, units: u64) {
        if units >= LIMIT {
            self.shared.out_of_range.fetch_add(1, Ordering::Relaxed);
        } else {
            self.add(units, |sum| sum.wrapping_add(units));
        }
    }

    fn add(&self, steps: u64, sum: impl Fn(u64) -> u64) {
        let now = self.shared.now();
        let mut live = self.stripes[stripe()].lock().unwrap_or_else(PoisonError::into_inner);
        if live.slice != now {
            self.hand_over(&mut live);
            live.slice = now;
        }
        if live.counts.is_none() {
            live.counts = self.shared.counts();
        }
        if let Some(counts) = &mut live.counts {
            counts.saturating_record(steps.min(self.shared.limit()));
        }
        drop(live);
        self.count.fetch_add(1, Ordering::Relaxed);
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |word| Some(sum(word)));
    }

    /// Moves what a stripe counted into the ring. The stripe's lock is held, and the ring's is taken within.
    fn hand_over(&self, live: &mut Live) {
        let Some(counts) = live.counts.as_mut().filter(|counts| !counts.is_empty()) else { return };
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let (slice, place) = &mut ring.slices[(live.slice % SLICES) as usize];
        // A stripe that slept through a whole turn has nothing that still counts.
        if live.slice >= *slice {
            let place = match place {
                Some(place) => Some(place),
                None => {
                    *place = self.shared.counts();
                    place.as_mut()
                }
            };
            if let Some(place) = place {
                if *slice != live.slice {
                    place.reset();
                    *slice = live.slice;
                }
                let _ = place.add(&*counts);
            }
        }
        counts.reset();
    }
}

/// Which stripe this thread records in.
fn stripe() -> usize {
    statics! {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
    }
    thread_local! {
        static MINE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let mine = MINE.try_with(|mine| {
        mine.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
            mine.set(Some(next));
            next
        })
    });
    mine.unwrap_or(0)
}

impl std::fmt::Debug for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Summary").field("count", &self.count).finish_non_exhaustive()
    }
}

impl<L: LabelSet> Family<L, Summary> {
    /// How many series a family of summaries has at most, unless [`max_series`](Family::max_series) says
    /// otherwise: each can take up to 240 kB.
    pub const DEFAULT_MAX_SUMMARIES: u32 = 100;

    /// A family of summaries of the last minute, of at most a hundred series. For times its name ends in
    /// `_seconds`, for sizes in `_bytes`.
    #[must_use]
    pub const fn summary(name: &'static str, help: &'static str) -> Self {
        Self::fixed(name, help, Window::MINUTE, None).max_series(Self::DEFAULT_MAX_SUMMARIES)
    }
}

impl sealed::Sealed for Summary {}

impl Metric for Summary {
    type Config = Window;
    type Shared = Arc<Shared>;
    const KIND: Kind = Kind::Summary;

    fn share(window: &Window, unit: Option<Unit>) -> Arc<Shared> {
        Arc::new(Shared::new(window, unit))
    }

    fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            stripes: Default::default(),
            ring: Mutex::default(),
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    fn read<'a>(
        _: &'a Arc<Shared>,
        cells: impl Iterator<Item = (u64, &'a Self)>,
        blocks: Blocks<'_>,
        visitor: &mut dyn Visitor,
    ) {
        let read = |summary: &Self| Some(summary.quantiles());
        blocks.scalars(cells, read, |rows, read: &[Option<Quantiles>]| {
            let mut values = [Quantiles::new([f64::NAN; QUANTILES.len()], 0.0, 0); BLOCK];
            for (to, value) in values.iter_mut().zip(read.iter().flatten()) {
                *to = *value;
            }
            visitor.summaries(rows, values.get(..read.len()).unwrap_or_default());
        });
    }

    fn rejected<'a>(shared: &Arc<Shared>, _: impl Iterator<Item = &'a Self>) -> Rejected {
        Rejected {
            not_finite: shared.not_finite.load(Ordering::Relaxed),
            out_of_range: shared.out_of_range.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn summary(unit: Option<Unit>) -> (Summary, ManualClock) {
        let manual = ManualClock::new();
        (Summary::new(Window::MINUTE.clock(Clock::from(manual.clone())), unit), manual)
    }

    proptest::proptest! {
        // Catches: fewer significant digits, steps too coarse for small values.
        #[test]
        fn a_quantile_is_at_most_one_per_cent_off(
            mut values in proptest::collection::vec(0_u32..36, 1..200),
            spread in 1_u64..97,
        ) {
            for (unit, steps) in [(Some(Unit::Seconds), 1e9), (Some(Unit::Bytes), 1.0), (None, 1e6)] {
                let (summary, _) = summary(unit);
                values.sort_unstable();
                let exact = |value: u32| ((1_u64 << value) + spread * u64::from(value)) as f64 / steps;
                for value in &values {
                    summary.observe(exact(*value));
                }
                let said = summary.quantiles();
                for (quantile, said) in QUANTILES.iter().zip(said.values) {
                    let rank = (quantile * values.len() as f64).ceil().max(1.0) as usize;
                    let exact = exact(values[rank - 1]);
                    proptest::prop_assert!((said - exact).abs() <= exact * 0.01, "{said} {exact}");
                }
                proptest::prop_assert_eq!(said.count, values.len() as u64);
            }
        }
    }

    // Catches: a slice kept a turn too long, or dropped too early; a total that forgets with the window.
    #[test]
    fn the_window_moves() {
        let (summary, clock) = summary(Some(Unit::Seconds));
        summary.observe(100.0);
        clock.advance(Duration::from_secs(10));
        summary.observe(1.0);
        clock.advance(Duration::from_secs(49));
        assert!(summary.quantiles().values[4] > 99.0);
        clock.advance(Duration::from_secs(1));
        let max = summary.quantiles().values[4];
        assert!(max < 1.01, "{max}");
        clock.advance(Duration::from_secs(10));
        assert!(summary.quantiles().values.iter().all(|value| value.is_nan()));
        assert_eq!((summary.quantiles().count, summary.quantiles().sum), (2, 101.0));
        clock.advance(Duration::from_secs(600));
        summary.observe(2.0);
        assert!((summary.quantiles().values[0] - 2.0).abs() < 0.02);
    }

    // Catches: the stripe's counts dropped instead of handed over, or handed over twice.
    #[test]
    fn threads_and_scrapes_lose_nothing() {
        let (summary, _) = summary(None);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| (0..2_000).for_each(|i| summary.observe(f64::from(i))));
            }
            scope.spawn(|| (0..50).for_each(|_| assert!(summary.quantiles().count <= 12_000)));
        });
        let said = summary.quantiles();
        assert_eq!(said.count, 12_000);
        assert!((said.values[0] - 1_000.0).abs() < 10.0, "{said:?}");
        let ring = summary.ring.lock().unwrap();
        assert_eq!(ring.scratch.as_ref().unwrap().len(), 12_000);
    }

    // Catches: a value that wraps the sum, or makes it infinite.
    #[test]
    fn what_is_no_value_is_counted_apart() {
        let (times, _) = summary(Some(Unit::Seconds));
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            times.observe(value);
        }
        times.observe_duration(Duration::MAX);
        times.observe_duration(Duration::from_secs(7_200));
        assert!((times.quantiles().values[4] - 3600.0).abs() < 36.0);
        let rejected = Summary::rejected(&times.shared, [].into_iter());
        assert_eq!(rejected, Rejected { not_finite: 2, out_of_range: 3 });
        assert_eq!((times.quantiles().count, times.quantiles().sum), (1, 7_200.0));
        let (numbers, _) = summary(None);
        numbers.observe(f64::MAX);
        numbers.observe(f64::MAX);
        assert_eq!((numbers.quantiles().count, numbers.quantiles().sum), (2, f64::MAX));
    }
}
