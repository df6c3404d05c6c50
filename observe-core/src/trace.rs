//! What the spans of one local root share.

mod buffer;
mod held;
mod repeats;
mod waits;

use crate::catch::try_lock;
use crate::cause::Cause;
use crate::clock::Tick;
use crate::context::{Context, CorrelationId, SpanContext, SpanId, TraceFlags, TraceId, ot};
use crate::fields::Fields;
use crate::handover::Handover;
use crate::hub::Hub;
use crate::outcome::Outcome;
use crate::pool::{Pool, Pooled, Shared};
use crate::record::{Correlation, Entries, Entry, Keep, LinkRecord, TraceHead, TraceRecord};
use crate::recorder::Head;
use crate::sampling::Facts;
use buffer::{Part, Pushed, TraceBuffer, Verdict};
use held::HeldLines;
use repeats::Repeats;
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
pub(crate) use waits::Waits;

/// The part of a trace that this process sees below one local root (an incoming request, a job).
pub(crate) struct LocalTrace {
    pub(crate) hub: Arc<Hub>,
    pub(crate) trace_id: TraceId,
    /// With the sampled flag as it was at the start: see [`flags`](Self::flags).
    first_flags: TraceFlags,
    /// It is in the baseline, and in that of the caller, by the threshold that it sent.
    is_shared: bool,
    start: Tick,
    /// What came from elsewhere, to be handed on: tracestate, baggage, correlation id.
    carried: Context,
    /// The trace id serves as the correlation id where none was given.
    correlated: bool,
    /// A span below the root failed.
    pub(crate) failed: AtomicBool,
    /// An objective called it, or something in it, bad.
    pub(crate) unmet: AtomicBool,
    /// Somebody asked for this trace to be kept.
    pub(crate) marked: AtomicBool,
    /// The root is not to be recorded at all: being scraped is not traffic.
    pub(crate) discarded: AtomicBool,
    /// Why it is kept, as its place in [`Keep::ALL`], once that is fixed; [`OPEN`] before, [`LIMITED`] where the rate has
    /// no room for it.
    settled: AtomicU8,
    /// Whether `told` holds anything, so that an uneventful end takes no lock.
    has_told: AtomicBool,
    told: Mutex<Told>,
    buffer: TraceBuffer,
    held: HeldLines,
}

/// There were too many of its kind: it is kept only if it is in the baseline.
struct Limited(Verdict);

/// It is not fixed yet whether a trace is kept.
const OPEN: u8 = u8::MAX;
/// There were too many of its kind. What else keeps it may come yet.
const LIMITED: u8 = u8::MAX - 1;

/// What the code below the root said about it.
#[derive(Default)]
pub(crate) struct Told {
    /// The error kind that a handler declared: the root failed, whatever it answered.
    pub(crate) error_type: Option<&'static str>,
    /// The route that matched, where the server's operation could not see it.
    pub(crate) route: Option<&'static str>,
    /// Why it failed, for the root's line.
    pub(crate) cause: Cause,
    /// Fields for the root's line.
    pub(crate) annotations: Fields,
    /// What it waited for.
    pub(crate) waits: Waits,
    /// What it asked of databases again and again.
    pub(crate) repeats: Repeats,
    /// What the root points to first, for its line.
    pub(crate) link: Option<SpanContext>,
    /// Somebody waits for the connection that the request may be answered with.
    pub(crate) handover: Option<Arc<Handover>>,
    /// How many bytes of the request's body were read, and of the answer's sent, where somebody counts.
    pub(crate) request_bytes: Option<u64>,
    pub(crate) response_bytes: Option<u64>,
}

impl LocalTrace {
    /// Starts the local part of a trace: below `parent` when it carries a span, else a new trace.
    pub(crate) fn start(
        hub: &Arc<Hub>,
        parent: Option<&Context>,
        correlated: bool,
        start: Tick,
    ) -> Shared<Self> {
        let remote = parent.and_then(Context::span);
        let trace_id = remote.map_or_else(TraceId::random, |span| span.trace_id);
        let flags = remote.map_or(TraceFlags::RANDOM, |span| span.flags);
        let mut carried = parent.cloned().unwrap_or_default();
        let (is_baseline, is_shared) = look(hub, trace_id, &mut carried);
        let flags = flags.sampled(is_baseline);
        if let Some(mut trace) = Self::pool().take()
            && let Some(own) = Shared::get_mut(&mut trace)
        {
            if !Arc::ptr_eq(&own.hub, hub) {
                own.buffer.free(&own.hub.traces);
                own.hub = Arc::clone(hub);
            }
            own.trace_id = trace_id;
            own.first_flags = flags;
            own.is_shared = is_shared;
            own.start = start;
            own.carried = carried;
            own.correlated = correlated;
            return trace;
        }
        Shared::new(Self {
            hub: Arc::clone(hub),
            trace_id,
            first_flags: flags,
            is_shared,
            start,
            carried,
            correlated,
            failed: AtomicBool::new(false),
            unmet: AtomicBool::new(false),
            marked: AtomicBool::new(false),
            discarded: AtomicBool::new(false),
            settled: AtomicU8::new(OPEN),
            has_told: AtomicBool::new(false),
            told: Mutex::default(),
            buffer: TraceBuffer::default(),
            held: HeldLines::default(),
        })
    }

