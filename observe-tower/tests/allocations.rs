//! What the layer allocates for a request, after warm-up, over the bare service.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use observe_core::Telemetry;
use observe_tower::{ObserveClientLayer, ObserveLayer, RequestHead};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::ready;
use std::time::Duration;
use tower::{Layer, Service, service_fn};

/// Counts what the thread that asks allocates.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[allow(unsafe_code, reason = "an allocator is unsafe; this one only counts, and asks the system's")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        unsafe { System.realloc(old, layout, size) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

type Body = Full<bytes::Bytes>;

fn request() -> Request<()> {
    Request::get("/orders/17")
        .header("host", "here")
        .header("accept", "*/*")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
        .body(())
        .unwrap()
}

/// The most that one request of many allocates, the request itself and the writing of its line left out.
fn allocations<S, B>(telemetry: &Telemetry, mut service: S) -> u64
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body<Error = Infallible> + Unpin,
{
    let mut most = 0;
    for round in 0..200 {
        // The lines' buffers come back when they are written.
        telemetry.flush(Duration::from_secs(10)).unwrap();
        let request = request();
        let before = COUNT.with(Cell::get);
        let response = service.call(request).now_or_never().unwrap().unwrap();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().now_or_never().unwrap() {
            drop(frame);
        }
        drop(body);
        let after = COUNT.with(Cell::get);
        if round >= 100 {
            most = most.max(after - before);
        }
    }
    most
}

async fn answer(_: Request<()>) -> Result<Response<Body>, Infallible> {
    ready(Ok(Response::new(Body::from("an order")))).await
}

async fn answer_with_header(_: Request<()>) -> Result<Response<Body>, Infallible> {
    let response = Response::builder().header("content-type", "text/plain");
    ready(Ok(response.body(Body::from("an order")).unwrap())).await
}

// The three: the echoed correlation id, and, where the answer had no header yet, the two halves of its map.
// Mutation caught: a label, a line, a span or a context that allocates.
#[test]
fn at_most_three_for_each_request() {
    let telemetry = Telemetry::builder("test").log_writer(std::io::sink()).build().unwrap();
    telemetry.run(|| {
        let layer = ObserveLayer::new(&telemetry)
            .route(|_: &RequestHead<'_>| Some("/orders/{id}"))
            .exclude("/health");
        let bare = allocations(&telemetry, service_fn(answer));
        let observed = allocations(&telemetry, layer.layer(service_fn(answer)));
        assert_eq!((bare, observed), (0, 3));
        let bare = allocations(&telemetry, service_fn(answer_with_header));
        let observed = allocations(&telemetry, layer.layer(service_fn(answer_with_header)));
        assert_eq!(observed - bare, 1);
    });
}

// The value of `traceparent`, and the correlation id's with the context around it.
// Mutation caught: a URL, a label or a span that allocates.
#[test]
fn at_most_four_for_each_request_to_another_service() {
    let telemetry = Telemetry::builder("test").log_writer(std::io::sink()).build().unwrap();
    telemetry.run(|| {
        let server = ObserveLayer::new(&telemetry).route(|_: &RequestHead<'_>| Some("/orders/{id}"));
        let client = ObserveClientLayer::new(&telemetry);
        let without = allocations(&telemetry, server.layer(service_fn(answer_with_header)));
        let with = allocations(&telemetry, server.layer(client.layer(service_fn(answer_with_header))));
        assert_eq!(with - without, 4);
    });
}
