//! How values are written.

use observe_core::inspect::{AttributeValue, rfc3339};
use observe_core::metric::Exemplar;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// A wall time.
pub(super) fn time(unix_nanos: u64) -> Value {
    rfc3339(unix_nanos).into()
}

/// Nanoseconds, as milliseconds.
pub(super) fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// A duration, as milliseconds.
pub(super) fn duration_ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Seconds that may be unknown, as milliseconds.
pub(super) fn seconds_ms(seconds: Option<f64>) -> Value {
    seconds.map_or(Value::Null, |seconds| (seconds * 1e3).into())
}

/// A part of a whole; of nothing there is none.
pub(super) fn share(part: u64, whole: u64) -> Value {
    if whole == 0 { Value::Null } else { (part as f64 / whole as f64).into() }
}

/// The value of an attribute, with its type.
pub(super) fn attribute(value: &AttributeValue<'_>) -> Value {
    match value {
        AttributeValue::Str(text) => text.as_ref().into(),
        AttributeValue::I64(number) => (*number).into(),
        AttributeValue::U64(number) => (*number).into(),
        AttributeValue::F64(number) => (*number).into(),
        AttributeValue::Bool(is) => (*is).into(),
    }
}

/// Attributes, as an object.
pub(super) fn attributes(attributes: &[(String, AttributeValue<'_>)]) -> Value {
    let members: Map<String, Value> =
        attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
    members.into()
}

/// A text that may be missing.
pub(super) fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

/// An id, in hexadecimal digits.
pub(super) fn id(id: impl ToString + Copy) -> Value {
    id.to_string().into()
}

/// The way from a figure to a trace, where the figure is in seconds.
pub(super) fn exemplar(exemplar: Option<&Exemplar>) -> Value {
    let Some(exemplar) = exemplar else { return Value::Null };
    json!({
        "trace_id": id(exemplar.trace_id),
        "span_id": id(exemplar.span_id),
        "value_ms": exemplar.value * 1e3,
        "time": time(exemplar.unix_nanos),
    })
}
