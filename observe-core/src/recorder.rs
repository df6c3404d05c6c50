//! The flight recorder: what happened lately, kept or not, to be looked back at.
//!
//! Traces and the lines outside of them lie in two rings of memory, in the form in which they were recorded: the
//! pinned ones (failures) in a ring of their own, so that chatter cannot push them out.

mod head;
mod recent;
mod ring;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing_core::Level;

use crate::clock::Tick;
use crate::record::{Iter, LogRecord};
use crate::semconv::recorder as names;
pub(crate) use head::Head;
use head::LineHead;
pub(crate) use recent::{Recent, RecentTrace};
use ring::Ring;

/// How much the flight recorder remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecorderLimits {
    /// Bytes of memory, at most 1 GiB; a quarter of them is for failures. 0: nothing is recorded. Fewer than 64 KiB
    /// are taken as 64 KiB. Defaults to 32 MiB. They are allocated as they are needed, and never given back.
    pub bytes: usize,
    /// For how long. Defaults to 5 minutes.
    pub age: Duration,
}

impl Default for RecorderLimits {
    fn default() -> Self {
        Self { bytes: 32 * 1024 * 1024, age: Duration::from_secs(5 * 60) }
    }
}

/// Smaller than this there is no room for two threads and a failure.
const BYTES_MIN: usize = 64 * 1024;

/// What is asked for beyond it is a mistake.
const BYTES_MAX: usize = 1 << 30;

/// The part of the bytes that pinned records have to themselves: one in so many.
const PINNED_PART: usize = 4;

/// The part of a ring that one hand-over may take: one in so many. What is more is left out, from its beginning.
const LARGEST_PART: usize = 16;

/// Records what happened lately. Cheap to record into, from any thread: nobody waits, nothing is allocated once its
/// memory is, and what finds no room is counted.
pub(crate) struct Recorder {
    limits: RecorderLimits,
    usual: Ring,
    pinned: Ring,
    lost: [AtomicU64; Loss::ALL.len()],
}

/// Why a record, or a part of one, is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Other threads, or readers, had all that there was to write into.
    Busy,
    /// It took more than its part of the ring.
    TooLarge,
}

impl Loss {
    /// Every reason, in the order of their codes.
    pub(crate) const ALL: [Loss; 2] = [Loss::Busy, Loss::TooLarge];

    /// The text of the label `reason`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Loss::Busy => names::BUSY,
            Loss::TooLarge => names::TOO_LARGE,
        }
    }
}

impl Recorder {
    /// One that remembers so much; `None` for no bytes. Owns next to no memory yet.
    pub(crate) fn new(limits: RecorderLimits) -> Option<Self> {
        if limits.bytes == 0 {
            return None;
        }
        let bytes = limits.bytes.clamp(BYTES_MIN, BYTES_MAX);
        let age = u64::try_from(limits.age.as_nanos()).unwrap_or(u64::MAX);
        let pinned = bytes / PINNED_PART;
        Some(Self {
            limits: RecorderLimits { bytes, ..limits },
            usual: Ring::new(bytes - pinned, age),
            pinned: Ring::new(pinned, age),
            lost: Default::default(),
        })
    }

    /// Takes what happened in a trace: the bytes of its entries. May be called several times for one trace. `pinned`: it
    /// failed.
    pub(crate) fn record(&self, head: &Head, entries: &[u8], pinned: bool) {
        let ring = self.ring(pinned);
        if entries.len() > ring.largest() - Head::LEN {
            return self.record_long(ring, head, entries);
        }
        self.put(ring, head.at, [&head.encoded(), entries]);
    }

    /// Takes one that is too long for one record. Its end matters more: there is the root.
    #[cold]
    fn record_long(&self, ring: &Ring, head: &Head, entries: &[u8]) {
        let put = |part: &[u8]| {
            if !part.is_empty() {
                self.put(ring, head.at, [&head.encoded(), part]);
            }
        };
        let room = ring.largest() - Head::LEN;
        let excess = entries.len().saturating_sub(ring.capacity() / LARGEST_PART);
        let (mut start, mut end) = (0, 0);
        let mut is_cut = false;
        for entry in Iter::over(entries).raw() {
            let next = end + entry.len();
            if end < excess || entry.len() > room {
                put(&entries[start..end]);
                is_cut = true;
                start = next;
            } else if next - start > room {
                put(&entries[start..end]);
                start = end;
            }
            end = next;
        }
        put(&entries[start..end]);
        if is_cut {
            self.lose(Loss::TooLarge);
        }
    }

    /// Takes a line that is in no span. Those at `ERROR` are pinned.
    pub(crate) fn record_line(&self, line: &LogRecord<'_>, at: Tick) {
        let [target, message, fields] =
            [line.target, line.message.escaped(), line.event.as_str()].map(str::as_bytes);
        let head = LineHead::of(line, [target, message, fields], at).encoded();
        self.put(self.ring(line.level == Level::ERROR), at, [&head, target, message, fields]);
    }

    fn ring(&self, pinned: bool) -> &Ring {
        if pinned { &self.pinned } else { &self.usual }
    }

    fn put<const N: usize>(&self, ring: &Ring, at: Tick, parts: [&[u8]; N]) {
        if let Err(loss) = ring.put(at, parts) {
            self.lose(loss);
        }
    }

    #[cold]
    fn lose(&self, loss: Loss) {
        self.lost[loss as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many records, or parts of them, are not there for this reason.
    pub(crate) fn lost(&self, loss: Loss) -> u64 {
        self.lost[loss as usize].load(Ordering::Relaxed)
    }

    /// How many bytes of memory it owns.
    pub(crate) fn held(&self) -> usize {
        self.usual.held() + self.pinned.held()
    }

    /// The most that it comes to own.
    pub(crate) fn limits(&self) -> RecorderLimits {
        self.limits
    }
}

#[cfg(test)]
mod tests;
