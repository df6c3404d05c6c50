//! Requests and jobs that ended.

use super::AttributeValue;
use crate::clock::Tick;
use crate::context::{SpanId, TraceId};
use crate::export::assemble;
use crate::fields::typed;
use crate::outcome::Outcome;
use crate::record::{Entry, Iter, Keep, Kind, SpanRecord};
use crate::recorder::{Head, Recorder};
use std::borrow::Cow;

/// A request or a job that ended: the span of a trace that has none of this process above it, with what was handed over with
/// it. Of a long trace that is what had not been handed over before.
pub struct Root<'a> {
    head: &'a Head,
    is_pinned: bool,
    span: assemble::Span<'a>,
    part: &'a [u8],
}

/// Shows every local root that is remembered.
pub(crate) fn roots(recorder: &Recorder, now: Tick, mut each: impl FnMut(&Root<'_>)) {
    recorder.parts(now, |head, part, is_pinned| {
        for entry in Iter::over(part) {
            if let Entry::Span(record @ SpanRecord { is_local_root: true, .. }) = entry {
                let span = assemble::Span { record, events: Vec::new(), links: Vec::new() };
                each(&Root { head, is_pinned, span, part });
            }
        }
    });
}

impl<'a> Root<'a> {
    /// Its trace.
    #[must_use]
    pub fn trace_id(&self) -> TraceId {
        self.head.trace_id
    }

    /// Its span.
    #[must_use]
    pub fn span_id(&self) -> SpanId {
        self.span.record.id
    }

    /// The operation's name, `GET /orders/{id}` for a request.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.span.record.name
    }

    /// What it is to others: `Server` for a request.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.span.record.kind
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.span.record.outcome
    }

    /// When it began, in nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn start_unix_nanos(&self) -> u64 {
        self.span.record.start
    }

    /// When it ended, no earlier.
    #[must_use]
    pub fn end_unix_nanos(&self) -> u64 {
        self.span.record.end
    }

    /// Why its trace is kept; `None` if it is not.
    #[must_use]
    pub fn kept(&self) -> Option<Keep> {
        self.head.kept.map(|(keep, _)| keep)
    }

    /// Whether it lies with the failures, which chatter does not push out.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.is_pinned
    }

    /// Its attributes, no name twice: what it was opened with, what was said of it, how it ended.
    pub fn attributes(&self) -> impl Iterator<Item = (Cow<'a, str>, AttributeValue<'a>)> {
        self.span.attributes(None)
    }

    /// How many spans were handed over with it, itself included.
    #[must_use]
    pub fn spans(&self) -> usize {
        self.entries().filter(|entry| matches!(entry, Entry::Span(_))).count()
    }

    /// How many lines were.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.entries().filter(|entry| matches!(entry, Entry::Event(_))).count()
    }

    /// Whether an attribute of one of its spans, or a field of one of its lines, passes `test`.
    pub fn any(&self, mut test: impl FnMut(&str, &AttributeValue<'_>) -> bool) -> bool {
        let mut has = |members| typed(members).any(|(name, value)| test(&name, &value));
        self.entries().any(|entry| match entry {
            Entry::Span(span) => has(span.fields) || has(span.end_fields),
            Entry::Event(event) => has(event.fields),
            Entry::Link(_) => false,
        })
    }

    fn entries(&self) -> Iter<'a> {
        Iter::over(self.part)
    }
}

impl std::fmt::Debug for Root<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Root").field("name", &self.name()).field("trace_id", &self.trace_id()).finish()
    }
}
