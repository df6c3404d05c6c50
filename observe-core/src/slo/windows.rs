//! What was counted lately, over several windows.

use crate::clock::Tick;
use std::collections::VecDeque;
use std::time::Duration;

/// A window is kept as so many samples.
const SAMPLES: u32 = 60;

/// How many events there were, and bad ones, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) events: u64,
    pub(crate) bad: u64,
}

/// What happened in a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// How much of the window that is: less than all of it after the start.
    pub(crate) covered: Duration,
    /// So many events, and bad ones: with a fraction where the window begins between two samples.
    pub(crate) events: f64,
    pub(crate) bad: f64,
}

impl Seen {
    /// Which share was bad; 0 where nothing happened.
    pub(crate) fn ratio(&self) -> f64 {
        if self.events > 0.0 { self.bad / self.events } else { 0.0 }
    }
}

/// Running totals at some points of a window, from the last one before it began.
#[derive(Debug)]
pub(crate) struct Window {
    length: Duration,
    samples: VecDeque<(Tick, Counts)>,
}

impl Window {
    /// One that nothing happened in so far.
    pub(crate) fn new(length: Duration, now: Tick) -> Self {
        Self { length, samples: VecDeque::from([(now, Counts::default())]) }
    }

    pub(crate) fn length(&self) -> Duration {
        self.length
    }

    /// How often it wants to be told.
    pub(crate) fn pace(&self) -> Duration {
        self.length / SAMPLES
    }

    /// It is so much by now. What comes too soon after the last is not needed.
    pub(crate) fn note(&mut self, now: Tick, counts: Counts) {
        if self.samples.back().is_some_and(|(last, _)| now.since(*last) < self.pace()) {
            return;
        }
        self.samples.push_back((now, counts));
        // The one before the beginning stays: what lies between is a share of it.
        while self.samples.get(1).is_some_and(|(second, _)| now.since(*second) >= self.length) {
            self.samples.pop_front();
        }
    }

    /// What happened in it until now.
    pub(crate) fn look(&self, now: Tick, counts: Counts) -> Seen {
        let later = self.samples.partition_point(|(at, _)| now.since(*at) >= self.length);
        let before = later.checked_sub(1).and_then(|index| self.samples.get(index));
        let after = self.samples.get(later).copied().unwrap_or((now, counts));
        let Some((at, from)) = before else {
            // It did not begin yet: all that is known.
            let from = after.1;
            return Seen { covered: now.since(after.0), ..between(from, counts) };
        };
        // Between two samples events are taken to have come evenly.
        let span = after.0.since(*at).as_secs_f64();
        let passed = now.since(*at).saturating_sub(self.length).as_secs_f64();
        let share = if span > 0.0 { (passed / span).clamp(0.0, 1.0) } else { 0.0 };
        let (all, gone) = (between(*from, counts), between(*from, after.1));
        Seen {
            covered: self.length,
            events: all.events - gone.events * share,
            bad: all.bad - gone.bad * share,
        }
    }
}

fn between(from: Counts, to: Counts) -> Seen {
    Seen {
        covered: Duration::ZERO,
        events: to.events.saturating_sub(from.events) as f64,
        bad: to.bad.saturating_sub(from.bad) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Tick {
        Tick::from_nanos(seconds * 1_000_000_000)
    }

    fn counts(events: u64, bad: u64) -> Counts {
        Counts { events, bad }
    }

    // Mutation caught: a window called longer than it was looked at.
    #[test]
    fn after_the_start_no_more_is_covered_than_was_seen() {
        let mut window = Window::new(300 * SECOND, at(7));
        assert_eq!(window.look(at(7), counts(0, 0)), Seen::default());
        window.note(at(27), counts(100, 1));
        let seen = window.look(at(67), counts(200, 3));
        assert_eq!(seen, Seen { covered: 60 * SECOND, events: 200.0, bad: 3.0 });
        assert_eq!(seen.ratio(), 0.015);
    }

    // Mutations caught: the sample after the beginning taken for it; one that is thrown away too early.
    #[test]
    fn what_is_older_does_not_count() {
        let mut window = Window::new(60 * SECOND, at(0));
        // Ten events a second, of which all are bad until 100 s.
        for second in 1..=200 {
            window.note(at(second), counts(second * 10, second.min(100) * 10));
        }
        assert_eq!(window.look(at(200), counts(2_000, 1_000)).bad, 0.0);
        let mut window = Window::new(60 * SECOND, at(0));
        for second in 1..=130 {
            window.note(at(second), counts(second * 10, second.min(100) * 10));
        }
        let seen = window.look(at(130), counts(1_300, 1_000));
        assert_eq!(seen, Seen { covered: 60 * SECOND, events: 600.0, bad: 300.0 });
    }

    // Mutation caught: no share of the sample that the beginning lies in.
    #[test]
    fn a_long_gap_counts_by_its_share() {
        let mut window = Window::new(60 * SECOND, at(0));
        window.note(at(100), counts(1_000, 100));
        let seen = window.look(at(120), counts(1_000, 100));
        assert_eq!(seen, Seen { covered: 60 * SECOND, events: 400.0, bad: 40.0 });
    }

    #[test]
    fn its_memory_is_bounded() {
        let mut window = Window::new(60 * SECOND, at(0));
        for millis in 0..600_000 {
            window.note(Tick::from_nanos(millis * 1_000_000), counts(millis, 0));
        }
        assert!(window.samples.len() <= SAMPLES as usize + 2, "{}", window.samples.len());
    }
}
