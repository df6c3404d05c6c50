//! Whose word counts.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use http::{HeaderMap, Request, Response};
use observe_core::context::Untrusted;
use observe_core::{Sampling, Telemetry};
use observe_tower::{ObserveLayer, RequestHead};
use serde_json::Value;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use support::{Observed, Steps, get, labels};
use tower::{Layer, ServiceExt, service_fn};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const INSIDE: [u8; 4] = [10, 0, 0, 7];
const OUTSIDE: [u8; 4] = [203, 0, 113, 7];

/// Of the request's connection, as a server puts it there.
#[derive(Clone)]
struct Peer(IpAddr);

fn from(peer: [u8; 4]) -> Request<()> {
    let mut request = get("/");
    request.extensions_mut().insert(Peer(peer.into()));
    let headers = request.headers_mut();
    headers.insert("traceparent", format!("00-{TRACE}-{SPAN}-01").parse().unwrap());
    headers.insert("tracestate", "rojo=1".parse().unwrap());
    headers.insert("baggage", "user=alice".parse().unwrap());
    headers.insert("x-correlation-id", "order-4711".parse().unwrap());
    request
}

fn layer(telemetry: &Telemetry) -> ObserveLayer {
    ObserveLayer::new(telemetry).trust_if(|head: &RequestHead<'_>| {
        head.extensions.get::<Peer>().is_some_and(|peer| peer.0 == IpAddr::from(INSIDE))
    })
}

