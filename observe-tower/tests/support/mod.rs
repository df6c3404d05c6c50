//! What the tests of the layer have in common.
#![allow(dead_code, reason = "each test uses a part of it")]

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::{Body, Frame, SizeHint};
use observe_core::testing::{Captured, Spans};
use observe_core::{Builder, Format, Telemetry};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A telemetry of its own, and what it was told.
#[derive(Clone)]
pub(crate) struct Observed {
    pub(crate) telemetry: Telemetry,
    captured: Captured,
}

impl Observed {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// Made as `set` says.
    pub(crate) fn with(set: impl FnOnce(Builder) -> Builder) -> Self {
        let captured = Captured::with(set);
        Self { telemetry: captured.telemetry().clone(), captured }
    }

    /// Every line so far.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.captured.lines().to_vec()
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Spans {
        self.captured.spans()
    }

    /// How many requests to others were counted, by their labels.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        self.series("http_client_request_duration_seconds_count")
    }

    /// How many requests to others are in flight.
    pub(crate) fn calls_in_flight(&self) -> u64 {
        self.series("http_client_active_requests").values().sum()
    }

    /// The lines of requests.
    pub(crate) fn requests(&self) -> Vec<serde_json::Value> {
        self.lines().into_iter().filter(|line| line["target"] == "observe::request").collect()
    }

    /// The lines of streams.
    pub(crate) fn streams(&self) -> Vec<serde_json::Value> {
        self.lines().into_iter().filter(|line| line["target"] == "observe::stream").collect()
    }

    /// How many streams were counted, by their labels.
    pub(crate) fn counted_streams(&self) -> BTreeMap<String, u64> {
        self.series("http_server_stream_duration_seconds_count")
    }

    /// How many streams are open.
    pub(crate) fn open_streams(&self) -> u64 {
        self.series("http_server_open_streams").values().sum()
    }

    /// Waits until so many streams were counted.
    pub(crate) async fn until_streamed(&self, streams: u64) -> BTreeMap<String, u64> {
        for _ in 0..2_000 {
            let counted = self.counted_streams();
            // It is counted first, and has its line then.
            if counted.values().sum::<u64>() >= streams && self.streams().len() as u64 >= streams {
                return counted;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("only {:?} after ten seconds, not {streams}", self.counted_streams());
    }

    pub(crate) fn exposition(&self) -> String {
        let mut text = Vec::new();
        self.telemetry.registry().encode(Format::Text, &mut text);
        String::from_utf8(text).unwrap()
    }

    /// Values of a metric that are not 0, by their labels.
    pub(crate) fn series(&self, metric: &str) -> BTreeMap<String, u64> {
        let text = self.exposition();
        let rows =
            text.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{')?.rsplit_once("} "));
        rows.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap()))
            .filter(|(_, n)| *n != 0)
            .collect()
    }

    /// How many requests were counted, by their labels.
    pub(crate) fn counted(&self) -> BTreeMap<String, u64> {
        self.series("http_server_request_duration_seconds_count")
    }

    /// How many requests are in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.series("http_server_active_requests").values().sum()
    }

    /// Waits until so many were counted: a server drops what a client left some time later.
    pub(crate) async fn until_counted(&self, requests: u64) -> BTreeMap<String, u64> {
        for _ in 0..2_000 {
            let counted = self.counted();
            if counted.values().sum::<u64>() >= requests {
                return counted;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("only {:?} after ten seconds, not {requests}", self.counted());
    }
}

/// The labels of a request, as the exposition has them.
pub(crate) fn labels(method: &str, route: &str, status: &str, error_type: &str) -> String {
    labels_of("1.1", method, route, status, error_type)
}

/// The same, over this version of HTTP.
pub(crate) fn labels_of(version: &str, method: &str, route: &str, status: &str, error_type: &str) -> String {
    let mut text = format!("http_request_method=\"{method}\",url_scheme=\"http\"");
    for (name, value) in
        [("http_route", route), ("http_response_status_code", status), ("error_type", error_type)]
    {
        if !value.is_empty() {
            text += &format!(",{name}=\"{value}\"");
        }
    }
    text + &format!(",network_protocol_version=\"{version}\"")
}

pub(crate) fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

/// What a body does when it is polled.
pub(crate) enum Step {
    Data(&'static str),
    Trailers,
    Error,
    Panic,
    Pending,
    /// Nothing ever comes any more.
    Stuck,
}

/// A body that does as it was told; then it is at its end.
#[derive(Default)]
pub(crate) struct Steps {
    pub(crate) steps: VecDeque<Step>,
    /// What it says of its length.
    pub(crate) declared: Option<u64>,
    /// Whether it knows that nothing comes any more.
    pub(crate) knows_end: bool,
    /// Dropped with it.
    pub(crate) on_drop: Option<Box<dyn FnOnce() + Send>>,
}

impl Steps {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut body = Self::default();
        body.steps.extend(steps);
        body
    }

    pub(crate) fn declared(mut self, length: u64) -> Self {
        self.declared = Some(length);
        self
    }

    pub(crate) fn knows_end(mut self) -> Self {
        self.knows_end = true;
        self
    }

    pub(crate) fn on_drop(mut self, on_drop: impl FnOnce() + Send + 'static) -> Self {
        self.on_drop = Some(Box::new(on_drop));
        self
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(on_drop) = self.on_drop.take() {
            on_drop();
        }
    }
}

impl Body for Steps {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.steps.pop_front() {
            None => None,
            Some(Step::Data(data)) => Some(Ok(Frame::data(Bytes::from_static(data.as_bytes())))),
            Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(Step::Error) => Some(Err(io::Error::other("the body broke"))),
            Some(Step::Panic) => panic!("planned"),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Step::Stuck) => {
                self.steps.push_front(Step::Stuck);
                return Poll::Pending;
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.knows_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.declared.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Keeps panics that are part of the test off the terminal.
pub(crate) fn expect_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str() != Some("planned") {
            usual(panic);
        }
    }));
}
