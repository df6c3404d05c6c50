//! Where each field begins, and a number for its name: whether a name is there is seen without reading the text.

use super::FIELDS_MAX;

/// A number for a name. Two names seldom have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u16);

impl Tag {
    /// Names often share their start or their end, seldom both and the length.
    #[inline]
    pub(super) const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        let mut hash = bytes.len() as u64;
        if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
            hash ^= u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29);
        } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            hash ^= u32::from_le_bytes(*first) as u64 ^ ((u32::from_le_bytes(*last) as u64) << 29);
        } else {
            let mut rest = bytes;
            while let [first, others @ ..] = rest {
                hash = hash << 8 | *first as u64;
                rest = others;
            }
        }
        hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        hash ^= hash >> 29;
        Self((hash.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 48) as u16)
    }

    /// One of 64.
    #[inline]
    pub(super) const fn bit(self) -> u64 {
        1 << (self.0 >> 10)
    }
}

/// The fields of a text, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    all: Vec<Mark>,
    /// The bits of all tags, also of those that were removed.
    bits: u64,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    tag: Tag,
    start: u16,
}

// Where a field begins can be said.
const _: () = assert!(FIELDS_MAX <= u16::MAX as usize);

impl Marks {
    pub(super) const fn new() -> Self {
        Self { all: Vec::new(), bits: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.bits = 0;
    }

    /// A field begins here, behind all others.
    #[inline]
    pub(super) fn push(&mut self, tag: Tag, start: usize) {
        self.bits |= tag.bit();
        self.all.push(Mark { tag, start: start as u16 });
    }

    /// Becomes those of another text, as far as they begin before `end`.
    pub(super) fn copy(&mut self, other: &Marks, end: usize) {
        self.clear();
        self.extend(other, end, 0);
    }

    /// Adds those of a text that now begins at `at`, as far as they began before `end`.
    pub(super) fn extend(&mut self, other: &Marks, end: usize, at: usize) {
        let added = other.all.iter().take_while(|mark| usize::from(mark.start) < end);
        self.all.extend(added.map(|mark| Mark { start: mark.start + at as u16, ..*mark }));
        self.bits |= other.bits;
    }

    /// Takes one out, whose text is gone.
    pub(super) fn remove(&mut self, index: usize, length: usize) {
        self.all.remove(index);
        for mark in self.all.iter_mut().skip(index) {
            mark.start -= length as u16;
        }
    }

    /// Whether the other text may have a name of this one: never wrong when it says no.
    #[inline]
    pub(super) fn may_share(&self, other: &Marks) -> bool {
        self.bits & other.bits != 0
    }

    /// Whether a name may be there: never wrong when it says no.
    #[inline]
    pub(super) fn may_have(&self, tag: Tag) -> bool {
        self.bits & tag.bit() != 0
    }

    /// Whether a name's tag is there.
    pub(super) fn have(&self, tag: Tag) -> bool {
        self.tagged(tag).next().is_some()
    }

    /// The fields whose names have this tag.
    pub(super) fn tagged(&self, tag: Tag) -> impl Iterator<Item = usize> {
        let all = if self.may_have(tag) { self.all.as_slice() } else { &[] };
        all.iter().enumerate().filter(move |(_, mark)| mark.tag == tag).map(|(index, _)| index)
    }

    /// Their tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = Tag> + Clone {
        self.all.iter().map(|mark| mark.tag)
    }

    /// Where one begins; behind the last one nowhere.
    pub(super) fn start(&self, index: usize) -> Option<usize> {
        self.all.get(index).map(|mark| usize::from(mark.start))
    }

    /// Where the last one ends that ends at `room` or before, in a text of this length.
    pub(super) fn last_end(&self, length: usize, room: usize) -> usize {
        if length <= room {
            return length;
        }
        self.all
            .iter()
            .map(|mark| usize::from(mark.start))
            .take_while(|start| *start <= room)
            .last()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fields;
    use proptest::prelude::*;

    const NAMES: [&str; 6] = ["a", "order.id", "order.total", "a\"b", "customer", "x"];

    fn fields(said: &[(usize, u8)]) -> (Fields, Vec<(usize, u8)>) {
        let (mut fields, mut model) = (Fields::new(), Vec::new());
        for (name, value) in said {
            fields.u64(NAMES[*name], u64::from(*value));
            model.retain(|(known, _)| known != name);
            model.push((*name, *value));
        }
        (fields, model)
    }

    fn text(model: &[(usize, u8)]) -> String {
        model
            .iter()
            .map(|(name, value)| format!(",\"{}\":{value}", NAMES[*name].replace('"', "\\\"")))
            .collect()
    }

    proptest! {
        // Mutations caught: marks that stay where they were when a field before them is removed; `extend` without `at`;
        // a field shown by `without` that the others have, or left out for its tag alone.
        #[test]
        fn every_field_is_found_where_it_is(
            span in prop::collection::vec((0..NAMES.len(), any::<u8>()), 0..12),
            event in prop::collection::vec((0..NAMES.len(), any::<u8>()), 0..12),
        ) {
            let ((span, inherited), (event, own)) = (fields(&span), fields(&event));
            prop_assert_eq!(span.as_str(), text(&inherited));
            let left: Vec<_> =
                inherited.iter().filter(|(name, _)| own.iter().all(|(other, _)| other != name)).copied().collect();
            let mut shown = String::new();
            span.without(&event, |fields| shown.push_str(fields));
            prop_assert_eq!(&shown, &text(&left));
            let entries: String = span.entries_without(&event).map(|entry| &span.as_str()[entry.range]).collect();
            prop_assert_eq!(&entries, &shown);
            let mut both = Fields::new();
            both.inherit(&span);
            both.extend(&event);
            prop_assert_eq!(both.as_str(), shown + event.as_str());
            prop_assert_eq!(both.own_str(), event.as_str());
            for (name, _) in inherited.iter().chain(&own) {
                both.bool(NAMES[*name], true);
            }
            prop_assert!(both.as_str().matches(":true").count() == both.entries().count());
        }
    }
}
