//! The propagated context: what one service tells the next.
//!
//! A [`Context`] is read from a carrier with [`Context::extract`] and written to one with
//! [`Context::inject`]. Nothing that comes in is an error: what is malformed is left out, and said beside the
//! context so that it can be counted.

mod b3;
mod baggage;
mod carrier;
mod correlation;
mod datadog;
mod hex;
mod id;
pub(crate) mod ot;
mod propagation;
mod propagator;
mod rejected;
mod several;
mod text;
mod traceparent;
mod tracestate;
mod trust;
mod xray;

pub use self::baggage::{Baggage, BaggageMember};
pub use self::carrier::{Extract, Inject};
pub use self::correlation::CorrelationId;
pub use self::id::{SpanId, TraceId};
pub use self::propagation::Propagation;
pub use self::propagator::Propagator;
pub use self::rejected::{ContextHeader, Rejected, Rejections};
pub use self::traceparent::{SpanContext, TraceFlags};
pub use self::tracestate::TraceState;
pub use self::trust::Untrusted;

use std::sync::Arc;

use self::propagator::{BAGGAGE, TRACEPARENT, TRACESTATE};

/// What travels with a request from service to service. Cheap to clone; without tracestate, baggage and
/// correlation id it holds no memory.
///
/// ```
/// use observe_core::context::{Context, Propagation, SpanContext};
/// use std::collections::HashMap;
///
/// let propagation = Propagation::default();
/// let headers = HashMap::from([
///     ("traceparent".to_owned(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
///     ("tracestate".to_owned(), "rojo=00f067aa0ba902b7".to_owned()),
///     ("x-correlation-id".to_owned(), "two words".to_owned()),
/// ]);
///
/// // What came in: the caller's span. What was malformed is not in it, and is no error.
/// let extracted = Context::extract(&headers, &propagation);
/// let mut context = extracted.context;
/// for (header, reason) in extracted.rejected.iter() {
///     assert_eq!((header.as_str(), reason.as_str()), ("correlation_id", "value"));
/// }
///
/// // What goes out: one's own span of the same trace.
/// let caller = context.span().expect("it was well-formed");
/// context.set_span(Some(caller.child()));
/// let mut sent = HashMap::new();
/// context.inject(&mut sent, &propagation);
/// assert!(sent["traceparent"].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
/// assert_ne!(sent["traceparent"], headers["traceparent"]);
/// assert_eq!(sent["tracestate"], "rojo=00f067aa0ba902b7");
/// assert_eq!(sent.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    span: Option<SpanContext>,
    /// Most requests have none of it: then a clone is a copy.
    carried: Option<Arc<Carried>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Carried {
    tracestate: TraceState,
    baggage: Baggage,
    correlation_id: Option<CorrelationId>,
}

/// What [`Context::extract`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extracted {
    /// What could be used.
    pub context: Context,
    /// What could not, to be counted.
    pub rejected: Rejections,
}

