//! The current context: what is running on this thread, on behalf of what.
//!
//! A stack of frames for each thread. A poll or a closure pushes a frame and takes it off again; spans that
//! `tracing` enters lie above it. What a forgotten guard left behind is cut when the frame below it is taken
//! off, so it never outlives the operation that it was opened in.

use crate::context::{Context, Inject};
use crate::hub::Hub;
use crate::semconv::span::TARGET;
use crate::span::{Known, OpenSpan};
use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing_core::Metadata;

/// Frames beyond this depth are not kept: something enters and never leaves.
const DEPTH: usize = 1024;

enum Frame {
    /// An operation's own stay, for one poll or one closure.
    Operation {
        span: Arc<OpenSpan>,
        /// Whether it is taken off strictly in turn, by the function that pushed it.
        nested: bool,
    },
    /// A span that `tracing` entered.
    Entered { span: Arc<OpenSpan> },
    /// New local roots belong to this telemetry; what lies below is hidden.
    Scope { hub: Arc<Hub> },
    /// Left out of turn; it only keeps the depth of the frames above it.
    Vacant,
}

struct Slot {
    frame: Frame,
    serial: u64,
}

impl Frame {
    /// It was left behind by a guard that was forgotten: what it is of has ended.
    fn is_stale(&self) -> bool {
        match self {
            Frame::Operation { span, nested } => !nested && span.ended.load(Ordering::Relaxed),
            Frame::Entered { span } => span.closed.load(Ordering::Relaxed),
            Frame::Scope { .. } => false,
            Frame::Vacant => true,
        }
    }

    /// Its span, unless the frame was left behind.
    fn live(&self) -> Option<&Arc<OpenSpan>> {
        self.span().filter(|_| !self.is_stale())
    }

    fn span(&self) -> Option<&Arc<OpenSpan>> {
        match self {
            Frame::Operation { span, .. } | Frame::Entered { span } => Some(span),
            Frame::Scope { .. } | Frame::Vacant => None,
        }
    }
}

struct Stack {
    frames: Vec<Slot>,
    /// Names frames, so that a guard finds only its own.
    serial: u64,
    /// Handed from an operation to our subscriber, and back: see [`offer`].
    offered: Option<Offered>,
}

/// What is offered, and the name of the span that it is offered for.
type Offered = (Offer, &'static str);

/// What an operation offers to the subscriber while its `tracing` span is being made.
pub(crate) enum Offer {
    /// This is the span: know it.
    Span(Arc<OpenSpan>),
    /// Make the span as you would any other, and hand it over.
    Wanted,
}

thread_local! {
    static STACK: RefCell<Stack> = const { RefCell::new(Stack { frames: Vec::new(), serial: 0, offered: None }) };
}

/// Runs `f` on this thread's stack. `None` while the thread is being torn down. `f` runs no user code.
fn with<R>(f: impl FnOnce(&mut Stack) -> R) -> Option<R> {
    STACK.try_with(|stack| stack.try_borrow_mut().ok().map(|mut stack| f(&mut stack))).ok().flatten()
}

impl Stack {
    fn top(&self) -> Option<&Arc<OpenSpan>> {
        self.spans().next()
    }

    /// The spans from the innermost outwards.
    fn spans(&self) -> impl Iterator<Item = &Arc<OpenSpan>> {
        let frames = self.frames.iter().rev().map(|slot| &slot.frame);
        frames.take_while(|frame| !matches!(frame, Frame::Scope { .. })).filter_map(Frame::live)
    }

    fn push(&mut self, frame: Frame) -> Option<Place> {
        while self.frames.last().is_some_and(|slot| slot.frame.is_stale()) {
            self.frames.pop();
        }
        let depth = self.frames.len();
        if depth >= DEPTH {
            return None;
        }
        self.serial += 1;
        let serial = self.serial;
        self.frames.push(Slot { frame, serial });
        Some(Place { depth, serial })
    }

    /// Takes off what lies at `at` and does not disturb the frames above it.
    fn take(&mut self, at: usize) -> Option<Frame> {
        let own = std::mem::replace(&mut self.frames.get_mut(at)?.frame, Frame::Vacant);
        while matches!(self.frames.last(), Some(Slot { frame: Frame::Vacant, .. })) {
            self.frames.pop();
        }
        Some(own)
    }
}

/// Runs `f` with the innermost span. `f` runs no user code.
pub(crate) fn with_span<R>(f: impl FnOnce(&Arc<OpenSpan>) -> R) -> Option<R> {
    with(|stack| stack.top().map(f)).flatten()
}

/// The innermost span.
pub(crate) fn span() -> Option<Arc<OpenSpan>> {
    with_span(Arc::clone)
}

/// The telemetry that new local roots belong to: the innermost scope's or operation's, else the installed one.
pub(crate) fn hub() -> Arc<Hub> {
    let here = with(|stack| {
        stack.frames.iter().rev().find_map(|slot| match &slot.frame {
            Frame::Scope { hub } => Some(Arc::clone(hub)),
            frame => Some(Arc::clone(&frame.live()?.trace()?.hub)),
        })
    });
    here.flatten().unwrap_or_else(Hub::installed_or_detached)
}

/// The innermost scope, where the telemetry is not the installed one.
pub(crate) fn scope() -> Option<Arc<Hub>> {
    let scope = with(|stack| {
        stack.frames.iter().rev().find_map(|slot| match &slot.frame {
            Frame::Scope { hub } => Some(Arc::clone(hub)),
            _ => None,
        })
    });
    scope.flatten()
}

/// Where a frame lies on this thread's stack. `None` inside: it was not pushed.
#[must_use]
#[derive(Clone, Copy)]
pub(crate) struct Pushed(Option<Place>);

#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    serial: u64,
}

