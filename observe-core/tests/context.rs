//! Extraction and injection: the cases of the W3C suite (`trace-context/test/test.py`, levels 1 and 2,
//! strict) and ours, header by header.

use std::collections::HashMap;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use observe_core::context::{
    Baggage, Context, ContextHeader, CorrelationId, Extracted, Propagation, Rejected, SpanContext,
    TraceFlags, TraceState,
};

const TRACE: &str = "12345678901234567890123456789012";
const VALID: &str = "00-12345678901234567890123456789012-1234567890123456-00";

fn map(headers: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        // The server reads names so that they are lowercase.
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header value"));
    }
    map
}

fn extract(headers: &[(&str, &str)]) -> Extracted {
    let extracted = Context::extract(&map(headers), &Propagation::default());
    // Another carrier must agree. It keeps the case of the names.
    let pairs: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(extracted, Context::extract(&pairs, &Propagation::default()));
    extracted
}

/// What a service sends on: as the suite's service does, one span further.
fn hop(headers: &[(&str, &str)]) -> HashMap<String, String> {
    let mut context = extract(headers).context;
    context.set_span(Some(context.span().map_or_else(SpanContext::root, SpanContext::child)));
    let mut sent = HashMap::new();
    context.inject(&mut sent, &Propagation::default());
    sent
}

fn continues(sent: &HashMap<String, String>) -> bool {
    let traceparent = &sent["traceparent"];
    assert_eq!(traceparent.len(), 55);
    assert!(!traceparent.contains("-1234567890123456-"), "the caller's span id went out: {traceparent}");
    traceparent.starts_with(&format!("00-{TRACE}-"))
}

// Mutation: treating a second `traceparent` as the first.
#[test]
fn what_the_suite_sends_as_traceparent() {
    assert!(!continues(&hop(&[])));
    assert!(continues(&hop(&[("traceparent", VALID)])));
    for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        assert!(continues(&hop(&[(name, VALID)])));
    }
    for name in ["trace-parent", "trace.parent"] {
        assert!(!continues(&hop(&[(name, VALID)])));
    }
    let twice =
        [("traceparent", VALID), ("traceparent", "00-12345678901234567890123456789011-1234567890123456-01")];
    assert!(!continues(&hop(&twice)));
    assert_eq!(extract(&twice).rejected.reason(ContextHeader::Traceparent), Some(Rejected::Duplicate));
    assert!(!continues(&hop(&[("traceparent", VALID), ("traceparent", VALID)])));
    assert!(continues(&hop(&[(
        "traceparent",
        "\t 00-12345678901234567890123456789012-1234567890123456-01 \t"
    )])));
    for (future, continued) in [("", true), ("-what-the-future-will-be-like", true), (".what", false)] {
        assert_eq!(continues(&hop(&[("traceparent", &format!("cc{}{future}", &VALID[2..]))])), continued);
    }
}

// Mutation: dropping or inventing the random flag when a trace is continued.
#[test]
fn the_random_flag_is_kept_as_it_came_and_set_on_a_new_trace() {
    for (came, goes) in [("00", "00"), ("01", "01"), ("02", "02"), ("ff", "03"), ("fc", "00")] {
        let sent = hop(&[("traceparent", &format!("{}{came}", &VALID[..53]))]);
        assert_eq!(&sent["traceparent"][53..], goes);
    }
    assert_eq!(&hop(&[])["traceparent"][53..], "02");
}

#[test]
fn what_the_suite_sends_as_tracestate() {
    let state = |headers: &[&str]| {
        let mut all = vec![("traceparent", VALID)];
        all.extend(headers.iter().map(|header| ("tracestate", *header)));
        let sent = hop(&all);
        assert!(continues(&sent), "tracestate must not invalidate traceparent");
        sent.get("tracestate").cloned()
    };
    assert_eq!(state(&["foo=1,bar=2"]).unwrap(), "foo=1,bar=2");
    assert_eq!(
        state(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]).unwrap(),
        "foo=1,bar=2,rojo=1,congo=2,baz=3"
    );
    assert_eq!(state(&[""]), None, "an empty header is never sent");
    assert_eq!(state(&["foo=1", ""]).unwrap(), "foo=1");
    assert_eq!(state(&["", "foo=1"]).unwrap(), "foo=1");
    assert_eq!(state(&["foo=1,foo=2"]).unwrap(), "foo=1,foo=2");
    assert_eq!(state(&["foo=1", "foo=1"]).unwrap(), "foo=1,foo=1");
    assert_eq!(state(&["foo=1 \t , \t bar=2, \t baz=3"]).unwrap(), "foo=1,bar=2,baz=3");
    assert_eq!(state(&["\t foo=1 \t"]).unwrap(), "foo=1");
    assert_eq!(state(&["foo =1"]), None);
    assert_eq!(state(&["foo=1", "FOO=1"]), None);
    for (name, taken) in
        [("TraceState", true), ("TRACESTATE", true), ("trace-state", false), ("trace.state", false)]
    {
        assert_eq!(hop(&[("traceparent", VALID), (name, "foo=1")]).contains_key("tracestate"), taken);
    }
}

