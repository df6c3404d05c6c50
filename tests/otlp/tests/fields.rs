//! What arrives at a collector, by HTTP and by gRPC, is what happened.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use observe_core::context::Extract;
use observe_core::{Kind, Otlp, Sampling, Telemetry};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use otlp_tests::{Collector, PATIENCE, attribute};
use tracing::{info_span, warn};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// Legal in level 2 of the W3C's recommendation, and refused by other implementations.
const STATE: &str = "0a@@b=1,other=a/b";

struct Caller;

impl Extract for Caller {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        offer("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03");
        offer("tracestate", STATE.as_bytes());
    }
}

/// A call that fails, in a trace of somebody else's, with a span and a line in it.
fn work(telemetry: &Telemetry) {
    telemetry.run(|| {
        let caller = telemetry.extract(&Caller);
        let operation = telemetry.operation("pay").kind(Kind::Server).parent(&caller).start();
        let entered = operation.enter();
        let span = info_span!(
            "inner",
            text = "a \"b\"",
            digits = "17",
            number = -7,
            large = u64::MAX,
            ratio = 0.5,
            whole = 1.0,
            is = true
        );
        span.in_scope(|| warn!(order.id = 17, "nearly \"there\""));
        drop(span);
        drop(entered);
        operation.fail("declined");
    });
}

// Mutations caught: a parent, a flag, the tracestate or a time left out; a number that comes as a text, or the other way
// round; a line that belongs to no span; a status of a span that did not fail; a header or the resource left out.
fn all_of_it_arrives(collector: &Collector, otlp: Otlp) {
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(1);
    let otlp = otlp.endpoint(&collector.endpoint).header("api-key", "secret").resource("zone", "a");
    let telemetry = Telemetry::builder("shop")
        .version("1.2.3")
        .sampling(Sampling::always())
        .otlp(otlp)
        .without_log()
        .build()
        .unwrap();
    work(&telemetry);
    telemetry.shutdown(PATIENCE).unwrap();

    let head = collector.desk.heads().remove(0);
    let header = |name: &str| head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("api-key"), Some("secret"));
    assert!(header("user-agent").unwrap().starts_with("observe/"), "{head:?}");
    let path = header(":path");
    assert!(path.is_none_or(|path| path == "/v1/traces"), "{path:?}");

    let request = collector.desk.taken().remove(0);
    let [resource] = &request.resource_spans[..] else { panic!("one resource: {request:?}") };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    for (name, value) in [
        ("service.name", "shop"),
        ("service.version", "1.2.3"),
        ("zone", "a"),
        ("process.runtime.name", "rust"),
    ] {
        assert_eq!(attribute(attributes, name).as_deref(), Some(value), "{name}");
    }
    for name in
        ["service.instance.id", "host.name", "process.pid", "process.executable.name", "telemetry.sdk.name"]
    {
        assert!(attribute(attributes, name).is_some(), "{name}");
    }
    let scopes: Vec<_> =
        resource.scope_spans.iter().map(|scope| scope.scope.as_ref().unwrap().name.as_str()).collect();
    assert!(scopes.contains(&"fields") && scopes.contains(&"observe") && scopes.len() == 2, "{scopes:?}");

    let spans = collector.desk.spans();
    let [root, inner] = ["pay", "inner"].map(|name| spans.iter().find(|span| span.name == name).unwrap());
    assert_eq!(spans.len(), 2);
    for span in &spans {
        let id: String = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
        // By what it is kept stands in front of it.
        assert_eq!((id.as_str(), span.trace_state.strip_prefix("ot=th:0,")), (TRACE, Some(STATE)));
        assert_eq!(span.flags & 0xFF, 3, "sampled, and random: {:#x}", span.flags);
        assert!(u128::from(span.start_time_unix_nano) > before.as_nanos());
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        let kept = attribute(&span.attributes, "sampling.probability");
        assert_eq!(kept.as_deref(), Some("double 1"));
        assert!(attribute(&span.attributes, "sampling.reason").is_some());
    }
    assert_eq!(root.parent_span_id, [0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(root.flags & 0x300, 0x300, "its parent is remote");
    assert_eq!(root.kind(), SpanKind::Server);
    let status = root.status.as_ref().unwrap();
    assert_eq!((status.code(), status.message.as_str()), (StatusCode::Error, "declined"));
    assert_eq!(attribute(&root.attributes, "outcome").as_deref(), Some("error"));

    assert_eq!(inner.parent_span_id, root.span_id);
    assert_eq!(inner.flags & 0x300, 0x100, "its parent is not remote");
    assert_eq!(inner.kind(), SpanKind::Internal);
    assert_eq!(inner.status.as_ref().unwrap().code(), StatusCode::Unset);
    for (name, value) in [
        ("text", "a \"b\""),
        ("digits", "17"),
        ("number", "int -7"),
        ("large", "18446744073709551615"),
        ("ratio", "double 0.5"),
        ("whole", "double 1"),
        ("is", "bool true"),
    ] {
        assert_eq!(attribute(&inner.attributes, name).as_deref(), Some(value), "{name}");
    }
    let [event] = &inner.events[..] else { panic!("one line: {:?}", inner.events) };
    assert_eq!(event.name, "nearly \"there\"");
    assert!(event.time_unix_nano >= inner.start_time_unix_nano);
    assert_eq!(attribute(&event.attributes, "order.id").as_deref(), Some("int 17"));
    assert_eq!(attribute(&event.attributes, "level").as_deref(), Some("WARN"));
}

#[test]
fn by_http() {
    all_of_it_arrives(&Collector::http(), Otlp::http());
}

#[test]
fn by_http_and_gzip() {
    let collector = Collector::http();
    all_of_it_arrives(&collector, Otlp::http().gzip());
    let packed = ("content-encoding".to_owned(), "gzip".to_owned());
    assert!(collector.desk.heads()[0].contains(&packed));
}

#[test]
fn by_grpc() {
    all_of_it_arrives(&Collector::grpc(), Otlp::grpc());
}

#[test]
fn by_grpc_and_gzip() {
    let collector = Collector::grpc();
    all_of_it_arrives(&collector, Otlp::grpc().gzip());
    let packed = ("grpc-encoding".to_owned(), "gzip".to_owned());
    assert!(collector.desk.heads()[0].contains(&packed));
}