    /// Its flags by now: the sampled flag is set when it is in the baseline, or is going to be kept anyhow.
    pub(crate) fn flags(&self) -> TraceFlags {
        let settled = self.settled.load(Ordering::Relaxed);
        let kept = self.marked.load(Ordering::Relaxed)
            || usize::from(settled) < Keep::ALL.len()
            || settled == OPEN && self.is_failure();
        if kept { self.first_flags.sampled(true) } else { self.first_flags }
    }

    /// Whether something in it failed that keeps it, up to a rate.
    fn is_failure(&self) -> bool {
        self.failed.load(Ordering::Relaxed) && self.hub.sampling.keeps_failures()
    }

    /// Keeps it from the start, and has callees told so.
    pub(crate) fn mark(&mut self) {
        self.first_flags = self.first_flags.sampled(true);
        *self.marked.get_mut() = true;
    }

    /// A caller that is believed keeps it. Where that is by the threshold that keeps it here as well, nothing changes: it
    /// stands for as many as it does there.
    pub(crate) fn follow(&mut self) {
        if !self.is_shared {
            self.mark();
        }
    }

    /// A callee that is believed keeps it. What is in the baseline is kept without that, and stands for more than itself.
    pub(crate) fn heed(&self) {
        if !self.first_flags.is_sampled() {
            self.marked.store(true, Ordering::Relaxed);
        }
    }

    /// Where a span of it stands.
    pub(crate) fn span_context(&self, span_id: SpanId) -> SpanContext {
        SpanContext { trace_id: self.trace_id, span_id, flags: self.flags() }
    }

    /// Whether somebody wants to know what happens in it.
    pub(crate) fn is_recorded(&self) -> bool {
        self.hub.traces.are_wanted() && !self.discarded.load(Ordering::Relaxed)
    }

    /// Records what happened in it at `tick`. A span that failed finds room where others do not.
    pub(crate) fn record(&self, entry: &Entry<'_>, tick: Tick, failed: bool) {
        let now = self.hub.clock.unix_nanos(tick);
        let keep = || self.fix(Outcome::Ok, "", tick).unwrap_or_else(|Limited(baseline)| baseline);
        match self.buffer.push(entry, now, failed, &self.hub.traces, keep) {
            Pushed::Held(None) => {}
            Pushed::Held(Some(Part { keep, entries, spans })) => {
                self.hand_over(Some(keep), &entries, spans, tick);
            }
            Pushed::Late(verdict) => {
                let mut entries = Entries::new();
                entries.push(entry);
                self.hand_over(verdict, &entries, u32::from(entry.ended().is_some()), tick);
            }
        }
    }

    /// Notes a panic of this thread at `tick`, and shows the flight recorder what happened until then: the process may end
    /// by it. Takes no lock that this thread may hold.
    pub(crate) fn panicked(&self, event: &Entry<'_>, tick: Tick) {
        self.let_lines_go_in_a_hurry();
        let traces = &self.hub.traces;
        self.buffer.try_push(event, self.hub.clock.unix_nanos(tick), traces, |entries| {
            if let Some(recorder) = traces.recorder() {
                let (trace_id, flags) = (self.trace_id, self.flags());
                let head = Head { trace_id, flags, kept: None, is_early: true, at: tick };
                recorder.record(&head, entries.as_bytes(), true);
            }
        });
    }

    /// Records that one of its spans points to another, of this trace or of another one.
    pub(crate) fn link(&self, span_id: SpanId, to: SpanContext) {
        if self.is_recorded() {
            self.record(&Entry::Link(LinkRecord { span_id, to }), self.hub.clock.now(), false);
        }
    }

    /// Records the end of its local root, which fixes whether it is kept.
    pub(crate) fn conclude(&self, root: &Entry<'_>, verdict: Verdict, tick: Tick) {
        self.buffer.conclude(root, verdict, &self.hub.traces, |entries, spans, verdict| {
            self.hand_over(verdict, entries, spans, tick);
        });
    }