impl Context {
    /// A context that says nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { span: None, carried: None }
    }

    /// Reads what a carrier brings. Never fails: without a well-formed header of a configured propagator that names a
    /// span, as with two `traceparent`, [`span`](Self::span) is `None` and the trace is a new one. `tracestate`
    /// counts only beside a `traceparent`; baggage and correlation id stand by themselves. Where there are several
    /// [propagators](Propagation::propagators) the first that names a span wins, and those after it are not read.
    ///
    /// All of it is the caller's word: whether to trust it is for the one who asks.
    pub fn extract(carrier: &(impl Extract + ?Sized), propagation: &Propagation) -> Extracted {
        if !propagation.is_short() {
            return several::extract(carrier, propagation);
        }
        let mut found = Found::default();
        let names = [&TRACEPARENT, &TRACESTATE, &BAGGAGE, propagation.correlation_id()];
        carrier.pick(names, |place, value| found.push(place, value));
        if !propagation.has_baggage() {
            found.forget(Found::BAGGAGE);
        }
        found.read()
    }

    /// Writes the context to a carrier, in the place of what it had: a header with nothing to say is removed,
    /// none is sent empty. The span must be one's own by then, not the caller's. `tracestate` is sent only
    /// beside a `traceparent`.
    pub fn inject(&self, carrier: &mut (impl Inject + ?Sized), propagation: &Propagation) {
        if !propagation.is_short() {
            return several::inject(self, carrier, propagation);
        }
        let traceparent = self.span.map(SpanContext::write);
        let carried = self.carried.as_deref();
        let tracestate =
            carried.filter(|_| self.span.is_some()).and_then(|carried| filled(carried.tracestate.as_str()));
        let correlation_id = carried.and_then(|carried| carried.correlation_id.as_ref());
        match &traceparent {
            Some(traceparent) => carrier.put_traceparent(traceparent),
            None => carrier.put([(&TRACEPARENT, None)]),
        }
        let tracestate = (&TRACESTATE, tracestate);
        let correlation_id = (propagation.correlation_id(), correlation_id.map(|id| id.as_str().as_bytes()));
        if propagation.has_baggage() {
            let baggage = (&BAGGAGE, carried.and_then(|carried| filled(carried.baggage.as_str())));
            carrier.put([tracestate, baggage, correlation_id]);
        } else {
            carrier.put([tracestate, correlation_id]);
        }
    }

    /// The span: the caller's in a context that came in, one's own in a context that goes out.
    #[must_use]
    pub const fn span(&self) -> Option<SpanContext> {
        self.span
    }

    /// The members of `tracestate`.
    #[must_use]
    pub fn tracestate(&self) -> &TraceState {
        static EMPTY: TraceState = TraceState::new();
        self.carried.as_deref().map_or(&EMPTY, |carried| &carried.tracestate)
    }

    /// The baggage.
    #[must_use]
    pub fn baggage(&self) -> &Baggage {
        static EMPTY: Baggage = Baggage::new();
        self.carried.as_deref().map_or(&EMPTY, |carried| &carried.baggage)
    }

    /// The correlation id, if the caller gave one. Where there is none, the trace id takes its part.
    #[must_use]
    pub fn correlation_id(&self) -> Option<&CorrelationId> {
        self.carried.as_deref().and_then(|carried| carried.correlation_id.as_ref())
    }

    /// Sets the span. The rest stays: for a new trace in the place of the caller's, set an empty
    /// [`TraceState`] too.
    pub fn set_span(&mut self, span: Option<SpanContext>) {
        self.span = span;
    }

    /// Whether it says nothing but which span it is.
    pub(crate) fn is_bare(&self) -> bool {
        self.carried.is_none()
    }

    /// Takes the span out, and with it the `tracestate`: what goes on is a new trace.
    pub(crate) fn take_span(&mut self) -> Option<SpanContext> {
        self.set_tracestate(TraceState::new());
        self.span.take()
    }

    /// Sets the members of `tracestate`.
    pub fn set_tracestate(&mut self, tracestate: TraceState) {
        if *self.tracestate() != tracestate {
            self.change(|carried| carried.tracestate = tracestate);
        }
    }

    /// Sets the baggage.
    pub fn set_baggage(&mut self, baggage: Baggage) {
        if *self.baggage() != baggage {
            self.change(|carried| carried.baggage = baggage);
        }
    }

    /// Sets the correlation id.
    pub fn set_correlation_id(&mut self, correlation_id: Option<CorrelationId>) {
        if self.correlation_id() != correlation_id.as_ref() {
            self.change(|carried| carried.correlation_id = correlation_id);
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Carried)) {
        let mut carried = self.carried.as_deref().cloned().unwrap_or_default();
        change(&mut carried);
        self.carried = carried.shared();
    }
}

impl Carried {
    fn shared(self) -> Option<Arc<Self>> {
        let empty = self.tracestate.is_empty() && self.baggage.is_empty() && self.correlation_id.is_none();
        (!empty).then(|| Arc::new(self))
    }
}

fn filled(text: &str) -> Option<&[u8]> {
    (!text.is_empty()).then_some(text.as_bytes())
}

