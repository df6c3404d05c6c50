//! What became of the lines.

use crate::semconv::log;
use crate::sync::{AtomicU64, Ordering};

/// Why a line was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Loss {
    /// The queue, or this level's part of it, was full: the newest line is dropped.
    QueueFull,
    /// The output refused it.
    WriteError,
    /// It came after shutdown.
    Shutdown,
}

impl Loss {
    /// Every reason, in the order of their metric label's codes.
    pub(crate) const ALL: [Loss; 3] = [Loss::QueueFull, Loss::WriteError, Loss::Shutdown];

    /// The text of the label `reason`: `queue_full`, `write_error`, `shutdown`.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Loss::QueueFull => log::QUEUE_FULL,
            Loss::WriteError => log::WRITE_ERROR,
            Loss::Shutdown => log::SHUTDOWN,
        }
    }
}

/// What became of the lines of a queue. Only ever rises; may be read at any time.
#[derive(Debug, Default)]
pub(crate) struct QueueStats {
    dropped: [AtomicU64; Loss::ALL.len()],
    written: AtomicU64,
    write_errors: AtomicU64,
    panics: AtomicU64,
}

impl QueueStats {
    /// Lines lost for this reason.
    #[must_use]
    pub(crate) fn dropped(&self, loss: Loss) -> u64 {
        self.dropped[loss as usize].load(Ordering::Relaxed)
    }

    /// Lines handed to the output, without those that tell of losses.
    #[must_use]
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// How often writing or flushing failed.
    #[must_use]
    pub(crate) fn write_errors(&self) -> u64 {
        self.write_errors.load(Ordering::Relaxed)
    }

    /// How often the worker caught a panic, the output's or its own, and went on.
    #[must_use]
    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(super) fn failures(&self) -> u64 {
        self.write_errors() + self.panics()
    }

    pub(super) fn lose(&self, loss: Loss, lines: u64) {
        self.dropped[loss as usize].fetch_add(lines, Ordering::Relaxed);
    }

    pub(super) fn count_written(&self, lines: u64) {
        self.written.fetch_add(lines, Ordering::Relaxed);
    }

    pub(super) fn count_write_error(&self) {
        self.write_errors.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }
}
