//! Memory to format into, kept for each thread.

use crate::fields::{Fields, Text};
use std::cell::Cell;

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

thread_local! {
    static FREE: [Cell<Option<Box<Scratch>>>; KEPT] = const { [const { Cell::new(None) }; KEPT] };
}

/// Runs `f`, which may come back here, with empty memory.
pub(crate) fn with<R>(f: impl FnOnce(&mut Scratch) -> R) -> R {
    let free = FREE.try_with(|free| free.iter().find_map(Cell::take));
    let mut scratch = free.ok().flatten().unwrap_or_default();
    let result = f(&mut scratch);
    scratch.message.clear();
    scratch.fields.clear();
    scratch.target.clear();
    let _ = FREE.try_with(|free| {
        let mut scratch = Some(scratch);
        for place in free {
            // What was there goes to the next place.
            scratch = place.replace(scratch);
            if scratch.is_none() {
                return;
            }
        }
    });
    result
}