    /// Forgets what happened in it: its local root is not to be recorded.
    pub(crate) fn forget(&self) {
        if self.hub.traces.are_wanted() {
            self.buffer.discard();
        }
    }

    /// Whether it would be kept if its local root ended at `tick`, and why.
    pub(crate) fn decide(&self, outcome: Outcome, tick: Tick) -> Verdict {
        let facts = Facts {
            baseline: self.first_flags.is_sampled(),
            marked: self.marked.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            unmet: self.unmet.load(Ordering::Relaxed),
            outcome,
            duration: tick.since(self.start),
        };
        self.hub.sampling.decide(&facts, self.hub.slow)
    }

    /// Fixes whether it is kept, its local root having ended at `tick` or being so long that its first part is due.
    /// Failures and slow ones up to a rate for each `kind` of error.
    pub(crate) fn settle(&self, outcome: Outcome, kind: &str, tick: Tick) -> Verdict {
        self.fix(outcome, kind, tick).unwrap_or_else(|Limited(baseline)| {
            let limit = || self.settled.compare_exchange(OPEN, LIMITED, Ordering::Relaxed, Ordering::Relaxed);
            if baseline.is_some() || limit().is_ok() {
                self.hub.traces.count_limited();
            }
            baseline
        })
    }

    /// [`settle`](Self::settle), where one that is refused may be asked for again: it is counted at the end.
    fn fix(&self, outcome: Outcome, kind: &str, tick: Tick) -> Result<Verdict, Limited> {
        let traces = &self.hub.traces;
        // What has begun to be handed over, or was told to a caller, stays kept, and is counted once.
        let settled = self.settled.load(Ordering::Relaxed);
        if let Some(begun) = Keep::ALL.get(usize::from(settled)) {
            return Ok(Some(*begun));
        }
        let (verdict, is_limited) = match self.decide(outcome, tick) {
            Some(Keep::Failure | Keep::Slow | Keep::Objective)
                if settled == LIMITED || !traces.keep_rate.admits(kind, tick) =>
            {
                (self.first_flags.is_sampled().then_some(Keep::Baseline), true)
            }
            verdict => (verdict, false),
        };
        let Some(keep) = verdict else { return if is_limited { Err(Limited(None)) } else { Ok(None) } };
        let fixed = self.settled.compare_exchange(settled, keep as u8, Ordering::Relaxed, Ordering::Relaxed);
        if let Err(earlier) = fixed {
            // A part became due on another thread meanwhile.
            return Ok(Keep::ALL.get(usize::from(earlier)).copied().or(verdict));
        }
        traces.count_kept(keep);
        if is_limited { Err(Limited(verdict)) } else { Ok(verdict) }
    }

    /// Whether it is going to be kept, as far as that is known at `tick`, for a caller who keeps it then, too: a failure
    /// and a slow one take their place under the rate now, or a caller's part of an outage had no limit.
    pub(crate) fn promise(&self, outcome: Outcome, kind: &str, tick: Tick) -> bool {
        match self.decide(outcome, tick) {
            Some(Keep::Failure | Keep::Slow | Keep::Objective) => self.settle(outcome, kind, tick).is_some(),
            verdict => verdict.is_some(),
        }
    }

    /// What happened in it, last at `tick`, goes where such traces go.
    fn hand_over(&self, verdict: Verdict, entries: &Entries, spans: u32, tick: Tick) {
        let traces = &self.hub.traces;
        let kept = verdict.map(|keep| (keep, self.hub.sampling.probability(keep)));
        if let Some(recorder) = traces.recorder() {
            let (trace_id, flags) = (self.trace_id, self.flags());
            let head = Head { trace_id, flags, kept, is_early: false, at: tick };
            recorder.record(&head, entries.as_bytes(), self.failed.load(Ordering::Relaxed));
        }
        if let Some((keep, probability)) = kept {
            traces.hand_over(|| TraceRecord {
                head: TraceHead {
                    trace_id: self.trace_id,
                    flags: self.first_flags.sampled(true),
                    tracestate: self.carried.tracestate().clone(),
                    keep,
                    probability,
                },
                entries: entries.clone(),
                spans,
            });
        }
    }

    /// The context to hand to the next service, with `span_id` as its parent.
    pub(crate) fn context(&self, span_id: SpanId) -> Context {
        // Before others are told that it is kept.
        if self.is_failure() && self.settled.load(Ordering::Relaxed) == OPEN {
            self.settle(Outcome::Ok, "", self.hub.clock.now());
        }
        let mut context = self.carried.clone();
        context.set_span(Some(self.span_context(span_id)));
        if self.correlated && context.correlation_id().is_none() {
            context.set_correlation_id(Some(CorrelationId::from(self.trace_id)));
        }
        context
    }

