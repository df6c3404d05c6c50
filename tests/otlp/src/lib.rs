//! Collectors for tests: by HTTP and by gRPC, each answering as it is told to.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

pub mod grpc;
pub mod http;
pub mod proxy;
pub mod tls;

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;

/// How long a test waits for what is to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How a collector answers a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It takes all.
    Take,
    /// It takes all but so many.
    Reject(i64),
    /// This status by HTTP, or code by gRPC, and how long to wait in seconds, if it says so.
    Status(u16, Option<u64>),
    /// It takes all, after so long.
    Slow(Duration),
    /// It closes the connection in the middle of it.
    Reset,
    /// It takes all, and closes the connection instead of an answer.
    TakeAndReset,
    /// What is no answer of the protocol.
    Garbage,
    /// Success, says somebody who is no collector.
    Page,
    /// That somebody else is to be asked, who would take it.
    Elsewhere,
    /// It takes all, with an answer of 2 MiB.
    Flood,
}

/// What a collector got and took, and how it answers.
#[derive(Debug, Default)]
pub struct Desk {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What there was.
#[derive(Debug, Default)]
struct Seen {
    replies: Vec<Reply>,
    otherwise: Option<Reply>,
    requests: Vec<Instant>,
    heads: Vec<Vec<(String, String)>>,
    taken: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

impl Desk {
    /// Answers the next requests so, in order; then as before.
    pub fn next(&self, replies: impl IntoIterator<Item = Reply>) {
        self.seen.lock().unwrap().replies.extend(replies);
    }

    /// Answers so from now on.
    pub fn always(&self, reply: Reply) {
        self.seen.lock().unwrap().otherwise = Some(reply);
    }

    /// A request came.
    fn reply(&self, head: Vec<(String, String)>) -> Reply {
        let mut seen = self.seen.lock().unwrap();
        seen.requests.push(Instant::now());
        seen.heads.push(head);
        self.changed.notify_all();
        if seen.replies.is_empty() {
            seen.otherwise.clone().unwrap_or(Reply::Take)
        } else {
            seen.replies.remove(0)
        }
    }

    fn take(&self, request: ExportTraceServiceRequest) {
        self.seen.lock().unwrap().taken.push(request);
        self.changed.notify_all();
    }

    fn take_metrics(&self, request: ExportMetricsServiceRequest) {
        self.seen.lock().unwrap().metrics.push(request);
        self.changed.notify_all();
    }

    /// The requests with metrics that were taken.
    pub fn pushes(&self) -> Vec<ExportMetricsServiceRequest> {
        self.seen.lock().unwrap().metrics.clone()
    }

    /// The metrics of the push that was taken last.
    pub fn metrics(&self) -> Vec<Metric> {
        let resources = self.pushes().pop().into_iter().flat_map(|request| request.resource_metrics);
        resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics).collect()
    }

    /// When each request came.
    pub fn requests(&self) -> Vec<Instant> {
        self.seen.lock().unwrap().requests.clone()
    }

    /// The headers of each request, the path as `:path`.
    pub fn heads(&self) -> Vec<Vec<(String, String)>> {
        self.seen.lock().unwrap().heads.clone()
    }

    /// The requests that were taken.
    pub fn taken(&self) -> Vec<ExportTraceServiceRequest> {
        self.seen.lock().unwrap().taken.clone()
    }

    /// The spans that were taken.
    pub fn spans(&self) -> Vec<Span> {
        let resources = self.taken().into_iter().flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// Waits until so many requests came.
    pub fn wait_for(&self, requests: usize) {
        let seen = self.seen.lock().unwrap();
        let waiting = |seen: &mut Seen| seen.requests.len() < requests;
        let (seen, timeout) = self.changed.wait_timeout_while(seen, PATIENCE, waiting).unwrap();
        assert!(!timeout.timed_out(), "{} requests instead of {requests}", seen.requests.len());
    }
}

/// A collector, until it is dropped.
pub struct Collector {
    /// What it got.
    pub desk: Arc<Desk>,
    /// Where it is.
    pub endpoint: String,
    _stop: Box<dyn Send>,
}

/// The value of an attribute, as text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|pair| pair.key == name)?;
    let Some(AnyValue { value: Some(value) }) = &found.value else { return None };
    Some(match value {
        Value::StringValue(text) => text.clone(),
        Value::BoolValue(bool) => format!("bool {bool}"),
        Value::IntValue(number) => format!("int {number}"),
        Value::DoubleValue(number) => format!("double {number}"),
        other => format!("{other:?}"),
    })
}
