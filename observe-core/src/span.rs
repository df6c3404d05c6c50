//! Spans that are open.

use crate::catch::try_lock;
use crate::clock::Tick;
use crate::context::{Context, SpanContext, SpanId};
use crate::fields::Fields;
use crate::http_metrics::{Method, Route};
use crate::hub::Hub;
use crate::outcome::Outcome;
use crate::pool::{Pool, Pooled, Shared};
use crate::record::{Entry, Keep, Kind, SpanRecord};
use crate::trace::LocalTrace;
use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tracing_core::Metadata;

/// A span that is open, whether `tracing` knows it or not.
pub(crate) struct OpenSpan {
    /// `None` only while it lies in the pool.
    trace: Option<Shared<LocalTrace>>,
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) is_local_root: bool,
    pub(crate) start: Tick,
    /// What `tracing` knows it as; `None` when no subscriber of ours has seen it.
    pub(crate) known: Option<Known>,
    /// The number that its operation put it among the open spans by, and takes out again at its end; 0: none.
    pub(crate) entry: AtomicU64,
    /// `tracing` has no handle of it any more: whoever seems to be in it forgot to leave.
    pub(crate) closed: AtomicBool,
    /// Its operation has ended: the same.
    pub(crate) ended: AtomicBool,
    /// Its end is recorded.
    recorded: AtomicBool,
    /// What its `tracing` span says of it for OpenTelemetry.
    otel: Otel,
    /// What it answers, where it is a server's.
    pub(crate) request: Option<Requested>,
    /// It was told that it is still running.
    pub(crate) overdue: AtomicBool,
    /// What the opentelemetry API takes for current in it, once it was asked to.
    #[cfg(feature = "opentelemetry")]
    pub(crate) followed: std::sync::OnceLock<opentelemetry::Context>,
    /// It has its own fields already: the attributes of its `tracing` span are not read.
    described: bool,
    /// What it was opened with, that of its parents included.
    fields: Fields,
    /// The same and what was recorded since, once anything was: until then nobody needs the lock.
    late: Mutex<Late>,
    has_late: AtomicBool,
}

#[derive(Default)]
struct Late {
    fields: Fields,
    otel: Otel,
}

/// What a `tracing` span says of itself by fields that are not its user's: `otel.name`, `otel.kind`,
/// `otel.status_code`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Otel {
    /// Empty: its `tracing` name counts.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// It failed.
    pub(crate) failed: bool,
}

impl Otel {
    fn clear(&mut self) {
        self.name.clear();
        self.kind = Kind::Internal;
        self.failed = false;
    }

    /// Whether nothing was said.
    fn is_empty(&self) -> bool {
        self.name.is_empty() && self.kind == Kind::Internal && !self.failed
    }

    /// Takes what was said later.
    fn merge(&mut self, later: &Otel) {
        if !later.name.is_empty() {
            self.name.clone_from(&later.name);
        }
        if later.kind != Kind::Internal {
            self.kind = later.kind;
        }
        self.failed |= later.failed;
    }
}