    /// The id under which the request is known across services: the caller's, else the trace id where the root
    /// was asked for by a request.
    pub(crate) fn with_correlation_id<R>(&self, f: impl FnOnce(Option<Correlation<'_>>) -> R) -> R {
        match self.carried.correlation_id() {
            Some(id) => f(Some(Correlation::Given(id.as_str()))),
            None => f(self.correlated.then_some(Correlation::Trace(self.trace_id))),
        }
    }

    /// Notes what the code below the root said. No user code runs under the lock.
    pub(crate) fn tell(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.lock());
        self.has_told.store(true, Ordering::Release);
    }

    /// [`tell`](Self::tell) for a thread that panicked and may hold the lock: then nothing is noted.
    pub(crate) fn try_tell(&self, note: impl FnOnce(&mut Told)) {
        if let Some(mut told) = try_lock(&self.told) {
            note(&mut told);
            self.has_told.store(true, Ordering::Release);
        }
    }

    /// What was said, if anything.
    pub(crate) fn told(&self) -> Option<MutexGuard<'_, Told>> {
        self.has_told.load(Ordering::Acquire).then(|| self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the trace is in the baseline, by its id, or by the randomness that a caller named who was believed; and
/// whether it is there by the caller's threshold, too, which keeps no more than ours. What is handed on says so.
fn look(hub: &Hub, trace_id: TraceId, carried: &mut Context) -> (bool, bool) {
    let state = carried.tracestate();
    let randomness = ot::randomness(state).unwrap_or_else(|| trace_id.randomness());
    let is_baseline = hub.sampling.is_baseline(randomness);
    let is_shared =
        is_baseline && ot::threshold(state).is_some_and(|theirs| hub.sampling.threshold() <= Some(theirs));
    if is_baseline && carried.is_bare() {
        *carried = hub.in_baseline.clone();
    } else if is_baseline || ot::is_in(state) {
        let threshold = hub.sampling.threshold().filter(|_| is_baseline);
        carried.set_tracestate(ot::with_threshold(state, threshold));
    }
    (is_baseline, is_shared)
}

impl Drop for LocalTrace {
    fn drop(&mut self) {
        self.end_lines();
        self.buffer.free(&self.hub.traces);
    }
}

thread_local! {
    static LIST: RefCell<Vec<Shared<LocalTrace>>> = const { RefCell::new(Vec::new()) };
}
static POOL: Pool<LocalTrace> = Pool::new(&LIST);

impl Pooled for LocalTrace {
    fn retire(&mut self) {
        // The hub stays: the next trace on this thread is nearly always of the same one.
        self.end_lines();
        self.buffer.reset(&self.hub.traces);
        self.carried = Context::new();
        *self.failed.get_mut() = false;
        *self.unmet.get_mut() = false;
        *self.marked.get_mut() = false;
        *self.discarded.get_mut() = false;
        *self.settled.get_mut() = OPEN;
        if std::mem::take(self.has_told.get_mut()) {
            let told = self.told.get_mut().unwrap_or_else(PoisonError::into_inner);
            told.error_type = None;
            told.route = None;
            told.cause = Cause::default();
            told.annotations.clear();
            told.waits = Waits::default();
            told.repeats.clear();
            told.link = None;
            told.handover = None;
            told.request_bytes = None;
            told.response_bytes = None;
        }
    }

    fn pool() -> &'static Pool<Self> {
        &POOL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EventRecord;
    use crate::traces::Traces;
    use std::cell::Cell;
    use tracing_core::Level;

    // Mutation caught: all that waits looked through again for each entry, once there is enough for a part: a job that
    // only writes lines comes to a stand.
    #[test]
    fn a_part_that_cannot_leave_is_looked_for_again_when_as_much_has_come() {
        let (buffer, traces, asked) = (TraceBuffer::default(), Traces::nowhere(), Cell::new(0));
        let keep = || {
            asked.set(asked.get() + 1);
            None
        };
        let line = EventRecord {
            span_id: SpanId::random(),
            unix_nanos: 1,
            level: Level::INFO,
            target: "tests",
            message: "line",
            fields: "",
        };
        for _ in 0..20_000 {
            buffer.push(&Entry::Event(line), 1, false, &traces, keep);
        }
        assert!(traces.count(crate::traces::Cut::TraceFull) > 0);
        assert!((2..=8).contains(&asked.get()), "{} of 512 KiB", asked.get());
    }
}
