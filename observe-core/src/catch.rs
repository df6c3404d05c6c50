//! Running code of others that may panic.

use std::cell::Cell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, TryLockError};

thread_local! {
    /// How many [`catch`] this thread is in.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static MUTE: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would be caught here, and so is nobody's failure.
pub(crate) fn is_caught() -> bool {
    depth() > 0
}

/// How many [`catch`] this thread is in.
pub(crate) fn depth() -> u32 {
    DEPTH.try_with(Cell::get).unwrap_or(0)
}

/// What this thread does is our own work: its panics are not told, its spans and lines not recorded. Otherwise telling
/// would tell of itself.
pub(crate) fn mute() {
    let _ = MUTE.try_with(|mute| mute.set(true));
}

/// Whether that was said.
pub(crate) fn is_mute() -> bool {
    MUTE.try_with(Cell::get).unwrap_or(false)
}

/// A lock that this thread itself may hold, since it panicked somewhere: `None` after a while, instead of a deadlock.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    const ATTEMPTS: u32 = 1_000;
    for _ in 0..ATTEMPTS {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(guard)) => return Some(guard.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
        }
    }
    None
}

/// Counts a [`catch`] for as long as it lives.
struct Inside;

impl Inside {
    fn new() -> Self {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_add(1)));
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// Runs something that may panic; `None` if it did.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
    let _inside = Inside::new();
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // Freed, since it may come with every line; its destructor is the user's, and may panic again.
            if let Err(again) = catch_unwind(AssertUnwindSafe(move || drop(payload))) {
                mem::forget(again);
            }
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::resume_unwind;
    use std::sync::Arc;

    // Mutation caught: a payload that is forgotten (a leak for each panic).
    #[test]
    fn what_was_thrown_is_freed() {
        let payload = Arc::new(());
        let thrown = Arc::clone(&payload);
        assert_eq!(catch(move || -> () { resume_unwind(Box::new(thrown)) }), None);
        assert_eq!(Arc::strong_count(&payload), 1);
        assert_eq!(catch(|| 7), Some(7));
    }

    // Mutation caught: a payload dropped outside of `catch_unwind`.
    #[test]
    fn a_payload_may_panic_as_it_is_freed() {
        struct Rude;
        impl Drop for Rude {
            fn drop(&mut self) {
                resume_unwind(Box::new(()));
            }
        }
        assert_eq!(catch(|| -> () { resume_unwind(Box::new(Rude)) }), None);
    }
}
