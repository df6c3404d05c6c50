//! What holds for the context's parsers whatever comes in: no panic, bounded output, and writing what was
//! read changes nothing.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use observe_core::context::{
    Baggage, Context, CorrelationId, Propagation, Propagator, Rejected, SpanContext, SpanId, TraceFlags,
    TraceId, TraceState,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Any bytes, and bytes that look like the real thing, so that the deeper checks are reached.
fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        "[ \ta-z0-9_@*/%=,;.~\"-]{0,120}".prop_map(String::into_bytes),
        "( ?[a-z][a-z0-9]{0,3} ?= ?[a-z%0-9A-F]{1,9} ?(;p=%2[0-9]q?;r)?,?){0,40}"
            .prop_map(String::into_bytes),
        "([a-z][a-z0-9]{0,3}=[ a-z]{0,3}[a-z],){0,34}".prop_map(String::into_bytes),
        "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[a-z]{0,3})?".prop_map(String::into_bytes),
        "0[0-2]-[0-9a-g]{32}.[0-9a-f]{16}-[0-9a-f]{1,3}".prop_map(String::into_bytes),
    ]
}

fn headers() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(header(), 0..6)
}

fn slices(headers: &[Vec<u8>]) -> impl Iterator<Item = &[u8]> {
    headers.iter().map(Vec::as_slice)
}

fn span() -> impl Strategy<Value = SpanContext> {
    (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<u8>()).prop_filter_map("zero", |(trace, span, flags)| {
        let (trace_id, span_id) = (TraceId::from_bytes(trace)?, SpanId::from_bytes(span)?);
        Some(SpanContext { trace_id, span_id, flags: TraceFlags::from_bits(flags) })
    })
}

