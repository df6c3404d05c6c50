//! Where the series of a family live: dense, when all are known, or born one by one.

use std::sync::{Arc, PoisonError};

use super::snapshot::{Arena, Blocks, Labels, Metric, Visitor};
use crate::label::{fold, within};
use crate::sync::{AtomicU32, AtomicU64, AtomicUsize, Mutex, OnceBox, OnceLock, Ordering, seed};

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
    /// The numbers of the series.
    places: Box<[AtomicU32]>,
    /// Whether a key is its place: when that takes at most twice the places of hashing.
    direct: bool,
    seed: u64,
    cap: usize,
    /// How many of those that count against the cap were born.
    capped: AtomicUsize,
    /// The series by their numbers, which are given in the order of births: a scrape reads neighbours.
    litters: Box<[OnceBox<[Entry<M>; LITTER]>]>,
    /// By their numbers those that are not like the others; their entries are not used.
    own: OnceLock<Box<[OnceBox<Own<M>>]>>,
    births: Mutex<Births>,
}

struct Entry<M> {
    /// Written before its number is in a place.
    key: AtomicU64,
    cell: M,
}

struct Own<M> {
    key: u64,
    cell: M,
}

#[derive(Default)]
struct Births {
    /// How many there were.
    count: u32,
    young: Page,
    /// Never changed, only replaced: a scrape reads them while series are born.
    pages: Arc<[Arc<Page>]>,
}

/// The texts of some series in the order of their births.
#[derive(Default)]
struct Page {
    arena: Arena,
    /// The number of the first.
    first: u32,
}

/// A place that is free: no series has this number.
const FREE: u32 = u32::MAX;

/// Stands for the key of a series that is not like the others: no series has it.
const OWN: u64 = u64::MAX;

/// How many texts wait unsealed at most.
const YOUNG: usize = 512;

/// How many series are made at once, so that neighbours lie together.
const LITTER: usize = 32;

impl<M: Metric> Sparse<M> {
    /// Room for `cap` series, and for `uncapped` more, of `space` that are possible.
    pub(super) fn new(space: u64, cap: usize, uncapped: usize) -> Self {
        let most = cap.saturating_add(uncapped);
        // A third stays empty.
        let hashed = most.saturating_mul(3) / 2 + 2;
        let space = usize::try_from(space).unwrap_or(usize::MAX);
        let direct = space <= 2 * hashed;
        Self {
            places: (0..if direct { space } else { hashed }).map(|_| AtomicU32::new(FREE)).collect(),
            direct,
            seed: seed(),
            cap,
            capped: AtomicUsize::new(0),
            litters: (0..most.min(space).div_ceil(LITTER)).map(|_| OnceBox::new()).collect(),
            own: OnceLock::new(),
            births: Mutex::default(),
        }
    }

    #[inline]
    pub(super) fn get(&self, key: u64) -> Option<&M> {
        let entry = self.entry(self.places.get(self.start(key))?.load(Ordering::Acquire))?;
        // A key that is its place needs no comparison, but it costs nothing.
        if entry.key.load(Ordering::Relaxed) == key { Some(&entry.cell) } else { self.get_further(key) }
    }

