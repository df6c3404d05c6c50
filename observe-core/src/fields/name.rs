//! What is to be known of a field's name before its value is written.

use std::cell::Cell;

use super::special::is_clean;
use super::{NAME_MAX, RESERVED_BITS, bit};
use crate::redaction::{self, Class, class_of};
use crate::semconv::log::{FIELDS_PREFIX, RESERVED};

/// A name, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(super) text: &'a str,
    pub(super) facts: Facts,
}

/// What a name's text says, to be found out once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// In [`Fields::names`](super::Fields::names).
    pub(super) bit: u64,
    pub(super) class: Class,
    /// A format may reserve it.
    pub(super) is_odd: bool,
    /// It needs no escaping.
    pub(super) is_clean: bool,
}

/// The names that a thread remembers: a program's lines have not many more in turn.
const REMEMBERED: usize = 64;

/// The place of a text that lives as long as the program: no other text is ever there.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    address: usize,
    length: usize,
    /// Whether it was set before what is redacted: set late, that changes what is known.
    is_set: bool,
}

impl Place {
    const NONE: Place = Place { address: 0, length: 0, is_set: false };

    #[inline]
    fn of(text: &'static str) -> Self {
        Self { address: text.as_ptr().addr(), length: text.len(), is_set: redaction::is_set() }
    }

    /// Where it is remembered. Names stand closely together in a program: some may differ in their lengths only.
    #[inline]
    fn slot(self) -> usize {
        const FACTOR: usize = 0x9e37_79b9_7f4a_7c15_u64 as usize;
        let mixed = self.address.wrapping_add(self.length << 5).wrapping_mul(FACTOR);
        mixed >> (usize::BITS - REMEMBERED.ilog2())
    }
}

thread_local! {
    static KNOWN: [Cell<(Place, Facts)>; REMEMBERED] = const {
        [const { Cell::new((Place::NONE, Facts::NONE)) }; REMEMBERED]
    };
}

impl Facts {
    const NONE: Facts = Facts { bit: 0, class: Class::Plain, is_odd: false, is_clean: false };

    fn of(name: &str) -> Self {
        let text = trimmed(name);
        let bit = bit(text);
        Self {
            bit,
            // All of it counts, how it ends above all.
            class: class_of(name),
            is_odd: RESERVED_BITS & bit != 0 && RESERVED.contains(&text) || text.starts_with(FIELDS_PREFIX),
            is_clean: is_clean(text.as_bytes()),
        }
    }

    /// The same, from memory.
    #[inline]
    fn remembered(name: &'static str) -> Self {
        let place = Place::of(name);
        let known = |known: &[Cell<(Place, Facts)>; REMEMBERED]| {
            let slot = known.get(place.slot())?;
            let (held, facts) = slot.get();
            Some(if held == place { facts } else { Self::learn(name, place, slot) })
        };
        KNOWN.try_with(known).ok().flatten().unwrap_or_else(|| Self::of(name))
    }

    #[cold]
    fn learn(name: &'static str, place: Place, slot: &Cell<(Place, Facts)>) -> Self {
        let facts = Self::of(name);
        slot.set((place, facts));
        facts
    }
}

impl Name<'static> {
    /// A name that is there as long as the program: it is looked at once by each thread.
    #[inline]
    pub(crate) fn lasting(name: &'static str) -> Self {
        Self { text: trimmed(name), facts: Facts::remembered(name) }
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
#[inline]
fn trimmed(name: &str) -> &str {
    let name = name.strip_prefix("r#").unwrap_or(name);
    if name.len() <= NAME_MAX { name } else { super::cut(name, NAME_MAX) }
}

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
