//! Open label values: interned under a stated limit.
//!
//! What a client can name without end (a tenant, a route, a peer) becomes a small number once, and stays
//! it. The table has twice as many places as the limit, is made at first use, never grows and never forgets:
//! reading takes no lock, the number of texts it leaks is bounded by the limit, and past it every further
//! text is `_OTHER`.

use std::sync::PoisonError;

use crate::sync::{AtomicU32, Mutex, OnceLock, OnceRef, Ordering, seed};

/// The text of a value that is past its limit, or too long.
pub const OTHER: &str = "_OTHER";

/// The longest text that is kept apart, in bytes; a longer one is [`OTHER`].
pub const MAX_TEXT: usize = 256;

/// The largest limit of an open label.
pub const MAX_OPEN: u32 = 100_000;

/// How far a text is looked for. Half the places are empty, so an honest text is found long before; this
/// bounds the time that texts made to collide can cost.
const MAX_PROBES: usize = 128;

/// An interned open value. A label type is made around it:
///
/// ```
/// use observe_core::label::{LabelId, OpenSet};
///
/// static TENANTS: OpenSet = OpenSet::new(100);
/// let acme = TENANTS.intern("acme");
/// assert_eq!(acme, TENANTS.intern("acme"));
/// assert_eq!(TENANTS.text(acme), "acme");
/// assert_eq!(TENANTS.text(LabelId::OTHER), "_OTHER");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelId(u32);

impl LabelId {
    /// The value of everything that is past the limit; its text is `_OTHER`.
    pub const OTHER: LabelId = LabelId(0);

    /// The empty text: the label is left out, as Prometheus takes an empty label for an absent one.
    pub const EMPTY: LabelId = LabelId(1);

    /// The number of this value, as [`LabelValue::code`](super::LabelValue::code) wants it.
    #[inline]
    #[must_use]
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The value of a code. One that was never given out reads as `_OTHER`.
    #[inline]
    #[must_use]
    pub const fn from_code(code: u32) -> LabelId {
        LabelId(code)
    }

    /// Whether this is [`LabelId::OTHER`].
    #[inline]
    #[must_use]
    pub const fn is_other(self) -> bool {
        self.0 == Self::OTHER.0
    }
}

/// The texts of one open label type. A process-wide `static` beside the type.
///
/// Interning a known text takes no lock and allocates nothing; a new one takes a lock once.
#[derive(Debug)]
pub struct OpenSet {
    max: u32,
    table: OnceLock<Table>,
}

struct Table {
    seed: u64,
    places: Box<[OnceRef<'static, Text>]>,
    by_code: Box<[OnceRef<'static, Text>]>,
    len: AtomicU32,
    births: Mutex<()>,
}

struct Text {
    text: &'static str,
    code: u32,
}

/// Codes that are there from the start: [`LabelId::OTHER`] and [`LabelId::EMPTY`].
const FIXED: u32 = 2;

impl OpenSet {
    /// A set of at most `max` texts; more than 100,000 is taken for 100,000. Nothing is allocated yet.
    #[must_use]
    pub const fn new(max: u32) -> Self {
        let max = if max > MAX_OPEN { MAX_OPEN } else { max };
        Self { max, table: OnceLock::new() }
    }

    /// How many codes a label of at most `max` texts has: they, `_OTHER` (0) and the empty text (1).
    #[must_use]
    pub const fn cardinality(max: u32) -> u32 {
        (if max > MAX_OPEN { MAX_OPEN } else { max }) + FIXED
    }

    /// The value of a text: the same one for the same text, for the life of the process.
    ///
    /// [`LabelId::OTHER`] when the limit is reached, when the text has more than 256 bytes, and for the text
    /// `_OTHER` itself; [`LabelId::EMPTY`] for the empty one. Any characters will do: they are escaped
    /// where they are written.
    #[inline]
    #[must_use]
    pub fn intern(&self, text: &str) -> LabelId {
        let table = match self.table.get() {
            Some(table) => table,
            None => self.make(),
        };
        match table.find(text) {
            Found::Known(code) => LabelId(code),
            Found::Absent => table.insert(text, self.max),
        }
    }

    /// The value of a text that was interned before.
    pub(crate) fn known(&self, text: &str) -> Option<LabelId> {
        match self.table.get()?.find(text) {
            Found::Known(code) => Some(LabelId(code)),
            Found::Absent => None,
        }
    }

    /// The text of a value; `_OTHER` for one that is not of this set.
    #[must_use]
    pub fn text(&self, id: LabelId) -> &'static str {
        match id {
            LabelId::OTHER => OTHER,
            LabelId::EMPTY => "",
            LabelId(code) => self
                .table
                .get()
                .and_then(|table| table.by_code.get((code - FIXED) as usize))
                .and_then(OnceRef::get)
                .map_or(OTHER, |entry| entry.text),
        }
    }

    /// How many texts were interned.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.table.get().map_or(0, |table| table.len.load(Ordering::Relaxed))
    }

