//! Fields of spans and events, rendered once.
//!
//! A [`Fields`] is a piece of a JSON object: `,"order.id":42,"user":"x"`. Spans render theirs when they open,
//! behind a copy of their parent's, so that a line inside ten spans copies one text. Names stand in it as the
//! user wrote them: which of them a format reserves is for the format to say. Values that must not be told, by their
//! names, never get into it: what goes out anywhere comes from here.

mod entries;
mod key;
mod marks;
mod name;
mod special;
mod text;
mod typed;
mod visit;

use std::error::Error;
use std::fmt;
use std::ops::Range;

use crate::redaction::{hide_in, may_have_secrets};
use crate::semconv::redaction::REDACTED;

use entries::string_end;
pub(crate) use entries::{Entries, Entry};
pub(crate) use key::{Key, Member, Ready, key, member};
use marks::{Marks, Tag};
use name::Facts;
pub(crate) use name::Name;
use special::find_special;
pub(crate) use special::is_clean;
pub(crate) use text::Text;
pub(crate) use text::{CUT, VALUE_MAX, escaped, push_escaped, unescaped};
use text::{NESTED_MAX, push_formatted, write_error};
pub use typed::Typed;
pub(crate) use typed::typed;
pub(crate) use visit::EventVisitor;

/// The most that one set of fields holds, in bytes: a full value and some. With the span's set, the event's
/// set and the message a line stays under 64 KiB.
pub(crate) const FIELDS_MAX: usize = 20 * 1024;

/// The most that is inherited, so that own fields find room.
const INHERITED_MAX: usize = 18 * 1024;

/// Longer names are cut.
const NAME_MAX: usize = 256;

/// The beginning of a text, at most so many bytes of it.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or(text)
}

/// Fields of a span or an event, in the order they were recorded, no name twice: the later value wins.
///
/// Bounded: a value's text is at most 16 KiB and all together 20 KiB; what is cut or left out is
/// [told](Self::is_cut). Meant to be reused: [`clear`](Self::clear) keeps the memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    text: String,
    /// What stands before this was inherited.
    own: usize,
    marks: Marks,
    /// A name may be one that a format reserves.
    odd: bool,
    cut: bool,
}

