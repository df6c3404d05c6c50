//! Records one behind the other in chunks of memory, the oldest chunk used again first.

use std::cell::Cell;
use std::mem;
use std::sync::{PoisonError, TryLockError};
use std::thread;

use super::Loss;
use crate::clock::Tick;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, statics, thread_local};

/// The most bytes of a chunk. Long enough that turning to the next one is rare, short enough to be copied in a moment.
const CHUNK_MAX: usize = 256 * 1024;

/// The least, in the smallest of rings.
const CHUNK_MIN: usize = 4 * 1024;

/// The most threads that write at the same time without getting into each other's way.
const STRIPES_MAX: usize = 16;

/// How many stripes are tried, and how many chunks when one is full, before a record is lost.
const ATTEMPTS: usize = 4;

/// Takes records from many threads. None waits for another, nor for a reader: each writes into a chunk of its own
/// stripe, and a chunk that is full changes places with the oldest of the full ones.
///
/// Memory is allocated chunk by chunk, when it is needed first; what has expired is used again before that.
pub(super) struct Ring {
    /// What is being written. Their number is a power of two.
    stripes: Box<[Stripe]>,
    full: Box<[Place]>,
    /// Bytes of each chunk.
    chunk: usize,
    /// How long a record counts, in nanoseconds.
    age: u64,
    /// How many chunks own memory.
    held: AtomicUsize,
    /// Numbers what is put by, from 1 on.
    turns: AtomicU64,
    /// Names the chunks' contents, from 1 on.
    serials: AtomicU64,
}

#[repr(align(128))]
struct Stripe(Mutex<Chunk>);

/// Where a full chunk lies.
#[derive(Default)]
struct Place {
    chunk: Mutex<Chunk>,
    /// When it was put by, as a number; 0: it never was.
    turn: AtomicU64,
    /// The tick of its newest record, in nanoseconds.
    newest: AtomicU64,
}

#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// Whose content it is. A chunk is only added to until it is used again.
    serial: u64,
    newest: u64,
}

/// How many bytes stand before each record: its length, these included.
const LEN: usize = 4;

