//! What was observed, before any format, and the sinks that take it.

mod entries;
mod keep;
mod kind;
mod span;
mod trace;

pub(crate) use entries::{Entries, Iter, LEVELS, level_code};
pub use keep::Keep;
pub use kind::Kind;
pub(crate) use span::{Entry, EventRecord, LinkRecord, SpanRecord};
pub(crate) use trace::{TraceHead, TraceRecord, TraceSink};

use tracing_core::Level;

use crate::context::{SpanContext, TraceId};
use crate::fields::{Fields, Text};

/// A log event, as it is handed to a [`Sink`]: everything borrowed, nothing formatted for a particular output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogRecord<'a> {
    /// When, in nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: u64,
    /// How severe.
    pub level: Level,
    /// Where from: the module's path unless the event says otherwise.
    pub target: &'a str,
    /// The event's message; may be empty.
    pub message: &'a Text,
    /// The trace and the span it belongs to, if any.
    pub span_context: Option<SpanContext>,
    /// The request's correlation id.
    pub correlation_id: Option<Correlation<'a>>,
    /// The fields of the span it happened in, those of its ancestors included.
    pub span: Option<&'a Fields>,
    /// Its own fields.
    pub event: &'a Fields,
    /// Tells call sites apart; 0 where none is known.
    pub callsite: u64,
}

/// The id under which a request is known across services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Correlation<'a> {
    /// The one that came with it: 1 to 128 visible ASCII characters.
    Given(&'a str),
    /// Its trace id serves as one.
    Trace(TraceId),
}

/// Takes what was observed, now; delivery is somebody else's and comes later.
///
/// A sink is called on the thread that logs, in the middle of its work. So it must
///
/// - never block: no I/O, no lock that is held across I/O, no waiting for room;
/// - never panic, whatever the record says;
/// - never log through tracing, directly or not;
/// - say what it drops: each record that is not delivered is counted, with the reason, and told in the output
///   as soon as there is room.
pub(crate) trait Sink: Send + Sync {
    /// Takes one log record.
    fn log(&self, record: &LogRecord<'_>);

    /// Appends a log record as [`write`](Self::write) takes it later.
    fn render(&self, record: &LogRecord<'_>, line: &mut Vec<u8>);

    /// Takes a record that was rendered before, which stands for so many, itself included.
    fn write(&self, level: Level, line: &[u8], stands_for: u64);
}

impl<S: Sink + ?Sized> Sink for std::sync::Arc<S> {
    fn log(&self, record: &LogRecord<'_>) {
        (**self).log(record);
    }

    fn render(&self, record: &LogRecord<'_>, line: &mut Vec<u8>) {
        (**self).render(record, line);
    }

    fn write(&self, level: Level, line: &[u8], stands_for: u64) {
        (**self).write(level, line, stands_for);
    }
}
