//! The one door: a unit of work, from its start to its one end.

mod builder;
mod end;

pub use builder::OperationBuilder;
pub(crate) use end::{End, Judged};
use end::{judge, tell};

use crate::context::{Context, Untrusted};
use crate::current::{self, Offer, Pushed};
use crate::door;
use crate::fields::Text;
use crate::function::Measure;
use crate::hub::Hub;
#[cfg(feature = "opentelemetry")]
use crate::otel::{self, Following};
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::record::Keep;
use crate::semconv;
use crate::span::OpenSpan;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use tracing_core::callsite::DefaultCallsite;

/// A unit of work: a request, a job, a call.
///
/// While it is [entered](Operation::enter), or polls a future by [`instrument`](Operation::instrument), it is
/// the current context: log lines carry its ids, spans opened in it are its children, and
/// [`Context::current`] is what to hand to the next service.
///
/// It ends exactly once: by [`finish`](Operation::finish), or when it is dropped. Dropped, it ends as
/// [`Outcome::Cancelled`], or as [`Outcome::Panicked`] when it unwound.
#[must_use = "an operation that is dropped at once is recorded as cancelled"]
pub struct Operation {
    /// `None` while a poll has it on the stack, and after the end.
    span: Option<Shared<OpenSpan>>,
    /// Made when somebody asks for it, where our own subscriber knows the span without having been asked.
    tracing: OnceLock<tracing::Span>,
    measure: Measure,
    /// A poll of it unwound.
    panicked: bool,
    /// The thread was unwinding already when it started: then a drop does not tell of a panic.
    started_unwinding: bool,
}

