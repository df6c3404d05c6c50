//! The names of OpenTelemetry's log data model, fields in `Attributes`.

use super::{Form, Frame, Layout, SERVICE_MAX, Service, bounded, close, open};
use crate::fields::Fields;
use crate::record::LogRecord;
use crate::semconv::{log, otel_log as names};

/// What of `Attributes` is ours.
const OWN: [&str; 3] = [log::CORRELATION_ID, log::TRUNCATED, log::SAMPLED];

pub(super) fn frame(service: Service<'_>) -> Frame {
    let mut resource = format!(
        "\"}},\"{}\":{{\"{}\":\"{}\"",
        names::RESOURCE,
        log::SERVICE_NAME,
        bounded(service.name, SERVICE_MAX)
    );
    if let Some(version) = service.version {
        resource += &format!(",\"{}\":\"{}\"", log::SERVICE_VERSION, bounded(version, SERVICE_MAX));
    }
    let levels = ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    let mut numbers = names::SEVERITY_NUMBERS.into_iter();
    Frame {
        form: Form::OpenTelemetry,
        time: format!("{{\"{}\":\"", names::TIMESTAMP),
        levels: levels.map(|level| {
            let (text, number, body) = (names::SEVERITY_TEXT, names::SEVERITY_NUMBER, names::BODY);
            let severity = numbers.next().unwrap_or_default();
            format!("\",\"{text}\":\"{level}\",\"{number}\":{severity},\"{body}\":\"")
        }),
        target: format!("\",\"{}\":{{\"{}\":\"", names::SCOPE, names::SCOPE_NAME),
        service: resource + "}",
        ids: [format!(",\"{}\":\"", names::TRACE_ID), format!("\",\"{}\":\"", names::SPAN_ID)],
        flags: Some(format!(",\"{}\":\"", names::TRACE_FLAGS)),
        correlation_id: format!(",\"{}\":\"", log::CORRELATION_ID),
        reserved: OWN.to_vec(),
    }
}

/// `Attributes`, which are always there and last.
pub(super) fn push(layout: &Layout, record: &LogRecord<'_>, span: &Fields, is_cut: bool, line: &mut Vec<u8>) {
    let start = open(names::ATTRIBUTES, line);
    layout.push_correlation_id(record.correlation_id, line);
    layout.push_fields(span, record.event, line);
    if is_cut {
        line.extend_from_slice(&layout.truncated);
    }
    close(start, line);
}
