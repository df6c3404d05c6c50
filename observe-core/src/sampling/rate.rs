//! How many traces are kept a second, so that an outage does not send out everything.

use crate::clock::Tick;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Kinds are told apart by this many slots; those of one slot share its rate.
const SLOTS: usize = 64;

/// A rate for each kind of what keeps a trace: so many a second, and as many at once after a quiet second.
///
/// Lock-free. A slot holds the time until which what was let through so far is spread (the "generic cell rate
/// algorithm"): what would come more than a second before its turn is refused.
pub(crate) struct KeepRate {
    /// The nanoseconds of one; 0: none is let through, `None`: all are.
    spacing: Option<u64>,
    slots: [AtomicU64; SLOTS],
}

impl KeepRate {
    /// So many a second of each kind.
    pub(crate) fn per_second(rate: u32) -> Self {
        let spacing = Some(if rate == 0 { 0 } else { (SECOND / u64::from(rate)).max(1) });
        Self { spacing: spacing.filter(|_| rate < u32::MAX), slots: [const { AtomicU64::new(0) }; SLOTS] }
    }

    /// Whether one more of this kind may be kept.
    pub(crate) fn admits(&self, kind: &str, tick: Tick) -> bool {
        self.admits_slot(slot(kind), tick)
    }

    fn admits_slot(&self, slot: usize, tick: Tick) -> bool {
        let Some(spacing) = self.spacing else { return true };
        if spacing == 0 {
            return false;
        }
        let now = tick.nanos();
        let Some(slot) = self.slots.get(slot) else { return true };
        let next = |until: u64| {
            let until = until.max(now).saturating_add(spacing);
            (until - now <= SECOND).then_some(until)
        };
        slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

/// A [`KeepRate`] for each call site of lines, and how many of it were left out since the last that was let through.
pub(crate) struct CallsiteRate {
    rate: KeepRate,
    left_out: [AtomicU64; SLOTS],
}

impl CallsiteRate {
    /// So many a second of each call site.
    pub(crate) fn per_second(rate: u32) -> Self {
        Self { rate: KeepRate::per_second(rate), left_out: [const { AtomicU64::new(0) }; SLOTS] }
    }

    /// Whether one more of this call site is let through, and then how many before it were not.
    pub(crate) fn admits(&self, callsite: u64, tick: Tick) -> Option<u64> {
        // Addresses differ in their middle; the multiplication carries that up.
        let slot = (callsite.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % SLOTS;
        let left_out = self.left_out.get(slot)?;
        if self.rate.admits_slot(slot, tick) {
            Some(left_out.swap(0, Ordering::Relaxed))
        } else {
            left_out.fetch_add(1, Ordering::Relaxed);
            None
        }
    }
}

const SECOND: u64 = Duration::from_secs(1).as_nanos() as u64;

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

    // Mutation caught: what was left out that is forgotten, or told twice.
    #[test]
    fn what_a_call_site_left_out_is_told_with_its_next() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        let rate = CallsiteRate::per_second(2);
        let admitted: Vec<_> = (0..5).map(|_| rate.admits(64, clock.now())).collect();
        assert_eq!(admitted, [Some(0), Some(0), None, None, None]);
        manual.advance(Duration::from_secs(1));
        assert_eq!([rate.admits(64, clock.now()), rate.admits(64, clock.now())], [Some(3), Some(0)]);
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
