//! Open spans by the ids of somebody else's registry.

use crate::pool::Shared;
use crate::slab::{Key, MOST_OPEN};
use crate::span::OpenSpan;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

const STRIPES: usize = 64;
/// The most spans of one stripe: its share of those that are open at once.
const MOST: usize = MOST_OPEN as usize / STRIPES;

/// What a stripe holds without growing.
const ROOM: usize = 14;

/// Maps, each with a lock of its own: an id's bits decide which.
pub(crate) struct SpanMap([Stripe; STRIPES]);

#[repr(align(64))]
struct Stripe(Mutex<Spans>);

type Spans = HashMap<Key, Shared<OpenSpan>, BuildHasherDefault<IdHasher>>;

impl SpanMap {
    pub(crate) fn new() -> Self {
        // Room for some from the start, so that a busy moment of one stripe allocates nothing.
        let stripe =
            |_| Stripe(Mutex::new(Spans::with_capacity_and_hasher(ROOM, BuildHasherDefault::default())));
        Self(std::array::from_fn(stripe))
    }

    /// Puts a span there. `false`: too many are open.
    pub(crate) fn insert(&self, key: Key, span: Shared<OpenSpan>) -> bool {
        let mut spans = self.stripe(key);
        if spans.len() >= MOST {
            return false;
        }
        let before = spans.insert(key, span);
        drop(spans);
        // After the lock: the last holder of a telemetry drops what users gave to it.
        drop(before);
        true
    }

    /// The span of this id.
    pub(crate) fn find(&self, key: Key) -> Option<Shared<OpenSpan>> {
        self.stripe(key).get(&key).cloned()
    }

    /// Takes the span of this id out.
    pub(crate) fn remove(&self, key: Key) -> Option<Shared<OpenSpan>> {
        self.stripe(key).remove(&key)
    }

    fn stripe(&self, key: Key) -> MutexGuard<'_, Spans> {
        let index = (mix(key.get()) >> 32) as usize % STRIPES;
        let stripe = self.0.get(index).unwrap_or(&self.0[0]);
        stripe.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids are a registry's own numbers, so nobody can choose them.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = mix(self.0 ^ id);
    }
}

fn mix(id: u64) -> u64 {
    let product = id.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}
