//! The current context: what is running on this thread, on behalf of what.
//!
//! A stack of frames for each thread. A poll or a closure pushes a frame and takes it off again; spans that
//! `tracing` enters lie above it. What a forgotten guard left behind is cut when the frame below it is taken
//! off, so it never outlives the operation that it was opened in.

use crate::context::{Context, Inject};
use crate::hub::Hub;
use crate::pool::Shared;
use crate::semconv::span::TARGET;
use crate::slab::SPANS;
use crate::span::{Known, OpenSpan};
use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing_core::Metadata;

/// Frames beyond this depth are not kept: something enters and never leaves.
const DEPTH: usize = 1024;

/// Flat, and small fields each by itself: what was written a moment ago is read again as it was written, which
/// processors do without a wait.
struct Frame {
    kind: Kind,
    /// Names it, so that a guard finds only its own.
    serial: u64,
    /// What runs in it, but for a scope. That of an entered span of our own subscriber is looked up when somebody
    /// asks for it.
    span: Option<Shared<OpenSpan>>,
    /// What `tracing` knows an entered span by, and whose id that is.
    key: Option<NonZeroU64>,
    door: u32,
    /// A scope's telemetry: new local roots belong to it; what lies below is hidden.
    hub: Option<Arc<Hub>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An operation's stay for one poll or one closure, taken off strictly in turn by the function that pushed it.
    Polled,
    /// An operation's stay for as long as a guard lives.
    Guarded,
    /// A span that `tracing` entered.
    Entered,
    /// A telemetry's stay for one poll or one closure.
    Scope,
    /// Left out of turn; it only keeps the depth of the frames above it.
    Vacant,
}

impl Frame {
    /// It was left behind by a guard that was forgotten: what it is of has ended.
    fn is_stale(&self) -> bool {
        let over = |is_over: fn(&OpenSpan) -> &AtomicBool| {
            self.span.as_ref().is_some_and(|span| is_over(span).load(Ordering::Relaxed))
        };
        match self.kind {
            Kind::Polled | Kind::Scope => false,
            Kind::Guarded => over(|span| &span.ended),
            Kind::Entered => over(|span| &span.closed),
            Kind::Vacant => true,
        }
    }

    /// Looks up its span, if nobody has yet. None is found: the frame was left behind.
    fn look_up(&mut self) {
        if self.kind == Kind::Entered && self.span.is_none() {
            match self.key.filter(|_| self.door == Known::OWN_DOOR).and_then(|key| SPANS.find(key)) {
                Some(span) => self.span = Some(span),
                None => self.kind = Kind::Vacant,
            }
        }
    }

    /// Whether it is a stay in the span of this id.
    fn is_stay_in(&self, door: u32, key: NonZeroU64) -> bool {
        self.kind == Kind::Entered && self.key == Some(key) && self.door == door
    }

    /// Its span, unless the frame was left behind.
    fn live(&self) -> Option<&Shared<OpenSpan>> {
        self.span.as_ref().filter(|_| !self.is_stale())
    }

    /// A function that is still running will take it off.
    fn is_in_progress(&self) -> bool {
        matches!(self.kind, Kind::Polled | Kind::Scope)
    }
}

struct Stack {
    frames: Vec<Frame>,
    /// The latest frame's.
    serial: u64,
    /// Handed from an operation to our subscriber, and back: see [`offer`].
    offered: Option<Offered>,
}

/// What is offered, and the name of the span that it is offered for.
type Offered = (Offer, &'static str);

/// What an operation offers to the subscriber while its `tracing` span is being made.
pub(crate) enum Offer {
    /// This is the span: know it.
    Span(Shared<OpenSpan>),
    /// Make the span as you would any other, and hand it over.
    Wanted,
}

thread_local! {
    static STACK: RefCell<Stack> = const { RefCell::new(Stack { frames: Vec::new(), serial: 0, offered: None }) };
}

/// Runs `f` on this thread's stack. `None` while the thread is being torn down. `f` runs no user code.
#[inline]
fn with<R>(f: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| f(&mut stack))).ok().flatten()
}

impl Stack {
    /// The innermost span.
    fn top(&mut self) -> Option<&Shared<OpenSpan>> {
        let top = self.frames.iter_mut().rev().find_map(|frame| {
            frame.look_up();
            (frame.kind == Kind::Scope || frame.live().is_some()).then_some(frame)
        });
        top.and_then(|frame| frame.live())
    }

