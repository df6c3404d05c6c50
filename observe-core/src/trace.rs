//! What the spans of one local root share.

use crate::context::{Baggage, Context, CorrelationId, SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use crate::fields::Fields;
use crate::hub::Hub;
use crate::pool::{Pool, Pooled};
use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The part of a trace that this process sees below one local root (an incoming request, a job).
pub(crate) struct LocalTrace {
    pub(crate) hub: Arc<Hub>,
    pub(crate) trace_id: TraceId,
    pub(crate) flags: TraceFlags,
    pub(crate) tracestate: TraceState,
    pub(crate) baggage: Baggage,
    pub(crate) correlation: Correlation,
    /// A span below the root failed.
    pub(crate) failed: AtomicBool,
    /// Somebody asked for this trace to be kept.
    pub(crate) marked: AtomicBool,
    /// The root is not to be recorded at all: being scraped is not traffic.
    pub(crate) discarded: AtomicBool,
    /// Whether `told` holds anything, so that an uneventful end takes no lock.
    has_told: AtomicBool,
    told: Mutex<Told>,
}

/// The id under which a user's request is known across services.
#[derive(Clone, Default)]
pub(crate) enum Correlation {
    /// There is none: the work was not asked for by a request.
    #[default]
    None,
    /// The trace id serves.
    TraceId,
    /// The caller gave one.
    Given(CorrelationId),
}

/// What the code below the root said about it.
#[derive(Default)]
pub(crate) struct Told {
    /// The error kind that a handler declared: the root failed, whatever it answered.
    pub(crate) error_type: Option<&'static str>,
    /// The error's text, for the root's line.
    pub(crate) cause: Option<String>,
    /// Fields for the root's line.
    pub(crate) annotations: Fields,
}

impl Told {
    /// Clears it, and keeps memory of a reasonable size.
    pub(crate) fn clear(&mut self) {
        self.error_type = None;
        self.cause = None;
        self.annotations.clear();
    }
}

impl LocalTrace {
    /// Starts the local part of a trace: below `parent` when it carries a span, else a new trace.
    pub(crate) fn start(hub: &Arc<Hub>, parent: Option<&Context>, correlation: Correlation) -> Arc<Self> {
        let remote = parent.and_then(Context::span);
        let trace_id = remote.map_or_else(TraceId::random, |span| span.trace_id);
        let baseline = hub.sampling.is_baseline(trace_id);
        let flags = match remote {
            Some(span) => span.flags.with_sampled(baseline),
            None => TraceFlags::RANDOM.with_sampled(baseline),
        };
        let tracestate = parent.filter(|_| remote.is_some()).map_or_else(TraceState::default, |p| p.tracestate().clone());
        let baggage = parent.map_or_else(Baggage::default, |p| p.baggage().clone());
        if let Some(mut trace) = Self::pool().take()
            && let Some(own) = Arc::get_mut(&mut trace)
        {
            if !Arc::ptr_eq(&own.hub, hub) {
                own.hub = Arc::clone(hub);
            }
            own.trace_id = trace_id;
            own.flags = flags;
            own.tracestate = tracestate;
            own.baggage = baggage;
            own.correlation = correlation;
            return trace;
        }
        Arc::new(Self {
            hub: Arc::clone(hub),
            trace_id,
            flags,
            tracestate,
            baggage,
            correlation,
            failed: AtomicBool::new(false),
            marked: AtomicBool::new(false),
            discarded: AtomicBool::new(false),
            has_told: AtomicBool::new(false),
            told: Mutex::default(),
        })
    }

    /// The context to hand to the next service, with `span_id` as its parent.
    pub(crate) fn context(&self, span_id: SpanId) -> Context {
        let span = SpanContext { trace_id: self.trace_id, span_id, flags: self.flags };
        let context = Context::new(span).with_tracestate(self.tracestate.clone()).with_baggage(self.baggage.clone());
        match &self.correlation {
            Correlation::None => context,
            Correlation::TraceId => context.with_correlation(CorrelationId::from(self.trace_id)),
            Correlation::Given(id) => context.with_correlation(id.clone()),
        }
    }

    /// Notes what the code below the root said. No user code runs under the lock.
    pub(crate) fn tell(&self, note: impl FnOnce(&mut Told)) {
        note(&mut self.lock());
        self.has_told.store(true, Ordering::Release);
    }

    /// What was said, if anything.
    pub(crate) fn told(&self) -> Option<MutexGuard<'_, Told>> {
        self.has_told.load(Ordering::Acquire).then(|| self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

thread_local! {
    static LIST: RefCell<Vec<Arc<LocalTrace>>> = const { RefCell::new(Vec::new()) };
}
static POOL: Pool<LocalTrace> = Pool::new(&LIST);

impl Pooled for LocalTrace {
    fn retire(&mut self) {
        // The hub stays: the next trace on this thread is nearly always of the same one.
        self.tracestate = TraceState::default();
        self.baggage = Baggage::default();
        self.correlation = Correlation::None;
        *self.failed.get_mut() = false;
        *self.marked.get_mut() = false;
        *self.discarded.get_mut() = false;
        if std::mem::take(self.has_told.get_mut()) {
            self.told.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn pool() -> &'static Pool<Self> {
        &POOL
    }
}
