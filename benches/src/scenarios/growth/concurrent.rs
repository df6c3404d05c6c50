//! Requests in flight at the same time, on one thread.

use super::{ROUNDS, by_hand, column, observed, observed_by, quiet, settle, table};
use crate::harness::median;
use crate::http::{Answer, Asked, now, request};
use crate::{alloc, processor_time};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use plot::Plot;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use tower::{Service, service_fn};

const SIZES: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// A queue has room for so many lines.
const TIMES: usize = 5_000;

/// Waits once, then answers.
struct Handler(bool);

impl Future for Handler {
    type Output = Result<Answer, Infallible>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(Ok(http::Response::new(Full::new(Bytes::from_static(b"hello")))));
        }
        Poll::Pending
    }
}

fn handler(_: Asked) -> Handler {
    Handler(false)
}

/// All of them begin and wait, then all of them go on to their ends.
pub(super) fn concurrent() {
    let mut services = (service_fn(handler), by_hand(service_fn(handler)), observed(service_fn(handler)));
    let quiet = quiet();
    let mut counted = observed_by(&quiet, service_fn(handler));
    // What is there once is not growth.
    quiet.run(|| turn(&mut counted, 1, &mut 0.0));
    let mut rows = Vec::new();
    for size in SIZES {
        let mut taken = [0.0; 3];
        quiet.run(|| turn(&mut counted, size, &mut taken[2]));
        let with = taken[2];
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..=ROUNDS {
            let turns = [
                turn(&mut services.0, size, &mut taken[0]),
                turn(&mut services.1, size, &mut taken[1]),
                turn(&mut services.2, size, &mut taken[2]),
            ];
            if round > 0 {
                times.iter_mut().zip(turns).for_each(|(times, nanos)| times.push(nanos));
            }
        }
        let [bare, floor, ours] = times.map(median);
        let each = (with - taken[0]) / size as f64;
        rows.push([size as f64, ours, floor, bare, with, taken[0], each]);
    }
    let heads = [
        "in flight",
        "ns a request",
        "ns, by hand",
        "ns, nobody observing",
        "bytes",
        "bytes, nobody observing",
        "bytes more a request",
    ];
    table("requests in flight", heads, &rows);
    let plot =
        Plot::new("What a request costs, of many at a time", "requests in flight", "nanoseconds a request");
    plot.line("ours", column(&rows, 1))
        .line("by hand", column(&rows, 2))
        .line("nobody observing", column(&rows, 3))
        .save("concurrent");
    let plot = Plot::new("What requests in flight take", "requests in flight", "bytes").logarithmic();
    plot.line("ours", column(&rows, 4)).line("nobody observing", column(&rows, 5)).save("concurrent-bytes");
}

/// Nanoseconds a request; and at most so many bytes more were held than before.
fn turn<S, B>(service: &mut S, size: usize, most: &mut f64) -> f64
where
    S: Service<Asked, Response = http::Response<B>, Error = Infallible>,
    B: http_body::Body + Unpin,
{
    settle();
    let cx = &mut Context::from_waker(Waker::noop());
    let before = alloc::held();
    let repeat = (TIMES / size).max(1);
    let mut open: Vec<Pin<Box<S::Future>>> = Vec::with_capacity(size);
    let (mut nanos, mut start) = (0.0, processor_time::thread());
    for _ in 0..repeat {
        for number in 0..size {
            let mut future = Box::pin(service.call(request(number)));
            assert!(future.as_mut().poll(cx).is_pending());
            open.push(future);
        }
        *most = most.max((alloc::held() - before) as f64);
        while !open.is_empty() {
            for mut future in open.drain(..size.min(TIMES)) {
                let Poll::Ready(Ok(response)) = future.as_mut().poll(cx) else {
                    unreachable!("it waits once")
                };
                let mut body = response.into_body();
                while let Some(frame) = now(body.frame()) {
                    std::hint::black_box(frame.is_ok());
                }
            }
            // Lines are written before more of them come than a queue has room for.
            if size > TIMES {
                nanos += processor_time::thread() - start;
                settle();
                start = processor_time::thread();
            }
        }
    }
    nanos += processor_time::thread() - start;
    nanos / (repeat * size) as f64
}