/// What the service within would send on for this request.
async fn sent_on(layer: &ObserveLayer, request: Request<()>) -> HeaderMap {
    let sent = Arc::new(Mutex::new(HeaderMap::new()));
    let kept = Arc::clone(&sent);
    let service = layer.layer(service_fn(move |_: Request<()>| {
        observe_core::inject(&mut *kept.lock().unwrap());
        async { Ok::<_, Infallible>(Response::new(Steps::new([]).knows_end())) }
    }));
    service.oneshot(request).await.unwrap();
    let sent = sent.lock().unwrap();
    sent.clone()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// A telemetry that would keep nothing by itself.
fn keeps_nothing() -> Observed {
    Observed::with(|builder| builder.sampling(Sampling::never()))
}

/// Whether the trace was kept: then its duration has an exemplar.
fn was_kept(observed: &Observed) -> bool {
    let mut text = Vec::new();
    observed.telemetry.registry().encode(observe_core::Format::OpenMetrics, &mut text);
    let text = String::from_utf8(text).unwrap();
    text.lines().any(|line| line.starts_with("http_server_request_duration") && line.contains("# {trace_id="))
}

// Mutations caught: a flag that counts whoever sent it, that is not sent on, or that does not keep the trace.
#[tokio::test]
async fn a_sampled_flag_counts_from_those_who_are_trusted() {
    for (peer, flags, kept) in [(INSIDE, "01", true), (OUTSIDE, "00", false)] {
        let observed = keeps_nothing();
        let sent = sent_on(&layer(&observed.telemetry), from(peer)).await;
        let traceparent = text(&sent, "traceparent");
        assert_eq!((&traceparent[3..35], &traceparent[53..]), (TRACE, flags), "{peer:?}");
        assert_eq!(observed.requests()[0]["trace_flags"], flags);
        assert_eq!(was_kept(&observed), kept);
    }
    // Nobody is trusted by default, and a flag that is not set keeps nothing.
    let observed = keeps_nothing();
    sent_on(&ObserveLayer::new(&observed.telemetry), from(INSIDE)).await;
    let mut request = from(INSIDE);
    request.headers_mut().insert("traceparent", format!("00-{TRACE}-{SPAN}-00").parse().unwrap());
    sent_on(&layer(&observed.telemetry), request).await;
    assert!(!was_kept(&observed));
}

// Mutations caught: baggage of a stranger handed on; that of a trusted caller left out; a setting passed over.
#[tokio::test]
async fn baggage_of_others_is_left_out_unless_asked_for() {
    let observed = Observed::new();
    let layer = layer(&observed.telemetry);
    let sent = sent_on(&layer, from(INSIDE)).await;
    assert_eq!((text(&sent, "baggage"), text(&sent, "tracestate")), ("user=alice", "rojo=1"));
    let sent = sent_on(&layer, from(OUTSIDE)).await;
    assert_eq!((text(&sent, "baggage"), text(&sent, "tracestate")), ("", "rojo=1"));
    assert_eq!(text(&sent, "x-correlation-id"), "order-4711");
    let sent = sent_on(&layer.untrusted(Untrusted::default().baggage(true)), from(OUTSIDE)).await;
    assert_eq!(text(&sent, "baggage"), "user=alice");
}

// Mutations caught: the stranger's trace or state that goes on all the same; a link on other lines, or of a trusted
// caller; a span below the stranger's.
#[tokio::test]
async fn at_an_edge_a_new_trace_begins_with_a_link() {
    let observed = Observed::new();
    let edge = layer(&observed.telemetry).untrusted(Untrusted::default().continue_trace(false));
    let sent = sent_on(&edge, from(OUTSIDE)).await;
    let trace = &text(&sent, "traceparent")[3..35];
    assert_ne!(trace, TRACE);
    assert_eq!((text(&sent, "tracestate"), text(&sent, "x-correlation-id")), ("", "order-4711"));
    sent_on(&edge, from(INSIDE)).await;
    sent_on(&edge, get("/")).await;

    let lines = observed.requests();
    assert_eq!(lines[0]["trace_id"], trace);
    assert_eq!((&lines[0]["link.trace_id"], &lines[0]["link.span_id"]), (&TRACE.into(), &SPAN.into()));
    assert_eq!(lines[1]["trace_id"], TRACE);
    assert!(lines[1..].iter().all(|line| line["link.trace_id"] == Value::Null));
}

// Mutation caught: an excluded request by which everything of a stranger is handed on.
#[tokio::test]
async fn what_is_excluded_is_let_in_no_further() {
    let observed = keeps_nothing();
    let layer = layer(&observed.telemetry).exclude("/");
    let sent = sent_on(&layer, from(OUTSIDE)).await;
    assert_eq!(text(&sent, "traceparent"), format!("00-{TRACE}-{SPAN}-00"));
    assert_eq!(text(&sent, "baggage"), "");
    let sent = sent_on(&layer, from(INSIDE)).await;
    assert_eq!(text(&sent, "traceparent"), format!("00-{TRACE}-{SPAN}-01"));
    let edge = layer.untrusted(Untrusted::default().continue_trace(false));
    assert_ne!(&text(&sent_on(&edge, from(OUTSIDE)).await, "traceparent")[3..35], TRACE);
    assert!(observed.requests().is_empty());
}

// Mutations caught: a header that counts whoever sent it; a value of `0` taken for a wish.
#[tokio::test]
async fn a_trusted_caller_s_debug_header_keeps_the_trace() {
    for (peer, value, kept) in [
        (INSIDE, Some("1"), true),
        (INSIDE, Some("yes"), true),
        (INSIDE, Some("0"), false),
        (INSIDE, Some(" false "), false),
        (INSIDE, Some(""), false),
        (INSIDE, None, false),
        (OUTSIDE, Some("1"), false),
    ] {
        let telemetry = Telemetry::builder("test").sampling(Sampling::never()).without_log().build().unwrap();
        let layer = layer(&telemetry).debug_header(http::HeaderName::from_static("x-debug"));
        let mut request = from(peer);
        let headers = request.headers_mut();
        headers.insert("traceparent", format!("00-{TRACE}-{SPAN}-00").parse().unwrap());
        if let Some(value) = value {
            headers.insert("x-debug", value.parse().unwrap());
        }
        let sent = sent_on(&layer, request).await;
        assert_eq!(text(&sent, "traceparent").ends_with("-01"), kept, "{peer:?} {value:?}");
    }
}

// Mutation caught: a request that is taken for a call by its own word: its 200 is then a failure, and it is missing from
// the durations of HTTP.
#[tokio::test]
async fn who_only_says_that_it_is_a_call_is_a_request_like_any_other() {
    for (status, error) in [(200, ""), (302, ""), (404, ""), (503, "503")] {
        let observed = Observed::new();
        let service = ObserveLayer::new(&observed.telemetry).layer(service_fn(move |_: Request<()>| {
            let body = Steps::new([]).knows_end();
            async move { Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap()) }
        }));
        let mut request = get("/orders");
        request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        service.oneshot(request).await.unwrap();
        let expected = [(labels("GET", "", &status.to_string(), error), 1)];
        assert_eq!(observed.counted(), expected.into(), "{status}");
    }
}
