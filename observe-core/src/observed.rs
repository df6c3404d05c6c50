//! What `#[observed]` expands to: a call or a future, its one outcome, and where it is told.

pub mod probe;
pub mod text;

use text::Text;

use crate::clock::Stopwatch;
use crate::context::Context;
use crate::current;
use crate::function::{Function, Measure};
use crate::operation::{Operation, Parent};
use crate::outcome::Outcome;
use crate::span::OpenSpan;
use pin_project_lite::pin_project;
use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{self, Poll, ready};
use tracing_core::callsite::DefaultCallsite;
use tracing_core::field::{DebugValue, DisplayValue, Value};
use tracing_core::span::Id;

/// What is begun when an observed function is, and ended once.
pub trait Work {
    /// Runs `f` inside, for one call or one poll.
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R;
    /// Ends it; a second time it does nothing.
    fn end(&mut self, outcome: Outcome, why: Text<'_>);
}

/// With a span: an operation.
#[derive(Debug)]
pub struct Spanned(Operation);

/// An operation is whole also after a poll of it unwound.
impl UnwindSafe for Spanned {}
impl RefUnwindSafe for Spanned {}

/// Begins an operation below what is running.
#[inline]
pub fn spanned(function: &'static Function, make: impl FnOnce() -> tracing::Span) -> Spanned {
    Spanned(Operation::open(Parent::Current, None, false, Measure::Function(function), None, make))
}

/// Begins an operation below what is running, whose span has no fields of the user's.
#[inline]
pub fn plain(
    function: &'static Function,
    callsite: &'static DefaultCallsite,
    make: impl FnOnce() -> tracing::Span,
) -> Spanned {
    Spanned(Operation::open(Parent::Current, None, false, Measure::Function(function), Some(callsite), make))
}

/// Begins an operation below a parent that was named.
pub fn spanned_below(
    function: &'static Function,
    origin: Origin,
    make: impl FnOnce(Option<Id>) -> tracing::Span,
) -> Spanned {
    let measure = Measure::Function(function);
    Spanned(match origin {
        Origin::Span(Some(id)) => {
            Operation::open(Parent::Tracing, None, false, measure, None, || make(Some(id)))
        }
        Origin::Span(None) => {
            Operation::open(Parent::Context(&Context::new()), None, false, measure, None, || make(None))
        }
        Origin::Context(context) => {
            Operation::open(Parent::Context(&context), None, false, measure, None, || make(None))
        }
    })
}

impl Work for Spanned {
    #[inline]
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.0.within(f)
    }

    #[inline]
    fn end(&mut self, outcome: Outcome, why: Text<'_>) {
        // The request's line says the innermost text only; in a trace each span has its own.
        let is_made =
            |span: &OpenSpan| span.trace().is_some_and(|trace| trace.is_recorded()) || !is_explained(span);
        let explained = why.is_none() || !self.0.open_span().is_some_and(is_made);
        let cause = if explained { None } else { why.render() };
        self.0.close(outcome, cause);
    }
}

/// The parent that was named: a `tracing` span, or a context from elsewhere.
#[derive(Debug)]
pub enum Origin {
    /// A span, or none: a new trace.
    Span(Option<Id>),
    /// What came with a message, say.
    Context(Context),
}

/// What a parent can be.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no parent for `#[observed]`",
    label = "not a span and not a context",
    note = "a parent is a `tracing` span or its id, an `Option` of the id, or an `observe_core::context::Context`"
)]
pub trait AsParent {
    /// As that.
    fn origin(self) -> Origin;
}

macro_rules! parents {
    ($($type:ty => |$value:ident| $origin:expr;)*) => {$(
        impl AsParent for $type {
            fn origin(self) -> Origin {
                let $value = self;
                $origin
            }
        }
    )*};
}

parents! {
    &tracing::Span => |span| Origin::Span(span.id());
    tracing::Span => |span| Origin::Span(span.id());
    Option<Id> => |id| Origin::Span(id);
    Id => |id| Origin::Span(Some(id));
    &Id => |id| Origin::Span(Some(id.clone()));
    &Context => |context| Origin::Context(context.clone());
    Context => |context| Origin::Context(context);
}

/// The parent that was named.
pub fn parent(parent: impl AsParent) -> Origin {
    parent.origin()
}

/// What a field can be without `?` or `%`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded as it is",
    label = "not a text, a number or a boolean",
    note = "name a part of it (`order.id`), or put `?` (`Debug`) or `%` (`Display`) in front"
)]
pub trait Recorded: Value {}

#[diagnostic::do_not_recommend]
impl<T: Value> Recorded for T {}

// What these give back does not speak of `T`: what does not fit is told of once.

/// A field as it is.
#[inline]
pub fn field<T: Recorded>(value: &T) -> &dyn Value {
    value
}

/// A field by its `Debug`.
#[inline]
pub fn debug_field<T: Debug>(value: &T) -> DebugValue<&dyn Debug> {
    tracing::field::debug(value)
}

/// A field by its `Display`.
#[inline]
pub fn display_field<T: Display>(value: &T) -> DisplayValue<&dyn Display> {
    tracing::field::display(value)
}

/// Without a span: a time and an outcome.
#[derive(Debug)]
pub struct Timed {
    /// `None` after the end.
    function: Option<&'static Function>,
    time: Stopwatch,
}