impl Fields {
    /// No fields; owns no memory yet.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self { text: String::new(), own: 0, marks: Marks::new(), odd: false, cut: false }
    }

    /// Removes all fields, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.own = 0;
        self.marks.clear();
        self.odd = false;
        self.cut = false;
    }

    /// Whether there is none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The fields as JSON members, each with a comma before it: `,"order.id":42,"user":"x"`.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The fields that were not inherited.
    #[must_use]
    pub(crate) fn own_str(&self) -> &str {
        self.text.get(self.own..).unwrap_or_default()
    }

    /// Whether a value was cut or a field left out for being too long.
    #[must_use]
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether a name may be one that a format reserves.
    pub(crate) fn has_odd_names(&self) -> bool {
        self.odd
    }

    /// Whether a name of `other` may be among the names here: never wrong when it says no.
    pub(crate) fn may_share_names(&self, other: &Fields) -> bool {
        self.marks.may_share(&other.marks)
    }

    /// Starts as a copy of `parent`'s fields, replacing what was here. What is recorded afterwards wins.
    ///
    /// Values that the parent records later are not seen here.
    pub(crate) fn inherit(&mut self, parent: &Fields) {
        self.clear();
        self.odd = parent.odd;
        let end = parent.marks.last_end(parent.text.len(), INHERITED_MAX);
        self.cut = parent.cut || end < parent.text.len();
        self.text.push_str(parent.text.get(..end).unwrap_or_default());
        self.marks.copy(&parent.marks, end);
        self.own = self.text.len();
    }

    /// Becomes a copy of `other`, inherited fields apart as they are there.
    pub(crate) fn copy(&mut self, other: &Fields) {
        self.text.clear();
        self.text.push_str(&other.text);
        self.marks.copy(&other.marks, other.text.len());
        (self.own, self.odd, self.cut) = (other.own, other.odd, other.cut);
    }

    /// Records all of `other`'s fields, which win over those of the same name.
    pub(crate) fn extend(&mut self, other: &Fields) {
        if self.may_share_names(other) {
            for (index, tag) in other.marks.tags().enumerate() {
                self.remove(tag, other.name_of(index));
            }
        }
        let room = FIELDS_MAX.saturating_sub(self.text.len());
        let end = other.marks.last_end(other.text.len(), room);
        self.cut |= end < other.text.len();
        self.marks.extend(&other.marks, end, self.text.len());
        self.text.push_str(other.text.get(..end).unwrap_or_default());
        self.odd |= other.odd;
        self.cut |= other.cut;
    }

    /// Records text.
    #[inline]
    pub(crate) fn str<'a>(&mut self, name: impl Into<Name<'a>>, value: &str) {
        let Name { text, facts } = name.into();
        self.text(text, facts, value);
    }

    /// Records a number.
    #[inline]
    pub(crate) fn u64<'a>(&mut self, name: impl Into<Name<'a>>, value: u64) {
        let Name { text, facts } = name.into();
        self.bare(text, facts, itoa::Buffer::new().format(value));
    }

    /// Records a number.
    #[inline]
    pub(crate) fn i64<'a>(&mut self, name: impl Into<Name<'a>>, value: i64) {
        let Name { text, facts } = name.into();
        self.bare(text, facts, itoa::Buffer::new().format(value));
    }

    /// Records a number; as text if it does not fit into 64 bits, which is what readers of JSON can hold.
    pub(crate) fn u128<'a>(&mut self, name: impl Into<Name<'a>>, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.u64(name, value),
            Err(_) => self.str(name, itoa::Buffer::new().format(value)),
        }
    }

    /// Records a number; as text if it does not fit into 64 bits, which is what readers of JSON can hold.
    pub(crate) fn i128<'a>(&mut self, name: impl Into<Name<'a>>, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.i64(name, value),
            Err(_) => self.str(name, itoa::Buffer::new().format(value)),
        }
    }

    /// Records a number, always with a point or an exponent; `"NaN"`, `"Infinity"` and `"-Infinity"` are text.
    pub(crate) fn f64<'a>(&mut self, name: impl Into<Name<'a>>, value: f64) {
        if value.is_finite() {
            let Name { text, facts } = name.into();
            self.bare(text, facts, ryu::Buffer::new().format_finite(value));
        } else if value.is_nan() {
            self.str(name, "NaN");
        } else {
            self.str(name, if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
    }

    /// Records `true` or `false`.
    #[inline]
    pub(crate) fn bool<'a>(&mut self, name: impl Into<Name<'a>>, value: bool) {
        let Name { text, facts } = name.into();
        self.bare(text, facts, if value { "true" } else { "false" });
    }

    /// Records a value's `Debug` as text. If that panics, the text is `<panicked>`.
    pub(crate) fn debug<'a>(&mut self, name: impl Into<Name<'a>>, value: &dyn fmt::Debug) {
        self.formatted(name.into(), |out| write!(out, "{value:?}"));
    }

    /// Records a value's `Display` as text. If that panics, the text is `<panicked>`.
    pub(crate) fn display<'a>(&mut self, name: impl Into<Name<'a>>, value: &dyn fmt::Display) {
        self.formatted(name.into(), |out| write!(out, "{value}"));
    }

    /// Records an error as text: its message and those of its causes, `: ` between them, at most 16.
    pub(crate) fn error<'a>(&mut self, name: impl Into<Name<'a>>, error: &dyn Error) {
        self.formatted(name.into(), |out| write_error(out, error));
    }

    fn text(&mut self, name: &str, facts: Facts, value: &str) {
        self.quoted(name, facts, |out, limit| push_escaped(out, value, limit));
    }

    fn formatted(&mut self, name: Name<'_>, write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
        self.quoted(name.text, name.facts, |out, limit| push_formatted(out, limit, NESTED_MAX, write));
    }

    #[inline(never)]
    fn bare(&mut self, name: &str, facts: Facts, value: &str) {
        if facts.is_secret() {
            self.redacted(name, facts);
        } else if self.name(name, facts) {
            self.text.push_str(value);
        }
    }

    #[inline]
    fn quoted(&mut self, name: &str, facts: Facts, push: impl FnOnce(&mut String, usize) -> bool) {
        if facts.is_secret() {
            return self.redacted(name, facts);
        }
        if !self.name(name, facts) {
            return;
        }
        self.text.push('"');
        let start = self.text.len();
        let limit = (start + VALUE_MAX).min(FIELDS_MAX - END_MAX);
        let mut cut = push(&mut self.text, limit);
        if facts.is_url() {
            cut |= self.without_secrets(start, limit, cut);
        }
        if cut {
            self.text.push_str(CUT);
            self.cut = true;
        }
        self.text.push('"');
    }

    #[cold]
    #[inline(never)]
    fn redacted(&mut self, name: &str, facts: Facts) {
        if self.name(name, facts) {
            self.text.push('"');
            self.text.push_str(REDACTED);
            self.text.push('"');
        }
    }

    /// Takes out of the URL that begins at `start` what must not be told. It is escaped, which changes nothing of what is
    /// looked for. Answers whether it was cut by that.
    #[cold]
    fn without_secrets(&mut self, start: usize, limit: usize, is_cut: bool) -> bool {
        if !is_cut && !self.text.get(start..).is_some_and(may_have_secrets) {
            return false;
        }
        let url = self.text.split_off(start);
        hide_in(&mut self.text, limit, &url, is_cut)
    }

    /// Writes a name, after removing the field that had it. Answers false if there is no room for it.
    ///
    /// Inlined for sure: the value is written by the same function then, with what it has in registers.
    #[inline(always)]
    fn name(&mut self, name: &str, facts: Facts) -> bool {
        // Escaping makes six bytes of one at most.
        let has_room = self.text.len() + 6 * name.len() + BARE_MAX + END_MAX <= FIELDS_MAX;
        if self.marks.may_have(facts.tag) || !facts.is_clean() || !has_room {
            return self.name_with_care(name, facts);
        }
        self.marks.push(facts.tag, self.text.len());
        self.odd |= facts.is_odd();
        self.text.push_str(",\"");
        self.text.push_str(name);
        self.text.push_str("\":");
        true
    }

    #[cold]
    #[inline(never)]
    fn name_with_care(&mut self, name: &str, facts: Facts) -> bool {
        let escaped = escaped(name);
        self.remove(facts.tag, &escaped);
        if self.text.len() + 6 * name.len() + BARE_MAX + END_MAX > FIELDS_MAX {
            self.cut = true;
            return false;
        }
        self.marks.push(facts.tag, self.text.len());
        self.odd |= facts.is_odd();
        self.text.push_str(",\"");
        self.text.push_str(&escaped);
        self.text.push_str("\":");
        true
    }

    fn remove(&mut self, tag: Tag, escaped_name: &str) {
        let Some(index) = self.index_of(tag, escaped_name) else { return };
        let range = self.range(index);
        self.marks.remove(index, range.len());
        if range.end <= self.own {
            self.own -= range.len();
        }
        self.text.drain(range);
    }

    /// Whether there is a field of this name, which needs no escaping.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.index_of(Tag::of(name), name).is_some()
    }

    /// Which field has this name, escaped as [`Entry::name`] is.
    fn index_of(&self, tag: Tag, escaped_name: &str) -> Option<usize> {
        self.marks.tagged(tag).find(|index| self.name_of(*index) == escaped_name)
    }

    /// A field's name, escaped.
    fn name_of(&self, index: usize) -> &str {
        let start = self.range(index).start + ",\"".len();
        let end = string_end(&self.text, start).unwrap_or(start);
        self.text.get(start..end).unwrap_or_default()
    }

    /// Where a field stands, comma included.
    fn range(&self, index: usize) -> Range<usize> {
        let end = self.text.len();
        self.marks.start(index).unwrap_or(end)..self.marks.start(index + 1).unwrap_or(end)
    }

    /// Shows the fields whose names `others` does not have, several at once where they stand together.
    pub(crate) fn without(&self, others: &Fields, mut show: impl FnMut(&str)) {
        let mut from = 0;
        for (index, tag) in self.marks.tags().enumerate().filter(|(_, tag)| others.marks.have(*tag)) {
            if others.index_of(tag, self.name_of(index)).is_some() {
                let Range { start, end } = self.range(index);
                show(self.text.get(from..start).unwrap_or_default());
                from = end;
            }
        }
        show(self.text.get(from..).unwrap_or_default());
    }

    /// Those fields, one by one.
    pub(crate) fn entries_without<'a>(
        &'a self,
        others: &'a Fields,
    ) -> impl Iterator<Item = Entry<'a>> + Clone {
        let is_other = |(tag, entry): &(Tag, Entry<'_>)| others.index_of(*tag, entry.name).is_none();
        self.marks.tags().zip(self.entries()).filter(is_other).map(|(_, entry)| entry)
    }

    /// The fields, in order.
    pub(crate) fn entries(&self) -> Entries<'_> {
        Entries { text: &self.text, at: 0 }
    }
}