// Mutation: reading `tracestate` without regard to `traceparent`.
#[test]
fn tracestate_counts_only_beside_a_valid_traceparent() {
    for headers in [
        &[("tracestate", "foo=1")][..],
        &[("traceparent", "00-0"), ("tracestate", "foo=1")],
        &[("traceparent", VALID), ("traceparent", VALID), ("tracestate", "foo=1")],
    ] {
        let extracted = extract(headers);
        assert!(extracted.context.tracestate().is_empty());
        assert_eq!(extracted.rejected.reason(ContextHeader::Tracestate), None);
        assert!(!hop(headers).contains_key("tracestate"));
    }
}

#[test]
fn baggage_and_correlation_id_stand_by_themselves() {
    let Extracted { context, rejected, .. } = extract(&[
        ("baggage", "a=1"),
        ("traceparent", "nonsense"),
        ("X-Correlation-Id", " order-4711 "),
        ("baggage", "b=2, c"),
    ]);
    assert_eq!(context.span(), None);
    assert_eq!(context.baggage().as_str(), "a=1,b=2");
    assert_eq!(context.correlation_id().unwrap().as_str(), "order-4711");
    let refused: Vec<_> = rejected.iter().collect();
    assert_eq!(
        refused,
        [(ContextHeader::Traceparent, Rejected::Length), (ContextHeader::Baggage, Rejected::Format)]
    );
}

#[test]
fn two_correlation_ids_are_none_and_the_name_can_be_chosen() {
    let extracted = extract(&[("x-correlation-id", "a"), ("x-correlation-id", "b")]);
    assert_eq!(extracted.context.correlation_id(), None);
    assert_eq!(extracted.rejected.reason(ContextHeader::CorrelationId), Some(Rejected::Duplicate));

    let propagation = Propagation::default().correlation_header("X-Request-ID").unwrap();
    let headers = map(&[("x-correlation-id", "a"), ("x-request-id", "b")]);
    let Extracted { context, .. } = Context::extract(&headers, &propagation);
    assert_eq!(context.correlation_id().unwrap().as_str(), "b");
    let mut sent = HeaderMap::new();
    context.inject(&mut sent, &propagation);
    assert_eq!((sent.len(), &sent["x-request-id"]), (1, &HeaderValue::from_static("b")));
}

// Mutation: leaving out the removal in `inject`.
#[test]
fn a_reused_carrier_keeps_nothing_of_what_it_had() {
    let stale = || {
        map(&[
            ("accept", "*/*"),
            ("traceparent", VALID),
            ("tracestate", "foo=1"),
            ("tracestate", "bar=1"),
            ("baggage", "a=1"),
            ("x-correlation-id", "a"),
        ])
    };
    let mut context = Context::new();
    let mut headers = stale();
    context.inject(&mut headers, &Propagation::default());
    assert_eq!(headers, map(&[("accept", "*/*")]));

    let ours = SpanContext { flags: TraceFlags::SAMPLED, ..SpanContext::root() };
    context.set_span(Some(ours));
    let mut headers = stale();
    context.inject(&mut headers, &Propagation::default());
    let traceparent = String::from_utf8(ours.write().to_vec()).unwrap();
    assert_eq!(headers, map(&[("accept", "*/*"), ("traceparent", &traceparent)]));

    let mut baggage = Baggage::new();
    baggage.insert("b", "2 3").unwrap();
    context.set_baggage(baggage);
    context.set_tracestate(TraceState::new().with("new", "1").unwrap());
    context.set_correlation_id(Some(CorrelationId::new("z").unwrap()));
    let mut headers = stale();
    context.inject(&mut headers, &Propagation::default());
    let expected = map(&[
        ("accept", "*/*"),
        ("traceparent", &traceparent),
        ("tracestate", "new=1"),
        ("baggage", "b=2%203"),
        ("x-correlation-id", "z"),
    ]);
    assert_eq!(headers, expected);
    assert_eq!(Context::extract(&headers, &Propagation::default()).context, context);

    // A tracestate whose trace is gone stays here.
    context.set_span(None);
    context.inject(&mut headers, &Propagation::default());
    assert!(!headers.contains_key("tracestate") && !headers.contains_key("traceparent"));
}
