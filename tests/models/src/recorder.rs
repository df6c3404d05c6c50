//! The flight recorder's memory: `recorder/ring.rs`.

use std::sync::Arc;

use crate::clock::Tick;
use crate::sync::{AtomicU32, Ordering, explore_up_to, spawn};

#[allow(dead_code, reason = "the library uses what the models do not")]
#[path = "../../../observe-core/src/recorder/ring.rs"]
mod ring;

use ring::Ring;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Busy,
    TooLarge,
}

/// Two stripes and two places, of 4 KiB each.
fn ring() -> Arc<Ring> {
    let ring = Ring::new(16 * 1024, u64::MAX);
    assert_eq!(ring.capacity(), 16 * 1024);
    Arc::new(ring)
}

/// A record for which a chunk has room once.
fn put(ring: &Ring, number: u8) -> bool {
    ring.put(Tick::default(), [&[number; 2_000][..], &[number; 1_000]]).is_ok()
}

/// The numbers of what is shown: whole, and none twice.
fn shown(ring: &Ring) -> Vec<u8> {
    let mut shown = Vec::new();
    ring.read(|record| {
        assert!(record.len() == 3_000 && record.iter().all(|byte| *byte == record[0]), "torn: {record:?}");
        shown.push(record[0]);
    });
    shown.sort_unstable();
    assert!(shown.is_sorted_by(|one, other| one < other), "twice: {shown:?}");
    shown
}

/// Two threads put full chunks by at the same time: each chunk has a place of its own, and what was taken is shown.
/// Mutations caught: a place taken without another look at its turn; a serial that two chunks have.
pub fn who_turns_beside_another_overwrites_nothing() {
    explore_up_to(2, || {
        let ring = ring();
        let other = {
            let ring = Arc::clone(&ring);
            spawn(move || [1, 2].map(|number| (number, put(&ring, number))))
        };
        let mine = [3, 4].map(|number| (number, put(&ring, number)));
        let taken = other.join().unwrap().into_iter().chain(mine).filter(|(_, is_taken)| *is_taken);
        assert_eq!(shown(&ring), taken.map(|(number, _)| number).collect::<Vec<_>>());
    });
}

/// A reader beside a thread that writes, and puts its chunk by meanwhile: what was there is shown, once.
/// Mutations caught: places read before stripes; what was met in a stripe shown again in its place.
pub fn a_reader_misses_nothing_that_was_there() {
    explore_up_to(3, || {
        let (ring, told) = (ring(), Arc::new(AtomicU32::new(0)));
        let writer = {
            let (ring, told) = (Arc::clone(&ring), Arc::clone(&told));
            spawn(move || {
                assert!(put(&ring, 1));
                told.store(1, Ordering::Release);
                // Refused where the reader has what it would need.
                put(&ring, 2)
            })
        };
        let is_there = told.load(Ordering::Acquire) == 1;
        assert!(!is_there | shown(&ring).contains(&1));
        let is_taken = writer.join().unwrap();
        assert_eq!(shown(&ring), if is_taken { vec![1, 2] } else { vec![1] });
    });
}
