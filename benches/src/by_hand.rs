//! The floor of a request: rate, errors and duration, the caller's trace, and one JSON line, as small as it can be written
//! for one known service. The line is rendered and handed to nobody.

use crate::bounds::NANOS;
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tower::{Layer, Service};

/// Metrics of one route that only answers 200 to GET.
#[derive(Default)]
pub(crate) struct Red {
    in_flight: AtomicI64,
    buckets: [AtomicU64; 15],
    sum: AtomicU64,
}

impl Red {
    pub(crate) fn start(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, nanos: u64) {
        let bucket = NANOS.iter().position(|bound| nanos <= *bound).unwrap_or(14);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many have ended; none is open.
    pub(crate) fn ended(&self) -> u64 {
        assert_eq!(self.in_flight.load(Ordering::Relaxed), 0);
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }
}

static RED: LazyLock<Red> = LazyLock::new(Red::default);

/// How many requests it has recorded.
pub(crate) fn ended() -> u64 {
    RED.ended()
}

/// The wall clock when the monotonic one was read first.
static EPOCH: LazyLock<(Instant, u64)> = LazyLock::new(|| {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    (Instant::now(), unix as u64)
});

thread_local! {
    static LINE: RefCell<(Vec<u8>, u64)> = const { RefCell::new((Vec::new(), 1)) };
}

/// The middleware.
#[derive(Clone, Copy)]
pub(crate) struct ByHand;

impl<S> Layer<S> for ByHand {
    type Service = Handmade<S>;

    fn layer(&self, inner: S) -> Handmade<S> {
        Handmade { inner }
    }
}

/// Its service.
#[derive(Clone)]
pub(crate) struct Handmade<S> {
    inner: S,
}

/// A request that is open.
struct Open {
    start: Instant,
    trace: [u8; 32],
}

impl<S, Q, B> Service<Request<Q>> for Handmade<S>
where
    S: Service<Request<Q>, Response = Response<B>>,
{
    type Response = Response<Body<B>>;
    type Error = S::Error;
    type Future = Answering<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let start = Instant::now();
        RED.start();
        let parent = request.headers().get("traceparent").map(http::HeaderValue::as_bytes);
        let trace = parent.filter(|text| text.len() == 55).and_then(|text| text[3..35].try_into().ok());
        let trace = trace.filter(|id: &[u8; 32]| id.iter().all(u8::is_ascii_hexdigit)).unwrap_or([b'0'; 32]);
        Answering { inner: self.inner.call(request), open: Some(Open { start, trace }) }
    }
}

pin_project! {
    pub(crate) struct Answering<F> {
        #[pin]
        inner: F,
        open: Option<Open>,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Body<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx));
        let open = this.open.take();
        Poll::Ready(response.map(|response| {
            let status = response.status().as_u16();
            response.map(|inner| Body { inner, open, status })
        }))
    }
}

pin_project! {
    pub(crate) struct Body<B> {
        #[pin]
        inner: B,
        open: Option<Open>,
        status: u16,
    }
}

impl<B: http_body::Body> http_body::Body for Body<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx));
        if frame.is_none()
            && let Some(open) = this.open.take()
        {
            end(&open, *this.status);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

fn end(open: &Open, status: u16) {
    let end = Instant::now();
    let nanos = (end - open.start).as_nanos() as u64;
    RED.end(nanos);
    LINE.with_borrow_mut(|(line, ids)| {
        line.clear();
        *ids = ids.wrapping_mul(0xD134_2543_DE82_EF95).wrapping_add(1);
        timestamp(line, end);
        line.extend_from_slice(
            b"\",\"level\":\"INFO\",\"message\":\"GET /users/{id} 200\",\"target\":\"observe::request\"\
              ,\"service.name\":\"bench\",\"service.version\":\"1.0.0\",\"trace_id\":\"",
        );
        line.extend_from_slice(&open.trace);
        line.extend_from_slice(b"\",\"span_id\":\"");
        hex(line, *ids);
        line.extend_from_slice(b"\",\"trace_flags\":\"02\",\"correlation_id\":\"");
        line.extend_from_slice(&open.trace);
        line.extend_from_slice(
            b"\",\"http.request.method\":\"GET\",\"http.route\":\"/users/{id}\",\"url.path\":\"/users/4711\"\
              ,\"http.response.status_code\":",
        );
        line.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
        line.extend_from_slice(b",\"outcome\":\"ok\",\"duration_ms\":");
        line.extend_from_slice(itoa::Buffer::new().format(nanos / 1_000_000).as_bytes());
        line.push(b'.');
        digits(line, nanos % 1_000_000, 6);
        line.extend_from_slice(b"}\n");
        std::hint::black_box(&line);
    });
}

/// The date was written when the process began; nobody runs this over midnight.
fn timestamp(line: &mut Vec<u8>, at: Instant) {
    let (epoch, unix) = *EPOCH;
    let micros = unix + at.saturating_duration_since(epoch).as_micros() as u64;
    let seconds = micros / 1_000_000;
    line.extend_from_slice(b"{\"timestamp\":\"2026-01-01T");
    digits(line, seconds / 3_600 % 24, 2);
    line.push(b':');
    digits(line, seconds / 60 % 60, 2);
    line.push(b':');
    digits(line, seconds % 60, 2);
    line.push(b'.');
    digits(line, micros % 1_000_000, 6);
    line.push(b'Z');
}

/// So many digits, with zeros in front.
pub(crate) fn digits(line: &mut Vec<u8>, value: u64, count: usize) {
    let mut buffer = [b'0'; 6];
    let mut left = value;
    for digit in buffer[..count].iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
    line.extend_from_slice(&buffer[..count]);
}

fn hex(line: &mut Vec<u8>, mut id: u64) {
    let mut buffer = [0; 16];
    for digit in &mut buffer {
        *digit = b"0123456789abcdef"[(id & 15) as usize];
        id >>= 4;
    }
    line.extend_from_slice(&buffer);
}
