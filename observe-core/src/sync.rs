//! The primitives of what is proven by a model: it puts those of a model checker in their place (`tests/models`).

pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};
