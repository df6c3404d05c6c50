//! A trace that is kept, on its way out.

use super::entries::Entries;
use super::keep::Keep;
use crate::context::{TraceFlags, TraceId, TraceState};

/// What all entries of a trace share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TraceHead {
    pub(crate) trace_id: TraceId,
    /// As they were sent on when the part was handed over.
    pub(crate) flags: TraceFlags,
    /// The caller's, with what this process says of sampling.
    pub(crate) tracestate: TraceState,
    pub(crate) keep: Keep,
    /// With which probability a trace like this one is kept, above 0 to 1: what a count of kept ones has to be divided
    /// by.
    pub(crate) probability: f64,
}

/// A trace of this process, or a part of one: handed over whole when its local root ends, in parts when it is long,
/// and span by span what ended after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TraceRecord {
    pub(crate) head: TraceHead,
    pub(crate) entries: Entries,
    /// How many of the entries are spans.
    pub(crate) spans: u32,
}

#[cfg(feature = "otlp")]
impl TraceRecord {
    /// How much memory it takes, about.
    #[cfg(any(feature = "otlp", test))]
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.entries.capacity() + self.head.tracestate.as_str().len()
    }
}

/// Takes traces that are kept, now; delivery is somebody else's and comes later. As for a [`Sink`](super::Sink): it
/// never blocks, panics or logs, and counts what it does not deliver.
pub(crate) trait TraceSink: Send + Sync {
    /// Takes one.
    fn take(&self, trace: TraceRecord);
}
