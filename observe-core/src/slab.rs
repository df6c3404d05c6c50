//! Open spans by the numbers that `tracing` knows them by.
//!
//! A number is an index and a generation, checked at each use: one that is stale or forged finds nothing. Slots are
//! used again, first by the thread that freed them; what a thread frees and does not use goes to the others in
//! chains of [`BATCH`], so a chain's worth of spans costs one access to shared memory.

use crate::pool::Shared;
use crate::span::OpenSpan;
use std::cell::RefCell;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::LocalKey;

/// The most spans that are open at once: 64 MiB of slots.
pub(crate) const MOST_OPEN: u32 = PAGE * PAGES as u32 - 1;

/// Slots that are allocated together.
const PAGE: u32 = 256;
const PAGES: usize = 4096;
/// Slots that go from thread to thread together.
const BATCH: usize = 32;
/// Free slots that a thread keeps for itself.
const LOCAL: usize = 2 * BATCH;

const INDEX_BITS: u32 = (PAGE * PAGES as u32).trailing_zeros();
const LAST_GENERATION: u64 = u64::MAX >> INDEX_BITS;

/// A span's number.
pub(crate) type Key = NonZeroU64;

/// Spans by number: see the module.
pub(crate) struct Slab {
    local: &'static LocalKey<RefCell<Free>>,
    limit: u32,
    pages: [OnceLock<Box<[Slot]>>; PAGES],
    /// The first index that was never used.
    fresh: AtomicU32,
    /// The first of the free chains, and above it a count of changes, so that none goes unseen.
    chains: AtomicU64,
}

/// A cache line of its own: neighbours belong to other threads.
#[repr(align(64))]
struct Slot {
    /// Changes when the slot is freed.
    generation: AtomicU64,
    inside: Mutex<Inside>,
    /// The next free one in the chain, and the first of the next chain; counted from 1, 0 is none.
    next: AtomicU32,
    next_chain: AtomicU32,
}

struct Inside {
    /// `None`: it is free.
    span: Option<Shared<OpenSpan>>,
    handles: u32,
}

/// A number that is taken for a span; free again when it is dropped.
pub(crate) struct Vacant<'a> {
    slab: &'a Slab,
    slot: &'a Slot,
    index: u32,
    key: Key,
}

/// The free slots of one thread.
pub(crate) struct Free {
    slab: &'static Slab,
    indices: Vec<u32>,
}

thread_local! {
    static FREE: RefCell<Free> = const { RefCell::new(Free::of(&SPANS)) };
}

/// The spans of all subscribers: a number never means two spans.
pub(crate) static SPANS: Slab = Slab::new(&FREE, MOST_OPEN);

impl Slab {
    pub(crate) const fn new(local: &'static LocalKey<RefCell<Free>>, limit: u32) -> Self {
        Self {
            local,
            limit,
            pages: [const { OnceLock::new() }; PAGES],
            fresh: AtomicU32::new(0),
            chains: AtomicU64::new(0),
        }
    }

