//! Entries one behind the other in one piece of memory: cheap to add, to copy, and to count in bytes.

use std::collections::HashSet;

use tracing_core::Level;

use super::kind::Kind;
use super::span::{Entry, EventRecord, LinkRecord, SpanRecord};
use crate::context::{SpanContext, SpanId, TraceFlags, TraceId};
use crate::outcome::Outcome;

/// What happened in a trace, in the order in which it was recorded.
///
/// An entry is its length (4 bytes), what it is (1), its numbers (little-endian), the lengths of its texts, and the
/// texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entries(Vec<u8>);

const SPAN: u8 = 0;
const EVENT: u8 = 1;
const LINK: u8 = 2;

/// Longer texts are cut. All that comes is bounded far below it.
const TEXT_MAX: usize = u32::MAX as usize / 8;

impl Entries {
    /// None; owns no memory yet.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Those that stand in these bytes, which were [`as_bytes`](Self::as_bytes) of others.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// As they stand in memory.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes they take.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// How many bytes there is memory for.
    #[cfg(feature = "otlp")]
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }

    /// Removes all, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many bytes an entry takes.
    pub(crate) fn size_of(entry: &Entry<'_>) -> usize {
        match entry {
            Entry::Span(span) => SPAN_LEN + texts_len(&span_texts(span)),
            Entry::Event(event) => EVENT_LEN + texts_len(&event_texts(event)),
            Entry::Link(_) => LINK_LEN,
        }
    }

    /// Adds one.
    pub(crate) fn push(&mut self, entry: &Entry<'_>) {
        let size = Self::size_of(entry);
        self.0.reserve(size);
        match entry {
            Entry::Span(span) => {
                let mut head = Head::<SPAN_LEN>::new(size, SPAN);
                head.put(&span.id.to_bytes());
                head.put(&span.parent.map_or([0; 8], SpanId::to_bytes));
                head.put(&span.start.to_le_bytes());
                head.put(&span.end.to_le_bytes());
                head.put(&[span.kind as u8, span.outcome as u8, u8::from(span.is_local_root)]);
                self.add(head, span_texts(span));
            }
            Entry::Event(event) => {
                let mut head = Head::<EVENT_LEN>::new(size, EVENT);
                head.put(&event.span_id.to_bytes());
                head.put(&event.unix_nanos.to_le_bytes());
                head.put(&[level_code(event.level)]);
                self.add(head, event_texts(event));
            }
            Entry::Link(link) => {
                let mut head = Head::<LINK_LEN>::new(size, LINK);
                head.put(&link.span_id.to_bytes());
                head.put(&link.to.trace_id.to_bytes());
                head.put(&link.to.span_id.to_bytes());
                head.put(&[link.to.flags.bits()]);
                self.add(head, []);
            }
        }
    }

    /// Makes room for so many bytes in all, and no more.
    pub(crate) fn reserve_to(&mut self, bytes: usize) {
        self.0.reserve_exact(bytes.saturating_sub(self.0.len()));
    }

    /// Takes out the spans, and what happened in them; what happened in spans that are still open stays. Answers how
    /// many spans it were.
    pub(crate) fn take_ended(&mut self) -> (Entries, u32) {
        let ended: HashSet<SpanId> = self.iter().filter_map(|entry| entry.ended()).collect();
        let (mut taken, mut left) = (Entries::new(), Vec::new());
        for bytes in self.iter().raw() {
            let is_ended = read(bytes).is_some_and(|entry| ended.contains(&entry.span_id()));
            (if is_ended { &mut taken.0 } else { &mut left }).extend_from_slice(bytes);
        }
        self.0.clear();
        self.0.extend_from_slice(&left);
        (taken, u32::try_from(ended.len()).unwrap_or(u32::MAX))
    }

    /// Adds those that stand in these bytes, which were [`as_bytes`](Self::as_bytes) of others.
    pub(crate) fn extend_from_bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    #[inline]
    fn add<const N: usize, const TEXTS: usize>(&mut self, mut head: Head<N>, texts: [&str; TEXTS]) {
        let texts = texts.map(clipped);
        for text in texts {
            head.put(&(text.len() as u32).to_le_bytes());
        }
        self.0.extend_from_slice(&head.bytes);
        for text in texts {
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    /// The entries, in order.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.0 }
    }
}

/// Length and kind stand before the numbers.
const START: usize = 5;
const SPAN_LEN: usize = START + 8 + 8 + 8 + 8 + 3 + 4 * 4;
const EVENT_LEN: usize = START + 8 + 8 + 1 + 3 * 4;
const LINK_LEN: usize = START + 8 + 16 + 8 + 1;

fn span_texts<'a>(span: &SpanRecord<'a>) -> [&'a str; 4] {
    [span.name, span.target, span.fields, span.end_fields]
}

fn event_texts<'a>(event: &EventRecord<'a>) -> [&'a str; 3] {
    [event.target, event.message, event.fields]
}

fn texts_len(texts: &[&str]) -> usize {
    texts.iter().map(|text| clipped(text).len()).sum()
}

fn clipped(text: &str) -> &str {
    if text.len() <= TEXT_MAX {
        text
    } else {
        text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default()
    }
}

/// Numbers, put together before they are added at once.
struct Head<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Head<N> {
    #[inline]
    fn new(size: usize, kind: u8) -> Self {
        let mut head = Self { bytes: [0; N], at: 0 };
        // What is larger is bounded long before.
        head.put(&u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
        head.put(&[kind]);
        head
    }

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let end = self.at + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.at..end) {
            room.copy_from_slice(bytes);
        }
        self.at = end;
    }
}

