//! Threads that serve requests at the same time.

use super::{ROUNDS, by_hand, column, observed, observed_by, quiet, settle, table};
use crate::harness::median;
use crate::http::{answer, work};
use crate::{alloc, processor_time};
use plot::Plot;
use std::sync::{Barrier, Mutex, PoisonError};
use tower::service_fn;

const SIZES: [usize; 5] = [1, 2, 4, 8, 16];
/// Of all threads together, in a round: a queue has room for their lines.
const TIMES: u64 = 4_800;

/// Each with a service of its own.
pub(super) fn threads() {
    let quiet = quiet();
    let counted = || {
        let (quiet, mut work) = (quiet.clone(), work(observed_by(&quiet, service_fn(answer))));
        move |times| quiet.run(|| work(times))
    };
    // What is there once is not growth.
    serve(16, counted);
    let mut rows = Vec::new();
    for size in SIZES {
        let (bare, without) = serve(size, || work(service_fn(answer)));
        let (floor, _) = serve(size, || work(by_hand(service_fn(answer))));
        let (ours, _) = serve(size, || work(observed(service_fn(answer))));
        let (_, with) = serve(size, counted);
        rows.push([size as f64, ours, floor, bare, (with - without) / size as f64]);
    }
    let heads = ["threads", "ns a request", "ns, by hand", "ns, nobody observing", "bytes more a thread"];
    table("threads", heads, &rows);
    let plot = Plot::new("What a request costs, on many threads", "threads", "nanoseconds a request");
    plot.line("ours", column(&rows, 1))
        .line("by hand", column(&rows, 2))
        .line("nobody observing", column(&rows, 3))
        .save("threads");
}

/// Nanoseconds a request: of a round the mean of the threads, and of these the median. And what all of them hold at
/// the end.
fn serve<W: FnMut(u64)>(size: usize, make: impl Fn() -> W + Sync) -> (f64, f64) {
    let barrier = Barrier::new(size + 1);
    let rounds = Mutex::new(vec![Vec::new(); ROUNDS + 1]);
    let held = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..size {
            scope.spawn(|| {
                let before = alloc::held();
                let mut work = make();
                for round in 0..=ROUNDS {
                    barrier.wait();
                    let (times, start) = (TIMES / size as u64, processor_time::thread());
                    work(times);
                    let nanos = (processor_time::thread() - start) / times as f64;
                    rounds.lock().unwrap_or_else(PoisonError::into_inner)[round].push(nanos);
                    barrier.wait();
                }
                *held.lock().unwrap_or_else(PoisonError::into_inner) += alloc::held() - before;
            });
        }
        for _ in 0..=ROUNDS {
            barrier.wait();
            barrier.wait();
            settle();
        }
    });
    let rounds = rounds.into_inner().unwrap_or_else(PoisonError::into_inner);
    let means = rounds[1..].iter().map(|round| round.iter().sum::<f64>() / round.len() as f64);
    (median(means.collect()), held.into_inner().unwrap_or_else(PoisonError::into_inner) as f64)
}