    /// Takes a number for a span. `None`: too many are open.
    pub(crate) fn reserve(&self) -> Option<Vacant<'_>> {
        let index = match self.local.try_with(|free| free.try_borrow_mut().ok()?.take()) {
            Ok(Some(index)) => index,
            // The thread is being torn down, or is in the middle of this; or there is none left.
            _ => {
                let mut batch = self.batch()?;
                let index = batch.next()?;
                self.link(batch);
                index
            }
        };
        let vacant = self.slot_or_new(index).and_then(|slot| {
            let generation = slot.generation.load(Ordering::Relaxed);
            let key = Key::new(generation << INDEX_BITS | u64::from(index))?;
            Some(Vacant { slab: self, slot, index, key })
        });
        debug_assert!(vacant.is_some(), "a free index has a slot, and a slot has a generation");
        vacant
    }

    /// The span of this number, if it is open.
    pub(crate) fn find(&self, key: Key) -> Option<Shared<OpenSpan>> {
        self.slot(key)?.open(key)?.span.clone()
    }

    /// The open spans that `is_wanted`, which runs no user code, says are. Each slot is locked by itself, so those that
    /// open and close meanwhile may be among them or not.
    pub(crate) fn select(
        &self,
        is_wanted: impl Fn(&OpenSpan) -> bool,
        mut take: impl FnMut(Shared<OpenSpan>),
    ) {
        let used = self.fresh.load(Ordering::Relaxed).min(self.limit) as usize;
        let pages = self.pages.iter().take(used.div_ceil(PAGE as usize));
        for slot in pages.filter_map(OnceLock::get).flat_map(|page| page.iter()) {
            let span = slot.lock().span.as_ref().filter(|span| is_wanted(span)).cloned();
            // Not under the lock: what is taken may be the last that somebody holds.
            span.map(&mut take);
        }
    }

    /// Counts one more handle.
    pub(crate) fn retain(&self, key: Key) {
        if let Some(mut inside) = self.slot(key).and_then(|slot| slot.open(key)) {
            // Handles beyond what can be counted are not: the span is closed before they are dropped.
            inside.handles = inside.handles.saturating_add(1);
        }
    }

    /// Counts one handle less, and gives back the span that had no more.
    pub(crate) fn release(&self, key: Key) -> Option<Shared<OpenSpan>> {
        let slot = self.slot(key)?;
        let mut inside = slot.open(key)?;
        inside.handles -= 1;
        if inside.handles > 0 {
            return None;
        }
        slot.generation.store(after(generation(key)), Ordering::Relaxed);
        let span = inside.span.take();
        drop(inside);
        self.free(index(key));
        span
    }

    fn slot(&self, key: Key) -> Option<&Slot> {
        let index = index(key);
        self.pages.get((index / PAGE) as usize)?.get()?.get((index % PAGE) as usize)
    }

    fn slot_or_new(&self, index: u32) -> Option<&Slot> {
        let page = self.pages.get((index / PAGE) as usize)?;
        let slots = page.get_or_init(|| (0..PAGE).map(|_| Slot::new()).collect());
        slots.get((index % PAGE) as usize)
    }

    fn free(&self, index: u32) {
        let mut index = Some(index);
        let _ = self.local.try_with(|free| {
            if let Ok(mut free) = free.try_borrow_mut() {
                free.indices.extend(index.take());
                if free.indices.len() > LOCAL {
                    self.link(free.indices.drain(..BATCH));
                }
            }
        });
        if let Some(index) = index {
            self.link(std::iter::once(index));
        }
    }

    /// Free slots of others, or such as were never used.
    fn batch(&self) -> Option<Batch<'_>> {
        let mut chains = self.chains.load(Ordering::Acquire);
        while chains as u32 != 0 {
            let first = chains as u32;
            let next = self.slot_or_new(first - 1)?.next_chain.load(Ordering::Relaxed);
            let after = ((chains >> 32).wrapping_add(1) << 32) | u64::from(next);
            match self.chains.compare_exchange_weak(chains, after, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(Batch::Chain { slab: self, next: first }),
                Err(now) => chains = now,
            }
        }
        if self.fresh.load(Ordering::Relaxed) >= self.limit {
            return None;
        }
        let start = self.fresh.fetch_add(BATCH as u32, Ordering::Relaxed);
        Some(Batch::Fresh(start.min(self.limit)..start.saturating_add(BATCH as u32).min(self.limit)))
    }

    /// Gives free slots to whoever needs them, as one chain.
    fn link(&self, indices: impl Iterator<Item = u32>) {
        let mut first = 0;
        let mut head = None;
        for index in indices {
            let Some(slot) = self.slot_or_new(index) else { continue };
            slot.next.store(first, Ordering::Relaxed);
            first = index + 1;
            head = Some(slot);
        }
        let Some(head) = head else { return };
        let mut chains = self.chains.load(Ordering::Relaxed);
        loop {
            head.next_chain.store(chains as u32, Ordering::Relaxed);
            let after = ((chains >> 32).wrapping_add(1) << 32) | u64::from(first);
            match self.chains.compare_exchange_weak(chains, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => chains = now,
            }
        }
    }
}

