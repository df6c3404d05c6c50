//! Streams: what goes on after the request that began it was answered.

use crate::door::callsite;
use crate::fields::{Key, key};
use crate::handover::Begun;
use crate::http_metrics::{Method, OpenStreamLabels, StreamLabels};
use crate::hub::Hub;
use crate::operation::{End, Operation};
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::record::Kind;
use crate::scratch::{self, Scratch};
use crate::semconv::{http as names, span as keys};
use crate::span::OpenSpan;
use std::fmt::{self, Write};
use std::sync::Arc;
use tracing_core::Level;

/// A stream that is open: server-sent events, a WebSocket, a tunnel. Made by
/// [`HttpServerOperation::stream`](crate::http_server::HttpServerOperation::stream).
///
/// It has a trace of its own, which is linked to the request that began it; the correlation id and the baggage are
/// the request's. It ends exactly once, with its duration and one line: by [`finish`](HttpStream::finish) when the
/// server ended it, or when it is dropped: as panicked when it unwound, else as cancelled, the client being gone.
#[must_use = "a stream that is dropped at once is recorded as cancelled"]
pub struct HttpStream {
    operation: Operation,
    hub: Arc<Hub>,
    told: Told,
    is_open: bool,
}

/// What its line tells of it.
#[derive(Clone, Copy)]
struct Told {
    method: Method,
    labels: OpenStreamLabels,
    sent: Option<u64>,
    received: Option<u64>,
}

impl HttpStream {
    /// Opens one that is not counted as open yet.
    pub(crate) fn open(begun: Begun) -> Self {
        begun.hub.http().open_streams.with(begun.labels).inc();
        Self::take(begun)
    }

    /// Opens one that is counted as open already.
    pub(crate) fn take(begun: Begun) -> Self {
        let Begun { hub, method, labels, link, context, fields, start } = begun;
        let mut span = OpenSpan::root(&hub, Some(&context), true, start);
        if let Some(span) = Shared::get_mut(&mut span) {
            span.fields_mut().inherit(&fields);
        }
        span.link(link);
        let route = (!labels.route.is_none()).then(|| labels.route.as_str());
        let callsite = callsite!(
            keys::TARGET,
            Level::INFO,
            "stream",
            "otel.name",
            "otel.kind",
            "otel.status_code",
            "http.request.method",
            "http.route",
            "stream"
        );
        let operation = Operation::open_on(span, callsite, || {
            tracing::info_span!(
                target: keys::TARGET,
                parent: None,
                "stream",
                otel.name = %Name { method, labels },
                otel.kind = "server",
                otel.status_code = tracing::field::Empty,
                http.request.method = method.as_str(),
                http.route = route,
                stream = labels.stream.as_str(),
            )
        });
        let told = Told { method, labels, sent: None, received: None };
        Self { operation, hub, told, is_open: true }
    }

    /// Runs `f`, one poll of whoever feeds it, with the stream as the current context. Marks it as panicked when
    /// `f` unwinds.
    #[inline]
    pub fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.operation.within(f)
    }

    /// So many bytes more were handed over to be sent.
    pub fn sent(&mut self, bytes: u64) {
        add(&mut self.told.sent, bytes);
    }

    /// So many bytes more were received.
    pub fn received(&mut self, bytes: u64) {
        add(&mut self.told.received, bytes);
    }

    /// It failed: a name of a closed set, for its line. What was declared by [`fail`](crate::fail) stays.
    pub fn fail(&mut self, error_type: &'static str) {
        if let Some(trace) = self.operation.open_span().and_then(OpenSpan::trace) {
            trace.tell(|told| {
                told.error_type.get_or_insert(error_type);
            });
        }
    }

    /// The answer's body failed.
    pub fn body_failed(&mut self) {
        self.fail(names::BODY_ERROR);
    }

    /// Ends it: the server had nothing more to send. What unwound before stays panicked, whoever caught it.
    pub fn finish(self) {
        self.end(Outcome::Ok);
    }

    /// How it ends when its owner is dropped now.
    pub(crate) fn abandoned(&self) -> Outcome {
        self.operation.abandoned()
    }

    pub(crate) fn end(mut self, outcome: Outcome) {
        let outcome = if self.operation.has_unwound() { Outcome::Panicked } else { outcome };
        self.close(outcome);
    }

    /// The one end: see [`Operation::end`].
    fn close(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.is_open) {
            self.hub.http().open_streams.with(self.told.labels).dec();
        }
        let told = self.told;
        self.operation.end(outcome, names::STREAM, None, |_| false, |end, _| report(end, &told));
    }
}

impl Drop for HttpStream {
    fn drop(&mut self) {
        self.close(self.operation.abandoned());
    }
}

impl fmt::Debug for HttpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpStream").field("labels", &self.told.labels).finish_non_exhaustive()
    }
}

fn add(sum: &mut Option<u64>, bytes: u64) {
    *sum = Some(sum.unwrap_or(0).saturating_add(bytes));
}

/// Its metrics, then its line.
fn report(end: &End<'_>, told: &Told) {
    let OpenStreamLabels { route, stream } = told.labels;
    end.observe(end.trace.hub.http().stream_duration.with(StreamLabels {
        route,
        stream,
        outcome: end.outcome,
    }));

    let level = if end.outcome.is_failure() { Level::ERROR } else { Level::INFO };
    let is_heard = end.trace.hub.hears(level, names::STREAM_TARGET);
    if is_heard || end.trace.is_recorded() {
        scratch::with(|scratch| tell(end, told, is_heard.then_some(level), scratch));
    }
}

/// The stream's span, and its line: `GET /events sse cancelled`. What its request was stands in the fields of its span.
fn tell(end: &End<'_>, told: &Told, level: Option<Level>, scratch: &mut Scratch) {
    const STREAM: Key = key!(names::STREAM);
    let Scratch { message, fields, target: text } = scratch;
    fields.key_str(STREAM, told.labels.stream.as_str());
    if let Some(bytes) = told.sent {
        fields.u64(names::STREAM_SENT, bytes);
    }
    if let Some(bytes) = told.received {
        fields.u64(names::STREAM_RECEIVED, bytes);
    }
    if end.outcome == Outcome::Panicked {
        fields.str(keys::ERROR_TYPE, names::PANICKED);
    }
    end.describe(fields);

    // Writing to a string does not fail.
    let _ = write!(text, "{}", Name { method: told.method, labels: told.labels });
    end.record(text, Kind::Server, fields);
    if let Some(level) = level {
        message.set_formatted(format_args!("{text} {}", end.outcome));
        end.log(Some(names::STREAM_TARGET), level, names::STREAM_TARGET, message, fields);
    }
}

/// `{method} {route} {stream}`, else `{method} {stream}`.
struct Name {
    method: Method,
    labels: OpenStreamLabels,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method.name())?;
        if !self.labels.route.is_none() {
            write!(f, " {}", self.labels.route.as_str())?;
        }
        write!(f, " {}", self.labels.stream.as_str())
    }
}
