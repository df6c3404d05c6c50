//! A trace as it is remembered.

use super::AttributeValue;
use crate::clock::Tick;
use crate::context::{SpanContext, SpanId, TraceId};
use crate::export::assemble::{self, Assembly};
use crate::fields::typed;
use crate::outcome::Outcome;
use crate::record::{EventRecord, Keep, Kind};
use crate::recorder::Recorder;
use std::borrow::Cow;
use tracing_core::Level;

/// All that is remembered of a trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// Its id.
    pub trace_id: TraceId,
    /// Why it is kept, and with which probability one like it is; `None` if it is not.
    pub kept: Option<(Keep, f64)>,
    /// Whether a part of it lies with the failures, which chatter does not push out.
    pub is_pinned: bool,
    /// The spans that ended, in the order in which they did.
    pub spans: Vec<Span>,
    /// Lines within spans that are not here: they have not ended, or are not remembered.
    pub lines: Vec<Line>,
}

/// A span that ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// Its id.
    pub span_id: SpanId,
    /// The span above it, which may be another process's.
    pub parent: Option<SpanId>,
    /// Whether none of this process is above it.
    pub is_local_root: bool,
    /// Its name.
    pub name: String,
    /// Where from: its instrumentation scope.
    pub target: String,
    /// What it is to others.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Outcome,
    /// Its error's text, where it failed and said one.
    pub error: Option<String>,
    /// When it began, in nanoseconds since 1970-01-01T00:00:00Z.
    pub start_unix_nanos: u64,
    /// When it ended, no earlier.
    pub end_unix_nanos: u64,
    /// Its attributes, no name twice.
    pub attributes: Vec<(String, AttributeValue<'static>)>,
    /// The lines that were written in it, in their order.
    pub lines: Vec<Line>,
    /// The spans that it points to.
    pub links: Vec<SpanContext>,
}

/// A line that was written within a span.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// The span.
    pub span_id: SpanId,
    /// When, in nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: u64,
    /// How severe.
    pub level: Level,
    /// Where from.
    pub target: String,
    /// What it says.
    pub message: String,
    /// Its own fields.
    pub fields: Vec<(String, AttributeValue<'static>)>,
}

/// Looks for a trace.
pub(crate) fn find(recorder: &Recorder, now: Tick, trace_id: TraceId) -> Option<Trace> {
    let recent = recorder.recent(now, |head| head.trace_id == trace_id);
    let trace = recent.traces.into_iter().next()?;
    let assembly = Assembly::of(trace.entries.iter());
    Some(Trace {
        trace_id,
        kept: trace.head.kept,
        is_pinned: trace.is_pinned,
        spans: assembly.spans.iter().map(Span::of).collect(),
        lines: assembly.events.iter().map(Line::of).collect(),
    })
}

impl Span {
    fn of(span: &assemble::Span<'_>) -> Self {
        let record = &span.record;
        Self {
            span_id: record.id,
            parent: record.parent,
            is_local_root: record.is_local_root,
            name: record.name.to_owned(),
            target: record.target.to_owned(),
            kind: record.kind,
            outcome: record.outcome,
            error: span.failure().filter(|text| !text.is_empty()).map(Cow::into_owned),
            start_unix_nanos: record.start,
            end_unix_nanos: record.end,
            attributes: owned(span.attributes(None)),
            lines: span.events.iter().map(Line::of).collect(),
            links: span.links.iter().map(|link| link.to).collect(),
        }
    }
}

impl Line {
    fn of(event: &EventRecord<'_>) -> Self {
        Self {
            span_id: event.span_id,
            unix_nanos: event.unix_nanos,
            level: event.level,
            target: event.target.to_owned(),
            message: event.text().into_owned(),
            fields: owned(typed(event.fields)),
        }
    }
}

fn owned<'a>(
    attributes: impl Iterator<Item = assemble::Attribute<'a>>,
) -> Vec<(String, AttributeValue<'static>)> {
    attributes.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