impl Vacant<'_> {
    /// The number that the span will have.
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    /// Puts the span there, with one handle, and answers its number.
    pub(crate) fn fill(self, span: Shared<OpenSpan>) -> Key {
        let Self { slot, key, .. } = self;
        std::mem::forget(self);
        *slot.lock() = Inside { span: Some(span), handles: 1 };
        key
    }
}

impl Drop for Vacant<'_> {
    fn drop(&mut self) {
        self.slab.free(self.index);
    }
}

impl Slot {
    fn new() -> Self {
        Self {
            generation: AtomicU64::new(1),
            inside: Mutex::new(Inside { span: None, handles: 0 }),
            next: AtomicU32::new(0),
            next_chain: AtomicU32::new(0),
        }
    }

    /// What is inside, if it is the span of this number, and open.
    fn open(&self, key: Key) -> Option<MutexGuard<'_, Inside>> {
        let inside = self.lock();
        let is_open = self.generation.load(Ordering::Relaxed) == generation(key) && inside.handles > 0;
        is_open.then_some(inside)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    pub(crate) const fn of(slab: &'static Slab) -> Self {
        Self { slab, indices: Vec::new() }
    }

    fn take(&mut self) -> Option<u32> {
        if self.indices.is_empty() {
            self.indices.extend(self.slab.batch()?);
        }
        self.indices.pop()
    }
}

impl Drop for Free {
    fn drop(&mut self) {
        self.slab.link(self.indices.drain(..));
    }
}

enum Batch<'a> {
    Chain { slab: &'a Slab, next: u32 },
    Fresh(std::ops::Range<u32>),
}

impl Iterator for Batch<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        match self {
            Batch::Fresh(range) => range.next(),
            Batch::Chain { slab, next } => {
                let index = next.checked_sub(1)?;
                *next = slab.slot_or_new(index)?.next.load(Ordering::Relaxed);
                Some(index)
            }
        }
    }
}

fn index(key: Key) -> u32 {
    (key.get() & ((1 << INDEX_BITS) - 1)) as u32
}

fn generation(key: Key) -> u64 {
    key.get() >> INDEX_BITS
}

