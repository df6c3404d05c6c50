//! Running code of others that may panic.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs something that may panic; `None` if it did.
pub(crate) fn catch<T>(run: impl FnOnce() -> T) -> Option<T> {
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
