//! What became of the spans.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::semconv::{log, otel};

/// Why a span was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanLoss {
    /// The queue, or the part that is not reserved for failures, was full: the newest trace is dropped.
    QueueFull,
    /// It came after shutdown, or was still there at its deadline.
    Shutdown,
    /// The collector refused its batch for good.
    Refused,
    /// The collector took its batch, but not this one.
    Rejected,
    /// Its batch was tried for too long in vain.
    Expired,
    /// The worker panicked with it.
    Panicked,
}

impl SpanLoss {
    /// Every reason.
    pub(crate) const ALL: [SpanLoss; 6] =
        [Self::QueueFull, Self::Shutdown, Self::Refused, Self::Rejected, Self::Expired, Self::Panicked];

    /// The text of the label `reason`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => log::QUEUE_FULL,
            Self::Shutdown => log::SHUTDOWN,
            Self::Refused => otel::REFUSED,
            Self::Rejected => otel::REJECTED,
            Self::Expired => otel::EXPIRED,
            Self::Panicked => otel::WORKER_PANICKED,
        }
    }
}

/// How an attempt to hand over a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// All of it was taken.
    Taken,
    /// Some of it was.
    Partial,
    /// It was in vain, and another one follows.
    Again,
    /// It was refused for good.
    Refused,
    /// It was in vain, and was the last one.
    Expired,
    /// The worker panicked.
    Panicked,
}

impl Attempt {
    /// Every one.
    pub(crate) const ALL: [Attempt; 6] =
        [Self::Taken, Self::Partial, Self::Again, Self::Refused, Self::Expired, Self::Panicked];

    /// The text of the label `outcome`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Taken => otel::OUTCOME_OK,
            Self::Partial => otel::OUTCOME_PARTIAL,
            Self::Again => otel::OUTCOME_RETRY,
            Self::Refused => otel::REFUSED,
            Self::Expired => otel::EXPIRED,
            Self::Panicked => otel::WORKER_PANICKED,
        }
    }
}

/// What became of the spans that a queue was handed. Only ever rises; may be read at any time. What it was handed is
/// delivered, dropped, or still in the queue.
#[derive(Debug, Default)]
pub(crate) struct SpanStats {
    dropped: [AtomicU64; SpanLoss::ALL.len()],
    attempts: [AtomicU64; Attempt::ALL.len()],
    delivered: AtomicU64,
    apart: AtomicU64,
}

impl SpanStats {
    /// Spans lost for this reason.
    pub(crate) fn dropped(&self, loss: SpanLoss) -> u64 {
        self.dropped[loss as usize].load(Ordering::Relaxed)
    }

    /// Attempts that ended so.
    pub(crate) fn attempts(&self, attempt: Attempt) -> u64 {
        self.attempts[attempt as usize].load(Ordering::Relaxed)
    }

    /// Spans that somebody took.
    #[cfg(test)]
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Lines and links whose span was handed over apart from them.
    pub(crate) fn apart(&self) -> u64 {
        self.apart.load(Ordering::Relaxed)
    }

    /// Spans lost in all.
    pub(crate) fn lost(&self) -> u64 {
        SpanLoss::ALL.into_iter().map(|loss| self.dropped(loss)).sum()
    }

    /// Spans lost on their way out, or at its end: not those that found no room.
    pub(super) fn failures(&self) -> u64 {
        SpanLoss::ALL
            .into_iter()
            .filter(|loss| *loss != SpanLoss::QueueFull)
            .map(|loss| self.dropped(loss))
            .sum()
    }

    pub(super) fn deliver(&self, spans: u64) {
        self.delivered.fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn lose(&self, loss: SpanLoss, spans: u64) {
        self.dropped[loss as usize].fetch_add(spans, Ordering::Relaxed);
    }

    pub(super) fn count(&self, attempt: Attempt) {
        self.attempts[attempt as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_apart(&self, entries: u64) {
        self.apart.fetch_add(entries, Ordering::Relaxed);
    }
}
