//! The primitives of what is proven by a model: it puts those of a model checker in their place (`tests/models`).

use std::hash::{BuildHasher, RandomState};

pub(crate) use crossbeam_queue::ArrayQueue;
pub(crate) use once_cell::race::{OnceBox, OnceRef};
pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
pub(crate) use std::thread;
pub(crate) use std::thread_local;
pub(crate) use std::time::Instant;

/// Declares statics. A model has new ones in each of its runs.
macro_rules! statics {
    ($($(#[$meta:meta])* static $name:ident: $type:ty = $value:expr;)+) => {
        $($(#[$meta])* static $name: $type = $value;)+
    };
}
pub(crate) use statics;

/// What nobody can foresee, to hash with. A model always has the same.
pub(crate) fn seed() -> u64 {
    RandomState::new().hash_one(0)
}