/// Pushes an operation for one poll: taken off by the same function, whatever happens in between.
///
/// # Errors
/// Gives the span back where it finds no room: too deep, or the thread is being torn down.
pub(crate) fn push_nested(span: Arc<OpenSpan>) -> Result<Pushed, Arc<OpenSpan>> {
    let mut span = Some(span);
    let place = with(|stack| {
        if stack.frames.len() >= DEPTH {
            return None;
        }
        stack.push(Frame::Operation { span: span.take()?, nested: true })
    });
    match span {
        None => Ok(Pushed(place.flatten())),
        Some(span) => Err(span),
    }
}

/// Pushes an operation for as long as a guard lives, which its user may drop out of turn.
pub(crate) fn push_guarded(span: Arc<OpenSpan>) -> Pushed {
    Pushed(with(|stack| stack.push(Frame::Operation { span, nested: false })).flatten())
}

/// Pushes a scope, for one poll or one closure.
pub(crate) fn push_scope(hub: Arc<Hub>) -> Pushed {
    Pushed(with(|stack| stack.push(Frame::Scope { hub })).flatten())
}

/// Takes a frame off, and what was left above it; but not from under a poll that is still in progress.
pub(crate) fn pop(pushed: Pushed) -> Option<Arc<OpenSpan>> {
    let Place { depth, serial } = pushed.0?;
    // Dropped after the borrow: the last holder of a hub drops what users gave to it.
    let (own, above) = with(|stack| {
        if stack.frames.get(depth).is_none_or(|slot| slot.serial != serial) {
            return (None, Vec::new());
        }
        let in_progress =
            |slot: &Slot| matches!(slot.frame, Frame::Scope { .. } | Frame::Operation { nested: true, .. });
        let tail = stack.frames.get(depth + 1..).unwrap_or_default();
        // Nearly always empty, and then nothing is allocated.
        let above = if tail.is_empty() || tail.iter().any(in_progress) {
            Vec::new()
        } else {
            stack.frames.split_off(depth + 1)
        };
        (stack.take(depth), above)
    })?;
    drop(above);
    match own {
        Some(Frame::Operation { span, .. }) => Some(span),
        _ => None,
    }
}

/// `tracing` enters a span that our subscriber knows. An operation on top enters itself: it is there already.
pub(crate) fn enter(span: Arc<OpenSpan>) {
    let refused = with(|stack| match stack.frames.last() {
        Some(Slot { frame: Frame::Operation { span: top, .. }, .. }) if Arc::ptr_eq(top, &span) => Some(span),
        _ => {
            let _ = stack.push(Frame::Entered { span });
            None
        }
    });
    drop(refused);
}

/// `tracing` leaves a span that our subscriber knows by `key`.
pub(crate) fn exit(door: u32, key: NonZeroU64) {
    let left = with(|stack| {
        let is = |known: &Known| known.key == key && known.door == door;
        let known = |slot: &Slot| slot.frame.span().and_then(|span| span.known.as_ref()).is_some_and(is);
        let at = stack.frames.iter().rposition(known)?;
        let entered = matches!(stack.frames.get(at), Some(Slot { frame: Frame::Entered { .. }, .. }));
        if entered { stack.take(at) } else { None }
    });
    drop(left);
}

/// The innermost span that `tracing` knows. Those that were filtered out are none to it.
pub(crate) fn known(door: u32) -> Option<Known> {
    with(|stack| stack.spans().find_map(|span| span.known.filter(|known| known.door == door))).flatten()
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
pub(crate) fn return_offer(span: Arc<OpenSpan>) {
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