    /// The frames from the innermost outwards, all spans looked up.
    fn looked_up(&mut self) -> impl Iterator<Item = &Frame> {
        self.frames.iter_mut().rev().map(|frame| {
            frame.look_up();
            &*frame
        })
    }

    #[inline]
    fn has_room(&mut self) -> bool {
        match self.frames.last() {
            None => true,
            Some(top) if top.is_in_progress() && self.frames.len() < DEPTH => true,
            Some(_) => self.make_room(),
        }
    }

    /// Takes off what was left on top.
    fn make_room(&mut self) -> bool {
        while self.frames.last().is_some_and(Frame::is_stale) {
            self.frames.pop();
        }
        self.frames.len() < DEPTH || self.sweep()
    }

    /// Makes room by what forgotten guards left on top.
    #[cold]
    fn sweep(&mut self) -> bool {
        self.frames.iter_mut().for_each(Frame::look_up);
        while self.frames.last().is_some_and(Frame::is_stale) {
            self.frames.pop();
        }
        self.frames.len() < DEPTH
    }

    #[inline]
    fn push(&mut self, kind: Kind, span: Option<Shared<OpenSpan>>, hub: Option<Arc<Hub>>) -> Pushed {
        self.serial += 1;
        let (depth, serial) = (self.frames.len(), self.serial);
        self.frames.push(Frame { kind, serial, span, key: None, door: 0, hub });
        Pushed { depth, serial }
    }

    /// A stay in a span of `tracing`, of what `find` says. An operation on top enters itself: it is there already.
    #[inline]
    fn enter(&mut self, door: u32, key: NonZeroU64, find: impl FnOnce() -> Option<Option<Shared<OpenSpan>>>) {
        let is_there = self.frames.last().is_some_and(|top| {
            let own = matches!(top.kind, Kind::Polled | Kind::Guarded);
            own && top.span.as_ref().is_some_and(|span| span.is_known_by(door, key))
        });
        if !is_there
            && self.has_room()
            && let Some(span) = find()
        {
            let _ = self.push(Kind::Entered, span, None);
            if let Some(top) = self.frames.last_mut() {
                (top.key, top.door) = (Some(key), door);
            }
        }
    }

    /// Takes off what lies at `at` and does not disturb the frames above it.
    fn take(&mut self, at: usize) -> Left {
        let mut left = Left::default();
        if let Some(frame) = self.frames.get_mut(at) {
            frame.kind = Kind::Vacant;
            left.span = frame.span.take();
            left.hub = frame.hub.take();
        }
        self.trim();
        left
    }

    /// Takes off what is vacant on top.
    fn trim(&mut self) {
        while self.frames.last().is_some_and(|frame| frame.kind == Kind::Vacant) {
            self.frames.pop();
        }
    }

    /// Takes off the innermost stay in a span.
    fn leave(&mut self, door: u32, key: NonZeroU64) -> Option<Left> {
        // An operation takes itself off: a stay below it is another's.
        let is_it = |frame: &Frame| {
            let is_own = frame.kind != Kind::Entered
                && frame.span.as_ref().is_some_and(|span| span.is_known_by(door, key));
            is_own || frame.is_stay_in(door, key)
        };
        let at = self.frames.iter().rposition(is_it)?;
        let is_stay = self.frames.get(at).is_some_and(|frame| frame.kind == Kind::Entered);
        is_stay.then(|| self.take(at))
    }

    /// Takes off a frame by its name, and what was left above it; but not from under what is in progress.
    fn take_pushed(&mut self, pushed: Pushed) -> Left {
        let Pushed { depth, serial } = pushed;
        let Some(own) = self.frames.get(depth).filter(|frame| frame.serial == serial) else {
            return Left::default();
        };
        let above = self.frames.get(depth + 1..).unwrap_or_default();
        // A guard that is dropped out of turn leaves the guards that are still held.
        let is_guard = own.kind == Kind::Guarded;
        let is_held = |frame: &Frame| {
            frame.is_in_progress() || is_guard && frame.kind == Kind::Guarded && !frame.is_stale()
        };
        // Nearly always empty, and then nothing is allocated.
        let above = if above.is_empty() || above.iter().any(is_held) {
            Vec::new()
        } else {
            self.frames.split_off(depth + 1)
        };
        Left { above, ..self.take(depth) }
    }
}

/// What was in a frame, to be dropped after the borrow: the last holder of a hub drops what users gave to it.
#[derive(Default)]
struct Left {
    span: Option<Shared<OpenSpan>>,
    hub: Option<Arc<Hub>>,
    #[expect(dead_code, reason = "it is only held, and dropped")]
    above: Vec<Frame>,
}

