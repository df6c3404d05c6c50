//! The objectives of one telemetry: what they counted, and how fast their budgets are spent.

use super::windows::{Counts, Seen, Window};
use super::{Alerting, Burn, BurnRate, BurnRule, Exclusion, Slo, SloEvent, Verdict};
use crate::clock::Tick;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An objective, and what it counted.
pub(crate) struct LiveSlo {
    slo: Slo,
    events: AtomicU64,
    bad: AtomicU64,
    excluded: [AtomicU64; Exclusion::ALL.len()],
    /// How many say that it is maintained.
    maintained: Arc<AtomicUsize>,
    started: Tick,
    /// Its pairs that can fire, and whether each pages somebody.
    rules: Vec<(BurnRule, bool)>,
    state: Mutex<State>,
    /// Somebody was told that nothing happens.
    pub(super) is_silence_told: AtomicBool,
}

struct State {
    windows: Vec<Window>,
    /// The rules that are passed now.
    burning: Vec<bool>,
}

impl LiveSlo {
    pub(super) fn new(slo: Slo, alerting: &Alerting, now: Tick) -> Self {
        let rules = slo.firing_rules(alerting);
        let windows = slo.windows().into_iter().map(|length| Window::new(length, now)).collect();
        let state = Mutex::new(State { windows, burning: vec![false; rules.len()] });
        Self {
            slo,
            events: AtomicU64::new(0),
            bad: AtomicU64::new(0),
            excluded: [const { AtomicU64::new(0) }; Exclusion::ALL.len()],
            maintained: Arc::default(),
            started: now,
            rules,
            state,
            is_silence_told: AtomicBool::new(false),
        }
    }

    pub(crate) fn declared(&self) -> &Slo {
        &self.slo
    }

    /// Judges an event, and counts it. Answers whether it was bad.
    pub(super) fn take(&self, event: &SloEvent<'_>) -> bool {
        self.count(self.slo.judge(event))
    }

    /// Counts an event. Answers whether it was bad.
    pub(crate) fn count(&self, verdict: Verdict) -> bool {
        let verdict = match verdict {
            Verdict::Good | Verdict::Bad if self.maintained.load(Ordering::Relaxed) > 0 => {
                Verdict::Excluded(Exclusion::Maintenance)
            }
            verdict => verdict,
        };
        match verdict {
            Verdict::Good => self.events.fetch_add(1, Ordering::Relaxed),
            Verdict::Bad => {
                self.events.fetch_add(1, Ordering::Relaxed);
                // After the other: who reads them the other way round never sees more bad ones than events.
                self.bad.fetch_add(1, Ordering::Release)
            }
            Verdict::Excluded(reason) => self.excluded[reason as usize].fetch_add(1, Ordering::Relaxed),
        };
        verdict == Verdict::Bad
    }

    /// What it counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let bad = self.bad.load(Ordering::Acquire);
        Counts { events: self.events.load(Ordering::Relaxed), bad }
    }

    /// How many events it did not count for this reason.
    pub(crate) fn excluded(&self, reason: Exclusion) -> u64 {
        self.excluded[reason as usize].load(Ordering::Relaxed)
    }

    /// Whether no event came at all.
    pub(super) fn is_silent(&self) -> bool {
        self.counts().events == 0 && Exclusion::ALL.iter().all(|reason| self.excluded(*reason) == 0)
    }

    pub(crate) fn maintained(&self) -> &Arc<AtomicUsize> {
        &self.maintained
    }

    /// How many times faster than allowed the budget is spent where this share is bad.
    fn rate(&self, seen: &Seen) -> f64 {
        seen.ratio() / self.slo.error_budget()
    }

    /// Notes what was counted by now. Answers which rules are passed that were not before.
    pub(super) fn look(&self, now: Tick) -> Vec<(Burn, bool)> {
        let counts = self.counts();
        let mut state = self.state();
        let State { windows, burning } = &mut *state;
        for window in &mut *windows {
            window.note(now, counts);
        }
        let seen = |length: Duration| {
            let window = windows.iter().find(|window| window.length() == length);
            window.map(|window| window.look(now, counts)).unwrap_or_default()
        };
        let mut begun = Vec::new();
        for ((rule, pages), burning) in self.rules.iter().zip(burning) {
            let (long, short) = (seen(rule.long), seen(rule.short));
            let passed = long.ratio() > rule.limit
                && short.ratio() > rule.limit
                && long.bad >= BurnRule::LEAST_BAD_EVENTS as f64;
            if passed && !*burning {
                let (slo, rate) = (self.slo.name().to_owned(), self.rate(&long));
                begun.push((Burn { slo, rule: *rule, rate, covered: long.covered }, *pages));
            }
            *burning = passed;
        }
        begun
    }

    /// Notes what was counted by now, and leaves rules that are passed to who looks for them.
    pub(super) fn note(&self, now: Tick) {
        let counts = self.counts();
        for window in &mut self.state().windows {
            window.note(now, counts);
        }
    }

    /// How fast the budget is spent in each window, from the shortest to the longest.
    pub(crate) fn burn_rates(&self, now: Tick) -> Vec<BurnRate> {
        let counts = self.counts();
        let state = self.state();
        let windows = state.windows.iter();
        windows
            .map(|window| {
                let seen = window.look(now, counts);
                BurnRate { window: window.length(), rate: self.rate(&seen), covered: seen.covered }
            })
            .collect()
    }

    /// Which share of the budget is left of what happened since the start: below 0 where it is overspent.
    pub(crate) fn budget_left(&self) -> f64 {
        let Counts { events, bad } = self.counts();
        let seen = Seen { covered: Duration::ZERO, events: events as f64, bad: bad as f64 };
        1.0 - self.rate(&seen)
    }

    /// Whether a pair of windows that alerts was passed when it was looked at last.
    pub(crate) fn is_burning(&self) -> bool {
        self.state().burning.contains(&true)
    }

    /// How long it has been counting.
    pub(crate) fn age(&self, now: Tick) -> Duration {
        now.since(self.started)
    }

    /// How often it wants to be looked at.
    pub(super) fn pace(&self) -> Option<Duration> {
        self.state().windows.iter().map(Window::pace).min()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
