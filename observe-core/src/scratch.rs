//! Memory to format into, kept for each thread.

use crate::fields::{Fields, Text};
use std::cell::RefCell;

/// How many a thread keeps: formatting may log, and what it logs may format.
const KEPT: usize = 4;

/// What an event says, while it is being read.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) message: Text,
    pub(crate) fields: Fields,
    /// Where from, if the metadata do not say.
    pub(crate) target: String,
}

#[expect(clippy::vec_box, reason = "they are moved out and in for each event")]
mod kept {
    use super::*;

    thread_local! {
        pub(super) static KEPT: RefCell<Vec<Box<Scratch>>> = const { RefCell::new(Vec::new()) };
    }
}

/// Runs `f`, which may come back here, with empty memory.
pub(crate) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let kept = kept::KEPT.try_with(|kept| kept.try_borrow_mut().ok()?.pop());
    let mut scratch = kept.ok().flatten().unwrap_or_default();
    let result = f(&mut scratch);
    scratch.message.clear();
    scratch.fields.clear();
    scratch.target.clear();
    let _ = kept::KEPT.try_with(|kept| {
        if let Ok(mut kept) = kept.try_borrow_mut()
            && kept.len() < KEPT
        {
            kept.push(scratch);
        }
    });
    result
}
