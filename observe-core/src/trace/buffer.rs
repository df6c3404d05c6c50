//! What a local root holds back until it is known whether its trace is kept.

use crate::catch::try_lock;
use crate::record::{Entries, Entry, Keep};
use crate::sync::{Mutex, MutexGuard};
use crate::traces::{Cut, Traces};
use std::sync::PoisonError;
use std::time::Duration;

/// A buffer that is free keeps this much memory at most, for the next trace.
const KEPT_BYTES: usize = 4 * 1024;
/// The first memory of a buffer.
const FIRST_BYTES: usize = 512;
/// A trace that is kept in any case is handed over in parts of about this size.
const PART_BYTES: usize = 64 * 1024;
/// And no later than this after a part's first entry, as soon as another comes.
const PART_TIME: Duration = Duration::from_secs(5);

/// Entries of a trace, and its verdict once there is one.
#[derive(Default)]
pub(crate) struct TraceBuffer(Mutex<State>);

#[derive(Default)]
struct State {
    entries: Entries,
    spans: u32,
    /// How many bytes of memory were reserved for it.
    reserved: usize,
    /// When the first entry came of those that are here; 0: none is.
    since: u64,
    /// How many bytes were left when a part was due the last time.
    left: usize,
    /// Parts were handed over: the trace is kept, for this reason.
    begun: Option<Keep>,
    verdict: Option<Verdict>,
}

/// Whether a trace is kept, and why.
pub(crate) type Verdict = Option<Keep>;

/// Entries that leave a buffer.
pub(crate) struct Part {
    pub(crate) keep: Keep,
    pub(crate) entries: Entries,
    pub(crate) spans: u32,
}

/// What became of an entry.
pub(crate) enum Pushed {
    /// It waits for the verdict, or was left out and counted. What waited before it may have become due.
    Held(Option<Part>),
    /// The verdict was there already: what it says holds for the entry, too.
    Late(Verdict),
}

impl TraceBuffer {
    /// Adds an entry that came `now`, in nanoseconds of any origin. `is_spared`: what is reserved for failures is open
    /// to it. `keep` says whether the trace will be kept whatever comes; it takes no lock.
    pub(crate) fn push(
        &self,
        entry: &Entry<'_>,
        now: u64,
        is_spared: bool,
        traces: &Traces,
        keep: impl FnOnce() -> Verdict,
    ) -> Pushed {
        let mut state = self.lock();
        if let Some(verdict) = state.verdict {
            return Pushed::Late(verdict);
        }
        let part = state.part(now, traces.limits.bytes, keep);
        state.add(entry, now, is_spared, traces);
        Pushed::Held(part)
    }

    /// [`push`](Self::push) for a thread that panicked and may hold the lock: then nothing is done. `look` is shown all that
    /// waits.
    pub(crate) fn try_push(&self, entry: &Entry<'_>, now: u64, traces: &Traces, look: impl FnOnce(&Entries)) {
        let Some(mut state) = try_lock(&self.0).filter(|state| state.verdict.is_none()) else { return };
        state.add(entry, now, true, traces);
        look(&state.entries);
    }

    /// Adds the last entry and fixes the verdict, unless there is one. `take` gets all that waited, with the verdict.
    pub(crate) fn conclude(
        &self,
        last: &Entry<'_>,
        verdict: Verdict,
        traces: &Traces,
        take: impl FnOnce(&Entries, u32, Verdict),
    ) {
        let mut state = self.lock();
        if state.verdict.is_some() {
            return;
        }
        state.add(last, 0, true, traces);
        let verdict = state.begun.or(verdict);
        state.verdict = Some(verdict);
        take(&state.entries, state.spans, verdict);
        state.clear();
    }

    /// Drops all that waits and all that comes.
    pub(crate) fn discard(&self) {
        let mut state = self.lock();
        state.verdict = Some(None);
        state.clear();
    }

    /// Makes it ready for another trace. Nobody else holds it.
    pub(crate) fn reset(&mut self, traces: &Traces) {
        let state = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        traces.cut(Cut::Unended, u64::from(state.spans));
        state.clear();
        state.begun = None;
        state.verdict = None;
        if state.reserved > KEPT_BYTES || traces.are_half_full() {
            state.free(traces);
        }
    }

    /// Gives its memory back. Nobody else holds it.
    pub(crate) fn free(&mut self, traces: &Traces) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).free(traces);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is to be handed over now. What stays, of spans that are open, is not looked through again before as much has
    /// come to it.
    fn part(&mut self, now: u64, most: usize, keep: impl FnOnce() -> Verdict) -> Option<Part> {
        let is_due = self.entries.len() >= self.left + (most / 8).clamp(FIRST_BYTES, PART_BYTES)
            || self.since != 0 && Duration::from_nanos(now.saturating_sub(self.since)) >= PART_TIME;
        if !is_due {
            return None;
        }
        self.since = now;
        self.left = self.entries.len();
        self.begun = self.begun.or_else(keep);
        let keep = self.begun?;
        let (entries, spans) = self.entries.take_ended();
        self.spans = self.spans.saturating_sub(spans);
        self.left = self.entries.len();
        (spans > 0).then_some(Part { keep, entries, spans })
    }

    fn add(&mut self, entry: &Entry<'_>, now: u64, is_spared: bool, traces: &Traces) {
        if let Err(cut) = self.try_add(entry, now, is_spared, traces) {
            traces.cut(cut, 1);
        }
    }

    fn try_add(&mut self, entry: &Entry<'_>, now: u64, is_spared: bool, traces: &Traces) -> Result<(), Cut> {
        let limits = &traces.limits;
        let is_span = matches!(entry, Entry::Span(_));
        let most = match entry {
            Entry::Span(_) if is_spared => limits.bytes,
            Entry::Span(_) => limits.bytes / 4 * 3,
            Entry::Event(_) | Entry::Link(_) => limits.bytes / 2,
        };
        let len = self.entries.len() + Entries::size_of(entry);
        if len > most || is_span && !is_spared && self.spans >= limits.spans {
            return Err(Cut::TraceFull);
        }
        if len > self.reserved {
            let wanted = len.next_power_of_two().max(FIRST_BYTES).min(limits.bytes.max(len));
            traces.reserve(self.reserved, wanted - self.reserved)?;
            self.reserved = wanted;
            self.entries.reserve_to(wanted);
        }
        self.entries.push(entry);
        self.spans += u32::from(is_span);
        if self.since == 0 {
            self.since = now;
        }
        Ok(())
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.spans = 0;
        self.since = 0;
        self.left = 0;
    }

    fn free(&mut self, traces: &Traces) {
        self.entries = Entries::new();
        traces.release(self.reserved);
        self.reserved = 0;
    }
}
