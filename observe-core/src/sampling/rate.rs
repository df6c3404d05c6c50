//! How many traces are kept a second, so that an outage does not send out everything.

use crate::clock::Tick;
use crate::sync::{AtomicU64, Ordering};
use std::time::Duration;

/// Kinds are told apart by this many slots; those of one slot share its rate.
const SLOTS: usize = 64;

/// A rate for each kind of what keeps a trace: so many a second, and as many at once after a quiet second.
///
/// Lock-free.
pub(crate) struct KeepRate {
    spacing: Spacing,
    slots: [AtomicU64; SLOTS],
}

impl KeepRate {
    /// So many a second of each kind.
    pub(crate) fn per_second(rate: u32) -> Self {
        Self { spacing: Spacing::per_second(rate), slots: [const { AtomicU64::new(0) }; SLOTS] }
    }

    /// Whether one more of this kind may be kept.
    pub(crate) fn admits(&self, kind: &str, tick: Tick) -> bool {
        self.slots.get(slot(kind)).is_none_or(|slot| self.spacing.admits(slot, tick))
    }
}

const SECOND: u64 = Duration::from_secs(1).as_nanos() as u64;

/// The "generic cell rate algorithm": a slot holds the time until which what was let through so far is spread, and what
/// would come more than a second before its turn is refused.
#[derive(Clone, Copy)]
pub(super) enum Spacing {
    /// All are let through.
    All,
    /// The nanoseconds of one; 0: none is let through.
    Nanos(u64),
}

impl Spacing {
    pub(super) fn per_second(rate: u32) -> Self {
        match rate {
            0 => Self::Nanos(0),
            u32::MAX => Self::All,
            _ => Self::Nanos((SECOND / u64::from(rate)).max(1)),
        }
    }

    pub(super) fn admits(self, slot: &AtomicU64, tick: Tick) -> bool {
        let Self::Nanos(spacing) = self else { return true };
        if spacing == 0 {
            return false;
        }
        let now = tick.nanos();
        let next = |until: u64| {
            let until = until.max(now).saturating_add(spacing);
            (until - now <= SECOND).then_some(until)
        };
        slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// FNV-1a: kinds are of the code's making, nobody chooses them to collide.
fn slot(kind: &str) -> usize {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = kind.as_bytes().iter().fold(0xcbf2_9ce4_8422_2325, mix);
    (hash ^ hash >> 32) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};

    // Mutations caught: a slot that is never filled, that never empties, that all kinds share.
    #[test]
    fn each_kind_has_its_rate() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        let rate = KeepRate::per_second(10);
        let admitted = |kind| (0..1_000).filter(|_| rate.admits(kind, clock.now())).count();
        assert_eq!(admitted("503"), 10);
        assert_eq!(admitted("timeout"), 10);
        assert_eq!(admitted("503"), 0);
        manual.advance(Duration::from_millis(300));
        assert_eq!(admitted("503"), 3);
        manual.advance(Duration::from_secs(3_600));
        assert_eq!(admitted("503"), 10);
    }

    #[test]
    fn none_and_all() {
        let tick = Tick::default();
        assert!(!KeepRate::per_second(0).admits("503", tick));
        let all = KeepRate::per_second(u32::MAX);
        assert!((0..100_000).all(|_| all.admits("503", tick)));
        // Mutation caught: more than one a nanosecond taken for none.
        for many in [1_000_000_001, u32::MAX - 1] {
            assert!(KeepRate::per_second(many).admits("503", tick), "{many}");
        }
    }
}
