//! A request through the layer: RED, a span with ids, propagation, and the JSON request line.

use crate::harness::{Contender, compare};
use crate::telemetry;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use observe_tower::ObserveLayer;
use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;
use tower::{Layer as _, Service, service_fn};

type Answer = Response<Full<Bytes>>;

fn answer(_: Request<()>) -> Ready<Result<Answer, Infallible>> {
    ready(Ok(Response::new(Full::new(Bytes::from_static(b"hello")))))
}

fn request() -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = http::Uri::from_static("/users/4711");
    let headers = request.headers_mut();
    headers.insert("host", http::HeaderValue::from_static("localhost"));
    headers.insert("user-agent", http::HeaderValue::from_static("bench"));
    headers.insert("accept", http::HeaderValue::from_static("*/*"));
    headers.insert(
        "traceparent",
        http::HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"),
    );
    request
}

/// Nothing here ever waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("every future of this bench is ready"),
    }
}

fn drive<S, B>(service: &mut S)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
    B: http_body::Body + Unpin,
    B::Error: std::fmt::Debug,
{
    let response = now(service.call(request())).unwrap_or_else(|never| match never {});
    let mut body = response.into_body();
    while let Some(frame) = now(body.frame()) {
        std::hint::black_box(frame.is_ok());
    }
}

/// What must be recorded of a request, by hand, with nothing around it.
#[derive(Default)]
struct ByHand {
    in_flight: AtomicI64,
    buckets: [AtomicU64; 15],
    sum: AtomicU64,
    line: Vec<u8>,
    ids: u64,
}

const BOUNDS: [u64; 14] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

impl ByHand {
    fn request(&mut self, epoch: Instant) {
        let start = Instant::now();
        let request = request();
        let parent = request.headers().get("traceparent").map(|value| value.as_bytes().to_owned());
        let trace = parent.as_deref().and_then(|text| text.get(3..35)).unwrap_or(&[b'0'; 32]);
        self.ids = self.ids.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        self.in_flight.fetch_add(1, Ordering::Relaxed);

        let trace = trace.to_owned();
        let mut body = now(answer(request)).unwrap_or_else(|never| match never {}).into_body();
        while let Some(frame) = now(body.frame()) {
            std::hint::black_box(frame.is_ok());
        }

        let end = Instant::now();
        let nanos = (end - start).subsec_nanos().into();
        let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(14);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let line = &mut self.line;
        line.clear();
        let now = end - epoch;
        line.extend_from_slice(b"{\"timestamp\":\"2026-01-01T00:");
        for part in [now.as_secs() / 60 % 60, now.as_secs() % 60, now.subsec_micros().into()] {
            line.extend_from_slice(itoa::Buffer::new().format(part).as_bytes());
            line.push(b':');
        }
        line.extend_from_slice(
            b"Z\",\"level\":\"INFO\",\"message\":\"GET /users/{id} 200\",\"target\":\"observe\"",
        );
        line.extend_from_slice(b",\"service.name\":\"bench\",\"service.version\":\"1.0.0\",\"trace_id\":\"");
        line.extend_from_slice(&trace);
        line.extend_from_slice(b"\",\"span_id\":\"");
        let mut id = self.ids;
        for _ in 0..16 {
            line.push(b"0123456789abcdef"[(id & 15) as usize]);
            id >>= 4;
        }
        line.extend_from_slice(b"\",\"trace_flags\":\"02\",\"http.request.method\":\"GET\"");
        line.extend_from_slice(b",\"http.route\":\"/users/{id}\",\"url.path\":\"/users/4711\"");
        line.extend_from_slice(b",\"http.response.status_code\":200,\"outcome\":\"ok\",\"duration_ms\":");
        line.extend_from_slice(itoa::Buffer::new().format(nanos / 1_000_000).as_bytes());
        line.extend_from_slice(b"}\n");
        std::hint::black_box(&self.line);
    }
}

/// The floor does the same by hand; the bare service does nothing of it.
pub(super) fn request_through_the_layer() {
    let layer = ObserveLayer::new(telemetry::installed())
        .route(|_: &observe_tower::RequestHead<'_>| Some("/users/{id}"));
    let mut observed = layer.layer(service_fn(answer));
    let mut bare = service_fn(answer);
    let mut by_hand = ByHand::default();
    let epoch = Instant::now();
    compare(
        "request over bare tower",
        4_000,
        &mut [
            Contender::floor("by hand", || by_hand.request(epoch)),
            Contender::other("bare service", || drive(&mut bare)),
            Contender::ours("ObserveLayer", || drive(&mut observed)),
        ],
        &[],
    );
    assert!(by_hand.sum.load(Ordering::Relaxed) > 0 && by_hand.in_flight.load(Ordering::Relaxed) == 0);
}
