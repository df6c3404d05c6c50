//! One example for a bucket: the trace of an observation that fell into it.

use crate::context::{SpanId, TraceId};
use crate::sync::{AtomicU32, AtomicU64, OnceBox, Ordering, fence, spin_loop};

/// An observation, and the trace it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// What was observed, in the unit of the metric.
    pub value: f64,
    /// The trace.
    pub trace_id: TraceId,
    /// The span within it.
    pub span_id: SpanId,
    /// When, in nanoseconds since 1970-01-01T00:00:00Z.
    pub unix_nanos: u64,
}

/// The latest exemplar of each bucket of one histogram; its memory comes with the first.
#[derive(Default)]
pub(super) struct Exemplars {
    places: OnceBox<Box<[Place]>>,
}

/// A sequence lock whose words are atomics: a torn reading is seen by its version, and never undefined.
#[derive(Default)]
struct Place {
    /// Odd while somebody writes; 0 before the first.
    version: AtomicU32,
    words: [AtomicU64; 5],
}

impl Exemplars {
    /// Puts `exemplar` in the place of a bucket. Gives up when another thread is about to: one example is as
    /// good as the other.
    pub(super) fn put(&self, buckets: usize, bucket: usize, exemplar: &Exemplar) {
        let places = self.places.get_or_init(|| Box::new((0..buckets).map(|_| Place::default()).collect()));
        if let Some(place) = places.get(bucket) {
            place.put(exemplar);
        }
    }

    pub(super) fn get(&self, bucket: usize) -> Option<Exemplar> {
        self.places.get()?.get(bucket)?.get()
    }
}

impl Place {
    fn put(&self, exemplar: &Exemplar) {
        let version = self.version.load(Ordering::Relaxed);
        let writing = version.wrapping_add(1);
        if version % 2 == 1
            || self.version.compare_exchange(version, writing, Ordering::Acquire, Ordering::Relaxed).is_err()
        {
            return;
        }
        // The odd version is seen before any of the words.
        fence(Ordering::Release);
        let trace = u128::from_be_bytes(exemplar.trace_id.to_bytes());
        let words = [
            (trace >> 64) as u64,
            trace as u64,
            u64::from_be_bytes(exemplar.span_id.to_bytes()),
            exemplar.value.to_bits(),
            exemplar.unix_nanos,
        ];
        for (place, word) in self.words.iter().zip(words) {
            place.store(word, Ordering::Relaxed);
        }
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    fn get(&self) -> Option<Exemplar> {
        // A writer is done within nanoseconds, unless it was preempted: then this scrape goes without.
        for _ in 0..8 {
            let before = self.version.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            let words = [0, 1, 2, 3, 4].map(|i: usize| self.words[i].load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == before {
                let [high, low, span, value, unix_nanos] = words;
                let trace = u128::from(high) << 64 | u128::from(low);
                return Some(Exemplar {
                    value: f64::from_bits(value),
                    trace_id: TraceId::from_bytes(trace.to_be_bytes())?,
                    span_id: SpanId::from_bytes(span.to_be_bytes())?,
                    unix_nanos,
                });
            }
            spin_loop();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    fn exemplar(n: u64) -> Exemplar {
        Exemplar {
            value: n as f64,
            trace_id: TraceId::from_bytes((u128::from(n) << 64 | u128::from(n)).to_be_bytes()).unwrap(),
            span_id: SpanId::from_bytes(n.to_be_bytes()).unwrap(),
            unix_nanos: n,
        }
    }

    #[test]
    fn the_latest_is_kept_for_each_bucket() {
        let exemplars = Exemplars::default();
        assert_eq!(exemplars.get(1), None);
        exemplars.put(3, 1, &exemplar(7));
        exemplars.put(3, 1, &exemplar(8));
        exemplars.put(3, 3, &exemplar(9));
        assert_eq!(exemplars.get(0), None);
        assert_eq!(exemplars.get(1), Some(exemplar(8)));
        assert_eq!(exemplars.get(3), None);
    }

    // Catches: the version not compared after the words were read, or two writers let in.
    #[test]
    fn no_reading_is_torn() {
        const EACH: u64 = if cfg!(miri) { 500 } else { 500_000 };
        let place = Place::default();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let writers: Vec<_> = [1_u64, 2]
                .map(|seed| {
                    let place = &place;
                    scope.spawn(move || (0..EACH).for_each(|n| place.put(&exemplar(seed + 2 * n))))
                })
                .into_iter()
                .collect();
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    if let Some(read) = place.get() {
                        assert_eq!(read, exemplar(read.unix_nanos));
                    }
                }
            });
            for writer in writers {
                writer.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
