//! Where traces go, and how much of them may wait in the process.

use crate::record::{Keep, TraceRecord, TraceSink};
use crate::recorder::Recorder;
use crate::sampling::KeepRate;
use crate::semconv::own;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

/// How much of the traces that are under way is held back until it is known whether they are kept.
///
/// What does not fit is left out and counted in `observe_dropped_total{signal="span",reason}`; metrics and lines are
/// complete all the same. A trace that is kept in any case is handed over in parts while it is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceLimits {
    /// Spans of one trace: reason `trace_full`.
    pub spans: u32,
    /// Bytes of one trace, the lines within its spans included: reason `trace_full`. Lines take half of it at most, and
    /// a quarter is left for spans that failed.
    pub bytes: usize,
    /// Traces: reason `traces_full`.
    pub traces: usize,
    /// Bytes of all traces: reason `memory_full`.
    pub total_bytes: usize,
}

impl Default for TraceLimits {
    /// 10,000 spans and 1 MiB a trace, 10,000 traces, 64 MiB in all.
    fn default() -> Self {
        Self { spans: 10_000, bytes: 1024 * 1024, traces: 10_000, total_bytes: 64 * 1024 * 1024 }
    }
}

/// Why something that happened in a trace was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its trace had as much as one may have.
    TraceFull,
    /// There were as many traces as there may be.
    TracesFull,
    /// All traces together had as much memory as they may have.
    MemoryFull,
    /// Its local root was gone without an end.
    Unended,
}

impl Cut {
    pub(crate) const ALL: [Cut; 4] = [Cut::TraceFull, Cut::TracesFull, Cut::MemoryFull, Cut::Unended];

    /// The text of the label `reason`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Cut::TraceFull => own::TRACE_FULL,
            Cut::TracesFull => own::TRACES_FULL,
            Cut::MemoryFull => own::MEMORY_FULL,
            Cut::Unended => own::UNENDED,
        }
    }
}

/// Where the traces of one telemetry go.
pub(crate) struct Traces {
    sink: Option<Arc<dyn TraceSink>>,
    recorder: Option<Arc<Recorder>>,
    pub(crate) limits: TraceLimits,
    pub(crate) keep_rate: KeepRate,
    /// What buffers hold of the limits.
    buffers: AtomicUsize,
    bytes: AtomicUsize,
    kept: [AtomicU64; Keep::ALL.len()],
    limited: AtomicU64,
    cuts: [AtomicU64; Cut::ALL.len()],
}

impl Traces {
    /// Traces that are kept go to `sink`, all to `recorder`. Neither: nothing of them is held back.
    pub(crate) fn new(
        sink: Option<Arc<dyn TraceSink>>,
        recorder: Option<Arc<Recorder>>,
        limits: TraceLimits,
        keep_rate: KeepRate,
    ) -> Self {
        Self {
            sink,
            recorder,
            limits,
            keep_rate,
            buffers: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            kept: Default::default(),
            limited: AtomicU64::new(0),
            cuts: Default::default(),
        }
    }

    /// Nobody wants to know.
    pub(crate) fn nowhere() -> Self {
        Self::new(None, None, TraceLimits::default(), KeepRate::per_second(0))
    }

    /// Whether anybody wants to know.
    pub(crate) fn are_wanted(&self) -> bool {
        self.sink.is_some() || self.recorder.is_some()
    }

    /// Hands a trace that is kept over, or a part of one; `make` makes it, if somebody takes it.
    pub(crate) fn hand_over(&self, make: impl FnOnce() -> TraceRecord) {
        if let Some(sink) = &self.sink {
            sink.take(make());
        }
    }

    /// What remembers traces for a while, kept or not.
    pub(crate) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_deref()
    }

    /// Counts a trace that is kept.
    pub(crate) fn count_kept(&self, keep: Keep) {
        if let Some(counted) = self.kept.get(keep as usize) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were kept for this reason.
    pub(crate) fn kept(&self, keep: Keep) -> u64 {
        self.kept.get(keep as usize).map_or(0, |counted| counted.load(Ordering::Relaxed))
    }

    /// Counts a trace that would have been kept, had there not been so many of its kind.
    pub(crate) fn count_limited(&self) {
        self.limited.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were not kept for that reason.
    pub(crate) fn limited(&self) -> u64 {
        self.limited.load(Ordering::Relaxed)
    }

    /// Takes memory for a buffer that holds `held` bytes already: seldom, since buffers are used again.
    ///
    /// # Errors
    ///
    /// When there is none left.
    pub(crate) fn reserve(&self, held: usize, more: usize) -> Result<(), Cut> {
        if held == 0 && self.buffers.fetch_add(1, Ordering::Relaxed) >= self.limits.traces {
            self.buffers.fetch_sub(1, Ordering::Relaxed);
            return Err(Cut::TracesFull);
        }
        if self.bytes.fetch_add(more, Ordering::Relaxed) + more > self.limits.total_bytes {
            self.bytes.fetch_sub(more, Ordering::Relaxed);
            if held == 0 {
                self.buffers.fetch_sub(1, Ordering::Relaxed);
            }
            return Err(Cut::MemoryFull);
        }
        Ok(())
    }

    /// Takes back the memory of a buffer.
    pub(crate) fn release(&self, held: usize) {
        if held > 0 {
            self.bytes.fetch_sub(held, Ordering::Relaxed);
            self.buffers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Whether what is free is rather given back than kept for the next trace of its thread: others may need the room.
    pub(crate) fn are_half_full(&self) -> bool {
        self.buffers.load(Ordering::Relaxed) > self.limits.traces / 2
            || self.bytes.load(Ordering::Relaxed) > self.limits.total_bytes / 2
    }

    /// Counts spans and lines that were left out.
    pub(crate) fn cut(&self, cut: Cut, count: u64) {
        if let Some(counted) = self.cuts.get(cut as usize) {
            counted.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// How many were.
    pub(crate) fn count(&self, cut: Cut) -> u64 {
        self.cuts.get(cut as usize).map_or(0, |counted| counted.load(Ordering::Relaxed))
    }

    /// How many bytes are held back.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
