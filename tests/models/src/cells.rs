//! What the hot kinds count in: `metric/{cells,hot_counter,hot_histogram}.rs`.

use std::cell::RefCell;

use loom::sync::Arc;

use crate::metric::{Buckets, HotCounter, HotHistogram, Unit};
use crate::sync::{AtomicU32, Ordering, explore, explore_up_to, spawn, thread_local};

/// Two threads count in blocks of their own, and what is read meanwhile never runs back and is never too much.
/// Mutations caught: a number that is given to a series by each of two threads; a claim that is not counted in `MADE`.
pub fn a_total_has_what_each_thread_counted() {
    explore_up_to(2, || {
        let counter = Arc::new(HotCounter::new());
        let threads = [1, 2].map(|n| {
            let counter = Arc::clone(&counter);
            spawn(move || counter.add(n))
        });
        let (first, second) = (counter.get(), counter.get());
        assert!(first <= second && second <= 3);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counter.get(), 3);
    });
}

/// Whoever knows of a recording sees it, though nothing but that was said.
/// Mutation caught: a claim that is not counted in `MADE`.
pub fn what_is_known_of_is_seen() {
    explore(|| {
        let told = Arc::new((HotCounter::new(), AtomicU32::new(0)));
        let other = {
            let told = Arc::clone(&told);
            spawn(move || {
                told.0.inc();
                told.1.store(1, Ordering::Release);
            })
        };
        if told.1.load(Ordering::Acquire) == 1 {
            assert_eq!(told.0.get(), 1);
        }
        other.join().unwrap();
    });
}

/// A thread has ended, and two others begin, one of them in its block; nothing that was counted is lost, whoever reads
/// meanwhile.
/// Mutations caught: a block that is given to two threads, or given back twice.
pub fn a_block_goes_from_thread_to_thread() {
    explore_up_to(3, || {
        let counter = Arc::new(HotCounter::new());
        let count = |n| {
            let counter = Arc::clone(&counter);
            spawn(move || counter.add(n))
        };
        count(10).join().unwrap();
        let threads = [count(1), count(2)];
        let last = counter.get();
        assert!(last >= 10);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(counter.get(), 13);
    });
}

/// What a thread counts in a destructor, after it has given its block back, while another thread goes on in that.
/// Mutation caught: a thread that keeps its block when it has given it back.
pub fn what_is_counted_while_a_thread_ends_is_counted() {
    struct Last(Arc<HotCounter>);

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.inc();
        }
    }

    thread_local! {
        static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
    }

    explore_up_to(2, || {
        let counter = Arc::new(HotCounter::new());
        let ends = {
            let counter = Arc::clone(&counter);
            spawn(move || {
                // Destroyed after what is used later.
                LAST.try_with(|last| last.replace(Some(Last(Arc::clone(&counter))))).unwrap();
                counter.inc();
            })
        };
        let begins = {
            let counter = Arc::clone(&counter);
            spawn(move || counter.inc())
        };
        ends.join().unwrap();
        begins.join().unwrap();
        assert_eq!(counter.get(), 3);
    });
}

/// A series is dropped while another is recorded in first, which may be given its cells: they begin at 0.
/// Mutations caught: cells that are not set to 0, or after their number was given back; `at` loaded without acquire, or
/// stored without release.
pub fn cells_begin_at_nothing() {
    explore_up_to(3, || {
        let (gone, next) = (Arc::new(HotCounter::new()), Arc::new(HotCounter::new()));
        let other = {
            let (gone, next) = (Arc::clone(&gone), Arc::clone(&next));
            spawn(move || {
                gone.add(10);
                drop(gone);
                next.inc();
            })
        };
        gone.add(20);
        drop(gone);
        next.inc();
        other.join().unwrap();
        assert_eq!(next.get(), 2);
    });
}

/// A histogram that has had 64 observations gets cells, while two threads observe: sum and buckets have all.
/// Mutations caught: what came before the cells left out of the count or of the sum; a sum that goes another way than its
/// bucket.
pub fn a_histogram_becomes_busy_and_loses_nothing() {
    explore_up_to(3, || {
        let histogram = Arc::new(HotHistogram::new(&Buckets::new(&[0.5]), Some(Unit::Seconds)));
        (0..63).for_each(|_| histogram.observe(0.25));
        let threads = [0.25, 1.0].map(|value| {
            let histogram = Arc::clone(&histogram);
            spawn(move || histogram.observe(value))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let before = histogram.count();
        histogram.observe(0.25);
        assert_eq!((before, histogram.count(), histogram.sum()), (65, 66, 0.25 * 65.0 + 1.0));
    });
}