impl Ring {
    /// One of at most so many bytes, at least four of the smallest chunks.
    pub(super) fn new(bytes: usize, age: u64) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let mut stripes = threads.next_power_of_two().clamp(2, STRIPES_MAX);
        while stripes > 2 && bytes / (4 * stripes) < CHUNK_MIN {
            stripes /= 2;
        }
        let chunk = (bytes / (4 * stripes)).clamp(CHUNK_MIN, CHUNK_MAX);
        let full = (bytes / chunk).saturating_sub(stripes).max(2);
        Self::of(stripes, full, chunk, age)
    }

    fn of(stripes: usize, full: usize, chunk: usize, age: u64) -> Self {
        Self {
            stripes: (0..stripes).map(|_| Stripe(Mutex::default())).collect(),
            full: (0..full).map(|_| Place::default()).collect(),
            chunk,
            age,
            held: AtomicUsize::new(0),
            turns: AtomicU64::new(1),
            serials: AtomicU64::new(1),
        }
    }

    /// The largest record.
    pub(super) fn largest(&self) -> usize {
        self.chunk - LEN
    }

    /// The most memory that it owns.
    pub(super) fn capacity(&self) -> usize {
        (self.stripes.len() + self.full.len()) * self.chunk
    }

    /// How much memory it owns.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed) * self.chunk
    }

    /// Takes a record, given in parts.
    pub(super) fn put<const N: usize>(&self, at: Tick, parts: [&[u8]; N]) -> Result<(), Loss> {
        self.put_from(thread_number(), at, parts)
    }

    /// Takes it into this stripe, if it is free.
    fn put_from<const N: usize>(&self, first: usize, at: Tick, parts: [&[u8]; N]) -> Result<(), Loss> {
        let size = LEN + parts.iter().map(|part| part.len()).sum::<usize>();
        if size > self.chunk {
            return Err(Loss::TooLarge);
        }
        for step in 0..ATTEMPTS.min(self.stripes.len()) {
            let stripe = first.wrapping_add(step) & (self.stripes.len() - 1);
            let Some(mut chunk) = try_lock(&self.stripes[stripe].0) else { continue };
            let room = chunk.bytes.capacity().min(self.chunk) - chunk.bytes.len();
            if room < size && !self.turn(&mut chunk, at) {
                break;
            }
            chunk.bytes.extend_from_slice(&(size as u32).to_le_bytes());
            for part in parts {
                chunk.bytes.extend_from_slice(part);
            }
            chunk.newest = chunk.newest.max(at.nanos());
            return Ok(());
        }
        Err(Loss::Busy)
    }

    /// Puts a full chunk by, and an empty one in its place. `false`: none could be had.
    #[cold]
    fn turn(&self, current: &mut Chunk, at: Tick) -> bool {
        if current.bytes.capacity() == 0 {
            self.renew(current);
            return true;
        }
        let mut tried = [usize::MAX; ATTEMPTS];
        for attempt in 0..ATTEMPTS {
            let Some((index, turn)) = self.oldest(at, &tried) else { break };
            tried[attempt] = index;
            let place = &self.full[index];
            // Somebody reads it, or another stripe was quicker.
            let Some(mut chunk) = try_lock(&place.chunk) else { continue };
            if place.turn.load(Ordering::Relaxed) != turn {
                continue;
            }
            mem::swap(&mut *chunk, current);
            place.turn.store(self.turns.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
            place.newest.store(chunk.newest, Ordering::Relaxed);
            drop(chunk);
            self.renew(current);
            return true;
        }
        false
    }

    /// The place of a chunk that has expired, else of one that was never used, else of the oldest; and its turn.
    fn oldest(&self, at: Tick, tried: &[usize]) -> Option<(usize, u64)> {
        let expired = at.nanos().saturating_sub(self.age);
        let mut oldest: Option<(usize, u64)> = None;
        for (index, place) in self.full.iter().enumerate().filter(|(index, _)| !tried.contains(index)) {
            let turn = place.turn.load(Ordering::Relaxed);
            if turn > 0 && place.newest.load(Ordering::Relaxed) < expired {
                return Some((index, turn));
            }
            if oldest.is_none_or(|(_, known)| turn < known) {
                oldest = Some((index, turn));
            }
        }
        oldest
    }

    fn renew(&self, chunk: &mut Chunk) {
        if chunk.bytes.capacity() == 0 {
            chunk.bytes.reserve_exact(self.chunk);
            self.held.fetch_add(1, Ordering::Relaxed);
        }
        chunk.bytes.clear();
        chunk.newest = 0;
        chunk.serial = self.serials.fetch_add(1, Ordering::Relaxed);
    }

    /// Shows every record once, those of a chunk in their order. No chunk is held longer than it takes to copy it.
    pub(super) fn read(&self, mut show: impl FnMut(&[u8])) {
        let mut copy = Vec::new();
        let copied = |chunk: &Mutex<Chunk>, copy: &mut Vec<u8>| {
            let chunk = chunk.lock().unwrap_or_else(PoisonError::into_inner);
            copy.clear();
            copy.extend_from_slice(&chunk.bytes);
            chunk.serial
        };
        // These first: what is put by meanwhile is met again, and not missed.
        let mut met = Vec::with_capacity(self.stripes.len());
        for stripe in &self.stripes {
            met.push((copied(&stripe.0, &mut copy), copy.len()));
            records(&copy).for_each(&mut show);
        }
        for place in &self.full {
            let serial = copied(&place.chunk, &mut copy);
            let known = met.iter().find(|(met, _)| *met == serial).map_or(0, |(_, len)| *len);
            records(copy.get(known..).unwrap_or_default()).for_each(&mut show);
        }
    }
}

