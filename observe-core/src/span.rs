//! Spans that are open.

use crate::clock::Tick;
use crate::context::{Context, SpanId};
use crate::fields::Fields;
use crate::hub::Hub;
use crate::pool::{Pool, Pooled};
use crate::trace::LocalTrace;
use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing_core::Metadata;

/// A span that is open, whether `tracing` knows it or not.
pub(crate) struct OpenSpan {
    /// `None` only while it lies in the pool.
    trace: Option<Arc<LocalTrace>>,
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) is_local_root: bool,
    pub(crate) start: Tick,
    /// What `tracing` knows it as; `None` when no subscriber of ours has seen it.
    pub(crate) known: Option<Known>,
    /// `tracing` has no handle of it any more: whoever seems to be in it forgot to leave.
    pub(crate) closed: AtomicBool,
    /// Its operation has ended: the same.
    pub(crate) ended: AtomicBool,
    fields: Mutex<Fields>,
}

/// What `tracing` knows a span as.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// The subscriber's id.
    pub(crate) key: NonZeroU64,
    /// Which of our subscribers: their ids overlap.
    pub(crate) door: u32,
    pub(crate) metadata: &'static Metadata<'static>,
}

impl OpenSpan {
    /// A local root: below `parent` when it carries a span, else the first of a new trace.
    pub(crate) fn root(hub: &Arc<Hub>, parent: Option<&Context>, correlated: bool, start: Tick) -> Arc<Self> {
        let trace = LocalTrace::start(hub, parent, correlated);
        let remote = parent.and_then(Context::span).map(|span| span.span_id);
        Self::open(trace, remote, true, start)
    }

    /// A child of a span that is open in this process.
    pub(crate) fn child(parent: &OpenSpan, start: Tick) -> Option<Arc<Self>> {
        let trace = parent.trace.clone()?;
        Some(Self::open(trace, Some(parent.id), false, start))
    }

    fn open(trace: Arc<LocalTrace>, parent: Option<SpanId>, is_local_root: bool, start: Tick) -> Arc<Self> {
        let id = SpanId::random();
        if let Some(mut span) = Self::pool().take()
            && let Some(own) = Arc::get_mut(&mut span)
        {
            own.trace = Some(trace);
            own.id = id;
            own.parent = parent;
            own.is_local_root = is_local_root;
            own.start = start;
            return span;
        }
        let fields = Mutex::default();
        let (closed, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let trace = Some(trace);
        Arc::new(Self { trace, id, parent, is_local_root, start, known: None, closed, ended, fields })
    }

    /// What the spans of its local root share. `None` only for a span in the pool, which nobody can hold.
    pub(crate) fn trace(&self) -> Option<&Arc<LocalTrace>> {
        self.trace.as_ref()
    }

    /// Its rendered fields, those of its parents included. No user code may run while they are held.
    pub(crate) fn fields(&self) -> MutexGuard<'_, Fields> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its rendered fields, while nobody else holds the span.
    pub(crate) fn fields_mut(&mut self) -> &mut Fields {
        self.fields.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the span and its trace back into their pools, as far as nobody else holds them.
    pub(crate) fn recycle(mut self: Arc<Self>) {
        let trace = Arc::get_mut(&mut self).and_then(|own| own.trace.take());
        Self::pool().put(self);
        if let Some(trace) = trace {
            LocalTrace::pool().put(trace);
        }
    }
}

thread_local! {
    static LIST: RefCell<Vec<Arc<OpenSpan>>> = const { RefCell::new(Vec::new()) };
}
static POOL: Pool<OpenSpan> = Pool::new(&LIST);

impl Pooled for OpenSpan {
    fn retire(&mut self) {
        self.trace = None;
        self.known = None;
        *self.closed.get_mut() = false;
        *self.ended.get_mut() = false;
        self.fields_mut().clear();
    }

    fn pool() -> &'static Pool<Self> {
        &POOL
    }
}