/// Runs `f` with the innermost span. `f` runs no user code.
pub(crate) fn with_span<R>(f: impl FnOnce(&Shared<OpenSpan>) -> R) -> Option<R> {
    with(|stack| stack.top().map(f)).flatten()
}

/// Runs `f` with the span of the operation that is running, whatever spans `tracing` entered in it; with the innermost
/// span where there is none. `f` runs no user code.
pub(crate) fn with_operation<R>(f: impl FnOnce(&OpenSpan) -> R) -> Option<R> {
    let found = with(|stack| {
        let inside = stack.frames.iter().rev().take_while(|frame| frame.kind != Kind::Scope);
        let mut operations = inside.filter(|frame| matches!(frame.kind, Kind::Polled | Kind::Guarded));
        let found = operations.find_map(|frame| frame.live()).cloned();
        found.or_else(|| stack.top().cloned()).map(|span| f(&span))
    });
    found.flatten()
}

/// The innermost span.
pub(crate) fn span() -> Option<Shared<OpenSpan>> {
    with_span(Shared::clone)
}

/// The telemetry that new local roots belong to: the innermost scope's or operation's, else the installed one.
pub(crate) fn hub() -> Arc<Hub> {
    with_hub(Arc::clone)
}

/// Runs `f` with the telemetry that new local roots belong to. `f` runs no user code.
pub(crate) fn with_hub<R>(f: impl Fn(&Arc<Hub>) -> R) -> R {
    let here = with(|stack| {
        let hub = stack.looked_up().find_map(|frame| match frame.kind {
            Kind::Scope => frame.hub.as_ref(),
            _ => Some(&frame.live()?.trace()?.hub),
        });
        hub.map(&f)
    });
    here.flatten().unwrap_or_else(|| f(Hub::installed_or_detached()))
}

/// The innermost scope, where the telemetry is not the installed one.
pub(crate) fn scope() -> Option<Arc<Hub>> {
    with(|stack| stack.frames.iter().rev().find_map(|frame| frame.hub.clone())).flatten()
}

/// A frame on this thread's stack, by its place and its name; the name 0: there is none.
#[must_use]
#[derive(Clone, Copy, Default)]
pub(crate) struct Pushed {
    depth: usize,
    serial: u64,
}

/// Takes an operation from `span` for one poll: put back by [`pop_polled`] of the same function, whatever happens
/// in between. Where there is no room, too deep or the thread being torn down, it stays where it is.
#[inline]
pub(crate) fn push_polled(span: &mut Option<Shared<OpenSpan>>) -> Pushed {
    let mut pushed = Pushed::default();
    with(|stack| {
        if span.is_some() && stack.has_room() {
            pushed = stack.push(Kind::Polled, span.take(), None);
        }
    });
    pushed
}

/// Ends what [`push_polled`] began.
#[inline]
pub(crate) fn pop_polled(pushed: Pushed, span: &mut Option<Shared<OpenSpan>>) {
    if pushed.serial == 0 {
        return;
    }
    let is_on_top = with(|stack| match stack.frames.last_mut() {
        Some(top) if top.serial == pushed.serial => {
            *span = top.span.take();
            stack.frames.truncate(pushed.depth);
            true
        }
        _ => false,
    });
    if is_on_top == Some(false) {
        pop_below(pushed, span);
    }
}

/// The same, where something was left above it.
#[cold]
fn pop_below(pushed: Pushed, span: &mut Option<Shared<OpenSpan>>) {
    if let Some(mut left) = with(|stack| stack.take_pushed(pushed)) {
        *span = left.span.take();
    }
}

/// Pushes an operation for as long as a guard lives, which its user may drop out of turn.
pub(crate) fn push_guarded(span: Shared<OpenSpan>) -> Pushed {
    let mut span = Some(span);
    let pushed = with(|stack| stack.has_room().then(|| stack.push(Kind::Guarded, span.take(), None)));
    pushed.flatten().unwrap_or_default()
}

/// Pushes a scope, for one poll or one closure.
pub(crate) fn push_scope(hub: Arc<Hub>) -> Pushed {
    let mut hub = Some(hub);
    let pushed = with(|stack| stack.has_room().then(|| stack.push(Kind::Scope, None, hub.take())));
    pushed.flatten().unwrap_or_default()
}

