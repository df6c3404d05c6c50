//! Cells that one thread at a time adds to: what is recorded often, and from many threads, waits for no cache line.
//!
//! A series of a hot kind has numbers of cells. Each thread that records owns a block, in which every such number has a
//! cell; it alone adds there, by a load and a store, without the bus being locked. Who reads adds up all blocks.
//!
//! - Blocks are as many as threads record at once, and capped. A thread that ends gives its block back, its counts in
//!   it, and the next one goes on counting there: no total runs back. Giving and taking go through a lock, so that the
//!   next owner sees all that the last one stored.
//! - A thread without a block (there are too many of them, or it is ending) is told so, and its caller records in the
//!   shared way.
//! - A series gets its cells with its first recording. When it is dropped nobody has a handle to it: all that was
//!   recorded through one happened before. So its cells can be set to 0 in the blocks of other threads, whose owners
//!   touch these cells no more. They are given out again through a lock, and the number reaches threads by a store that
//!   releases: their first load sees the 0, or what was added since.
//! - What takes a lock here while recording tries it, and records in the shared way when it is taken.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::PoisonError;

use crate::sync::{AtomicU32, AtomicU64, AtomicUsize, Mutex, OnceBox, Ordering, statics, thread_local};

/// How many threads at once have cells of their own.
const MAX_BLOCKS: usize = 64;
/// How many cells of a block are made together: 4 KiB.
pub(super) const CHUNK: usize = 512;
/// How many chunks a block has at most; the last of them is never made.
const CHUNKS: usize = 512;
/// How many cells a process has at most.
const MAX_CELLS: usize = CHUNKS * CHUNK - CHUNK;

/// No number was asked for yet. Like the next it points into the chunk that is never made.
const UNBORN: u32 = u32::MAX;
/// There was no number left.
const NONE: u32 = u32::MAX - 1;

statics! {
    static BLOCKS: [OnceBox<Block>; MAX_BLOCKS] = [const { OnceBox::new() }; MAX_BLOCKS];
    /// How many blocks were ever taken.
    static MADE: AtomicUsize = AtomicUsize::new(0);
    /// How many blocks no thread has.
    static AVAILABLE: AtomicUsize = AtomicUsize::new(MAX_BLOCKS);
    static FREE_BLOCKS: Mutex<FreeBlocks> = Mutex::new(FreeBlocks { numbers: [0; MAX_BLOCKS], len: 0 });
    static FREE_CELLS: Mutex<FreeCells> = Mutex::new(FreeCells { next: 0, returned: BTreeMap::new() });
}

thread_local! {
    // Has nothing to drop, so it can be read until the very end of its thread.
    static BLOCK: Cell<Option<&'static Block>> = const { Cell::new(None) };
    static LEASE: Lease = const { Lease(Cell::new(None)) };
    // An allocator may count, too.
    static SEARCHING: Cell<bool> = const { Cell::new(false) };
}

/// The chunks of one thread, made when they are recorded in first.
struct Block([OnceBox<Chunk>; CHUNKS]);

/// Apart from the cells of other threads by two cache lines, since processors fetch pairs.
#[repr(align(128))]
struct Chunk([AtomicU64; CHUNK]);

/// Blocks that no thread has, the last one given back on top.
struct FreeBlocks {
    numbers: [usize; MAX_BLOCKS],
    len: usize,
}

/// Numbers of cells that no series has: all from `next` on, and by how many there are in a row those given back.
struct FreeCells {
    next: u32,
    returned: BTreeMap<u16, Vec<u32>>,
}

/// Gives the block of a thread back when that ends.
struct Lease(Cell<Option<usize>>);

/// The cells of one series.
pub(super) struct Cells {
    /// The number of the first.
    at: AtomicU32,
    count: u16,
}

/// The cells of one series in the block of this thread. Not to be kept.
pub(super) struct Mine {
    chunk: &'static Chunk,
    at: usize,
}

impl Mine {
    /// Adds to one of them; nobody else does.
    #[inline]
    pub(super) fn add(&self, cell: usize, n: u64) {
        self.change(cell, |value| value.wrapping_add(n));
    }

