//! Lines of a request that wait until it is known whether it is kept.

use super::{LocalTrace, Verdict};
use crate::catch::try_lock;
use crate::context::ot;
use crate::log_sampling::stands_for;
use crate::outcome::Outcome;
use crate::record::{Keep, LEVELS, LogRecord, level_code};
use crate::sampling::RANDOMNESS;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing_core::Level;

/// A buffer that grew beyond this is not kept for the next trace.
const KEPT: usize = 16 * 1024;

/// The lines of one local root that wait.
#[derive(Default)]
pub(super) struct HeldLines {
    /// Whether its lines may have to wait.
    is_on: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// One after the other: what is known of a line, and the line.
    frames: Vec<u8>,
    /// What came of the trace, once that is known, and the route of its request.
    verdict: Option<(Verdict, &'static str)>,
    /// The route, as far as it is known before that.
    route: &'static str,
    /// How many bytes of the rules' room it has.
    reserved: usize,
}

/// What is known of a line beside its text.
#[derive(Clone, Copy)]
struct Frame {
    length: u32,
    level: u8,
    /// It is written only if the trace is kept.
    is_quiet: bool,
    /// By the rules for its level and its target.
    threshold: u64,
    callsite: u64,
}

impl Frame {
    const SIZE: usize = 22;

    fn write(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4] = self.level;
        bytes[5] = u8::from(self.is_quiet);
        bytes[6..14].copy_from_slice(&self.threshold.to_le_bytes());
        bytes[14..].copy_from_slice(&self.callsite.to_le_bytes());
        bytes
    }

    /// The first line, and what comes behind it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8], &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<{ Self::SIZE }>()?;
        let number =
            |at: usize| head.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let frame = Self {
            length,
            level: head[4],
            is_quiet: head[5] != 0,
            threshold: number(6)?,
            callsite: number(14)?,
        };
        let (line, rest) = rest.split_at_checked(length as usize)?;
        Some((frame, line, rest))
    }
}

impl HeldLines {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalTrace {
    /// It is a request: its lines wait for its end, if somebody asked for that.
    pub(crate) fn hold_lines(&self, route: &'static str) {
        if self.hub.log_rules.hold_any() {
            self.held.state().route = route;
            self.held.is_on.store(true, Ordering::Relaxed);
        }
    }

    /// A line within it: written, held back until it is known whether it is kept, or left out.
    pub(crate) fn log(&self, record: &LogRecord<'_>) {
        let (hub, is_written) = (&self.hub, self.hub.writes(record.level, record.target));
        let waits = self.held.is_on.load(Ordering::Relaxed)
            && (!is_written || hub.log_rules.samples(record.level, record.target));
        if waits {
            self.hold(record, !is_written);
        } else if is_written {
            hub.sink.log(record);
        }
    }

    fn hold(&self, record: &LogRecord<'_>, is_quiet: bool) {
        let rules = &self.hub.log_rules;
        let mut state = self.held.state();
        if state.verdict.is_none()
            && let Some(keep) = Keep::ALL.get(usize::from(self.settled.load(Ordering::Relaxed)))
        {
            // A part of it was handed over already, or promised: it stays kept.
            let route = state.route;
            self.let_go(&mut state, Some(*keep), route);
        }
        let mut frame = Frame {
            length: 0,
            level: level_code(record.level),
            is_quiet,
            threshold: rules.threshold(record.level, record.target),
            callsite: record.callsite,
        };
        if let Some((verdict, route)) = state.verdict {
            // Nothing waits any more, nor does this: what is left out is not even rendered.
            if let Some(others) = self.stands_for(&frame, verdict, route) {
                self.hub.sink.render(record, &mut state.frames);
                self.hub.sink.write(record.level, &state.frames, others);
                state.frames.clear();
            } else if !is_quiet {
                rules.count_left_out();
            }
            return;
        }
        let held = state.frames.len();
        state.frames.extend_from_slice(&frame.write());
        self.hub.sink.render(record, &mut state.frames);
        let size = state.frames.len() - held;
        frame.length = u32::try_from(size - Frame::SIZE).unwrap_or(u32::MAX);
        if let Some(head) = state.frames.get_mut(held..held + Frame::SIZE) {
            head.copy_from_slice(&frame.write());
        }
        if rules.reserve(held, size) {
            state.reserved += size;
        } else if self.flags().is_sampled()
            && let Ok(Some(keep)) = self.fix(Outcome::Ok, "", self.hub.clock.now())
        {
            // It is kept in any case, and need not wait.
            let route = state.route;
            self.let_go(&mut state, Some(keep), route);
        } else {
            state.frames.truncate(held);
            rules.count_full();
        }
    }

