//! What is to be known of a field's name before its value is written.

use std::cell::Cell;

use super::marks::Tag;
use super::special::is_clean;
use super::{NAME_MAX, cut};
use crate::redaction::{self, Class, class_of};
use crate::semconv::log::{FIELDS_PREFIX, RESERVED};

/// A name, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) facts: Facts,
}

/// What a name's text says, to be found out once. It stays in a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) tag: Tag,
    flags: u16,
}

impl Facts {
    /// It needs no escaping.
    const CLEAN: u16 = 1;
    /// A format may reserve it.
    const ODD: u16 = 1 << 1;
    const SECRET: u16 = 1 << 2;
    const URL: u16 = 1 << 3;
    /// Not all of it is written.
    const TRIMMED: u16 = 1 << 4;

    fn of(name: &str) -> Self {
        let text = trimmed(name);
        let tag = Tag::of(text);
        let is_odd =
            RESERVED_BITS & tag.bit() != 0 && RESERVED.contains(&text) || text.starts_with(FIELDS_PREFIX);
        let mut flags = 0;
        if text.len() < name.len() {
            flags |= Self::TRIMMED;
        }
        if is_clean(text.as_bytes()) {
            flags |= Self::CLEAN;
        }
        if is_odd {
            flags |= Self::ODD;
        }
        // All of it counts, how it ends above all.
        match class_of(name) {
            Class::Plain => {}
            Class::Secret => flags |= Self::SECRET,
            Class::Url => flags |= Self::URL,
        }
        Self { tag, flags }
    }

    #[inline]
    pub(super) fn is_clean(self) -> bool {
        self.flags & Self::CLEAN != 0
    }

    #[inline]
    pub(super) fn is_odd(self) -> bool {
        self.flags & Self::ODD != 0
    }

    #[inline]
    pub(super) fn is_secret(self) -> bool {
        self.flags & Self::SECRET != 0
    }

    #[inline]
    pub(super) fn is_url(self) -> bool {
        self.flags & Self::URL != 0
    }
}

/// The names that a thread remembers: a program's lines have not many more in turn.
const REMEMBERED: usize = 64;

/// What is remembered of a text that lives as long as the program: no other text is ever where it is.
#[derive(Clone, Copy)]
struct Memory {
    address: usize,
    /// Twice its length, and one if it was known already what is redacted: what is set late changes the facts.
    length_and_set: usize,
    facts: Facts,
}

const NOTHING: Memory = Memory { address: 0, length_and_set: 0, facts: Facts { tag: Tag::of(""), flags: 0 } };

thread_local! {
    static KNOWN: [Cell<Memory>; REMEMBERED] = const { [const { Cell::new(NOTHING) }; REMEMBERED] };
}

/// Where a text's facts are remembered. Names stand closely together in a program, and some only differ in length.
#[inline]
fn slot(address: usize, length_and_set: usize) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = (address.wrapping_add(length_and_set << 5) as u64).wrapping_mul(FACTOR);
    (mixed >> (u64::BITS - REMEMBERED.ilog2())) as usize
}

#[inline]
fn remembered(name: &'static str) -> Facts {
    let address = name.as_ptr().addr();
    let length_and_set = name.len() << 1 | usize::from(redaction::is_set());
    let known = KNOWN.try_with(|known| {
        let memory = known.get(slot(address, length_and_set)).map_or(NOTHING, Cell::get);
        if memory.address == address && memory.length_and_set == length_and_set {
            memory.facts
        } else {
            learn(name, length_and_set, known)
        }
    });
    match known {
        Ok(facts) => facts,
        // The thread ends.
        Err(_) => Facts::of(name),
    }
}

#[cold]
#[inline(never)]
fn learn(name: &'static str, length_and_set: usize, known: &[Cell<Memory>; REMEMBERED]) -> Facts {
    let (address, facts) = (name.as_ptr().addr(), Facts::of(name));
    if let Some(memory) = known.get(slot(address, length_and_set)) {
        memory.set(Memory { address, length_and_set, facts });
    }
    facts
}

impl Name<'static> {
    /// A name that is there as long as the program: each thread looks at it once.
    #[inline]
    pub(crate) fn lasting(name: &'static str) -> Self {
        let facts = remembered(name);
        let text = if facts.flags & Facts::TRIMMED == 0 { name } else { trimmed(name) };
        Self { text, facts }
    }
}

impl<'a> From<&'a str> for Name<'a> {
    fn from(name: &'a str) -> Self {
        Self { text: trimmed(name), facts: Facts::of(name) }
    }
}

impl<'a> From<&'a String> for Name<'a> {
    fn from(name: &'a String) -> Self {
        Self::from(name.as_str())
    }
}

/// A name as it is written: `type` for `r#type`, and not too long.
fn trimmed(name: &str) -> &str {
    let name = name.strip_prefix("r#").unwrap_or(name);
    if name.len() <= NAME_MAX { name } else { cut(name, NAME_MAX) }
}

const RESERVED_BITS: u64 = {
    let mut bits = 0;
    let mut rest: &[&str] = &RESERVED;
    while let [first, others @ ..] = rest {
        bits |= Tag::of(first).bit();
        rest = others;
    }
    bits
};

#[cfg(test)]
mod tests {
    use super::super::Fields;
    use super::*;

    // Mutations caught: a place compared without its length, or not at all.
    #[test]
    fn a_name_is_remembered_as_what_it_is() {
        const ALL: &str = "abcdefghijklmnopqrstuvwxyz.password.\"quoted\".level";
        let parts = |from: usize| (from + 1..=ALL.len()).map(move |to| &ALL[from..to]);
        for _ in 0..3 {
            for name in (0..ALL.len()).flat_map(parts) {
                let (mut lasting, mut passing) = (Fields::new(), Fields::new());
                lasting.str(Name::lasting(name), "value");
                passing.str(name, "value");
                assert_eq!(lasting.as_str(), passing.as_str());
                assert_eq!(lasting.has_odd_names(), passing.has_odd_names(), "{name}");
            }
        }
    }
}
