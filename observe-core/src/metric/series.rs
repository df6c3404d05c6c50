//! Where the series of a family live: dense, when all are known, or born one by one.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use once_cell::race::OnceBox;

use super::snapshot::{Arena, Blocks, Labels, Metric, Visitor};
use crate::label::{fold, within};

/// All the series of a closed label set, by index.
pub(super) struct Dense<M> {
    cells: Box<[M]>,
    arena: Arena,
}

impl<M: Metric> Dense<M> {
    pub(super) fn new(shared: &M::Shared, count: usize, text: impl Fn(u64, &mut Vec<u8>)) -> Self {
        let mut arena = Arena::default();
        let mut row = Vec::new();
        for key in 0..count as u64 {
            row.clear();
            text(key, &mut row);
            arena.push(&row);
        }
        arena.shrink();
        Self { cells: M::births(shared, count).into_boxed_slice(), arena }
    }

    #[inline]
    pub(super) fn get(&self, key: u64) -> Option<&M> {
        self.cells.get(key as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &M> {
        self.cells.iter()
    }

    pub(super) fn read(&self, shared: &M::Shared, labels: &dyn Labels, visitor: &mut dyn Visitor) {
        let cells = self.cells.iter().enumerate().map(|(key, cell)| (key as u64, cell));
        M::read(shared, cells, Blocks::new(&self.arena, labels), visitor);
    }
}

/// Series that are born when they are first asked for, up to a cap.
///
/// Looking one up takes no lock: the table of places is as large as it will ever be, and a place is filled
/// once. A birth takes a lock.
pub(super) struct Sparse<M> {
    places: Box<[OnceBox<Entry<M>>]>,
    /// Whether a key is its place: when that takes at most twice the places of hashing.
    direct: bool,
    seed: u64,
    cap: usize,
    /// How many of those that count against the cap were born.
    capped: AtomicUsize,
    births: Mutex<Births<M>>,
}

struct Entry<M> {
    key: u64,
    cell: M,
}

struct Births<M> {
    /// Cells made ahead, so that those of neighbours lie together.
    ready: Vec<M>,
    young: Page,
    /// Never changed, only replaced: a scrape reads them while series are born.
    pages: Arc<[Arc<Page>]>,
}

/// The text of some series in the order of their births, and their places.
#[derive(Default)]
struct Page {
    arena: Arena,
    places: Vec<u32>,
}

/// How many texts wait unsealed at most.
const YOUNG: usize = 512;

/// How many cells are made at once.
const LITTER: usize = 16;

impl<M: Metric> Sparse<M> {
    /// Room for `cap` series, and for `uncapped` more, of `space` that are possible.
    pub(super) fn new(space: u64, cap: usize, uncapped: usize) -> Self {
        // A third stays empty.
        let hashed = cap.saturating_add(uncapped).saturating_mul(3) / 2 + 2;
        let space = usize::try_from(space).unwrap_or(usize::MAX);
        let direct = space <= 2 * hashed;
        Self {
            places: (0..if direct { space } else { hashed }).map(|_| OnceBox::new()).collect(),
            direct,
            seed: RandomState::new().hash_one(cap),
            cap,
            capped: AtomicUsize::new(0),
            births: Mutex::new(Births { ready: Vec::new(), young: Page::default(), pages: Arc::new([]) }),
        }
    }

    #[inline]
    pub(super) fn get(&self, key: u64) -> Option<&M> {
        let entry = self.places.get(self.start(key))?.get()?;
        // A key that is its place needs no comparison, but it costs nothing.
        if entry.key == key { Some(&entry.cell) } else { self.get_further(key) }
    }

    #[cold]
    #[inline(never)]
    fn get_further(&self, key: u64) -> Option<&M> {
        let (_, entry) = self.find(key)?;
        entry.map(|entry| &entry.cell)
    }

    /// The series `key`, born now unless it was there: as `own`, or else like all others. `None` if it counts
    /// against the cap and that is reached, or if there is no such key.
    pub(super) fn birth(
        &self,
        shared: &M::Shared,
        key: u64,
        capped: bool,
        text: &[u8],
        own: Option<M>,
    ) -> Option<&M> {
        if capped && self.is_full() {
            return None;
        }
        let mut births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, entry) = self.find(key)?;
        if let Some(entry) = entry {
            return Some(&entry.cell);
        }
        if capped && self.is_full() {
            return None;
        }
        if own.is_none() && births.ready.is_empty() {
            let litter = LITTER.min(self.len_of(&births).max(1));
            births.ready = M::births(shared, litter);
        }
        let cell = own.or_else(|| births.ready.pop())?;
        births.young.arena.push(text);
        births.young.places.push(u32::try_from(at).unwrap_or(u32::MAX));
        if births.young.places.len() >= YOUNG {
            births.seal();
        }
        let entry = self.places.get(at)?.get_or_init(|| Box::new(Entry { key, cell }));
        if capped {
            // After the place was filled: whoever sees the family full finds all that was born.
            self.capped.fetch_add(1, Ordering::Release);
        }
        Some(&entry.cell)
    }

    pub(super) fn is_full(&self) -> bool {
        self.counted() >= self.cap
    }

    /// How many count against the cap.
    pub(super) fn counted(&self) -> usize {
        self.capped.load(Ordering::Acquire)
    }

    pub(super) fn len(&self) -> usize {
        self.len_of(&self.births.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn len_of(&self, births: &Births<M>) -> usize {
        births.young.places.len() + births.pages.iter().map(|page| page.places.len()).sum::<usize>()
    }

    pub(super) fn cells(&self) -> impl Iterator<Item = &M> {
        self.places.iter().filter_map(|place| Some(&place.get()?.cell))
    }

    pub(super) fn read(&self, shared: &M::Shared, labels: &dyn Labels, visitor: &mut dyn Visitor) {
        let pages = {
            let mut births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
            births.seal();
            Arc::clone(&births.pages)
        };
        for page in pages.iter() {
            let cells = page.places.iter().filter_map(|place| {
                let entry = self.places.get(*place as usize)?.get()?;
                Some((entry.key, &entry.cell))
            });
            M::read(shared, cells, Blocks::new(&page.arena, labels), visitor);
        }
    }

    /// Where a key is looked for first.
    #[inline]
    fn start(&self, key: u64) -> usize {
        if self.direct { key as usize } else { within(fold(key ^ self.seed, SPREAD), self.places.len()) }
    }

    /// The place of a key, and what was seen there: its entry, or nothing, and then it would be put there. Looking
    /// at the place again could show the entry of another key, unless the lock is held.
    fn find(&self, key: u64) -> Option<(usize, Option<&Entry<M>>)> {
        let mut at = self.start(key);
        // A third of the places stays empty, so one is found long before all were tried.
        for _ in 0..self.places.len() {
            let seen = self.places.get(at)?.get();
            if seen.is_none_or(|entry| entry.key == key) {
                return Some((at, seen));
            }
            at = if at + 1 == self.places.len() { 0 } else { at + 1 };
        }
        None
    }
}

/// An odd number whose bits look random.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl<M> Births<M> {
    /// Makes the young texts readable. Pages are merged as they come to be of one size, so that their number
    /// grows with the logarithm of the births.
    fn seal(&mut self) {
        if self.young.places.is_empty() {
            return;
        }
        let mut page = std::mem::take(&mut self.young);
        let mut keep = self.pages.len();
        while let Some(last) = keep.checked_sub(1).and_then(|last| self.pages.get(last)) {
            if last.places.len() > page.places.len() {
                break;
            }
            let mut merged = Page::default();
            for part in [&**last, &page] {
                merged.arena.append(&part.arena);
                merged.places.extend_from_slice(&part.places);
            }
            page = merged;
            keep -= 1;
        }
        page.arena.shrink();
        page.places.shrink_to_fit();
        self.pages = self.pages.iter().take(keep).cloned().chain([Arc::new(page)]).collect();
    }
}
