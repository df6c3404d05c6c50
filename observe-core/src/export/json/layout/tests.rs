//! Whatever users name their fields, a line is one JSON object without a key twice.

mod formats;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::context::{SpanId, TraceFlags, TraceId};
use crate::fields::{FIELDS_MAX, Text, VALUE_MAX};

/// The members of a flat JSON object, as they stand: keys decoded, values as text.
fn members(line: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(line).unwrap();
    let mut rest = text.strip_suffix("}\n").unwrap();
    assert!(!rest.contains('\n'));
    let mut found = Vec::new();
    let mut before = "{";
    while !rest.is_empty() {
        rest = rest.strip_prefix(before).unwrap();
        before = ",";
        let (key, after) = first_value(rest);
        let (_, next) = first_value(after.strip_prefix(':').unwrap());
        let value = &after[1..after.len() - next.len()];
        found.push((serde_json::from_value(key).unwrap(), value.to_owned()));
        rest = next;
    }
    found
}

/// The JSON value that `text` begins with, and what follows.
fn first_value(text: &str) -> (Value, &str) {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next().unwrap().unwrap_or_else(|error| panic!("{error}: {text}"));
    (value, &text[values.byte_offset()..])
}

fn assert_no_key_twice(members: &[(String, String)]) {
    let mut keys: Vec<_> = members.iter().map(|(key, _)| key).collect();
    keys.sort();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all, "a key twice in {members:?}");
}

fn layout() -> Layout {
    Layout::new(LogFormat::Json, Service { name: "shop \"1\"", version: Some("1.2"), project: None })
}

fn context() -> SpanContext {
    SpanContext {
        trace_id: TraceId::from_hex(b"4bf92f3577b34da6a3ce929d0e0e4736").unwrap(),
        span_id: SpanId::from_hex(b"00f067aa0ba902b7").unwrap(),
        flags: TraceFlags::SAMPLED,
    }
}

fn render(message: &Text, span: &Fields, event: &Fields) -> Vec<u8> {
    render_as(&layout(), "shop::pay", message, span, event)
}

fn render_as(layout: &Layout, target: &str, message: &Text, span: &Fields, event: &Fields) -> Vec<u8> {
    let record = LogRecord {
        callsite: 0,
        unix_nanos: 1_709_210_096_012_345_678,
        level: Level::INFO,
        target,
        message,
        span_context: Some(context()),
        correlation_id: Some(Correlation::Given("a\"b")),
        span: Some(span),
        event,
    };
    let mut line = Vec::new();
    layout.render(&record, &mut line);
    line
}

#[test]
fn the_line_is_as_designed() {
    let mut message = Text::new();
    message.set("paid \"it\"");
    let (mut span, mut event) = (Fields::new(), Fields::new());
    span.str("user", "x");
    span.str("order.id", "of the span");
    span.u64("level", 3);
    event.u64("order.id", 1 << 63);
    event.f64("total", 2.0);
    let head = concat!(
        r#"{"timestamp":"2024-02-29T12:34:56.012345Z","level":"INFO","message":"paid \"it\"","target":"shop::pay","#,
        r#""service.name":"shop \"1\"","service.version":"1.2","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","#,
        r#""span_id":"00f067aa0ba902b7","trace_flags":"01","correlation_id":"a\"b""#,
    );
    let tail = r#","user":"x","fields.level":3,"order.id":9223372036854775808,"total":2.0}"#;
    assert_eq!(String::from_utf8(render(&message, &span, &event)).unwrap(), format!("{head}{tail}\n"));

    let bare = LogRecord {
        callsite: 0,
        unix_nanos: 0,
        level: Level::ERROR,
        target: "t\n",
        message: &Text::new(),
        span_context: None,
        correlation_id: None,
        span: None,
        event: &Fields::new(),
    };
    let mut line = b"before ".to_vec();
    Layout::new(LogFormat::Json, Service { name: "s", version: None, project: None })
        .render(&bare, &mut line);
    let expected = concat!(
        r#"before {"timestamp":"1970-01-01T00:00:00.000000Z","level":"ERROR","message":"","target":"t\n","#,
        r#""service.name":"s"}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(line).unwrap(), expected);
}

#[test]
fn every_key_is_reserved_for_every_set_of_fields() {
    assert_eq!(Keys::DEFAULT.reserved(), log::RESERVED);
    let mut all = Fields::new();
    for name in log::RESERVED {
        all.bool(name, true);
        all.bool(&format!("fields.{name}"), true);
    }
    let found = members(&render(&Text::new(), &all, &all));
    assert_no_key_twice(&found);
    assert_eq!(found.iter().filter(|(key, _)| key.starts_with("fields.")).count(), 2 * log::RESERVED.len());
}

// Mutation caught: FIELDS_MAX as large as the line; `truncated` left out.
#[test]
fn the_largest_line_is_64_kib_and_says_that_it_was_cut() {
    let huge = "\u{1}".repeat(10 * VALUE_MAX);
    let mut message = Text::new();
    message.set(&huge);
    let (mut span, mut event) = <(Fields, Fields)>::default();
    for name in log::RESERVED {
        let part = &huge[..FIELDS_MAX / 6 / log::RESERVED.len()];
        span.str(name, part);
        event.str(&format!("fields.{name}"), part);
    }
    span.str("y", &huge);
    event.str("z", &huge);
    let service = Service { name: &huge, version: Some(&huge), project: None };
    let record = LogRecord {
        callsite: 0,
        unix_nanos: 0,
        level: Level::ERROR,
        target: &huge,
        message: &message,
        span_context: Some(context()),
        correlation_id: Some(Correlation::Given(&huge)),
        span: Some(&span),
        event: &event,
    };
    let mut line = Vec::new();
    Layout::new(LogFormat::Json, service).render(&record, &mut line);
    assert!(line.len() <= 64 * 1024, "{} bytes", line.len());
    let found = members(&line);
    assert_no_key_twice(&found);
    assert_eq!(found.last().unwrap(), &("truncated".to_owned(), "true".to_owned()));
}

#[derive(Clone, Debug)]
enum Given {
    Str(String),
    U64(u64),
    I64(i64),
    F64(f64),
    Bool(bool),
    Debug(String),
}

fn given() -> impl Strategy<Value = Given> {
    prop_oneof![
        any::<String>().prop_map(Given::Str),
        any::<u64>().prop_map(Given::U64),
        any::<i64>().prop_map(Given::I64),
        any::<f64>().prop_map(Given::F64),
        any::<bool>().prop_map(Given::Bool),
        any::<String>().prop_map(Given::Debug),
    ]
}

/// Names that are likely to meet.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ab]{0,2}",
        2 => prop::sample::select(&log::RESERVED[..]).prop_map(str::to_owned),
        2 => (1usize..3, prop::sample::select(&log::RESERVED[..])).prop_map(|(n, name)| "fields.".repeat(n) + name),
        1 => "[,:\"\\\\a\\n]{0,4}",
        1 => "fields.[ab]",
        1 => any::<String>().prop_filter("too long", |name| name.len() <= 200 && !name.starts_with("r#")),
    ]
}