    /// What came of it: its lines go the same way, in their order, and so do those that come late.
    pub(crate) fn release_lines(&self, verdict: Verdict, route: &'static str) {
        if self.held.is_on.load(Ordering::Relaxed) {
            self.let_go(&mut self.held.state(), verdict, route);
        }
    }

    /// Its end will not be told any more: what waits is written, and so is what comes.
    pub(crate) fn let_lines_go(&self) {
        if self.held.is_on.load(Ordering::Relaxed) {
            let mut state = self.held.state();
            if state.verdict.is_none() {
                self.let_go(&mut state, Some(Keep::Marked), "");
            }
        }
    }

    /// A thread of it panicked, and may hold the lock: what waits is written, since the process may end by it.
    pub(super) fn let_lines_go_in_a_hurry(&self) {
        if self.held.is_on.load(Ordering::Relaxed)
            && let Some(mut state) = try_lock(&self.held.state)
            && state.verdict.is_none()
        {
            self.let_go(&mut state, Some(Keep::Failure), "");
            state.verdict = None;
        }
    }

    /// No end came: what waits is written.
    pub(super) fn end_lines(&mut self) {
        if std::mem::take(self.held.is_on.get_mut()) {
            let mut state = self.held.state();
            if state.verdict.is_none() {
                self.let_go(&mut state, Some(Keep::Marked), "");
            }
            state.verdict = None;
            if state.frames.capacity() > KEPT {
                state.frames = Vec::new();
            }
        }
    }

    fn let_go(&self, state: &mut State, verdict: Verdict, route: &'static str) {
        let (rules, mut rest) = (&self.hub.log_rules, state.frames.as_slice());
        while let Some((frame, line, behind)) = Frame::read(rest) {
            rest = behind;
            let level = LEVELS.get(usize::from(frame.level)).copied().unwrap_or(Level::INFO);
            match self.stands_for(&frame, verdict, route) {
                Some(others) => self.hub.sink.write(level, line, others),
                None if frame.is_quiet => {}
                None => rules.count_left_out(),
            }
        }
        state.frames.clear();
        rules.free(std::mem::take(&mut state.reserved));
        state.verdict = Some((verdict, route));
    }

    /// For how many lines one stands, itself included; `None`: it is left out.
    fn stands_for(&self, frame: &Frame, verdict: Verdict, route: &'static str) -> Option<u64> {
        let (rules, baseline) = (&self.hub.log_rules, self.hub.sampling.threshold().unwrap_or(RANDOMNESS));
        let own = if frame.is_quiet { RANDOMNESS } else { rules.with_route(frame.threshold, route) };
        match verdict {
            // It would have been written by the larger of the two shares.
            Some(Keep::Baseline) => Some(stands_for(own.min(baseline))),
            Some(_) => Some(1),
            None if frame.is_quiet || self.randomness() < own => None,
            None => {
                // The lines of the request itself have none: those of each route and level are one.
                let callsite = match frame.callsite {
                    0 => route.as_ptr().addr() as u64 + u64::from(frame.level),
                    callsite => callsite,
                };
                let left_out = rules.admits(callsite, self.hub.clock.now())?;
                Some(stands_for(own).saturating_mul(left_out.saturating_add(1)))
            }
        }
    }

    /// What decides whether it is in a share.
    fn randomness(&self) -> u64 {
        ot::randomness(self.carried.tracestate()).unwrap_or_else(|| self.trace_id.randomness())
    }
}
