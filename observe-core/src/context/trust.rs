//! How far a sender's context is believed.

use std::borrow::Cow;

use super::Context;
use crate::context::baggage::Baggage;
use crate::context::ot;
use crate::context::traceparent::SpanContext;

/// What is taken of the context of a sender that is not trusted. What is taken of it is bounded and checked in any
/// case.
///
/// Whatever is said here, such a sender's sampled flag does not count, nor its `X-Request-Start`, nor what its
/// `tracestate` says of sampling (the member `ot`, which is taken out: services behind this one may trust it); a
/// correlation id is taken over, as it is only a text to search for.
///
/// ```
/// use observe_core::context::Untrusted;
///
/// // The edge of a public service.
/// let edge = Untrusted::default().continue_trace(false);
/// assert_ne!(edge, Untrusted::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Untrusted {
    continue_trace: bool,
    baggage: bool,
}

impl Default for Untrusted {
    /// Its trace goes on, its baggage is left out.
    fn default() -> Self {
        Self { continue_trace: true, baggage: false }
    }
}

impl Untrusted {
    /// Whether the sender's trace goes on, its `tracestate` with it. If not, a new one begins, with a link to the
    /// sender's: the fields `link.trace_id` and `link.span_id` of the request's line. Defaults to `true`: an id can
    /// join what is recorded. It also decides whether the trace is in the baseline, so a sender that chooses its ids can
    /// have all of its traces kept: at the edge of a public service say `false`.
    pub const fn continue_trace(mut self, continue_trace: bool) -> Self {
        self.continue_trace = continue_trace;
        self
    }

    /// Whether its baggage is taken, and handed on. Defaults to `false`: services behind this one may act on what is
    /// in it.
    pub const fn baggage(mut self, baggage: bool) -> Self {
        self.baggage = baggage;
        self
    }

    /// Of a parent that the code names: its baggage is what the code makes of it.
    pub(crate) const BY_HAND: Untrusted = Untrusted { continue_trace: true, baggage: true };

    /// What of a context counts; `None`: it counts as it came, and nothing follows from it. So are most.
    #[inline]
    pub(crate) fn admit(self, context: &Context, trusted: bool) -> Option<Admitted<'_>> {
        let plain = match context.span() {
            Some(span) if trusted => !span.flags.is_sampled(),
            Some(_) => self.continue_trace && !ot::is_in(context.tracestate()),
            None => true,
        };
        let whole = trusted || self.baggage || context.baggage().is_empty();
        (!(plain && whole)).then(|| self.part(context, trusted))
    }

    fn part(self, context: &Context, trusted: bool) -> Admitted<'_> {
        let span = context.span();
        if trusted {
            let keep = span.is_some_and(|span| span.flags.is_sampled());
            return Admitted { context: Cow::Borrowed(context), link: None, keep };
        }
        let mut admitted = Admitted { context: Cow::Borrowed(context), link: None, keep: false };
        if !self.baggage && !context.baggage().is_empty() {
            admitted.context.to_mut().set_baggage(Baggage::new());
        }
        if self.continue_trace && ot::is_in(context.tracestate()) {
            admitted.context.to_mut().set_tracestate(ot::without(context.tracestate()));
        } else if !self.continue_trace && span.is_some() {
            admitted.link = admitted.context.to_mut().take_span();
        }
        admitted
    }
}

/// What of a context counts, and what follows from it.
#[derive(Debug)]
pub(crate) struct Admitted<'a> {
    pub(crate) context: Cow<'a, Context>,
    /// The span that the new trace is to point to.
    pub(crate) link: Option<SpanContext>,
    /// The sender keeps the trace, and is believed.
    pub(crate) keep: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{CorrelationId, TraceFlags, TraceState};

    fn full() -> Context {
        let mut context = Context::new();
        let span = SpanContext::root();
        context.set_span(Some(SpanContext { flags: span.flags | TraceFlags::SAMPLED, ..span }));
        context.set_tracestate(TraceState::new().with("a", "1").unwrap());
        context.set_baggage(Baggage::parse([b"user=1".as_slice()]).0);
        context.set_correlation_id(CorrelationId::new("order-4711").ok());
        context
    }

    // Mutations caught: any setting that is passed over, or turned around.
    #[test]
    fn each_setting_takes_its_part_away() {
        let context = full();
        let all = [(true, true), (true, false), (false, true), (false, false)];
        for (continues, baggage) in all {
            let untrusted = Untrusted::default().continue_trace(continues).baggage(baggage);
            let Some(admitted) = untrusted.admit(&context, false) else {
                assert!(continues && baggage);
                continue;
            };
            assert_eq!(admitted.context.span(), context.span().filter(|_| continues));
            assert_eq!(admitted.link, context.span().filter(|_| !continues));
            assert_eq!(admitted.context.tracestate().is_empty(), !continues);
            assert_eq!(admitted.context.baggage().is_empty(), !baggage);
            assert_eq!(admitted.context.correlation_id(), context.correlation_id());
            assert!(!admitted.keep);

            let trusted = untrusted.admit(&context, true).unwrap();
            assert_eq!((&*trusted.context, trusted.link, trusted.keep), (&context, None, true));
        }
        assert_eq!(Untrusted::default(), Untrusted::default().continue_trace(true).baggage(false));
    }

    // Mutations caught: a stranger's word about sampling that is believed, or handed on to those who believe this one, or by
    // which a trace is continued that is not to be; a trusted one's that is not.
    #[test]
    fn what_is_said_of_sampling_counts_from_those_who_are_trusted() {
        let mut context = Context::new();
        context.set_span(Some(SpanContext::root()));
        context.set_tracestate(TraceState::parse([b"a=1,ot=th:8;rv:ffffffffffffff".as_slice()]).0);
        let admitted = Untrusted::BY_HAND.admit(&context, false).unwrap();
        assert_eq!(admitted.context.tracestate().as_str(), "a=1");
        assert_eq!((admitted.context.span(), admitted.link), (context.span(), None));
        assert!(Untrusted::BY_HAND.admit(&context, true).is_none());
        let admitted = Untrusted::default().continue_trace(false).admit(&context, false).unwrap();
        assert_eq!((admitted.context.span(), admitted.link), (None, context.span()));
    }

    // Mutation caught: a context that is looked into, and maybe copied, although all of it counts.
    #[test]
    fn what_counts_as_it_came_is_left_alone() {
        let mut plain = Context::new();
        plain.set_span(Some(SpanContext::root()));
        let edge = Untrusted::default().continue_trace(false);
        assert!(Untrusted::default().admit(&plain, false).is_none());
        assert!(Untrusted::default().admit(&plain, true).is_none());
        assert!(edge.admit(&Context::new(), false).is_none());
        assert!(edge.admit(&plain, false).is_some());
        // A flag of a stranger's is none.
        assert!(Untrusted::default().baggage(true).admit(&full(), false).is_none());
    }
}