fn record(fields: &mut Fields, name: &str, value: &Given) {
    match value {
        Given::Str(value) => fields.str(name, value),
        Given::U64(value) => fields.u64(name, *value),
        Given::I64(value) => fields.i64(name, *value),
        Given::F64(value) => fields.f64(name, *value),
        Given::Bool(value) => fields.bool(name, *value),
        Given::Debug(value) => fields.debug(name, value),
    }
}

fn is_written(value: &Given, text: &str) -> bool {
    let string = || serde_json::from_str::<String>(text).unwrap();
    match value {
        Given::Str(value) => string() == *value,
        Given::U64(value) => text == value.to_string(),
        Given::I64(value) => text == value.to_string(),
        Given::F64(value) if value.is_nan() => text == "\"NaN\"",
        Given::F64(value) if value.is_infinite() => string().ends_with("Infinity"),
        Given::F64(value) => text.parse() == Ok(*value) && text.contains(['.', 'e']),
        Given::Bool(value) => text == value.to_string(),
        Given::Debug(value) => string() == format!("{value:?}"),
    }
}

/// Puts a field behind the others, in place of the one with its name.
fn model(fields: &mut Vec<(String, Given)>, name: &str, value: &Given) {
    fields.retain(|(other, _)| other != name);
    fields.push((name.to_owned(), value.clone()));
}

proptest! {
    // Mutations caught: `may_share_names` always false; `odd` never set; `is_reserved` that strips one prefix
    // only; `extend` without `remove`.
    #[test]
    fn any_fields_make_one_object_without_a_key_twice(
        outer in prop::collection::vec((name(), given()), 0..6),
        inner in prop::collection::vec((name(), given()), 0..6),
        late in prop::collection::vec((name(), given()), 0..3),
        own in prop::collection::vec((name(), given()), 0..6),
        text in any::<String>(),
    ) {
        let (mut parent, mut span, mut recorded, mut event) = <(Fields, Fields, Fields, Fields)>::default();
        let mut expected = Vec::new();
        for (name, value) in &outer {
            record(&mut parent, name, value);
            model(&mut expected, name, value);
        }
        span.inherit(&parent);
        for (name, value) in &inner {
            record(&mut span, name, value);
            model(&mut expected, name, value);
        }
        for (name, value) in &late {
            record(&mut recorded, name, value);
        }
        span.extend(&recorded);
        for (name, value) in late.iter().chain(&own) {
            model(&mut expected, name, value);
        }
        for (name, value) in &own {
            record(&mut event, name, value);
        }
        let mut message = Text::new();
        message.set_formatted(format_args!("{text}"));

        let line = render(&message, &span, &event);
        let found = members(&line);
        assert_no_key_twice(&found);
        prop_assert_eq!(serde_json::from_str::<String>(&found[2].1).unwrap(), text);
        let fields = &found[10..];
        prop_assert_eq!(fields.len(), expected.len());
        for ((key, text), (name, value)) in fields.iter().zip(&expected) {
            let reserved = layout().is_reserved(name);
            prop_assert_eq!(key.strip_prefix("fields.").filter(|_| reserved).unwrap_or(key), name);
            prop_assert_eq!(key.len(), name.len() + if reserved { 7 } else { 0 });
            prop_assert!(is_written(value, text), "{} for {:?}", text, value);
        }
    }
}
