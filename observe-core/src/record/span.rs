//! What happened in a trace: spans that ended, lines within them, links.

use tracing_core::Level;

use crate::context::{SpanContext, SpanId};
use crate::outcome::Outcome;

/// What a span is to the service: OpenTelemetry's `SpanKind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum SpanKind {
    /// Work within the service.
    #[default]
    Internal,
    /// It answers a request.
    Server,
    /// It waits for the answer of another service.
    Client,
    /// It hands a message over, to be taken up later.
    Producer,
    /// It takes up a message.
    Consumer,
}

impl SpanKind {
    /// Every kind, in the order of their codes.
    pub(crate) const ALL: [SpanKind; 5] =
        [SpanKind::Internal, SpanKind::Server, SpanKind::Client, SpanKind::Producer, SpanKind::Consumer];

    /// The value of a `tracing` span's field `otel.kind`, in either case; anything else is `Internal`.
    pub(crate) fn named(text: &str) -> Self {
        let names = [
            ("server", Self::Server),
            ("client", Self::Client),
            ("producer", Self::Producer),
            ("consumer", Self::Consumer),
        ];
        let found = names.into_iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
        found.map_or(Self::Internal, |(_, kind)| kind)
    }
}

/// A span that ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SpanRecord<'a> {
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    /// The span above it is another process's, or there is none.
    pub(crate) is_local_root: bool,
    pub(crate) kind: SpanKind,
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
