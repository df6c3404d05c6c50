//! What happened in a trace: spans that ended, lines within them, links.

use tracing_core::Level;

use super::kind::Kind;
use crate::context::{SpanContext, SpanId};
use crate::outcome::Outcome;

/// A span that ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SpanRecord<'a> {
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    /// The span above it is another process's, or there is none.
    pub(crate) is_local_root: bool,
    pub(crate) kind: Kind,
    /// How it ended. A `tracing` span that nothing was said of ended `Ok`.
    pub(crate) outcome: Outcome,
    /// In nanoseconds since 1970-01-01T00:00:00Z.
    pub(crate) start: u64,
    /// The same, and no earlier.
    pub(crate) end: u64,
    pub(crate) name: &'a str,
    /// Where from: its instrumentation scope.
    pub(crate) target: &'a str,
    /// Its own fields, without those of its parents, as JSON members: `,"order.id":42`.
    pub(crate) fields: &'a str,
    /// What its end added, likewise. A name that is in both counts here.
    pub(crate) end_fields: &'a str,
}

/// A line that was written within a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EventRecord<'a> {
    pub(crate) span_id: SpanId,
    /// In nanoseconds since 1970-01-01T00:00:00Z.
    pub(crate) unix_nanos: u64,
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    /// As it stands between the quotes of a JSON string.
    pub(crate) message: &'a str,
    /// Its own fields, as JSON members.
    pub(crate) fields: &'a str,
}

/// A span that points to another, of this trace or of another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LinkRecord {
    pub(crate) span_id: SpanId,
    pub(crate) to: SpanContext,
}

/// One thing that happened in a trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Entry<'a> {
    /// A span ended.
    Span(SpanRecord<'a>),
    /// A line was written, before the span ended.
    Event(EventRecord<'a>),
    /// A span pointed elsewhere, before it ended.
    Link(LinkRecord),
}

impl Entry<'_> {
    /// The span that it is, or happened in.
    pub(crate) fn span_id(&self) -> SpanId {
        match self {
            Entry::Span(span) => span.id,
            Entry::Event(event) => event.span_id,
            Entry::Link(link) => link.span_id,
        }
    }

    /// The span that ended, if one did.
    pub(crate) fn ended(&self) -> Option<SpanId> {
        match self {
            Entry::Span(span) => Some(span.id),
            Entry::Event(_) | Entry::Link(_) => None,
        }
    }
}