/// The longest that stands behind a name without being bounded by `VALUE_MAX`.
const BARE_MAX: usize = 48;
/// What may end a value: `CUT` or a word that stands for a value, and the quote.
const END_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(fields: &Fields) -> Vec<String> {
        fields.entries().map(|entry| text::unescaped(entry.name).into_owned()).collect()
    }

    #[test]
    fn values_keep_their_type() {
        let mut fields = Fields::new();
        fields.u64("u", u64::MAX);
        fields.i64("i", i64::MIN);
        fields.u128("small", 7);
        fields.u128("large", u128::MAX);
        fields.i128("low", i128::from(i64::MIN) - 1);
        fields.f64("one", 1.0);
        fields.f64("huge", 1e300);
        fields.f64("nan", f64::NAN);
        fields.f64("inf", f64::NEG_INFINITY);
        fields.bool("b", true);
        fields.str("r#type", "a\"b");
        let expected = concat!(
            r#","u":18446744073709551615,"i":-9223372036854775808,"small":7"#,
            r#","large":"340282366920938463463374607431768211455","low":"-9223372036854775809""#,
            r#","one":1.0,"huge":1e300,"nan":"NaN","inf":"-Infinity","b":true,"type":"a\"b""#,
        );
        assert_eq!(fields.as_str(), expected);
    }

    // Mutation caught: `name` without `remove`; `remove` that compares only the start of the name.
    #[test]
    fn the_last_value_of_a_name_wins() {
        let mut fields = Fields::new();
        for round in 0..3 {
            fields.u64("ab", round);
            fields.str("a", ",\"ab\":7,\"");
            fields.u64("a\"\n", round);
        }
        assert_eq!(names(&fields), ["ab", "a", "a\"\n"]);
        assert!(fields.contains("ab") && !fields.contains("b"));
        let mut child = Fields::new();
        child.inherit(&fields);
        child.bool("ab", false);
        assert_eq!(names(&child), ["a", "a\"\n", "ab"]);
        let mut late = Fields::new();
        late.u64("a", 1);
        child.extend(&late);
        assert_eq!(names(&child), ["a\"\n", "ab", "a"]);
    }

    // Mutations caught: `remove` that leaves `own` where it was; `copy` without it.
    #[test]
    fn own_fields_are_told_from_inherited_ones() {
        let mut parent = Fields::new();
        parent.u64("a", 1);
        parent.u64("b", 2);
        let mut child = Fields::new();
        child.inherit(&parent);
        assert_eq!(child.own_str(), "");
        child.u64("c", 3);
        child.u64("a", 4);
        assert_eq!(child.own_str(), r#","c":3,"a":4"#);
        let mut copy = Fields::new();
        copy.u64("old", 0);
        copy.copy(&child);
        copy.u64("c", 5);
        assert_eq!((copy.as_str(), copy.own_str()), (r#","b":2,"a":4,"c":5"#, r#","a":4,"c":5"#));
        copy.clear();
        copy.u64("d", 6);
        assert_eq!(copy.own_str(), r#","d":6"#);
    }

    // Mutations caught: `limit` without FIELDS_MAX; `name`, `inherit` or `extend` without the check for room.
    #[test]
    fn fields_are_bounded_and_say_so() {
        fn check(fields: &Fields) {
            assert!(fields.is_cut());
            assert!((FIELDS_MAX / 2..=FIELDS_MAX).contains(&fields.as_str().len()));
            serde_json::from_str::<serde_json::Value>(&format!("{{{}}}", &fields.as_str()[1..])).unwrap();
        }
        let long = "\u{1}".repeat(VALUE_MAX);
        let (mut texts, mut names, mut numbers) = <(Fields, Fields, Fields)>::default();
        for index in 0..2_000 {
            texts.str(&format!("s{index}"), &long);
            names.bool(&format!("{index}{long}"), true);
            numbers.f64(&format!("n{index}"), -1.2345678901234567e-300);
        }
        for fields in [&texts, &names, &numbers] {
            check(fields);
            let mut child = Fields::new();
            child.inherit(fields);
            child.str("own", "x");
            assert!(child.contains("own"));
            check(&child);
            child.extend(&numbers);
            check(&child);
        }
    }

    #[test]
    fn errors_tell_their_causes() {
        let cause = std::io::Error::other("disk");
        let error = crate::error::Error::new(crate::error::Kind::Io, "cannot save").caused_by(cause);
        let mut fields = Fields::new();
        fields.error("error", &error);
        fields.display("shown", &error);
        assert_eq!(fields.as_str(), r#","error":"cannot save: disk","shown":"cannot save""#);
    }

    #[test]
    fn reserved_names_are_marked() {
        for (name, odd) in [("level", true), ("fields.x", true), ("levels", false), ("order.id", false)] {
            let mut fields = Fields::new();
            fields.bool(name, true);
            assert_eq!(fields.has_odd_names(), odd, "{name}");
        }
    }
}
