//! A trace as it is remembered.

use super::AttributeValue;
use crate::clock::Tick;
use crate::context::{SpanContext, SpanId, TraceId};
use crate::export::assemble::{self, Assembly};
use crate::fields::typed;
use crate::outcome::Outcome;
use crate::record::{Entries, Entry, EventRecord, Keep, Kind};
use crate::recorder::Recorder;
use std::borrow::Cow;
use std::collections::HashSet;
use tracing_core::Level;

/// The most spans of a trace that are read: those that began first, so that what is above one of them is there.
const SPANS: usize = 5_000;
/// The most lines: those that were written first.
const LINES: usize = 10_000;
/// The most links.
const LINKS: usize = 10_000;

/// What is remembered of a trace: of a long one its first 5,000 spans by their start, and the first 10,000 lines of those.
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
    /// How many more spans are remembered.
    pub spans_left_out: usize,
    /// How many more lines are, those of such spans among them.
    pub lines_left_out: usize,
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
    let trace = recorder.trace(now, trace_id)?;
    let first = First::of(&trace.entries);
    let assembly = Assembly::of(first.entries.iter().copied());
    Some(Trace {
        trace_id,
        kept: trace.head.kept,
        is_pinned: trace.is_pinned,
        spans: assembly.spans.iter().map(Span::of).collect(),
        lines: assembly.events.iter().map(Line::of).collect(),
        spans_left_out: first.spans_left_out,
        lines_left_out: first.lines_left_out,
    })
}

/// As much of a trace as is read.
struct First<'a> {
    entries: Vec<Entry<'a>>,
    spans_left_out: usize,
    lines_left_out: usize,
}

impl<'a> First<'a> {
    fn of(all: &'a Entries) -> Self {
        let spans = all.iter().filter_map(|entry| match entry {
            Entry::Span(span) => Some((span.start, span.id)),
            _ => None,
        });
        let mut spans: Vec<(u64, SpanId)> = spans.collect();
        let mut later = HashSet::new();
        if spans.len() > SPANS {
            spans.select_nth_unstable_by_key(SPANS, |(start, _)| *start);
            later.extend(spans.iter().skip(SPANS).map(|(_, id)| *id));
        }
        let mut first = Self { entries: Vec::new(), spans_left_out: later.len(), lines_left_out: 0 };
        let (mut lines, mut links) = (0, 0);
        for entry in all.iter() {
            let is_later = later.contains(&entry.span_id());
            let is_taken = match entry {
                Entry::Span(_) => !is_later,
                Entry::Event(_) => {
                    let is_taken = !is_later && lines < LINES;
                    lines += usize::from(is_taken);
                    first.lines_left_out += usize::from(!is_taken);
                    is_taken
                }
                Entry::Link(_) => {
                    links += usize::from(!is_later);
                    !is_later && links <= LINKS
                }
            };
            if is_taken {
                first.entries.push(entry);
            }
        }
        first
    }
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
