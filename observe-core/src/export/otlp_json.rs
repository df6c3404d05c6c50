//! OTLP in JSON, one request a line: what any OpenTelemetry tool reads from a file.
//!
//! As protobuf's messages are written in JSON, with OTLP's own exceptions: ids are hexadecimal, enumerations are numbers,
//! 64-bit numbers are texts (OTLP specification, "JSON Protobuf Encoding" and "OpenTelemetry Protocol File Exporter").

mod writer;

use std::collections::BTreeMap;

use tracing_core::Level;

use super::assemble::Span;
use crate::context::{SpanId, TraceFlags, TraceId};
use crate::export::resource::Attributes;
use crate::fields::typed;
use crate::record::{EventRecord, Kind, LinkRecord, TraceHead};
use writer::Writer;

/// Writes requests, all of one resource.
#[derive(Clone, Debug)]
pub(crate) struct OtlpJson {
    /// The resource, written.
    resource: String,
}

/// What the spans of a trace share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trace<'a> {
    pub(crate) trace_id: TraceId,
    pub(crate) flags: TraceFlags,
    /// `None`: it is not kept.
    pub(crate) head: Option<&'a TraceHead>,
}

/// A log line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) unix_nanos: u64,
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    /// As it stands between the quotes of a JSON string.
    pub(crate) message: &'a str,
    /// As JSON members.
    pub(crate) fields: &'a str,
    /// Where it was written.
    pub(crate) within: Option<(TraceId, SpanId, TraceFlags)>,
}

/// The parent's flags say whether it is remote, and it is (OTLP, "SpanFlags").
const HAS_IS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

impl OtlpJson {
    /// For what is of this resource.
    pub(crate) fn new(resource: &Attributes) -> Self {
        let mut written = String::new();
        let mut writer = Writer::new(&mut written);
        writer.object(|out| out.attributes(resource.iter()));
        Self { resource: written }
    }

    /// Adds a request with the spans of a trace (`ExportTraceServiceRequest`), and a line feed.
    pub(crate) fn spans(&self, trace: &Trace<'_>, spans: &[Span<'_>], out: &mut String) {
        let mut scopes: BTreeMap<&str, Vec<&Span<'_>>> = BTreeMap::new();
        for span in spans {
            scopes.entry(span.record.target).or_default().push(span);
        }
        let names = ["resourceSpans", "scopeSpans", "spans"];
        self.request(out, names, &scopes, |out, span| write_span(out, trace, span));
    }

    /// Adds a request with lines (`ExportLogsServiceRequest`), and a line feed.
    pub(crate) fn lines<'a>(&self, lines: impl IntoIterator<Item = Line<'a>>, out: &mut String) {
        let mut scopes: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
        for line in lines {
            scopes.entry(line.target).or_default().push(line);
        }
        self.request(out, ["resourceLogs", "scopeLogs", "logRecords"], &scopes, write_line);
    }

    /// Adds what there is of each scope, under the names of the lists for resources, scopes and items.
    fn request<T>(
        &self,
        out: &mut String,
        [resources, of_scopes, items]: [&str; 3],
        scopes: &BTreeMap<&str, Vec<T>>,
        mut write: impl FnMut(&mut Writer<'_>, &T),
    ) {
        Writer::new(out).object(|out| {
            out.list(resources, [&self.resource], |out, resource| {
                out.object(|out| {
                    out.raw("resource", resource);
                    out.list(of_scopes, scopes, |out, (scope, of_scope)| {
                        out.object(|out| {
                            out.member("scope", |out| out.object(|out| out.text("name", scope)));
                            out.list(items, of_scope, &mut write);
                        });
                    });
                });
            });
        });
        out.push('\n');
    }
}

fn write_span(out: &mut Writer<'_>, trace: &Trace<'_>, span: &Span<'_>) {
    let record = &span.record;
    // Within a process only the parent of a local root is another's.
    let remote = if record.is_local_root && record.parent.is_some() { IS_REMOTE } else { 0 };
    out.object(|out| {
        out.hex("traceId", &trace.trace_id.write_hex());
        out.hex("spanId", &record.id.write_hex());
        let tracestate = trace.head.map_or("", |head| head.tracestate.as_str());
        if !tracestate.is_empty() {
            out.text("traceState", tracestate);
        }
        if let Some(parent) = record.parent {
            out.hex("parentSpanId", &parent.write_hex());
        }
        out.number("flags", u32::from(trace.flags.bits()) | HAS_IS_REMOTE | remote);
        out.text("name", record.name);
        out.number("kind", kind(record.kind));
        out.long("startTimeUnixNano", record.start);
        out.long("endTimeUnixNano", record.end);
        out.attributes(span.attributes(trace.head));
        out.list("events", &span.events, write_event);
        out.list("links", &span.links, write_link);
        if let Some(text) = span.failure() {
            out.member("status", |out| {
                out.object(|out| {
                    out.number("code", STATUS_ERROR);
                    if !text.is_empty() {
                        out.text("message", &text);
                    }
                });
            });
        }
    });
}

fn write_event(out: &mut Writer<'_>, event: &EventRecord<'_>) {
    out.object(|out| {
        out.long("timeUnixNano", event.unix_nanos);
        out.escaped("name", event.message);
        out.attributes(event.attributes());
    });
}

fn write_link(out: &mut Writer<'_>, link: &LinkRecord) {
    out.object(|out| {
        out.hex("traceId", &link.to.trace_id.write_hex());
        out.hex("spanId", &link.to.span_id.write_hex());
        out.number("flags", u32::from(link.to.flags.bits()));
    });
}

fn write_line(out: &mut Writer<'_>, line: &Line<'_>) {
    out.object(|out| {
        out.long("timeUnixNano", line.unix_nanos);
        out.long("observedTimeUnixNano", line.unix_nanos);
        out.number("severityNumber", severity(line.level));
        out.text("severityText", line.level.as_str());
        out.member("body", |out| out.object(|out| out.escaped("stringValue", line.message)));
        out.attributes(typed(line.fields));
        if let Some((trace_id, span_id, flags)) = line.within {
            out.number("flags", u32::from(flags.bits()));
            out.hex("traceId", &trace_id.write_hex());
            out.hex("spanId", &span_id.write_hex());
        }
    });
}

/// `STATUS_CODE_ERROR`.
const STATUS_ERROR: u32 = 2;

/// OTLP's `SpanKind`.
fn kind(kind: Kind) -> u32 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Producer => 4,
        Kind::Consumer => 5,
    }
}

/// OpenTelemetry's severity numbers.
fn severity(level: Level) -> u32 {
    match level {
        Level::TRACE => 1,
        Level::DEBUG => 5,
        Level::INFO => 9,
        Level::WARN => 13,
        Level::ERROR => 17,
    }
}

#[cfg(test)]
mod tests;