/// Never 0, so that no number is.
fn after(generation: u64) -> u64 {
    if generation < LAST_GENERATION { generation + 1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn span() -> Shared<OpenSpan> {
        let hub = Hub::installed_or_detached();
        OpenSpan::root(hub, None, false, hub.clock.now())
    }

    fn open(slab: &Slab) -> Option<(Key, Shared<OpenSpan>)> {
        let vacant = slab.reserve()?;
        let (key, span) = (vacant.key(), span());
        vacant.fill(Shared::clone(&span));
        Some((key, span))
    }

    /// A slab of the test's own.
    macro_rules! slab {
        ($limit:expr) => {{
            thread_local! { static FREE: RefCell<Free> = const { RefCell::new(Free::of(&SLAB)) }; }
            static SLAB: Slab = Slab::new(&FREE, $limit);
            &SLAB
        }};
    }

    // Mutations caught: a generation that stays when a span is closed; `retain` that does not look at it.
    proptest! {
        #[test]
        fn a_number_means_its_span_and_no_other(steps in prop::collection::vec((0..5_u8, any::<prop::sample::Index>()), 1..200)) {
            let slab = slab!(200);
            let mut open_now: HashMap<Key, (Shared<OpenSpan>, usize)> = HashMap::new();
            let mut gone: Vec<Key> = Vec::new();
            for (step, which) in steps {
                let mut keys: Vec<Key> = open_now.keys().copied().collect();
                keys.sort_unstable();
                match step {
                    0 | 1 => {
                        let (key, span) = open(slab).unwrap();
                        prop_assert!(open_now.insert(key, (span, 1)).is_none());
                        prop_assert!(!gone.contains(&key));
                    }
                    2 if !keys.is_empty() => {
                        let key = keys[which.index(keys.len())];
                        slab.retain(key);
                        open_now.get_mut(&key).unwrap().1 += 1;
                    }
                    3 if !keys.is_empty() => {
                        let key = keys[which.index(keys.len())];
                        let closed = slab.release(key);
                        let (span, handles) = open_now.get_mut(&key).unwrap();
                        *handles -= 1;
                        prop_assert_eq!(closed.is_some(), *handles == 0);
                        if let Some(closed) = closed {
                            prop_assert!(Shared::ptr_eq(&closed, span));
                            open_now.remove(&key);
                            gone.push(key);
                        }
                    }
                    4 if !gone.is_empty() => {
                        let key = gone[which.index(gone.len())];
                        slab.retain(key);
                        prop_assert!(slab.release(key).is_none() && slab.find(key).is_none());
                    }
                    _ => {}
                }
                for (key, (span, _)) in &open_now {
                    prop_assert!(slab.find(*key).is_some_and(|found| Shared::ptr_eq(&found, span)));
                }
            }
            for (key, (_, handles)) in open_now {
                for _ in 0..handles {
                    slab.release(key);
                }
            }
        }
    }

    #[test]
    fn no_more_are_open_than_allowed_and_those_that_go_make_room() {
        const LIMIT: usize = 100;
        let slab = slab!(LIMIT as u32);
        for _ in 0..3 {
            let spans: Vec<_> = (0..LIMIT).map(|_| open(slab).unwrap()).collect();
            assert!(slab.reserve().is_none());
            for (key, _) in &spans {
                assert!(slab.release(*key).is_some());
            }
        }
        // What is reserved and not used is free again.
        for _ in 0..3 {
            let reserved: Vec<_> = (0..LIMIT).map(|_| slab.reserve().unwrap()).collect();
            assert!(slab.reserve().is_none());
            drop(reserved);
        }
    }

    // Mutation caught: a thread that keeps what it frees for itself.
    #[test]
    fn spans_that_end_on_another_thread_use_the_same_slots_again() {
        let slab = slab!(10_000);
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Key>(100);
        let closing =
            std::thread::spawn(move || receiver.iter().filter(|key| slab.release(*key).is_some()).count());
        for _ in 0..200_000 {
            sender.send(open(slab).unwrap().0).unwrap();
        }
        drop(sender);
        assert_eq!(closing.join().unwrap(), 200_000);
        assert!(slab.fresh.load(Ordering::Relaxed) < 1_000, "{:?}", slab.fresh);
    }

    // Mutation caught: a generation that stays when a span is closed.
    #[test]
    fn threads_never_share_a_slot() {
        let slab = slab!(4_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut stale = Vec::new();
                    for round in 0..300 {
                        let spans: Vec<_> = (0..(round % 7) * 30).map(|_| open(slab).unwrap()).collect();
                        for (key, span) in &spans {
                            assert!(Shared::ptr_eq(&slab.find(*key).unwrap(), span));
                        }
                        for (key, span) in spans {
                            assert!(Shared::ptr_eq(&slab.release(key).unwrap(), &span));
                            stale.push(key);
                        }
                        assert!(stale.iter().rev().take(300).all(|key| slab.find(*key).is_none()));
                    }
                });
            }
        });
    }

    #[test]
    fn forged_numbers_find_nothing() {
        let slab = slab!(100);
        let (key, _span) = open(slab).unwrap();
        for forged in [1, 2, key.get() + 1, key.get() ^ 1 << INDEX_BITS, key.get() | 1 << 63, u64::MAX] {
            let forged = Key::new(forged).unwrap();
            slab.retain(forged);
            assert!(slab.find(forged).is_none() && slab.release(forged).is_none());
        }
        assert!(slab.find(key).is_some());
        assert_eq!((after(1), after(LAST_GENERATION)), (2, 1));
    }

    #[test]
    fn handles_beyond_counting_close_early_and_harm_nobody() {
        let slab = slab!(100);
        let (key, _span) = open(slab).unwrap();
        slab.slot(key).unwrap().lock().handles = u32::MAX;
        slab.retain(key);
        assert_eq!(slab.slot(key).unwrap().lock().handles, u32::MAX);
    }
}