    /// Whether nothing was interned yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The limit.
    #[must_use]
    pub const fn max(&self) -> u32 {
        self.max
    }

    #[cold]
    fn make(&self) -> &Table {
        self.table.get_or_init(|| Table::new(self.max))
    }
}

enum Found {
    Known(u32),
    Absent,
}

impl Table {
    fn new(max: u32) -> Self {
        let max = max as usize;
        Self {
            seed: seed(),
            places: (0..(2 * max).max(2)).map(|_| OnceRef::new()).collect(),
            by_code: (0..max).map(|_| OnceRef::new()).collect(),
            len: AtomicU32::new(0),
            births: Mutex::new(()),
        }
    }

    #[inline]
    fn find(&self, text: &str) -> Found {
        let first = self.start(text);
        match self.places.get(first).map(OnceRef::get) {
            Some(Some(entry)) if same(entry.text.as_bytes(), text.as_bytes()) => Found::Known(entry.code),
            Some(Some(_)) => self.find_further(text),
            _ => Found::Absent,
        }
    }

    #[inline(never)]
    fn find_further(&self, text: &str) -> Found {
        match self.place(text) {
            Some((_, Some(entry))) => Found::Known(entry.code),
            _ => Found::Absent,
        }
    }

    #[cold]
    #[inline(never)]
    fn insert(&self, text: &str, max: u32) -> LabelId {
        if text.is_empty() {
            return LabelId::EMPTY;
        }
        if text.len() > MAX_TEXT || text == OTHER {
            return LabelId::OTHER;
        }
        // Asked before the lock is taken, so that a flood of new texts past the limit does not queue up for it.
        // Another thread may have brought this one in as the last.
        if self.len.load(Ordering::Acquire) >= max {
            return match self.find_further(text) {
                Found::Known(code) => LabelId(code),
                Found::Absent => LabelId::OTHER,
            };
        }
        let _births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
        let len = self.len.load(Ordering::Relaxed);
        let place = match self.place(text) {
            Some((place, None)) => place,
            Some((_, Some(entry))) => return LabelId(entry.code),
            None => return LabelId::OTHER,
        };
        let Some(by_code) = self.by_code.get(len as usize) else { return LabelId::OTHER };
        let text: &'static str = Box::leak(Box::from(text));
        let entry: &'static Text = Box::leak(Box::new(Text { text, code: len + FIXED }));
        // By code first: whoever finds the text may ask for it by its code at once. Neither place can be
        // taken, as only the holder of the lock fills any.
        let _ = by_code.set(entry);
        let _ = place.set(entry);
        // After the place was filled: whoever sees the set full finds all of it.
        self.len.store(len + 1, Ordering::Release);
        LabelId(entry.code)
    }

    /// The place where a text is looked for first.
    #[inline]
    fn start(&self, text: &str) -> usize {
        within(hash(self.seed, text.as_bytes()), self.places.len())
    }

    /// The place of a text, and what was seen there: its entry, or nothing, and then it would be put there. `None`
    /// if that is too far away. Looking at the place again could show another text, unless the lock is held.
    fn place(&self, text: &str) -> Option<(&OnceRef<'static, Text>, Option<&'static Text>)> {
        let mut at = self.start(text);
        for _ in 0..MAX_PROBES {
            let place = self.places.get(at)?;
            let seen = place.get();
            if seen.is_none_or(|entry| same(entry.text.as_bytes(), text.as_bytes())) {
                return Some((place, seen));
            }
            at = if at + 1 == self.places.len() { 0 } else { at + 1 };
        }
        None
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("len", &self.len).finish_non_exhaustive()
    }
}

/// Spreads a hash over `len` places by its high bits.
#[inline]
pub(crate) const fn within(hash: u64, len: usize) -> usize {
    ((hash as u128 * len as u128) >> 64) as usize
}

/// Both halves of the product, folded: every bit of `a` and `b` reaches the result.
#[inline]
pub(crate) const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xd1b5_4a32_d192_ed03;