/// Walks over entries. What is no entry ends the walk.
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iter<'a> {
    /// Over entries that stand in these bytes.
    pub(crate) fn over(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iter<'a> {
    /// The next entry's bytes.
    fn next_raw(&mut self) -> Option<&'a [u8]> {
        let size = u32::from_le_bytes(*self.rest.first_chunk()?) as usize;
        let (entry, rest) = self.rest.split_at_checked(size)?;
        self.rest = rest;
        (size >= START).then_some(entry)
    }

    /// The bytes of each.
    pub(crate) fn raw(mut self) -> impl Iterator<Item = &'a [u8]> {
        std::iter::from_fn(move || self.next_raw())
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        read(self.next_raw()?)
    }
}

/// Reads an entry from its bytes, its length included.
fn read(bytes: &[u8]) -> Option<Entry<'_>> {
    let mut reader = Reader(bytes.get(4..)?);
    Some(match reader.byte()? {
        SPAN => {
            let id = SpanId::from_bytes(reader.take()?)?;
            let parent = SpanId::from_bytes(reader.take()?);
            let (start, end) = (u64::from_le_bytes(reader.take()?), u64::from_le_bytes(reader.take()?));
            let kind = *Kind::ALL.get(usize::from(reader.byte()?))?;
            let outcome = *Outcome::ALL.get(usize::from(reader.byte()?))?;
            let is_local_root = reader.byte()? != 0;
            let [name, target, fields, end_fields] = reader.texts()?;
            Entry::Span(SpanRecord {
                id,
                parent,
                is_local_root,
                kind,
                outcome,
                start,
                end,
                name,
                target,
                fields,
                end_fields,
            })
        }
        EVENT => {
            let span_id = SpanId::from_bytes(reader.take()?)?;
            let unix_nanos = u64::from_le_bytes(reader.take()?);
            let level = *LEVELS.get(usize::from(reader.byte()?))?;
            let [target, message, fields] = reader.texts()?;
            Entry::Event(EventRecord { span_id, unix_nanos, level, target, message, fields })
        }
        LINK => {
            let span_id = SpanId::from_bytes(reader.take()?)?;
            let trace_id = TraceId::from_bytes(reader.take()?)?;
            let to = SpanId::from_bytes(reader.take()?)?;
            let flags = TraceFlags::from_bits(reader.byte()?);
            Entry::Link(LinkRecord { span_id, to: SpanContext { trace_id, span_id: to, flags } })
        }
        _ => return None,
    })
}

/// Every level, in the order of their codes.
pub(crate) const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

pub(crate) fn level_code(level: Level) -> u8 {
    LEVELS.iter().position(|known| *known == level).unwrap_or(LEVELS.len() - 1) as u8
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn texts<const N: usize>(&mut self) -> Option<[&'a str; N]> {
        let mut lens = [0; N];
        for len in &mut lens {
            *len = u32::from_le_bytes(self.take()?) as usize;
        }
        let mut texts = [""; N];
        for (text, len) in texts.iter_mut().zip(lens) {
            let (taken, rest) = self.0.split_at_checked(len)?;
            *text = std::str::from_utf8(taken).ok()?;
            self.0 = rest;
        }
        Some(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn span_id() -> impl Strategy<Value = SpanId> {
        (1..=u64::MAX).prop_map(|id| SpanId::from_bytes(id.to_be_bytes()).unwrap())
    }

    proptest! {
        // Mutations caught: a text's length or a number left out, on either side; a size without its texts.
        #[test]
        fn what_is_added_is_read(
            id in span_id(),
            parent in prop::option::of(span_id()),
            times in any::<[u64; 2]>(),
            codes in (0usize..5, 0usize..4, 0usize..5, any::<bool>()),
            texts in any::<[String; 4]>(),
            trace_id in 1..=u128::MAX,
        ) {
            let span = Entry::Span(SpanRecord {
                id,
                parent,
                is_local_root: codes.3,
                kind: Kind::ALL[codes.0],
                outcome: Outcome::ALL[codes.1],
                start: times[0],
                end: times[1],
                name: &texts[0],
                target: &texts[1],
                fields: &texts[2],
                end_fields: &texts[3],
            });
            let event = Entry::Event(EventRecord {
                span_id: id,
                unix_nanos: times[1],
                level: LEVELS[codes.2],
                target: &texts[3],
                message: &texts[2],
                fields: &texts[1],
            });
            let to = SpanContext {
                trace_id: TraceId::from_bytes(trace_id.to_be_bytes()).unwrap(),
                span_id: id,
                flags: TraceFlags::SAMPLED,
            };
            let link = Entry::Link(LinkRecord { span_id: id, to });
            let mut entries = Entries::new();
            for entry in [span, event, link, span] {
                entries.push(&entry);
            }
            prop_assert_eq!(entries.iter().collect::<Vec<_>>(), [span, event, link, span]);
            let sum: usize = [span, event, link, span].iter().map(Entries::size_of).sum();
            prop_assert_eq!(entries.len(), sum);
        }

        #[test]
        fn noise_is_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            // An entry is at least its length: the walk ends.
            let walked = Iter::over(&bytes).count();
            prop_assert!(walked <= bytes.len() / 4);
        }
    }
}
