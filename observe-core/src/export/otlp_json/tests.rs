//! What is written is read by OpenTelemetry's own types.

use super::*;
use crate::context::{SpanContext, TraceState};
use crate::export::assemble::Assembly;
use crate::outcome::Outcome;
use crate::record::{Entries, Entry, Keep, SpanRecord};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

const TRACE: [u8; 16] = *b"0123456789abcdef";

fn span_id(number: u8) -> SpanId {
    SpanId::from_bytes([number; 8]).unwrap()
}

fn trace_id() -> TraceId {
    TraceId::from_bytes(TRACE).unwrap()
}

fn pairs(attributes: &[KeyValue]) -> Vec<(&str, Value)> {
    let value = |pair: &KeyValue| pair.value.clone().unwrap().value.unwrap();
    attributes.iter().map(|pair| (pair.key.as_str(), value(pair))).collect()
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

// Mutations caught: a time, a kind, a flag or a status that is another; a scope's spans under another's name; a number
// that JSON's readers take for another.
#[test]
fn spans_are_read_back() {
    let root = SpanRecord {
        id: span_id(1),
        parent: Some(span_id(9)),
        is_local_root: true,
        kind: Kind::Server,
        outcome: Outcome::Error,
        start: u64::MAX - 1,
        end: u64::MAX,
        name: "POST \"/charge\"",
        target: "http",
        fields: r#","order.id":-42,"huge":18446744073709551615,"half":0.5,"is":true,"a\"b":"c\nd""#,
        end_fields: r#","error.message":"no \"room\"""#,
    };
    let child = SpanRecord {
        id: span_id(2),
        parent: Some(span_id(1)),
        is_local_root: false,
        kind: Kind::Internal,
        outcome: Outcome::Ok,
        target: "shop",
        fields: "",
        end_fields: "",
        ..root
    };
    let event = EventRecord {
        span_id: span_id(1),
        unix_nanos: 17,
        level: Level::WARN,
        target: "shop::pay",
        message: r#"card \"x\" declined"#,
        fields: r#","tries":3"#,
    };
    let to = SpanContext { trace_id: trace_id(), span_id: span_id(7), flags: TraceFlags::SAMPLED };
    let mut entries = Entries::new();
    entries.push(&Entry::Event(event));
    entries.push(&Entry::Link(LinkRecord { span_id: span_id(2), to }));
    entries.push(&Entry::Span(child));
    entries.push(&Entry::Span(root));
    let head = TraceHead {
        trace_id: trace_id(),
        flags: TraceFlags::from_bits(3),
        tracestate: TraceState::parse([&b"vendor=1"[..]]).0,
        keep: Keep::Failure,
        probability: 1.0,
    };
    let mut resource = Attributes::default();
    resource.name("check\"out", "1.0");
    let json = OtlpJson::new(&resource);
    let mut out = String::new();
    let trace = Trace { trace_id: head.trace_id, flags: head.flags, head: Some(&head) };
    json.spans(&trace, &Assembly::of(entries.iter()).spans, &mut out);
    json.spans(&Trace { head: None, ..trace }, &Assembly::of(entries.iter()).spans[..1], &mut out);

    let lines: Vec<&str> = out.split_terminator('\n').collect();
    assert_eq!(lines.len(), 2);
    let request: ExportTraceServiceRequest = serde_json::from_str(lines[0]).unwrap();
    let [of] = &request.resource_spans[..] else { panic!("{request:?}") };
    let resource = of.resource.as_ref().unwrap();
    let expected = [("service.name", text("check\"out")), ("service.version", text("1.0"))];
    assert_eq!(pairs(&resource.attributes), expected);
    let [http, shop] = &of.scope_spans[..] else { panic!("{of:?}") };
    assert_eq!(http.scope.as_ref().unwrap().name, "http");
    assert_eq!(shop.scope.as_ref().unwrap().name, "shop");

    let span = &http.spans[0];
    assert_eq!((&span.trace_id[..], &span.span_id[..]), (&TRACE[..], &[1; 8][..]));
    assert_eq!((&span.parent_span_id[..], span.trace_state.as_str()), (&[9; 8][..], "vendor=1"));
    assert_eq!((span.name.as_str(), span.kind, span.flags), ("POST \"/charge\"", 2, 0x303));
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano), (u64::MAX - 1, u64::MAX));
    let status = span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "no \"room\""));
    let expected = [
        ("order.id", Value::IntValue(-42)),
        ("huge", text("18446744073709551615")),
        ("half", Value::DoubleValue(0.5)),
        ("is", Value::BoolValue(true)),
        ("a\"b", text("c\nd")),
        ("error.message", text("no \"room\"")),
        ("outcome", text("error")),
        ("sampling.reason", text("failure")),
        ("sampling.probability", Value::DoubleValue(1.0)),
    ];
    assert_eq!(pairs(&span.attributes), expected);
    let [event] = &span.events[..] else { panic!("{span:?}") };
    assert_eq!((event.time_unix_nano, event.name.as_str()), (17, "card \"x\" declined"));
    let expected = [("level", text("WARN")), ("target", text("shop::pay")), ("tries", Value::IntValue(3))];
    assert_eq!(pairs(&event.attributes), expected);

    let child = &shop.spans[0];
    assert_eq!((child.kind, child.flags, child.status.as_ref()), (1, 0x103, None));
    assert!(child.events.is_empty() && child.attributes.len() == 3);
    let [link] = &child.links[..] else { panic!("{child:?}") };
    assert_eq!((&link.trace_id[..], &link.span_id[..], link.flags), (&TRACE[..], &[7; 8][..], 1));

    let request: ExportTraceServiceRequest = serde_json::from_str(lines[1]).unwrap();
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((pairs(&span.attributes), span.trace_state.as_str()), (vec![("outcome", text("ok"))], ""));
}

// Mutation caught: a severity that is another's; ids on a line that has none.
#[test]
fn lines_are_read_back() {
    let line = Line {
        unix_nanos: 5,
        level: Level::DEBUG,
        target: "shop",
        message: r#"a \"b\""#,
        fields: r#","n":1"#,
        within: Some((trace_id(), span_id(3), TraceFlags::SAMPLED)),
    };
    let other = Line { level: Level::ERROR, target: "db", fields: "", within: None, ..line };
    let mut out = String::new();
    OtlpJson::new(&Attributes::default()).lines([line, other, line], &mut out);
    let request: ExportLogsServiceRequest = serde_json::from_str(out.strip_suffix('\n').unwrap()).unwrap();
    let scopes = &request.resource_logs[0].scope_logs;
    let counts: Vec<_> =
        scopes.iter().map(|scope| (scope.scope.clone().unwrap().name, scope.log_records.len())).collect();
    assert_eq!(counts, [("db".to_owned(), 1), ("shop".to_owned(), 2)]);
    let (outside, inside) = (&scopes[0].log_records[0], &scopes[1].log_records[0]);
    assert_eq!(
        (inside.time_unix_nano, inside.severity_number, inside.severity_text.as_str()),
        (5, 5, "DEBUG")
    );
    assert_eq!(inside.body.as_ref().unwrap().value, Some(text("a \"b\"")));
    assert_eq!(pairs(&inside.attributes), [("n", Value::IntValue(1))]);
    assert_eq!((&inside.trace_id[..], &inside.span_id[..], inside.flags), (&TRACE[..], &[3; 8][..], 1));
    assert_eq!((outside.severity_number, outside.trace_id.len(), outside.flags), (17, 0, 0));
}