    #[cold]
    #[inline(never)]
    fn get_further(&self, key: u64) -> Option<&M> {
        let (_, cell) = self.find(key)?;
        cell
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry<M>> {
        let number = number as usize;
        Some(&self.litters.get(number / LITTER)?.get()?[number % LITTER])
    }

    /// The key of a series, and itself.
    fn series(&self, number: u32) -> Option<(u64, &M)> {
        let entry = self.entry(number)?;
        match entry.key.load(Ordering::Relaxed) {
            OWN => self.own(number as usize),
            key => Some((key, &entry.cell)),
        }
    }

    /// The series of these numbers, which were all born.
    fn run(&self, from: usize, to: usize) -> impl Iterator<Item = (u64, &M)> {
        (from / LITTER..to.div_ceil(LITTER)).flat_map(move |litter| {
            let first = litter * LITTER;
            let begin = from.max(first);
            let entries =
                self.litters.get(litter).and_then(OnceBox::get).map_or(&[][..], |litter| &litter[..]);
            let entries = entries.get(begin - first..LITTER.min(to - first)).unwrap_or_default();
            entries.iter().enumerate().map(move |(at, entry)| match entry.key.load(Ordering::Relaxed) {
                OWN => self.own(begin + at).unwrap_or((OWN, &entry.cell)),
                key => (key, &entry.cell),
            })
        })
    }

    #[cold]
    fn own(&self, number: usize) -> Option<(u64, &M)> {
        self.own.get()?.get(number)?.get().map(|own| (own.key, &own.cell))
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
        let (at, cell) = self.find(key)?;
        if cell.is_some() {
            return cell;
        }
        if capped && self.is_full() {
            return None;
        }
        let (place, number) = (self.places.get(at)?, births.count);
        let litter = self.litters.get(number as usize / LITTER)?;
        if litter.get().is_none() {
            let cells = M::births(shared, LITTER).into_iter();
            let entries: Vec<_> = cells.map(|cell| Entry { key: AtomicU64::new(0), cell }).collect();
            let _ = litter.set(entries.try_into().ok()?);
        }
        let entry = self.entry(number)?;
        match own {
            None => entry.key.store(key, Ordering::Relaxed),
            Some(cell) => {
                let own = self.own.get_or_init(|| self.places.iter().map(|_| OnceBox::new()).collect());
                let _ = own.get(number as usize)?.set(Box::new(Own { key, cell }));
                entry.key.store(OWN, Ordering::Relaxed);
            }
        }
        births.count += 1;
        births.young.arena.push(text);
        if births.young.arena.len() >= YOUNG {
            births.seal();
        }
        place.store(number, Ordering::Release);
        if capped {
            // After the place was filled: whoever sees the family full finds all that was born.
            self.capped.fetch_add(1, Ordering::Release);
        }
        self.series(number).map(|(_, cell)| cell)
    }

    pub(super) fn is_full(&self) -> bool {
        self.counted() >= self.cap
    }

    /// How many count against the cap.
    pub(super) fn counted(&self) -> usize {
        self.capped.load(Ordering::Acquire)
    }

    pub(super) fn len(&self) -> usize {
        self.births.lock().unwrap_or_else(PoisonError::into_inner).count as usize
    }

    /// All of them, and some that are not born yet.
    pub(super) fn cells(&self) -> impl Iterator<Item = &M> {
        (0..FREE).map_while(|number| self.series(number)).map(|(_, cell)| cell)
    }

    pub(super) fn read(&self, shared: &M::Shared, labels: &dyn Labels, visitor: &mut dyn Visitor) {
        let pages = {
            let mut births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
            births.seal();
            Arc::clone(&births.pages)
        };
        for page in pages.iter() {
            let from = page.first as usize;
            M::read(
                shared,
                self.run(from, from + page.arena.len()),
                Blocks::new(&page.arena, labels),
                visitor,
            );
        }
    }

    /// Where a key is looked for first.
    #[inline]
    fn start(&self, key: u64) -> usize {
        if self.direct { key as usize } else { within(fold(key ^ self.seed, SPREAD), self.places.len()) }
    }

    /// The place of a key, and what was seen there: its series, or nothing, and then it would be put there. Looking
    /// at the place again could show the series of another key, unless the lock is held.
    fn find(&self, key: u64) -> Option<(usize, Option<&M>)> {
        let mut at = self.start(key);
        // A third of the places stays empty, so one is found long before all were tried.
        for _ in 0..self.places.len() {
            match self.series(self.places.get(at)?.load(Ordering::Acquire)) {
                None => return Some((at, None)),
                Some((seen, cell)) if seen == key => return Some((at, Some(cell))),
                Some(_) => at = if at + 1 == self.places.len() { 0 } else { at + 1 },
            }
        }
        None
    }
}

/// An odd number whose bits look random.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Births {
    /// Makes the young texts readable. Pages are merged as they come to be of one size, so that their number
    /// grows with the logarithm of the births.
    fn seal(&mut self) {
        if self.young.arena.is_empty() {
            return;
        }
        let mut page = std::mem::take(&mut self.young);
        self.young.first = self.count;
        let mut keep = self.pages.len();
        while let Some(last) = keep.checked_sub(1).and_then(|last| self.pages.get(last)) {
            if last.arena.len() > page.arena.len() {
                break;
            }
            let mut merged = Page { first: last.first, ..Page::default() };
            merged.arena.append(&last.arena);
            merged.arena.append(&page.arena);
            page = merged;
            keep -= 1;
        }
        page.arena.shrink();
        self.pages = self.pages.iter().take(keep).cloned().chain([Arc::new(page)]).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::super::counter::Counter;
    use super::super::snapshot::{Head, Histograms, Quantiles, Rows, Values};
    use super::*;

    struct Nameless;

    impl Labels for Nameless {
        fn each(&self, _: u64, _: &mut dyn FnMut(&str, &str)) {}
    }

    /// The texts and values that a visitor was shown.
    #[derive(Default)]
    struct Seen(Vec<(Vec<u8>, u64)>);

    impl Visitor for Seen {
        fn family(&mut self, _: &Head<'_>) {}

        fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
            let Values::U64(values) = values else { return };
            self.0.extend(rows.texts().map(<[u8]>::to_vec).zip(values.iter().copied()));
        }

        fn histograms(&mut self, _: &Rows<'_>, _: &Histograms<'_>) {}

        fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
    }

    // Catches: texts and cells out of step where a page begins or ends within a litter; a series that is not like
    // the others taken for one that is, or found under another key.
    #[test]
    fn series_are_read_in_the_order_of_their_births() {
        for space in [1_500, u64::MAX] {
            let sparse = Sparse::<Counter>::new(space, 1_000, 0);
            let mut expected = Vec::new();
            for n in 0..1_000_u64 {
                let (key, own) = (n * 7 % 1_500, (n % 5 == 0).then(Counter::new));
                assert!(sparse.get(key).is_none());
                let text = key.to_string().into_bytes();
                sparse.birth(&(), key, true, &text, own).unwrap().add(n);
                expected.push((text, n));
                if n.is_multiple_of(101) {
                    let mut seen = Seen::default();
                    sparse.read(&(), &Nameless, &mut seen);
                    assert_eq!(seen.0, expected);
                }
            }
            assert!(
                expected
                    .iter()
                    .enumerate()
                    .all(|(n, _)| sparse.get(n as u64 * 7 % 1_500).unwrap().get() == n as u64)
            );
            assert_eq!((sparse.len(), sparse.is_full()), (1_000, true));
            assert!(sparse.birth(&(), 1_499, true, b"", None).is_none());
        }
    }
}
