//! The hottest paths. Each makes what it needs, goes some turns to warm up, is counted, and proves that it recorded.

use crate::{TURNS, WARM_UP, measured};
use bytes::Bytes;
use http::header::{HeaderMap, HeaderValue};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use observe_core::context::Context;
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::Buckets;
use observe_core::{Format, RecorderLimits, Registry, Telemetry, observed};
use observe_tower::ObserveLayer;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::{Future, Ready, ready};
use std::hint::black_box;
use std::io;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;
use tower::{Layer as _, Service as _, service_fn};
use tracing_subscriber::layer::SubscriberExt as _;

/// A path: its name, and what goes it.
pub(crate) type Path = (&'static str, fn());

/// All of them.
pub(crate) const ALL: &[Path] = &[
    ("request", request),
    ("request_layer", request_behind_a_registry),
    ("line", line),
    ("line_wide", wide_line),
    ("span", span),
    ("observed", observed_function),
    ("counter", counter),
    ("histogram", histogram),
    ("scrape_1000", scrape),
    ("context_in", context_in),
    ("context_out", context_out),
];

/// How many lines are written at once while it is warming up: so many buffers there are then.
const BURST: u64 = 500;

/// How many are written at once while it is counted: fewer, so that none has to be made.
const FEW: u64 = 50;

/// How much the flight recorder remembers, in bytes.
const RECORDER: usize = 256 * 1024;

/// As `install()` makes it, but that lines go nowhere and the flight recorder is small: it has been filled once, and
/// begins again, before anything is counted.
fn install() -> Telemetry {
    builder().install().expect("it is the first")
}

/// The same behind a registry of `tracing-subscriber`.
fn install_layer() -> Telemetry {
    let telemetry = builder().install_without_subscriber().expect("it is the first");
    let registry = tracing_subscriber::registry().with(telemetry.layer());
    tracing::subscriber::set_global_default(registry).expect("it is the first");
    telemetry
}

fn builder() -> observe_core::Builder {
    let mut recorder = RecorderLimits::default();
    recorder.bytes = RECORDER;
    Telemetry::builder("bench").version("1.0.0").recorder(recorder).log_writer(io::sink())
}

/// Warms up, and counts.
fn turns(mut once: impl FnMut()) {
    let mut work = |turns| (0..turns).for_each(|_| once());
    work(WARM_UP);
    measured(&mut work, TURNS);
}

/// The same of what writes lines. Between some turns it waits until they are written: how far the thread that writes them
/// has got when it is counted, and gives back buffers, is chance.
fn turns_of(telemetry: &Telemetry, mut once: impl FnMut()) {
    let mut work = |turns| (0..turns).for_each(|_| once());
    let settle = || telemetry.flush(Duration::from_secs(60)).expect("the lines are written");
    for _ in 0..WARM_UP / BURST {
        work(BURST);
        settle();
    }
    for _ in 0..TURNS / FEW {
        measured(&mut work, FEW);
        settle();
    }
}

/// What the registry says of this series, given as it is written or as far as its name and its first labels.
fn value(registry: &Registry, series: &str) -> u64 {
    let mut text = Vec::new();
    registry.encode(Format::Text, &mut text);
    let text = String::from_utf8(text).expect("it is text");
    let line = text.lines().find(|line| line.starts_with(series)).expect("it is there");
    line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok()).expect("a number")
}

/// Checks that a line of each turn was written, and that of the telemetry's start.
fn written(registry: &Registry) {
    assert_eq!(value(registry, "observe_export_total{signal=\"log\",outcome=\"ok\"}"), 1 + WARM_UP + TURNS);
}

/// Checks that the flight recorder was filled.
fn remembered(registry: &Registry) {
    assert!(value(registry, "observe_recorder_memory_bytes") > RECORDER as u64 / 2);
}