/// Takes a frame off, and what was left above it; but not from under a poll that is still in progress.
pub(crate) fn pop(pushed: Pushed) {
    if pushed.serial != 0 {
        drop(with(|stack| stack.take_pushed(pushed)));
    }
}

/// `tracing` enters a span that our own subscriber knows by `key`. It is looked up when somebody asks for it.
#[inline]
pub(crate) fn enter(key: NonZeroU64) {
    with(|stack| stack.enter(Known::OWN_DOOR, key, || Some(None)));
}

/// The same behind another door, where `find` finds it: not asked when it is on top already.
#[cfg(feature = "subscriber")]
#[inline]
pub(crate) fn enter_by(door: u32, key: NonZeroU64, find: impl FnOnce() -> Option<Shared<OpenSpan>>) {
    with(|stack| stack.enter(door, key, || find().map(Some)));
}

/// `tracing` leaves a span that it knows by `key`.
#[inline]
pub(crate) fn exit(door: u32, key: NonZeroU64) {
    let left = with(|stack| match stack.frames.last_mut() {
        // Nearly always on top, and seldom looked up.
        Some(top) if top.is_stay_in(door, key) && top.span.is_none() => {
            top.kind = Kind::Vacant;
            stack.trim();
            None
        }
        _ => stack.leave(door, key),
    });
    drop(left);
}

/// The innermost span that `tracing` knows. Those that were filtered out are none to it.
pub(crate) fn known(door: u32) -> Option<Known> {
    let known = with(|stack| {
        let inside = stack.looked_up().take_while(|frame| frame.kind != Kind::Scope);
        inside.filter_map(Frame::live).find_map(|span| span.known.filter(|known| known.door == door))
    });
    known.flatten()
}

/// Makes a `tracing` span on behalf of an operation of this name: our subscriber finds the offer and knows the
/// span by it. What was offered comes back, known or not.
pub(crate) fn offer(
    offer: Offer,
    name: &'static str,
    make: impl FnOnce() -> tracing::Span,
) -> (tracing::Span, Option<Offer>) {
    /// What an operation outside of this one offers, whose span is being made. It comes back if this unwinds.
    struct Outer(Option<Offered>);
    impl Outer {
        fn restore(&mut self) -> Option<Offered> {
            with(|stack| std::mem::replace(&mut stack.offered, self.0.take())).flatten()
        }
    }
    impl Drop for Outer {
        fn drop(&mut self) {
            drop(self.restore());
        }
    }

    let mut offer = Some((offer, name));
    let Some(outer) = with(|stack| std::mem::replace(&mut stack.offered, offer.take())) else {
        // The thread is being torn down.
        return (make(), offer.map(|(offer, _)| offer));
    };
    let mut outer = Outer(outer);
    let span = make();
    let back = outer.restore();
    std::mem::forget(outer);
    (span, back.map(|(offer, _)| offer))
}

/// Takes what an operation offers, if `metadata` are those of its own span: to evaluate that span's fields others
/// may be made. Only our subscriber calls it.
pub(crate) fn take_offer(metadata: &Metadata<'_>) -> Option<Offer> {
    let taken = with(|stack| {
        let is_own = |name| metadata.target() == TARGET || metadata.name() == name;
        stack.offered.take_if(|(_, name)| is_own(*name))
    });
    taken.flatten().map(|(offer, _)| offer)
}

/// Gives the span of an offer back to the operation.
pub(crate) fn return_offer(span: Shared<OpenSpan>) {
    with(|stack| stack.offered = Some((Offer::Span(span), "")));
}

impl Context {
    /// The context of the code that calls it: what [`inject`](Context::inject) tells the next service.
    ///
    /// Empty where nothing is running under an operation or a span.
    #[must_use]
    pub fn current() -> Context {
        with_span(|span| span.trace().map(|trace| trace.context(span.id))).flatten().unwrap_or_default()
    }
}

/// Writes the context of the code that calls it to a carrier: the headers of a request that is about to be sent, or
/// of a message. What the carrier had of an older one goes.
///
/// ```
/// use observe_core::{Operation, Outcome};
///
/// let operation = Operation::builder("call").start();
/// let mut headers = http::HeaderMap::new();
/// operation.run(|| observe_core::inject(&mut headers));
/// assert_eq!(headers["traceparent"].len(), 55);
/// ```
pub fn inject(carrier: &mut (impl Inject + ?Sized)) {
    hub().inject(&Context::current(), carrier);
}

#[cfg(test)]
mod tests;
