//! How many lines of one call site are written a second.

use super::rate::Spacing;
use crate::clock::Tick;
use crate::sync::{AtomicU64, Ordering};

/// Call sites that have a rate of their own; further ones share one.
const CALL_SITES: usize = 1_024;
/// A power of two, so that a call site's first slot is its hash's end, and twice as many, so that it is mostly free.
const SLOTS: usize = 2 * CALL_SITES;

/// A rate for each call site of lines, and how many of it were left out since the last that was let through.
///
/// Lock-free: a table of open addresses that is never resized, and from which nothing is taken.
pub(crate) struct CallsiteRates {
    spacing: Spacing,
    slots: Box<[Slot]>,
    /// Those that found no slot.
    shared: Slot,
    taken: AtomicU64,
}

#[derive(Default)]
struct Slot {
    /// The call site; 0: nobody's yet.
    of: AtomicU64,
    until: AtomicU64,
    left_out: AtomicU64,
}

impl CallsiteRates {
    /// So many a second of each call site.
    pub(crate) fn per_second(rate: u32) -> Self {
        let spacing = Spacing::per_second(rate);
        let slots = if matches!(spacing, Spacing::All) { 0 } else { SLOTS };
        let slots = std::iter::repeat_with(Slot::default).take(slots).collect();
        Self { spacing, slots, shared: Slot::default(), taken: AtomicU64::new(0) }
    }

    /// Whether one more of this call site is let through, and then how many before it were not.
    pub(crate) fn admits(&self, callsite: u64, tick: Tick) -> Option<u64> {
        if matches!(self.spacing, Spacing::All) {
            return Some(0);
        }
        let slot = self.slot(callsite);
        if self.spacing.admits(&slot.until, tick) {
            Some(slot.left_out.swap(0, Ordering::Relaxed))
        } else {
            slot.left_out.fetch_add(1, Ordering::Relaxed);
            None
        }
    }

    fn slot(&self, callsite: u64) -> &Slot {
        let callsite = callsite.max(1);
        // Addresses differ in their middle; the multiplication carries that up.
        let first = (callsite.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % SLOTS;
        for slot in (0..SLOTS).filter_map(|step| self.slots.get((first + step) % SLOTS)) {
            let mut of = slot.of.load(Ordering::Relaxed);
            if of == 0 {
                if self.taken.load(Ordering::Relaxed) >= CALL_SITES as u64 {
                    break;
                }
                // Somebody else may have come first, with the same call site even.
                of = match slot.of.compare_exchange(0, callsite, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => {
                        self.taken.fetch_add(1, Ordering::Relaxed);
                        callsite
                    }
                    Err(of) => of,
                };
            }
            if of == callsite {
                return slot;
            }
        }
        &self.shared
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, ManualClock};
    use std::time::Duration;

    // Mutation caught: what was left out that is forgotten, or told twice.
    #[test]
    fn what_a_call_site_left_out_is_told_with_its_next() {
        let manual = ManualClock::new();
        let clock = Clock::from(manual.clone());
        let rates = CallsiteRates::per_second(2);
        let admitted: Vec<_> = (0..5).map(|_| rates.admits(64, clock.now())).collect();
        assert_eq!(admitted, [Some(0), Some(0), None, None, None]);
        manual.advance(Duration::from_secs(1));
        assert_eq!([rates.admits(64, clock.now()), rates.admits(64, clock.now())], [Some(3), Some(0)]);
    }

    // Mutations caught: call sites that share a slot; a table that is searched for ever, or that loses one, when full.
    #[test]
    fn each_has_a_rate_of_its_own_until_there_are_too_many() {
        let rates = CallsiteRates::per_second(1);
        let tick = Tick::default();
        let sites = || (0..CALL_SITES as u64).map(|n| 0x5500_0000_0000 + 8 * n);
        assert!(sites().all(|site| rates.admits(site, tick) == Some(0)));
        assert!(sites().all(|site| rates.admits(site, tick).is_none()));
        assert_eq!([rates.admits(1, tick), rates.admits(2, tick)], [Some(0), None]);
    }

    #[test]
    fn without_a_limit_there_is_no_table() {
        let rates = CallsiteRates::per_second(u32::MAX);
        assert!(rates.slots.is_empty() && (0..1_000).all(|_| rates.admits(64, Tick::default()) == Some(0)));
    }
}