/// A measurement is whole also after a poll of it unwound.
impl UnwindSafe for Timed {}
impl RefUnwindSafe for Timed {}

/// Begins to measure.
#[inline]
pub fn timed(function: &'static Function) -> Timed {
    Timed { function: Some(function), time: current::with_hub(|hub| hub.clock.stopwatch()) }
}

impl Work for Timed {
    #[inline]
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        f()
    }

    #[inline]
    fn end(&mut self, outcome: Outcome, why: Text<'_>) {
        let Some(function) = self.function.take() else { return };
        if let Some(series) = function.series(outcome) {
            series.observe_nanos(self.time.nanos());
        }
        if !why.is_none() {
            explain(why);
        }
    }
}

/// Tells the operation that runs here why it fails, should it fail.
#[cold]
fn explain(why: Text<'_>) {
    // Not under the borrow of the stack: rendering is the user's code.
    if let Some(span) = current::span()
        && !is_explained(&span)
        && let Some(cause) = why.render()
        && let Some(trace) = span.trace()
    {
        trace.tell(|told| told.cause.gather(Some(span.id), cause));
    }
}

/// Whether what failed below explains a failure of this span: then its own text is not made.
fn is_explained(span: &OpenSpan) -> bool {
    let told = span.trace().and_then(|trace| trace.told());
    told.is_some_and(|told| told.cause.explains(span.id))
}

/// How a call ended, by its value.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// Well.
    Ok,
    /// With an error.
    Error(Text<'a>),
}

impl Verdict<'_> {
    #[inline]
    fn end(self, work: &mut impl Work) {
        match self {
            Verdict::Ok => work.end(Outcome::Ok, Text::None),
            Verdict::Error(why) => work.end(Outcome::Error, why),
        }
    }
}

// The return type is told to those below, `R`: what a verdict means depends on all of it.

/// Runs a body, so that `return` and `?` end there.
#[inline]
pub fn body<R>(body: impl FnOnce() -> R) -> R {
    body()
}

/// A call, from its start to its one end.
#[inline]
pub fn call<R, W, F, V>(mut work: W, body: F, verdict: V) -> R
where
    W: Work,
    F: FnOnce() -> R,
    V: FnOnce(&R) -> Verdict<'_>,
{
    let unwinding = Unwinding(&mut work);
    let value = unwinding.0.within(body);
    std::mem::forget(unwinding);
    verdict(&value).end(&mut work);
    value
}

/// Ends what it holds as panicked, unless it is forgotten.
struct Unwinding<'a, W: Work>(&'a mut W);

impl<W: Work> Drop for Unwinding<'_, W> {
    fn drop(&mut self) {
        self.0.end(Outcome::Panicked, Text::None);
    }
}

/// Observes a future whose work has begun.
#[inline]
pub fn future<R, W, F, V>(work: W, future: F, verdict: V) -> Observing<F, fn() -> W, W, V>
where
    W: Work,
    F: Future<Output = R>,
    V: Fn(&R) -> Verdict<'_>,
{
    Observing { future: Some(future), state: State::Begun { work }, verdict, unwound: false }
}

/// Observes a future whose work begins with its first poll.
#[inline]
pub fn later<R, W, F, B, V>(begin: B, future: F, verdict: V) -> Observing<F, B, W, V>
where
    W: Work,
    F: Future<Output = R>,
    B: Fn() -> W,
    V: Fn(&R) -> Verdict<'_>,
{
    Observing { future: Some(future), state: State::Later { begin }, verdict, unwound: false }
}

enum State<B, W> {
    Later { begin: B },
    Begun { work: W },
    Ended,
}

pin_project! {
    /// A future that is observed.
    #[must_use = "futures do nothing unless polled"]
    pub struct Observing<F, B, W, V>
    where
        W: Work,
    {
        #[pin]
        future: Option<F>,
        state: State<B, W>,
        verdict: V,
        // A poll is under way, or one unwound.
        unwound: bool,
    }

    impl<F, B, W, V> PinnedDrop for Observing<F, B, W, V>
    where
        W: Work,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let State::Begun { work } = this.state {
                let outcome = if *this.unwound { Outcome::Panicked } else { Outcome::Cancelled };
                // Its destructors run inside, and may unwind.
                let unwinding = Unwinding(work);
                unwinding.0.within(|| this.future.set(None));
                unwinding.0.end(outcome, Text::None);
            }
        }
    }
}

impl<F, B, W, V> Future for Observing<F, B, W, V>
where
    W: Work,
    F: Future,
    B: Fn() -> W,
    V: Fn(&F::Output) -> Verdict<'_>,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let State::Later { begin } = this.state {
            *this.state = State::Begun { work: begin() };
        }
        let (State::Begun { work }, Some(_)) = (&mut *this.state, this.future.as_mut().as_pin_mut()) else {
            return Poll::Pending;
        };
        *this.unwound = true;
        let polled = work.within(|| {
            let future = this.future.as_mut().as_pin_mut();
            let value = future.map_or(Poll::Pending, |future| future.poll(cx));
            if value.is_ready() {
                this.future.set(None);
            }
            value
        });
        *this.unwound = false;
        let value = ready!(polled);
        (this.verdict)(&value).end(work);
        *this.state = State::Ended;
        Poll::Ready(value)
    }
}

impl<F, B, W: Work, V> fmt::Debug for Observing<F, B, W, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observing").finish_non_exhaustive()
    }
}