/// How a span ended, for its record.
pub(crate) struct Ended<'a> {
    pub(crate) name: &'a str,
    pub(crate) target: &'a str,
    pub(crate) kind: Kind,
    pub(crate) outcome: Outcome,
    pub(crate) tick: Tick,
    /// What its end adds to its fields.
    pub(crate) fields: &'a str,
    /// Whether its trace is kept, if this is its local root.
    pub(crate) keep: Option<Keep>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requested {
    pub(crate) method: Method,
    pub(crate) route: Route,
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

impl Known {
    /// The door of our own subscriber's slab.
    pub(crate) const OWN_DOOR: u32 = 0;

    /// Whether our own subscriber knows it, and so nobody else does.
    pub(crate) fn is_own(&self) -> bool {
        self.door == Self::OWN_DOOR
    }
}

impl OpenSpan {
    /// A local root: below `parent` when it carries a span, else the first of a new trace.
    pub(crate) fn root(
        hub: &Arc<Hub>,
        parent: Option<&Context>,
        correlated: bool,
        start: Tick,
    ) -> Shared<Self> {
        let trace = LocalTrace::start(hub, parent, correlated, start);
        let remote = parent.and_then(Context::span).map(|span| span.span_id);
        let mut span = Self::taken();
        if let Some(own) = Shared::get_mut(&mut span) {
            own.open(trace, remote, true, start);
        }
        span
    }

    /// A child of a span that is open in this process, with the fields that this has by now.
    pub(crate) fn child(parent: &OpenSpan, start: Tick) -> Option<Shared<Self>> {
        let trace = parent.trace.clone()?;
        let mut span = Self::taken();
        if let Some(own) = Shared::get_mut(&mut span) {
            own.open(trace, Some(parent.id), false, start);
            parent.with_fields(|fields| own.fields.inherit(fields));
        }
        Some(span)
    }

    fn open(&mut self, trace: Shared<LocalTrace>, parent: Option<SpanId>, is_local_root: bool, start: Tick) {
        self.trace = Some(trace);
        self.id = SpanId::random();
        self.parent = parent;
        self.is_local_root = is_local_root;
        self.start = start;
    }

    /// One from the pool, else a new one, that nobody else holds.
    fn taken() -> Shared<Self> {
        Self::pool().take().unwrap_or_else(|| {
            Shared::new(Self {
                trace: None,
                id: SpanId::random(),
                parent: None,
                is_local_root: true,
                start: Tick::default(),
                known: None,
                entry: AtomicU64::new(0),
                closed: AtomicBool::new(false),
                ended: AtomicBool::new(false),
                recorded: AtomicBool::new(false),
                otel: Otel::default(),
                request: None,
                overdue: AtomicBool::new(false),
                #[cfg(feature = "opentelemetry")]
                followed: std::sync::OnceLock::new(),
                described: false,
                fields: Fields::new(),
                late: Mutex::default(),
                has_late: AtomicBool::new(false),
            })
        })
    }

    /// Keeps its trace from the start, and has callees told so, while nobody else holds it.
    pub(crate) fn keep(&mut self) {
        if let Some(trace) = self.trace.as_mut().and_then(Shared::get_mut) {
            trace.mark();
        }
    }

    /// Keeps its trace as a caller does that is believed, while nobody else holds it.
    pub(crate) fn follow(&mut self) {
        if let Some(trace) = self.trace.as_mut().and_then(Shared::get_mut) {
            trace.follow();
        }
    }

    /// Whether it is this subscriber's span of this id.
    pub(crate) fn is_known_by(&self, door: u32, key: NonZeroU64) -> bool {
        self.known.as_ref().is_some_and(|known| known.key == key && known.door == door)
    }

    /// What the spans of its local root share. `None` only for a span in the pool, which nobody can hold.
    pub(crate) fn trace(&self) -> Option<&Shared<LocalTrace>> {
        self.trace.as_ref()
    }

    /// Runs `f`, which runs no user code, with its rendered fields, those of its parents included.
    pub(crate) fn with_fields<R>(&self, f: impl FnOnce(&Fields) -> R) -> R {
        if self.has_late.load(Ordering::Acquire) {
            f(&self.late.lock().unwrap_or_else(PoisonError::into_inner).fields)
        } else {
            f(&self.fields)
        }
    }

    /// [`with_fields`](Self::with_fields) for a thread that panicked and may hold the lock: then without the fields.
    pub(crate) fn try_with_fields<R>(&self, f: impl FnOnce(Option<&Fields>) -> R) -> R {
        if self.has_late.load(Ordering::Acquire) {
            f(try_lock(&self.late).as_deref().map(|late| &late.fields))
        } else {
            f(Some(&self.fields))
        }
    }

    /// Its rendered fields, while nobody else holds the span. They are its own then: the attributes of its `tracing`
    /// span are not read.
    pub(crate) fn fields_mut(&mut self) -> &mut Fields {
        self.described = true;
        &mut self.fields
    }

    /// Makes it known to `tracing`. `read` reads its attributes, and may run the user's code: nobody else holds it.
    pub(crate) fn know(&mut self, known: Known, read: impl FnOnce(&mut Fields, &mut Otel)) {
        self.known = Some(known);
        if !self.described {
            read(&mut self.fields, &mut self.otel);
        }
    }

    /// Takes more fields. Children that are open do not see them.
    pub(crate) fn extend(&self, more: &Fields, otel: &Otel) {
        if more.is_empty() && otel.is_empty() {
            return;
        }
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.has_late.load(Ordering::Relaxed) {
            late.fields.copy(&self.fields);
            late.otel.clone_from(&self.otel);
        }
        late.fields.extend(more);
        late.otel.merge(otel);
        self.has_late.store(true, Ordering::Release);
    }

    /// Records its end, the first time it is called, and with it the verdict on its trace if it is its local root.
    pub(crate) fn record(&self, ended: &Ended<'_>) {
        let Some(trace) = self.trace().filter(|trace| trace.is_recorded()) else { return };
        // Who ends it holds the last handle of those who may.
        if self.recorded.load(Ordering::Relaxed) {
            return;
        }
        self.recorded.store(true, Ordering::Relaxed);
        let clock = &trace.hub.clock;
        let start = clock.unix_nanos(self.start);
        self.with_fields(|fields| {
            let record = Entry::Span(SpanRecord {
                id: self.id,
                parent: self.parent,
                is_local_root: self.is_local_root,
                kind: ended.kind,
                outcome: ended.outcome,
                start,
                end: clock.unix_nanos(ended.tick).max(start),
                name: ended.name,
                target: ended.target,
                // What a local root inherited is of another trace, and its own here.
                fields: if self.is_local_root { fields.as_str() } else { fields.own_str() },
                end_fields: ended.fields,
            });
            if self.is_local_root {
                trace.conclude(&record, ended.keep, ended.tick);
            } else {
                trace.record(&record, ended.tick, ended.outcome.is_failure());
            }
        });
    }

    /// Records the end of a span that only `tracing` knows.
    pub(crate) fn record_closed(&self) {
        let (Some(known), Some(trace)) = (self.known, self.trace().filter(|trace| trace.is_recorded()))
        else {
            return;
        };
        if self.recorded.load(Ordering::Relaxed) {
            return;
        }
        let tick = trace.hub.clock.now();
        let late = self.has_late.load(Ordering::Acquire);
        let otel = if late {
            self.late.lock().unwrap_or_else(PoisonError::into_inner).otel.clone()
        } else {
            self.otel.clone()
        };
        let outcome = if otel.failed { Outcome::Error } else { Outcome::Ok };
        if otel.failed {
            trace.failed.store(true, Ordering::Relaxed);
        }
        self.record(&Ended {
            name: if otel.name.is_empty() { known.metadata.name() } else { &otel.name },
            target: known.metadata.target(),
            kind: otel.kind,
            outcome,
            tick,
            fields: "",
            keep: self.is_local_root.then(|| trace.settle(outcome, known.metadata.name(), tick)).flatten(),
        });
    }

    /// Points to another span. The first link of a local root is on its line, too.
    pub(crate) fn link(&self, to: SpanContext) {
        let Some(trace) = self.trace() else { return };
        if self.is_local_root {
            trace.tell(|told| {
                told.link.get_or_insert(to);
            });
        }
        trace.link(self.id, to);
        #[cfg(feature = "test-util")]
        self.show(|seen| seen.links.push(to));
    }

    /// Shows it to a test that looks on, if one does: as an operation, or as a span of `tracing` alone.
    #[cfg(feature = "test-util")]
    pub(crate) fn show_opened(&self, name: &str, is_operation: bool) {
        if let Some(trace) = self.trace()
            && let Some(watch) = trace.hub.watch.get()
        {
            watch.open(crate::watch::Seen {
                name: name.to_owned(),
                trace_id: trace.trace_id,
                span_id: self.id,
                parent: self.parent,
                is_operation,
                is_open: true,
                outcome: None,
                duration: None,
                // What was said before it was opened.
                links: if self.is_local_root {
                    trace.told().and_then(|told| told.link).into_iter().collect()
                } else {
                    Vec::new()
                },
                fields: self.with_fields(|fields| fields.as_str().to_owned()),
            });
        }
    }

    /// Shows what became of it.
    #[cfg(feature = "test-util")]
    pub(crate) fn show(&self, change: impl FnOnce(&mut crate::watch::Seen)) {
        if let Some(watch) = self.trace().and_then(|trace| trace.hub.watch.get()) {
            self.with_fields(|fields| watch.change(self.id, fields, change));
        }
    }

    /// `tracing` has no handle of it any more.
    pub(crate) fn close(span: Shared<Self>) {
        span.record_closed();
        span.closed.store(true, Ordering::Relaxed);
        #[cfg(feature = "test-util")]
        span.show(crate::watch::Seen::close);
        Self::recycle(span);
    }

    /// Takes the span and its trace back into their pools, as far as nobody else holds them.
    pub(crate) fn recycle(mut span: Shared<Self>) {
        let trace = Shared::get_mut(&mut span).and_then(|own| own.trace.take());
        Self::pool().put(span);
        if let Some(trace) = trace {
            LocalTrace::pool().put(trace);
        }
    }
}

thread_local! {
    static LIST: RefCell<Vec<Shared<OpenSpan>>> = const { RefCell::new(Vec::new()) };
}
static POOL: Pool<OpenSpan> = Pool::new(&LIST);

impl Pooled for OpenSpan {
    fn retire(&mut self) {
        self.trace = None;
        self.known = None;
        *self.entry.get_mut() = 0;
        *self.closed.get_mut() = false;
        *self.ended.get_mut() = false;
        self.request = None;
        *self.overdue.get_mut() = false;
        *self.has_late.get_mut() = false;
        *self.recorded.get_mut() = false;
        self.otel.clear();
        #[cfg(feature = "opentelemetry")]
        drop(self.followed.take());
        self.described = false;
        self.fields.clear();
    }

    fn pool() -> &'static Pool<Self> {
        &POOL
    }
}