/// The records that stand in a chunk, without their lengths.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let size = u32::from_le_bytes(*bytes.first_chunk::<LEN>()?) as usize;
        let (record, rest) = bytes.split_at_checked(size)?;
        bytes = rest;
        record.get(LEN..)
    })
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A number for this thread: neighbours in age have neighbouring ones.
fn thread_number() -> usize {
    statics! {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
    }
    thread_local! {
        static MINE: Cell<Option<usize>> = const { Cell::new(None) };
    }
    let mine = MINE.try_with(|mine| {
        mine.get().unwrap_or_else(|| {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            mine.set(Some(next));
            next
        })
    });
    mine.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Barrier;

    #[derive(Clone, Debug)]
    struct Step {
        size: usize,
        wait: u64,
    }

    fn step() -> impl Strategy<Value = Step> {
        let wait = prop_oneof![9 => Just(0u64), 3 => 1..20u64, 1 => 900..1_200u64];
        (0usize..250, wait).prop_map(|(size, wait)| Step { size, wait })
    }

    proptest! {
        // Mutations caught: a chunk put by twice or never; the newest chunk taken for the oldest; `renew` that does not
        // clear; a record without its length; the fresh chunk not shown.
        #[test]
        fn the_ring_has_the_newest_records(steps in prop::collection::vec(step(), 1..200), full in 2usize..6) {
            const CHUNK: usize = 1_024;
            const AGE: u64 = 1_000;
            let ring = Ring::of(2, full, CHUNK, AGE);
            let mut written: Vec<(u64, Vec<u8>)> = Vec::new();
            let mut now = 0;
            for (number, step) in steps.iter().enumerate() {
                now += step.wait;
                let mut record = (number as u64).to_le_bytes().to_vec();
                record.resize(8 + step.size, number as u8);
                ring.put(Tick::from_nanos(now), [&record[..8], &record[8..]]).unwrap();
                written.push((now, record));
                prop_assert!(ring.held() <= ring.capacity());
            }
            let mut read = Vec::new();
            ring.read(|record| read.push(record.to_vec()));
            // This thread wrote alone: they came in order, chunk by chunk.
            read.sort_by_key(|record| u64::from_le_bytes(record[..8].try_into().unwrap()));
            let numbers: Vec<u64> =
                read.iter().map(|record| u64::from_le_bytes(record[..8].try_into().unwrap())).collect();
            prop_assert!(numbers.is_sorted_by(|one, other| one < other), "twice: {numbers:?}");
            for (number, record) in numbers.iter().zip(&read) {
                prop_assert_eq!(&written[*number as usize].1, record);
            }
            // What was lost is older than all that is there, or has expired.
            let mut room = full * CHUNK * 3 / 4;
            let mut missed = false;
            for (number, (at, record)) in written.iter().enumerate().rev() {
                let is_there = numbers.binary_search(&(number as u64)).is_ok();
                let fresh = *at + AGE >= now;
                missed |= fresh && !is_there;
                prop_assert!(!(missed && is_there && fresh), "a hole before {number}");
                match room.checked_sub(record.len() + 4) {
                    Some(less) => room = less,
                    None => break,
                }
                prop_assert!(is_there || !fresh, "{number} of {} is lost", written.len());
            }
        }
    }

    // Mutation caught: a place taken by its turn without another look at it under its lock: of two threads that turn at
    // the same time one overwrites what the other has just put by.
    #[test]
    fn threads_that_turn_at_once_lose_only_the_oldest() {
        const ROUNDS: u64 = 3_000;
        const EACH: u64 = 60;
        let ring = Ring::of(2, 16, 64, u64::MAX);
        let (barrier, busy) = (Barrier::new(2), AtomicU64::new(u64::MAX));
        let write = &|thread: u64| {
            let mut failures = Vec::new();
            for round in 0..ROUNDS {
                barrier.wait();
                for number in 0..EACH {
                    let number = round * EACH + number;
                    let record = [&thread.to_le_bytes()[..], &number.to_le_bytes()];
                    if ring.put_from(thread as usize, Tick::default(), record).is_err() {
                        // The other was quicker each time: a hole that is counted.
                        busy.store(round, Ordering::Relaxed);
                    }
                }
                if barrier.wait().is_leader() && busy.load(Ordering::Relaxed) != round {
                    let mut of = [Vec::new(), Vec::new()];
                    ring.read(|record| {
                        let number = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().unwrap());
                        of[number(0) as usize].push(number(8));
                    });
                    for numbers in &mut of {
                        numbers.sort_unstable();
                        let is_whole = numbers.windows(2).all(|pair| pair[1] == pair[0] + 1);
                        failures.extend((!is_whole).then(|| numbers.clone()));
                    }
                }
                barrier.wait();
            }
            failures
        };
        let failures: Vec<_> = thread::scope(|scope| {
            let threads = [0, 1].map(|thread| scope.spawn(move || write(thread)));
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(failures.is_empty(), "holes in {} of {ROUNDS} rounds: {:?}", failures.len(), failures[0]);
    }

    // Mutation caught: `lock` where writers `try_lock`: a panic hook that records would wait for itself.
    #[test]
    fn nobody_waits_to_record() {
        let ring = Ring::of(2, 2, 1_024, u64::MAX);
        let held: Vec<_> = ring.stripes.iter().map(|stripe| stripe.0.lock().unwrap()).collect();
        assert_eq!(ring.put(Tick::default(), [b"record"]), Err(Loss::Busy));
        drop(held);
        // The first one writes, and finds no place to put its chunk by.
        let held: Vec<_> = ring.full.iter().map(|place| place.chunk.lock().unwrap()).collect();
        assert_eq!(ring.put(Tick::default(), [&[1; 900]]), Ok(()));
        assert_eq!(ring.put(Tick::default(), [&[2; 900]]), Err(Loss::Busy));
        drop(held);
        assert_eq!(ring.put(Tick::default(), [&[3; 900]]), Ok(()));
        let mut read = Vec::new();
        ring.read(|record| read.push(record[0]));
        read.sort_unstable();
        assert_eq!(read, [1, 3]);
    }

    // Mutation caught: places read before stripes: what is put by meanwhile is missed. (Here: met twice.)
    #[test]
    fn what_is_put_by_while_it_is_read_is_shown_once() {
        let ring = Ring::of(2, 2, 1_024, u64::MAX);
        ring.put(Tick::default(), [&[1; 900]]).unwrap();
        let mut read = Vec::new();
        ring.read(|record| {
            if read.is_empty() {
                ring.put(Tick::default(), [&[2; 900]]).unwrap();
            }
            read.push(record[0]);
        });
        assert_eq!(read, [1]);
    }
}
