//! Spans as OTLP has them.

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, SpanFlags, Status};

use crate::export::assemble::{Assembly, Attribute, Span as Whole};
use crate::export::resource::Attributes;
use crate::fields::Typed;
use crate::record::{EventRecord, Kind, LinkRecord, TraceHead, TraceRecord};

/// A span, and its instrumentation scope.
#[derive(Debug)]
pub(crate) struct Scoped {
    pub(super) scope: String,
    pub(super) span: Span,
}

/// Reads the spans of a trace, and answers how many of its lines and links belong to none of them.
pub(super) fn read(trace: &TraceRecord, take: &mut dyn FnMut(Scoped)) -> u64 {
    let Assembly { spans, events, links } = Assembly::of(trace.entries.iter());
    for span in spans {
        take(Scoped { scope: span.record.target.to_owned(), span: converted(&span, &trace.head) });
    }
    (events.len() + links.len()) as u64
}

/// Spans of one resource, those of one scope together.
pub(super) fn request(resource: &Resource, spans: Vec<Scoped>) -> ExportTraceServiceRequest {
    let mut scopes: Vec<ScopeSpans> = Vec::new();
    for Scoped { scope, span } in spans {
        let name = |known: &ScopeSpans| known.scope.as_ref().is_some_and(|known| known.name == scope);
        // Neighbours nearly always share it.
        match scopes.iter_mut().rev().find(|known| name(known)) {
            Some(known) => known.spans.push(span),
            None => {
                let scope = InstrumentationScope { name: scope, ..InstrumentationScope::default() };
                scopes.push(ScopeSpans { scope: Some(scope), spans: vec![span], schema_url: String::new() });
            }
        }
    }
    let resource =
        ResourceSpans { resource: Some(resource.clone()), scope_spans: scopes, schema_url: String::new() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }
}

fn converted(whole: &Whole<'_>, head: &TraceHead) -> Span {
    let span = &whole.record;
    // Of the spans of a process only a local root hangs below one of another.
    let is_remote = span.is_local_root && span.parent.is_some();
    let remote = if is_remote { SpanFlags::ContextIsRemoteMask as u32 } else { 0 };
    Span {
        trace_id: head.trace_id.to_bytes().to_vec(),
        span_id: span.id.to_bytes().to_vec(),
        trace_state: head.tracestate.as_str().to_owned(),
        parent_span_id: span.parent.map(|parent| parent.to_bytes().to_vec()).unwrap_or_default(),
        flags: u32::from(head.flags.bits()) | SpanFlags::ContextHasIsRemoteMask as u32 | remote,
        name: span.name.to_owned(),
        kind: kind(span.kind).into(),
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: whole.attributes(Some(head)).map(attribute).collect(),
        events: whole.events.iter().map(event).collect(),
        links: whole.links.iter().map(link).collect(),
        status: Some(status(whole)),
        ..Span::default()
    }
}

fn kind(kind: Kind) -> SpanKind {
    match kind {
        Kind::Internal => SpanKind::Internal,
        Kind::Server => SpanKind::Server,
        Kind::Client => SpanKind::Client,
        Kind::Producer => SpanKind::Producer,
        Kind::Consumer => SpanKind::Consumer,
    }
}

fn status(whole: &Whole<'_>) -> Status {
    let failed =
        |message: Cow<'_, str>| Status { message: message.into_owned(), code: StatusCode::Error.into() };
    whole.failure().map_or_else(Status::default, failed)
}

fn event(event: &EventRecord<'_>) -> Event {
    Event {
        time_unix_nano: event.unix_nanos,
        name: event.text().into_owned(),
        attributes: event.attributes().map(attribute).collect(),
        dropped_attributes_count: 0,
    }
}

/// Links point to what another process told of, or to another trace of this one: that is not known any more.
fn link(link: &LinkRecord) -> Link {
    Link {
        trace_id: link.to.trace_id.to_bytes().to_vec(),
        span_id: link.to.span_id.to_bytes().to_vec(),
        flags: u32::from(link.to.flags.bits()),
        ..Link::default()
    }
}

fn attribute((name, value): Attribute<'_>) -> KeyValue {
    pair(name, value)
}

/// An attribute as OTLP has it. It knows no number above `i64::MAX`: such a one is a text.
/// Whose telemetry it is.
pub(crate) fn resource(attributes: &Attributes) -> Resource {
    let attributes = attributes.iter().map(|(name, value)| pair(name, value)).collect();
    Resource { attributes, ..Resource::default() }
}

pub(super) fn pair<'a>(name: impl Into<Cow<'a, str>>, value: Typed<'_>) -> KeyValue {
    let value = match value {
        Typed::Str(text) => Value::StringValue(text.into_owned()),
        Typed::I64(number) => Value::IntValue(number),
        Typed::U64(number) => Value::StringValue(number.to_string()),
        Typed::F64(number) => Value::DoubleValue(number),
        Typed::Bool(bool) => Value::BoolValue(bool),
    };
    KeyValue {
        key: name.into().into_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