/// Nothing here ever waits.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("every future of this bench is ready"),
    }
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("host", "localhost"), ("user-agent", "bench"), ("accept", "*/*"), ("traceparent", PARENT)]
    {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

type Answer = Ready<Result<Response<Full<Bytes>>, Infallible>>;

fn answer(_: Request<()>) -> Answer {
    ready(Ok(Response::new(Full::new(Bytes::from_static(b"hello")))))
}

/// A request through the layer, its line written. Copying the request, the answer and reading it are counted too.
fn request() {
    requests(&install());
}

/// The same behind a registry.
fn request_behind_a_registry() {
    requests(&install_layer());
}

fn requests(telemetry: &Telemetry) {
    let layer = ObserveLayer::new(telemetry).route(|_: &observe_tower::RequestHead<'_>| Some("/users/{id}"));
    let mut service = layer.layer(service_fn(answer));
    let (uri, headers) = (http::Uri::from_static("/users/4711"), headers());
    turns_of(telemetry, || {
        let mut request = Request::new(());
        request.uri_mut().clone_from(&uri);
        request.headers_mut().clone_from(&headers);
        let response = now(service.call(request)).unwrap_or_else(|never| match never {});
        let mut body = response.into_body();
        while let Some(frame) = now(body.frame()) {
            black_box(frame.is_ok());
        }
    });
    let registry = telemetry.registry();
    assert_eq!(value(registry, "http_server_request_duration_seconds_count{"), WARM_UP + TURNS);
    written(registry);
    remembered(registry);
}

/// A line inside two spans.
fn line() {
    let telemetry = install();
    let _outer = tracing::info_span!("outer", customer = "acme", attempt = 1).entered();
    let _inner = tracing::info_span!("inner", shard = 7).entered();
    let mut order = 0_u64;
    turns_of(&telemetry, || {
        order += 1;
        tracing::info!(order.id = order, paid = true, "payment authorised");
    });
    written(telemetry.registry());
}

/// A line of eight fields inside a span of eight others: so many names seem to have one in common.
fn wide_line() {
    let telemetry = install();
    let _span = tracing::info_span!(
        "order",
        customer = "acme",
        tier = "gold",
        region = "eu-west-1",
        basket = 7,
        total = 12_990,
        currency = "EUR",
        channel = "web",
        attempt = 1
    )
    .entered();
    let mut order = 0_u64;
    turns_of(&telemetry, || {
        order += 1;
        tracing::info!(
            order.id = order,
            paid = true,
            method = "card",
            provider = "stripe",
            amount = 12_990,
            items = 3,
            risk = "low",
            express = false,
            "payment authorised"
        );
    });
    written(telemetry.registry());
}

/// A span with three fields, recorded: a trace of its own.
fn span() {
    let telemetry = install();
    turns_of(&telemetry, || {
        tracing::info_span!("bench", a = black_box(1), b = "two", c = true).in_scope(|| black_box(0));
    });
    remembered(telemetry.registry());
}

#[observed]
async fn authorise(order: u64) -> Result<u64, io::Error> {
    Ok(black_box(order))
}

/// An `async` function that is `#[observed]`: rate, errors, duration and span.
fn observed_function() {
    let telemetry = install();
    turns_of(&telemetry, || assert!(now(authorise(7)).is_ok()));
    let registry = telemetry.registry();
    assert_eq!(value(registry, "function_duration_seconds_count{"), WARM_UP + TURNS);
    remembered(registry);
}

#[derive(Clone, Copy, LabelValue)]
enum Method {
    Card,
    Paypal,
}

#[derive(Clone, Copy, LabelValue)]
enum Region {
    North,
    South,
    East,
    West,
}

#[derive(Clone, Copy, LabelSet)]
struct Closed {
    method: Method,
    region: Region,
    retried: bool,
}

/// Each label's values in turn.
fn closed(at: usize) -> Closed {
    let method = if at & 1 == 0 { Method::Card } else { Method::Paypal };
    let region = [Region::North, Region::South, Region::East, Region::West][at & 3];
    Closed { method, region, retried: at & 4 == 0 }
}

/// A counter of three closed labels, looked up.
fn counter() {
    let registry = Registry::new();
    let family = registry.counter::<Closed>("bench_total", "Counted.").expect("a good name");
    let mut at = 0;
    turns(|| {
        at += 1;
        family.with(closed(at)).inc();
    });
    let all: u64 = (0..8).map(|at| family.with(closed(at)).get()).sum();
    assert_eq!(all, WARM_UP + TURNS);
}

/// A histogram of three closed labels, looked up.
fn histogram() {
    let registry = Registry::new();
    let family =
        registry.histogram::<Closed>("bench_seconds", "Held.", Buckets::SECONDS).expect("a good name");
    let mut at = 0;
    turns(|| {
        at += 1;
        let nanos = (at as u64 & 1023).pow(2) * 7_919 % 2_000_000_000;
        family.with(closed(at)).observe_duration(Duration::from_nanos(nanos));
    });
    let all: u64 = (0..8).map(|at| family.with(closed(at)).count()).sum();
    assert_eq!(all, WARM_UP + TURNS);
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 2_000)]
struct Key(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Open {
    key: Key,
}

/// A scrape of 1,000 counters. A turn is one.
fn scrape() {
    let registry = Registry::new();
    let counters = registry.counter::<Open>("bench_requests_total", "Requests.").expect("a good name");
    let mut key = String::new();
    for n in 0..1_000 {
        key.clear();
        let _ = write!(key, "customer-{n:05}-of-the-bench");
        counters.with(Open { key: Key::from(key.as_str()) }).add(n);
    }
    let mut out = Vec::new();
    turns(|| {
        out.clear();
        registry.encode(Format::Text, &mut out);
    });
    assert!(out.windows(8).any(|text| text == b"h\"} 999\n"));
}

/// The context of a request's headers.
fn context_in() {
    let telemetry = install();
    let headers = headers();
    let mut context = Context::default();
    turns(|| context = black_box(telemetry.extract(black_box(&headers))));
    assert!(context.span().is_some_and(|span| span.write() == PARENT.as_bytes()));
}

/// The same into a request's headers.
fn context_out() {
    let telemetry = install();
    let context = telemetry.extract(&headers());
    let mut headers = headers();
    turns(|| telemetry.inject(black_box(&context), black_box(&mut headers)));
    assert!(headers.contains_key("traceparent"));
}