    #[inline]
    pub(super) fn change(&self, cell: usize, change: impl FnOnce(u64) -> u64) {
        let cell = &self.chunk.0[(self.at + cell) % CHUNK];
        cell.store(change(cell.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}

impl Cells {
    /// So many cells, at most as many as a chunk has.
    pub(super) const fn new(count: u16) -> Self {
        Self { at: AtomicU32::new(UNBORN), count }
    }

    /// Those of this thread; `None` if they have to be [searched](Cells::search) for.
    #[inline]
    pub(super) fn mine(&self) -> Option<Mine> {
        let at = self.at.load(Ordering::Acquire) as usize;
        let block = BLOCK.try_with(Cell::get).ok()??;
        Some(Mine { chunk: block.0[at / CHUNK % CHUNKS].get()?, at })
    }

    /// Whether the series has numbers, or was told that there are none.
    pub(super) fn are_born(&self) -> bool {
        self.at.load(Ordering::Relaxed) != UNBORN
    }

    /// Those of this thread, made if there were none; `None` if it can have none, now or ever.
    pub(super) fn search(&self) -> Option<Mine> {
        if SEARCHING.try_with(|searching| searching.replace(true)).unwrap_or(true) {
            return None;
        }
        let found = self.find();
        let _ = SEARCHING.try_with(|searching| searching.set(false));
        found
    }

    fn find(&self) -> Option<Mine> {
        let block = BLOCK.try_with(Cell::get).ok()?.or_else(Block::claim)?;
        let at = self.number()? as usize;
        let chunk = block.0.get(at / CHUNK)?.get_or_init(Chunk::new);
        Some(Mine { chunk, at })
    }

    /// The number of the first cell; `None` if there is none left, or just now none to be had.
    fn number(&self) -> Option<u32> {
        match self.at.load(Ordering::Acquire) {
            UNBORN => {
                self.bear(&mut *FREE_CELLS.try_lock().ok()?);
                self.number()
            }
            NONE => None,
            at => Some(at),
        }
    }

    /// Gives it a number, unless another thread was faster.
    fn bear(&self, free: &mut FreeCells) {
        if self.at.load(Ordering::Relaxed) == UNBORN {
            self.at.store(free.take(self.count).unwrap_or(NONE), Ordering::Release);
        }
    }

    /// Shows the cells as they are in each block.
    pub(super) fn each(&self, mut each: impl FnMut(&[AtomicU64])) {
        let at = self.at.load(Ordering::Acquire) as usize;
        if at >= MAX_CELLS {
            return;
        }
        let (chunk, begin) = (at / CHUNK, at % CHUNK);
        // `MADE` counted a block before anybody recorded in it: whoever knows of a recording, or has read it before, sees
        // that block here.
        for block in BLOCKS.iter().take(MADE.load(Ordering::Relaxed)) {
            let chunk = block.get().and_then(|block| block.0.get(chunk)?.get());
            if let Some(cells) = chunk.and_then(|chunk| chunk.0.get(begin..begin + usize::from(self.count))) {
                each(cells);
            }
        }
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        let at = *self.at.get_mut();
        if (at as usize) < MAX_CELLS {
            self.each(|cells| cells.iter().for_each(|cell| cell.store(0, Ordering::Relaxed)));
            let mut free = FREE_CELLS.lock().unwrap_or_else(PoisonError::into_inner);
            free.returned.entry(self.count).or_default().push(at);
        }
    }
}

impl FreeCells {
    /// So many in a row, all in one chunk.
    fn take(&mut self, count: u16) -> Option<u32> {
        if let Some(at) = self.returned.get_mut(&count).and_then(Vec::pop) {
            return Some(at);
        }
        let left = CHUNK as u32 - self.next % CHUNK as u32;
        if left < u32::from(count) {
            // What is left of the chunk is for those who want one.
            self.returned.entry(1).or_default().extend(self.next..self.next + left);
            self.next += left;
        }
        let at = self.next;
        if at as usize >= MAX_CELLS {
            return None;
        }
        self.next += u32::from(count);
        Some(at)
    }
}

impl Block {
    /// Makes a block this thread's.
    fn claim() -> Option<&'static Block> {
        if AVAILABLE.load(Ordering::Relaxed) == 0 {
            return None;
        }
        // Fails when this thread has given its block back for good.
        let claimed = LEASE.try_with(|lease| {
            let number = FREE_BLOCKS.try_lock().ok()?.take()?;
            lease.0.set(Some(number));
            let block =
                BLOCKS.get(number)?.get_or_init(|| Box::new(Block([const { OnceBox::new() }; CHUNKS])));
            BLOCK.try_with(|own| own.set(Some(block))).ok()?;
            Some(block)
        });
        claimed.ok()?
    }
}

impl FreeBlocks {
    fn take(&mut self) -> Option<usize> {
        let number = match self.len.checked_sub(1) {
            Some(last) => {
                self.len = last;
                *self.numbers.get(last)?
            }
            None => {
                let made = MADE.load(Ordering::Relaxed);
                if made >= MAX_BLOCKS {
                    return None;
                }
                MADE.store(made + 1, Ordering::Relaxed);
                made
            }
        };
        AVAILABLE.fetch_sub(1, Ordering::Relaxed);
        Some(number)
    }

    fn give(&mut self, number: usize) {
        if let Some(place) = self.numbers.get_mut(self.len) {
            *place = number;
            self.len += 1;
            AVAILABLE.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let _ = BLOCK.try_with(|own| own.set(None));
        if let Some(number) = self.0.take() {
            FREE_BLOCKS.lock().unwrap_or_else(PoisonError::into_inner).give(number);
        }
    }
}

impl Chunk {
    fn new() -> Box<Self> {
        Box::new(Self([const { AtomicU64::new(0) }; CHUNK]))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::metric::HotCounter;

    const TURNS: u64 = if cfg!(miri) { 20 } else { 2_000 };

    // Catches: a block that is emptied when its thread ends, or given to the next one before the last was done with it;
    // a block that is not read while no thread has it.
    #[test]
    fn a_total_never_runs_back_while_threads_end_and_begin() {
        let counter = HotCounter::new();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut last, mut reads) = (0, 0_u64);
                while !done.load(Ordering::Relaxed) {
                    let total = counter.get();
                    assert!(total >= last, "{total} after {last}");
                    (last, reads) = (total, reads + 1);
                }
                reads
            });
            let spawners: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..TURNS / 4 {
                            std::thread::scope(|turn| {
                                turn.spawn(|| (0..7).for_each(|_| counter.inc()));
                            });
                        }
                    })
                })
                .collect();
            for spawner in spawners {
                spawner.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
            assert!(reader.join().unwrap() > 0);
        });
        assert_eq!(counter.get(), 3 * (TURNS / 4) * 7);
    }

    // Catches: threads past the last block that lose what they count, or share a block and overwrite each other.
    #[test]
    fn more_threads_than_blocks_lose_nothing() {
        let counter = HotCounter::new();
        let threads = MAX_BLOCKS + 6;
        let all_there = Barrier::new(threads);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    counter.inc();
                    // Nobody ends before all have counted.
                    all_there.wait();
                    (1..TURNS).for_each(|_| counter.inc());
                });
            }
        });
        assert_eq!(counter.get(), threads as u64 * TURNS);
    }

    // Catches: cells that are given out again with what the last series counted, in this thread's block or another's.
    #[test]
    fn cells_of_what_is_gone_begin_at_nothing() {
        for _ in 0..TURNS / 4 {
            let counters: Vec<_> = (0..8).map(|_| HotCounter::new()).collect();
            std::thread::scope(|scope| {
                scope.spawn(|| counters.iter().for_each(|counter| counter.add(3)));
                counters.iter().for_each(|counter| counter.add(2));
            });
            assert!(counters.iter().all(|counter| counter.get() == 5));
        }
    }

    // Catches: a series that two threads record in first at the same time, each in a number of its own.
    #[test]
    fn a_series_has_one_number() {
        let (cells, mut free) = (Cells::new(3), FreeCells { next: 7, returned: BTreeMap::new() });
        cells.bear(&mut free);
        cells.bear(&mut free);
        assert_eq!((cells.at.load(Ordering::Relaxed), free.next), (7, 10));
        // Not numbers of this process: nothing to give back.
        cells.at.store(UNBORN, Ordering::Relaxed);
        let none = Cells::new(3);
        none.bear(&mut FreeCells { next: MAX_CELLS as u32, returned: BTreeMap::new() });
        assert_eq!(none.number(), None);
    }

    // Catches: a destructor of a thread that records after the block was given back, and writes where another thread does,
    // or is not counted.
    #[test]
    fn what_is_counted_while_a_thread_ends_is_counted() {
        static COUNTER: HotCounter = HotCounter::new();
        static CELLS: Cells = Cells::new(1);
        static GIVEN_BACK: AtomicUsize = AtomicUsize::new(0);
        struct Last;
        impl Drop for Last {
            fn drop(&mut self) {
                COUNTER.inc();
                if LEASE.try_with(|_| ()).is_err() {
                    GIVEN_BACK.fetch_add(1, Ordering::Relaxed);
                    assert!(CELLS.mine().is_none() && CELLS.search().is_none());
                }
            }
        }
        thread_local! {
            static BEFORE: Last = const { Last };
            static AFTER: Last = const { Last };
        }
        // The cells have a number, and the chunk is there.
        while CELLS.search().is_none() {
            std::thread::yield_now();
        }
        for _ in 0..8 {
            let thread = std::thread::spawn(|| {
                // Destroyed in the other order: the first of them after this thread's block was given back.
                BEFORE.with(|_| COUNTER.inc());
                AFTER.with(|_| COUNTER.inc());
            });
            thread.join().unwrap();
        }
        assert_eq!(COUNTER.get(), 8 * 4);
        assert!(GIVEN_BACK.load(Ordering::Relaxed) > 0);
    }

    // Catches: cells of one series in two chunks, a number given twice, one beyond the last.
    #[test]
    fn numbers_lie_in_one_chunk_and_come_to_an_end() {
        let first = if cfg!(miri) { MAX_CELLS - 4 * CHUNK } else { 0 };
        let mut free = FreeCells { next: first as u32, returned: BTreeMap::new() };
        let mut taken = vec![false; MAX_CELLS];
        for count in [130, 1, 16].into_iter().cycle() {
            let Some(at) = free.take(count) else { break };
            let cells = at as usize..at as usize + usize::from(count);
            assert_eq!(cells.start / CHUNK, (cells.end - 1) / CHUNK);
            for cell in &mut taken[cells] {
                assert!(!std::mem::replace(cell, true));
            }
        }
        while let Some(at) = free.take(1) {
            assert!(!std::mem::replace(&mut taken[at as usize], true));
        }
        assert!(taken[first..].iter().all(|taken| *taken));
        assert!(free.take(1).is_none() && free.take(130).is_none());
        for mark in [UNBORN, NONE] {
            assert_eq!(mark as usize / CHUNK % CHUNKS, CHUNKS - 1, "no chunk that is ever made");
        }
    }
}
