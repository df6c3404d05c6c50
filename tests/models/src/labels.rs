//! Open labels: `label/open.rs`.

use std::sync::Arc;

use crate::label::{LabelId, OpenSet};
use crate::sync::{explore, explore_up_to, spawn};

/// Two threads bring in one text at once, and it has one value.
/// Mutations caught: a text that is not looked for again under the lock; a birth without the lock.
pub fn a_text_has_one_value() {
    explore_up_to(3, || {
        let set = Arc::new(OpenSet::new(2));
        let other = {
            let set = Arc::clone(&set);
            spawn(move || set.intern("a"))
        };
        let (mine, theirs) = (set.intern("a"), other.join().unwrap());
        assert_eq!((mine, set.text(mine), set.len()), (theirs, "a", 1));
    });
}

/// Of two texts that come at once for one place each is a value of its own or `_OTHER`, and stays it; whoever else asks
/// for one of them meanwhile is told the same.
/// Mutations caught: `len` stored before the place, or without release, or loaded without acquire; the second look of
/// whoever finds the set full left out.
pub fn the_last_place_goes_to_one_text() {
    explore_last_place(["a", "b", "a"]);
    explore_last_place(["a", "a", "b"]);
}

fn explore_last_place(texts: [&'static str; 3]) {
    explore_up_to(2, move || {
        let set = Arc::new(OpenSet::new(1));
        let [one, two, three] = texts;
        let threads = [one, two].map(|text| {
            let set = Arc::clone(&set);
            spawn(move || set.intern(text))
        });
        let third = set.intern(three);
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        let is_known = |id: LabelId| id != LabelId::OTHER;
        for (text, id) in texts.into_iter().zip([first, second, third]) {
            assert_eq!(set.intern(text), id, "{text}");
            assert!(!is_known(id) || set.text(id) == text);
        }
        assert_eq!(set.len(), 1);
        assert!(is_known(first) || is_known(second) || is_known(third));
    });
}

/// Whoever finds a text can ask for it by its value at once.
/// Mutation caught: the place filled before the table of values.
pub fn what_is_found_can_be_told() {
    explore(|| {
        let set = Arc::new(OpenSet::new(2));
        let other = {
            let set = Arc::clone(&set);
            spawn(move || set.intern("a"))
        };
        if let Some(id) = set.known("a") {
            assert_eq!(set.text(id), "a");
        }
        other.join().unwrap();
    });
}