/// Legal by the grammar, many of them too long together.
fn tracestate_members() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("[a-z0-9][a-z0-9_*/@-]{0,255}", "[ -+\\--<>-~]{0,255}[!-+\\--<>-~]"), 1..=32)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_span_context_is_read_as_it_was_written(span in span()) {
        prop_assert_eq!(SpanContext::parse(&span.write()), Ok(span));
        prop_assert_eq!(TraceId::from_hex(span.trace_id.to_string().as_bytes()), Some(span.trace_id));
        prop_assert_eq!(SpanId::from_hex(span.span_id.to_string().as_bytes()), Some(span.span_id));
    }

    #[test]
    fn what_traceparent_accepts_is_what_it_says(header in header()) {
        if let Ok(span) = SpanContext::parse(&header) {
            let text = String::from_utf8_lossy(&header).trim().to_owned();
            let written = String::from_utf8(span.write().to_vec()).unwrap();
            prop_assert_eq!(&text[2..53], &written[2..53]);
        }
    }

    #[test]
    fn a_tracestate_survives_being_sent(headers in headers()) {
        let (state, rejected) = TraceState::parse(slices(&headers));
        prop_assert!(state.as_str().len() <= TraceState::MAX_LENGTH && state.iter().count() <= 32);
        if rejected.is_some_and(|reason| reason != Rejected::TooLong) {
            prop_assert!(state.is_empty());
        }
        prop_assert_eq!(TraceState::parse([state.as_str().as_bytes()]), (state.clone(), None));
        let with = state.with("observe", "1").unwrap();
        prop_assert_eq!(with.iter().next(), Some(("observe", "1")));
        prop_assert_eq!(TraceState::parse([with.as_str().as_bytes()]), (with.clone(), None));
        prop_assert!(with.without("observe").get("observe").is_none());
    }

    #[test]
    fn legal_tracestate_members_are_carried_whole_and_in_order(members in tracestate_members()) {
        let texts: Vec<_> = members.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let joined = texts.join(",");
        let (state, rejected) = TraceState::parse([joined.as_bytes()]);
        if joined.len() <= TraceState::MAX_LENGTH {
            prop_assert_eq!((state.as_str(), rejected), (joined.as_str(), None));
        } else {
            prop_assert_eq!(rejected, Some(Rejected::TooLong));
            // None was taken away without need: the smallest that could be has at most 513 characters and a
            // comma.
            prop_assert!(state.as_str().len() <= TraceState::MAX_LENGTH);
            prop_assert!(state.as_str().len() + 514 > TraceState::MAX_LENGTH);
            let mut rest = texts.iter();
            for (key, value) in state.iter() {
                prop_assert!(rest.any(|text| *text == format!("{key}={value}")), "members must keep their order");
            }
        }
    }

    #[test]
    fn baggage_survives_being_sent(headers in headers()) {
        let (baggage, _) = Baggage::parse(slices(&headers));
        prop_assert!(baggage.as_str().len() <= Baggage::MAX_LENGTH);
        prop_assert!(baggage.iter().count() <= Baggage::MAX_MEMBERS);
        prop_assert!(baggage.as_str().is_ascii());
        for member in baggage.iter() {
            prop_assert!(!member.key().is_empty());
            let _ = (member.value(), member.properties().count());
        }
        prop_assert_eq!(Baggage::parse([baggage.as_str().as_bytes()]), (baggage.clone(), None));
    }

    #[test]
    fn any_text_travels_as_baggage(
        key in "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,20}", value in any::<String>(), headers in headers(),
    ) {
        let (mut baggage, _) = Baggage::parse(slices(&headers));
        let before = baggage.clone();
        if baggage.insert(&key, &value).is_ok() {
            let (read, rejected) = Baggage::parse([baggage.as_str().as_bytes()]);
            prop_assert_eq!(rejected, None);
            let decoded = read.get(&key);
            prop_assert_eq!(decoded.as_deref(), Some(value.as_str()));
            prop_assert_eq!(read.iter().filter(|member| member.key() == key).count(), 1);
        } else {
            prop_assert_eq!(baggage, before);
        }
    }

    #[test]
    fn a_context_survives_being_sent(span in span(), headers in vec((0..5_usize, header()), 0..8)) {
        let names = ["traceparent", "tracestate", "baggage", "x-correlation-id", "other"];
        let mut map = HeaderMap::new();
        for (name, value) in &headers {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                map.append(HeaderName::from_static(names[*name]), value);
            }
        }
        let propagation = Propagation::default();
        let mut context = Context::extract(&map, &propagation).context;
        if let Some(id) = context.correlation_id() {
            prop_assert!(id.as_str().len() <= CorrelationId::MAX_LENGTH);
        }
        context.set_span(Some(span));
        // Into a fresh carrier and into the one it came from: what arrives is what was sent.
        for mut carrier in [HeaderMap::new(), map] {
            context.inject(&mut carrier, &propagation);
            let arrived = Context::extract(&carrier, &propagation);
            prop_assert!(arrived.rejected.is_empty());
            prop_assert_eq!(&arrived.context, &context);
        }
    }

    #[test]
    fn what_one_propagator_writes_it_reads(span in span(), which in 0..5usize) {
        let propagator = NAMING[which];
        let propagation = Propagation::default().propagators([propagator]);
        let mut sent = HeaderMap::new();
        let mut context = Context::new();
        context.set_span(Some(span));
        context.inject(&mut sent, &propagation);
        let read = Context::extract(&sent, &propagation);
        prop_assert!(read.rejected.is_empty(), "{:?}", sent);
        let lower_half = u128::from_be_bytes(span.trace_id.to_bytes()) as u64;
        if propagator == Propagator::Datadog && lower_half == 0 {
            prop_assert!(sent.is_empty());
        } else {
            let read = read.context.span().unwrap();
            prop_assert_eq!((read.trace_id, read.span_id), (span.trace_id, span.span_id));
            prop_assert_eq!(read.flags.is_sampled(), span.flags.is_sampled());
        }
        // A context that names no span leaves nothing of it.
        Context::new().inject(&mut sent, &propagation);
        prop_assert!(sent.is_empty());
    }

    // No panic, whatever comes; what is taken says the same when it is sent on, by the headers it came in.
    #[test]
    fn whatever_comes_in_by_any_header_is_taken_or_refused(
        headers in vec((0..FOREIGN.len(), foreign()), 0..8),
        order in Just(Propagator::ALL.to_vec()).prop_shuffle(),
        several in 0..=6usize,
    ) {
        let propagation = Propagation::default().propagators(order.into_iter().take(several));
        let mut carrier = HeaderMap::new();
        for (name, value) in &headers {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                carrier.append(HeaderName::from_static(FOREIGN[*name]), value);
            }
        }
        let first = Context::extract(&carrier, &propagation);
        let mut sent = HeaderMap::new();
        first.context.inject(&mut sent, &propagation);
        let second = Context::extract(&sent, &propagation);
        let ids = |context: &Context| context.span().map(|span| {
            (span.trace_id, span.span_id, span.flags.is_sampled())
        });
        // One trace that Datadog cannot name is one less that it sends.
        let unnamed = first.context.span().is_some_and(|span| span.trace_id.to_bytes()[8..] == [0; 8]);
        if !unnamed {
            prop_assert_eq!(ids(&second.context), ids(&first.context));
        }
        prop_assert!(second.rejected.is_empty(), "{:?}", second.rejected);
    }
}

/// Those that name a span.
const NAMING: [Propagator; 5] =
    [Propagator::TraceContext, Propagator::B3, Propagator::B3Multi, Propagator::Datadog, Propagator::XRay];

const FOREIGN: [&str; 12] = [
    "traceparent",
    "tracestate",
    "b3",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-sampled",
    "x-b3-flags",
    "x-datadog-trace-id",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-tags",
    "x-amzn-trace-id",
];

/// Any bytes, and what looks like one of them.
fn foreign() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..80),
        "[0-9a-f]{16}([0-9a-f]{16})?(-[0-9a-f]{16}(-[01d](-[0-9a-f]{16})?)?)?".prop_map(String::into_bytes),
        "-?[0-9]{1,21}".prop_map(String::into_bytes),
        "(_dd.p.[a-z]{2}=[0-9a-f]{1,3},)?_dd.p.tid=[0-9a-fA]{15,16}".prop_map(String::into_bytes),
        "(Self=1-a;)? ?Root=[12]-[0-9a-f]{8}-[0-9a-f]{24};?(Parent=[0-9a-f]{16})?(;Sampled=[01?2])?"
            .prop_map(String::into_bytes),
        "00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]".prop_map(String::into_bytes),
    ]
}