/// The values of the headers that are ours, in order, not yet read. Mostly one of each, and no memory for it.
#[derive(Default)]
struct Found<'a> {
    first: [Option<&'a [u8]>; 4],
    /// Those after it, each with the place of its header.
    more: Vec<(usize, &'a [u8])>,
}

impl<'a> Found<'a> {
    const TRACEPARENT: usize = 0;
    const TRACESTATE: usize = 1;
    const BAGGAGE: usize = 2;
    const CORRELATION_ID: usize = 3;

    #[inline(always)]
    fn push(&mut self, place: usize, value: &'a [u8]) {
        match &mut self.first[place] {
            first @ None => *first = Some(value),
            Some(_) => self.more.push((place, value)),
        }
    }

    /// As if the header had not come.
    fn forget(&mut self, place: usize) {
        self.first[place] = None;
    }

    fn has(&self, place: usize) -> bool {
        self.first[place].is_some()
    }

    /// The value, if there is one; refused if there are more.
    #[inline]
    fn single(&self, place: usize) -> Option<Result<&'a [u8], Rejected>> {
        let twice = self.more.iter().any(|(other, _)| *other == place);
        self.first[place].map(|first| if twice { Err(Rejected::Duplicate) } else { Ok(first) })
    }

    /// All values of a header that came.
    fn all(&self, place: usize) -> impl Iterator<Item = &'a [u8]> {
        let more = self.more.iter().filter(move |(other, _)| *other == place);
        self.first[place].into_iter().chain(more.map(|(_, value)| *value))
    }

    fn read(&self) -> Extracted {
        let mut rejected = Rejections::default();
        let span = self.span(&mut rejected);
        self.carry(span, rejected)
    }

    /// What `traceparent` says.
    #[inline]
    fn span(&self, rejected: &mut Rejections) -> Option<SpanContext> {
        let span = self.single(Self::TRACEPARENT)?.and_then(SpanContext::parse);
        span.inspect_err(|reason| rejected.note(ContextHeader::Traceparent, *reason)).ok()
    }

    /// What else there is.
    #[inline]
    fn carry(&self, span: Option<SpanContext>, mut rejected: Rejections) -> Extracted {
        let mut note = |header, reason: Option<Rejected>| {
            if let Some(reason) = reason {
                rejected.note(header, reason);
            }
        };
        // Most requests end here.
        if ![Self::TRACESTATE, Self::BAGGAGE, Self::CORRELATION_ID].iter().any(|place| self.has(*place)) {
            return Extracted { context: Context { span, carried: None }, rejected };
        }
        let mut carried = Carried::default();
        if self.has(Self::TRACESTATE) && span.is_some() {
            let (tracestate, reason) = TraceState::parse(self.all(Self::TRACESTATE));
            note(ContextHeader::Tracestate, reason);
            carried.tracestate = tracestate;
        }
        if self.has(Self::BAGGAGE) {
            let (baggage, reason) = Baggage::parse(self.all(Self::BAGGAGE));
            note(ContextHeader::Baggage, reason);
            carried.baggage = baggage;
        }
        let correlation_id = self.single(Self::CORRELATION_ID);
        let correlation_id = correlation_id.map(|value| value.and_then(CorrelationId::parse)).transpose();
        note(ContextHeader::CorrelationId, correlation_id.as_ref().err().copied());
        carried.correlation_id = correlation_id.unwrap_or_default();

        Extracted { context: Context { span, carried: carried.shared() }, rejected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The context lies in every operation and in every entry of the current stack.
    #[test]
    fn it_is_small() {
        assert!(size_of::<Context>() <= 48);
        assert!(size_of::<Extracted>() <= 64);
    }

    // Mutation: keeping an empty `Carried`, which would make every request allocate.
    #[test]
    fn nothing_carried_holds_no_memory() {
        let mut context = Context::new();
        context.set_tracestate(TraceState::new());
        context.set_baggage(Baggage::new());
        context.set_correlation_id(None);
        assert_eq!(context.carried, None);
        context.set_correlation_id(CorrelationId::new("a").ok());
        context.set_tracestate(TraceState::new().with("a", "1").unwrap());
        assert_eq!((context.tracestate().as_str(), context.correlation_id().unwrap().as_str()), ("a=1", "a"));
        context.set_correlation_id(None);
        context.set_tracestate(TraceState::new());
        assert_eq!(context.carried, None);
    }
}