/// What a new operation hangs below.
#[derive(Clone, Copy)]
pub(crate) enum Parent<'a> {
    /// What is running on this thread. Nothing is: a new trace.
    Current,
    /// The parent that the `tracing` span is made with. Our subscriber is not there: what is running.
    Tracing,
    /// A local root below a context from elsewhere. It is empty: a new trace.
    Context(&'a Context),
    /// The same, and its sender is trusted.
    Trusted(&'a Context),
}

impl Operation {
    /// Opens an operation by hand, in the telemetry that is current here. Its name is of the code's making, never
    /// a client's: it is a metric label.
    ///
    /// ```
    /// use observe_core::{Operation, Outcome};
    ///
    /// let operation = Operation::builder("resize image").start();
    /// operation.run(|| tracing::info!("half way"));
    /// ```
    pub fn builder(name: &'static str) -> OperationBuilder<'static> {
        OperationBuilder::new(name, None)
    }

    /// Opens an operation.
    ///
    /// First it gets its place in the trace. Then `make` makes its `tracing` span, which our subscriber, where it
    /// is set, knows by the same ids: it is the one of the target [`semconv::span::TARGET`], or that has the name
    /// that is measured (evaluating its fields may make others). Metrics of the start (in-flight) are with
    /// `measure`.
    pub(crate) fn open(
        parent: Parent<'_>,
        hub: Option<&Arc<Hub>>,
        correlated: bool,
        measure: Measure,
        callsite: Option<&'static DefaultCallsite>,
        make: impl FnOnce() -> tracing::Span,
    ) -> Self {
        let offer = match parent {
            Parent::Tracing => Offer::Wanted,
            Parent::Current => Offer::Span(below_current(hub, correlated)),
            Parent::Context(context) | Parent::Trusted(context) => {
                let hub = hub.map_or_else(current::hub, Arc::clone);
                Offer::Span(below(context, matches!(parent, Parent::Trusted(_)), &hub, correlated))
            }
        };
        Self::begin(offer, hub, correlated, measure, callsite, make)
    }

    /// Opens an operation on a span that is there, with the fields it has: our subscriber takes those for the
    /// attributes, and does not read them again.
    pub(crate) fn open_on(
        span: Shared<OpenSpan>,
        callsite: &'static DefaultCallsite,
        make: impl FnOnce() -> tracing::Span,
    ) -> Self {
        Self::begin(Offer::Span(span), None, false, Measure::Unmeasured, Some(callsite), make)
    }

    /// Opens an operation that no `tracing` span belongs to.
    pub(crate) fn hidden(span: Shared<OpenSpan>) -> Self {
        Self {
            span: Some(span),
            tracing: OnceLock::from(tracing::Span::none()),
            measure: Measure::Unmeasured,
            panicked: false,
            started_unwinding: std::thread::panicking(),
        }
    }

    fn begin(
        offer: Offer,
        hub: Option<&Arc<Hub>>,
        correlated: bool,
        measure: Measure,
        callsite: Option<&'static DefaultCallsite>,
        make: impl FnOnce() -> tracing::Span,
    ) -> Self {
        let (span, tracing) = match (offer, callsite) {
            // Our own subscriber would learn nothing that is not here, and nobody else listens.
            (Offer::Span(mut span), Some(callsite)) if door::is_ours() => {
                let is_known = door::is_enabled(callsite) && door::know(&mut span, callsite);
                let none = (!is_known).then(tracing::Span::none);
                (Some(span), none.map(OnceLock::from).unwrap_or_default())
            }
            (offer, _) => {
                let (tracing, back) = current::offer(offer, measure.name(), make);
                let span = match back {
                    Some(Offer::Span(span)) => Some(span),
                    Some(Offer::Wanted) => Some(below_current(hub, correlated)),
                    None => None,
                };
                (span, OnceLock::from(tracing))
            }
        };
        measure.start();
        #[cfg(feature = "test-util")]
        if let Some(span) = &span {
            let known = span.known.map(|known| known.metadata);
            let known = known.or_else(|| tracing.get().and_then(tracing::Span::metadata));
            let known = known.map_or("", |metadata| metadata.name());
            span.show_opened(if measure.name().is_empty() { known } else { measure.name() }, true);
        }
        let started_unwinding = std::thread::panicking();
        Self { span, tracing, measure, panicked: false, started_unwinding }
    }

    /// Makes it the current context until the guard is dropped. For code that does not await: a future is
    /// polled on many threads, use [`instrument`](Operation::instrument) for it.
    pub fn enter(&self) -> Entered<'_> {
        let pushed = self.span.clone().map(current::push_guarded).unwrap_or_default();
        let tracing = (!self.is_own()).then(|| self.span().enter());
        Entered {
            #[cfg(feature = "opentelemetry")]
            _following: Following::of(self.span.as_deref()),
            tracing,
            pushed,
            on_this_thread: PhantomData,
        }
    }

    /// Whether our own subscriber knows its span. It reads the stack: to enter there, too, would tell it nothing.
    fn is_own(&self) -> bool {
        self.span.as_ref().and_then(|span| span.known).is_some_and(|known| known.is_own())
    }

    /// Runs `f` inside, for one poll. Marks the operation when `f` unwinds.
    pub(crate) fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        let own = self.is_own();
        #[cfg(feature = "opentelemetry")]
        let _following = Following::of(self.span.as_deref());
        let pushed = current::push_polled(&mut self.span);
        let already = std::thread::panicking();
        let Self { span, tracing, panicked, .. } = self;
        let _stay = Stay { span, panicked, pushed, already };
        let _entered = if own { None } else { tracing.get().map(tracing::Span::enter) };
        f()
    }

    /// The context that its callees get, for those who hand it on by hand.
    #[must_use]
    pub fn context(&self) -> Context {
        let context = self.span.as_ref().and_then(|span| Some(span.trace()?.context(span.id)));
        context.unwrap_or_default()
    }

    /// Its place in the trace; `None` while a poll has it on the stack, and after the end.
    pub(crate) fn open_span(&self) -> Option<&OpenSpan> {
        self.span.as_deref()
    }

    /// Puts it among the requests in flight, until its end.
    pub(crate) fn show(&self) {
        if let Some(span) = &self.span {
            door::show(span);
        }
    }

    /// Its `tracing` span; disabled where a filter or a missing subscriber left it out.
    #[must_use]
    pub fn span(&self) -> &tracing::Span {
        static NONE: tracing::Span = tracing::Span::none();
        // Whoever is asked here does not know it.
        if self.tracing.get().is_none() && !door::is_ours() {
            return &NONE;
        }
        self.tracing.get_or_init(|| {
            let Some((span, known)) = self.span.as_ref().and_then(|span| Some((span, span.known?))) else {
                return tracing::Span::none();
            };
            let metadata = known.metadata;
            let make = || tracing::Span::new(metadata, &metadata.fields().value_set(&[]));
            current::offer(Offer::Span(Shared::clone(span)), metadata.name(), make).0
        })
    }

    /// The same, if anybody has asked for it: nobody but our own subscriber knows of it else.
    pub(crate) fn made_span(&self) -> Option<&tracing::Span> {
        self.tracing.get()
    }

    /// Ends it.
    pub fn finish(mut self, outcome: Outcome) {
        self.end(outcome, "", None, judge, tell);
    }

    /// Ends it as failed, with the error's text for the line of the operation that answers for it: its own
    /// when it is the outermost, else the request's.
    pub fn fail(mut self, cause: impl fmt::Display) {
        let mut text = Text::new();
        text.set_formatted(format_args!("{cause}"));
        self.end(Outcome::Error, "", Some(text.plain().into_owned()), judge, tell);
    }

    /// The one end. `error_type` is the kind of error, where it is known; else its name is. Unless the operation was
    /// discarded, `judge` says whether an objective calls it bad, and `report` sees it before the span is given back.
    ///
    /// What was said below the root counts first: a declared failure stays one. Then objectives judge it, the trace is kept
    /// or not, it is measured, `report` writes its line, and the span is closed.
    pub(crate) fn end(
        &mut self,
        outcome: Outcome,
        error_type: &'static str,
        cause: Option<String>,
        judge: impl FnOnce(&Judged<'_>) -> bool,
        report: impl FnOnce(&End<'_>, &Measure),
    ) {
        let Some(span) = self.span.take() else { return };
        let tracing = std::mem::take(&mut self.tracing);
        let measure = std::mem::take(&mut self.measure);
        // Also when another subscriber panics that is told of it.
        let leave = Leave(&span);
        if let Some(trace) = span.trace() {
            let hub = &trace.hub;
            let tick = hub.clock.now();
            let duration = tick.since(span.start);
            let root = span.is_local_root;
            let declared = if root { trace.told().and_then(|told| told.error_type) } else { None };
            let outcome = match outcome {
                Outcome::Ok | Outcome::Cancelled if declared.is_some() => Outcome::Error,
                outcome => outcome,
            };
            let discarded = root && trace.discarded.load(Ordering::Relaxed);
            let kind = [declared.unwrap_or_default(), error_type, measure.name()];
            let kind = kind.into_iter().find(|kind| !kind.is_empty()).unwrap_or_default();
            let own_cause = cause.as_ref().filter(|_| !root && trace.is_recorded()).cloned();
            if outcome.is_failure() {
                trace.failed.store(true, Ordering::Relaxed);
                door::tell_others(tracing.get(), |tracing| {
                    tracing.record(semconv::span::OTEL_STATUS_CODE, "ERROR");
                });
                trace.tell(|told| told.cause.fail(span.id, span.parent, cause));
            } else if let Some(mut told) = trace.told() {
                told.cause.recover(span.id);
            }
            if !discarded && judge(&Judged { trace, measure: &measure, outcome, start: span.start, duration })
            {
                trace.unmet.store(true, Ordering::Relaxed);
            }
            let keep = if root && !discarded {
                trace.settle(outcome, kind, tick)
            } else {
                trace.decide(outcome, tick)
            };
            if root {
                let route = span.request.map_or("", |asked| asked.route.as_str());
                let route = trace.told().and_then(|told| told.route).unwrap_or(route);
                // Being left out is for what was not worth keeping, not for what is not recorded.
                trace.release_lines(if discarded { Some(Keep::Marked) } else { keep }, route);
            }
            let end = End {
                span: &span,
                tracing: tracing.get(),
                trace,
                outcome,
                tick,
                duration,
                keep,
                cause: own_cause,
            };
            measure.stop();
            #[cfg(feature = "test-util")]
            span.show(|seen| seen.end(outcome, duration));
            #[cfg(feature = "test-util")]
            if discarded && let Some(watch) = hub.watch.get() {
                watch.discard(span.id);
            }
            if discarded {
                trace.forget();
            } else {
                if let Some(series) = measure.series(outcome) {
                    end.observe(series);
                }
                report(&end, &measure);
            }
        }
        drop(tracing);
        drop(leave);
        span.ended.store(true, Ordering::Relaxed);
        OpenSpan::recycle(span);
    }

    /// Ends it, with the line that every operation writes which is no request.
    pub(crate) fn close(&mut self, outcome: Outcome, cause: Option<String>) {
        self.end(outcome, "", cause, judge, tell);
    }

    /// Ends it when its owner was dropped before its work was done.
    fn abandon(&mut self) {
        self.end(self.abandoned(), "", None, judge, tell);
    }

    /// Whether a poll of it unwound.
    pub(crate) fn has_unwound(&self) -> bool {
        self.panicked
    }

    /// How it ends when its owner is dropped now.
    pub(crate) fn abandoned(&self) -> Outcome {
        let unwinding = std::thread::panicking() && !self.started_unwinding;
        if self.panicked || unwinding { Outcome::Panicked } else { Outcome::Cancelled }
    }
}

/// A local root below a context that does not come from a request.
fn below(context: &Context, trusted: bool, hub: &Arc<Hub>, correlated: bool) -> Shared<OpenSpan> {
    let admitted = Untrusted::BY_HAND.admit(context, trusted);
    let context = admitted.as_ref().map_or(context, |admitted| &*admitted.context);
    let mut span = OpenSpan::root(hub, Some(context), correlated, hub.clock.now());
    if admitted.is_some_and(|admitted| admitted.keep)
        && let Some(own) = Shared::get_mut(&mut span)
    {
        own.follow();
    }
    span
}

/// A span below what is running on this thread, else the first of a new trace.
pub(crate) fn below_current(hub: Option<&Arc<Hub>>, correlated: bool) -> Shared<OpenSpan> {
    let child = current::with_span(|parent| {
        let now = parent.trace().map(|trace| trace.hub.clock.now())?;
        OpenSpan::child(parent, now)
    });
    let root = |hub: &Arc<Hub>| {
        #[cfg(feature = "opentelemetry")]
        if let Some(foreign) = otel::foreign(hub) {
            return below(&foreign, true, hub, correlated);
        }
        OpenSpan::root(hub, None, correlated, hub.clock.now())
    };
    // Nothing runs here: a telemetry that is not given is mostly the installed one, of which no handle is needed.
    child.flatten().unwrap_or_else(|| match hub {
        Some(hub) => root(hub),
        None => current::scope().map_or_else(|| root(Hub::installed_or_detached()), |hub| root(&hub)),
    })
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("span", &self.tracing.get()).finish_non_exhaustive()
    }
}

/// Takes the span of an operation out of those that are open.
struct Leave<'a>(&'a OpenSpan);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        door::leave(self.0);
    }
}

/// Takes an operation off the stack again, and marks it when it unwound.
struct Stay<'a> {
    span: &'a mut Option<Shared<OpenSpan>>,
    panicked: &'a mut bool,
    pushed: Pushed,
    already: bool,
}

impl Drop for Stay<'_> {
    fn drop(&mut self) {
        current::pop_polled(self.pushed, self.span);
        if !self.already && std::thread::panicking() {
            *self.panicked = true;
        }
    }
}

/// Leaves an operation when dropped: see [`Operation::enter`].
#[must_use = "the operation is left when this is dropped"]
pub struct Entered<'a> {
    #[cfg(feature = "opentelemetry")]
    _following: Option<Following>,
    tracing: Option<tracing::span::Entered<'a>>,
    pushed: Pushed,
    /// The stack is this thread's.
    on_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        drop(self.tracing.take());
        current::pop(self.pushed);
    }
}

impl fmt::Debug for Entered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entered").finish_non_exhaustive()
    }
}
