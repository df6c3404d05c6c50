//! How much may wait, and for how long.

use std::time::Duration;

/// How kept spans wait to be exported. A quarter of the room is kept for traces with a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanLimits {
    /// Spans that may wait, those on their way included: 1 to 1,048,576. Defaults to 16,384. A trace that has more finds
    /// room in an empty queue only.
    pub spans: usize,
    /// Bytes of all of them together, at most 64 GiB. Defaults to 16 MiB.
    pub bytes: usize,
    /// Spans that go at once, at most, and no more than half of those that may wait; no more than 1 MiB of them go,
    /// either. Defaults to 512.
    pub batch: usize,
    /// How long a span waits for others to go with; less when there are enough for a batch. Defaults to 1 s.
    pub delay: Duration,
    /// How long a batch that cannot be delivered is tried again before it is dropped. Defaults to 5 minutes.
    pub give_up: Duration,
}

impl SpanLimits {
    pub(super) const MAX_SPANS: usize = 1 << 20;
    /// In a number of its own: an address of 32 bits has fewer.
    pub(super) const MAX_BYTES: u64 = 1 << 36;
    const MAX_DELAY: Duration = Duration::from_secs(3_600);

    /// Within what can be held.
    pub(super) fn clamped(self) -> Self {
        let spans = self.spans.clamp(1, Self::MAX_SPANS);
        Self {
            spans,
            bytes: self.bytes.min(usize::try_from(Self::MAX_BYTES).unwrap_or(usize::MAX)),
            batch: self.batch.clamp(1, spans.div_ceil(2)),
            delay: self.delay.min(Self::MAX_DELAY),
            give_up: self.give_up,
        }
    }
}

impl Default for SpanLimits {
    fn default() -> Self {
        Self {
            spans: 16_384,
            bytes: 16 * 1024 * 1024,
            batch: 512,
            delay: Duration::from_secs(1),
            give_up: Duration::from_secs(300),
        }
    }
}