/// A seeded hash over every byte: sixteen at a time, and the first and the last eight of the rest, which may
/// overlap. For the usual texts these are two multiplications.
#[inline]
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = seed ^ (bytes.len() as u64).wrapping_mul(K1);
    let (blocks, rest) = bytes.as_chunks::<16>();
    for block in blocks {
        let block = u128::from_le_bytes(*block);
        state = fold(block as u64 ^ state, (block >> 64) as u64 ^ seed.rotate_left(32) ^ K0);
    }
    let (first, last) = match (rest.first_chunk::<8>(), rest.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
            }
            _ => (rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        },
    };
    fold(fold(first ^ state, last ^ seed.rotate_left(32) ^ K0), K1)
}

/// Whether two texts are the same, for the usual lengths without a call.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>(), a.last_chunk::<8>(), b.last_chunk::<8>()) {
        (Some(a_first), Some(b_first), Some(a_last), Some(b_last)) if a.len() <= 16 => {
            a_first == b_first && a_last == b_last
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_same_text_is_the_same_value() {
        let set = OpenSet::new(10);
        assert!(set.is_empty());
        let a = set.intern("a");
        assert_eq!(a, set.intern("a"));
        assert_ne!(a, set.intern("b"));
        assert_eq!(set.text(a), "a");
        assert_eq!(set.len(), 2);
        assert!(a.code() < OpenSet::cardinality(10));
    }

    // Catches: a code more than the limit (`0..=max` codes, and `>` for `>=`); known texts refused once it is full.
    #[test]
    fn past_the_limit_comes_other_and_the_known_stay() {
        let set = OpenSet::new(3);
        let known: Vec<LabelId> = ["a", "b", "c"].iter().map(|text| set.intern(text)).collect();
        assert_eq!(set.intern("d"), LabelId::OTHER);
        assert_eq!(set.len(), 3);
        for (text, id) in ["a", "b", "c"].iter().zip(&known) {
            assert_eq!(set.intern(text), *id);
            assert_eq!(set.text(*id), *text);
        }
        assert!(known.iter().all(|id| id.code() < OpenSet::cardinality(3)));
    }

    #[test]
    fn odd_texts() {
        let set = OpenSet::new(3);
        assert_eq!(set.intern(""), LabelId::EMPTY);
        assert_eq!(set.text(LabelId::EMPTY), "");
        assert_eq!(set.intern(OTHER), LabelId::OTHER);
        assert_eq!(set.intern(&"x".repeat(257)), LabelId::OTHER);
        assert_eq!(set.len(), 0);
        assert_ne!(set.intern(&"x".repeat(256)), LabelId::OTHER);
        assert_eq!(set.text(LabelId::from_code(77)), OTHER);
        assert_eq!(OpenSet::new(0).intern("a"), LabelId::OTHER);
    }

    // Catches: a probe that does not wrap round, or a text lost among its neighbours.
    #[test]
    fn a_full_table_finds_every_text() {
        let set = OpenSet::new(1000);
        let ids: Vec<LabelId> = (0..1000).map(|i| set.intern(&format!("text {i}"))).collect();
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1000);
        for (i, id) in ids.iter().enumerate() {
            assert_eq!(set.intern(&format!("text {i}")), *id);
            assert_eq!(set.text(*id), format!("text {i}"));
        }
    }

    // Catches: an insertion outside the lock (two codes for one text, or more texts than the limit); a text that is
    // `_OTHER` to the thread that lost the race for the last place.
    #[test]
    fn threads_agree() {
        let set = OpenSet::new(50);
        let seen: Vec<Vec<LabelId>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| (0..100).map(|i| set.intern(&format!("t{i}"))).collect()))
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).collect()
        });
        assert_eq!(set.len(), 50);
        let mut texts = HashSet::new();
        for i in 0..100 {
            let ids: HashSet<LabelId> = seen.iter().map(|ids| ids[i]).collect();
            assert_eq!(ids.len(), 1, "t{i}");
            texts.extend(ids.into_iter().filter(|id| !id.is_other()));
        }
        assert_eq!(texts.len(), 50);
    }

    #[test]
    fn the_hash_reads_every_byte() {
        for len in 0..40 {
            let base = vec![7_u8; len];
            let mut seen = HashSet::from([hash(1, &base)]);
            for i in 0..len {
                let mut changed = base.clone();
                changed[i] ^= 1;
                assert!(seen.insert(hash(1, &changed)) && !same(&changed, &base));
            }
            assert!(same(&base, &base.clone()) && !same(&base, &vec![7; len + 1]));
        }
        assert_ne!(hash(1, b"a"), hash(2, b"a"));
        assert_ne!(hash(1, b"\0"), hash(1, b"\0\0"));
    }
}
