//! The HTTP server's operation: what a request is to metrics, trace and log.
//!
//! `observe_tower::ObserveLayer` builds on it. It is here, and knows no framework's types, so that a server that is
//! no tower service can use it by hand: [`Telemetry::http_server`](crate::Telemetry::http_server). `examples/actix` in the
//! repository is a whole middleware made of it, for actix-web.

mod answer;
mod body_size;
mod grpc;
mod peer;
mod report;
mod request;
mod response;
mod stream;
mod waiting;

pub use self::answer::HttpBody;
pub use self::body_size::RequestBytes;
pub use self::request::HttpRequest;
pub use self::waiting::ReadyWait;

use self::report::{judge, report, settled};
use crate::clock::Tick;
use crate::context::{Context, ContextHeader, Extract, TraceId, Untrusted};
use crate::door::{callsite, tell_others};
use crate::fields::{Fields, Key, Member, Text, cut, key, member};
use crate::http_answer::Asked;
use crate::http_metrics::{ErrorType, Method, RequestLabels, Route, RpcCall, Status, limit_routes};
use crate::hub::Hub;
use crate::operation::Operation;
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::record::Correlation;
use crate::semconv::{http as names, span as keys};
use crate::span::{OpenSpan, Requested};
use crate::trace::LocalTrace;
use http::HeaderName;
use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing_core::Level;

pub use crate::http_answer::HttpAnswer;
pub use crate::http_metrics::{HttpNames, HttpVersion, Scheme, Segment, StreamKind};
pub use crate::http_stream::HttpStream;

const METHOD: Key = key!(names::REQUEST_METHOD);
const ROUTE: Key = key!(names::ROUTE);
const PATH: Key = key!(names::PATH);
const HTTP: Member = member!(names::SCHEME, Scheme::Http.as_str());
const HTTPS: Member = member!(names::SCHEME, Scheme::Https.as_str());
const STATUS: Key = key!(names::STATUS);
const ERROR_TYPE: Key = key!(keys::ERROR_TYPE);
const QUEUE_DURATION_MS: Key = key!(names::QUEUE_DURATION_MS);
const READY_WAIT_DURATION_MS: Key = key!(names::READY_WAIT_DURATION_MS);

/// The longest path on a line, in bytes; a longer one is cut.
const MAX_PATH: usize = 1024;
/// The longest unknown method on a line, in bytes; a longer one is cut.
const MAX_METHOD: usize = 64;

/// Observes the requests of a server: rate, errors, duration and how many are in flight, one line for each, its
/// place in the trace. Cheap to clone.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_core::http_server::HttpRequest;
/// use std::collections::HashMap;
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let server = telemetry.http_server();
///
/// let headers = HashMap::from([("x-correlation-id".to_owned(), "order-4711".to_owned())]);
/// let request = HttpRequest::new("GET", "/orders/17").route("/orders/{id}");
/// let mut operation = server.start(&request, &server.extract(&headers));
/// operation.within(|| tracing::info!("looking it up"));
/// operation.status(200);
/// operation.finish();
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpServer {
    hub: Arc<Hub>,
    untrusted: Untrusted,
    response_sizes: bool,
}

impl HttpServer {
    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        hub.http();
        Self { hub: Arc::clone(hub), untrusted: Untrusted::default(), response_sizes: false }
    }

    /// What is taken of the context of those that are not trusted ([`HttpRequest::trusted`]). Defaults to their trace,
    /// which goes on, but not their baggage.
    #[must_use]
    pub fn untrusted(mut self, untrusted: Untrusted) -> Self {
        self.untrusted = untrusted;
        self
    }

    /// Whether the sizes of answers' bodies ([`HttpServerOperation::response_bytes`]) go to
    /// `http_server_response_body_size_bytes`. Defaults to `false`.
    #[must_use]
    pub fn response_sizes(mut self, response_sizes: bool) -> Self {
        self.response_sizes = response_sizes;
        self
    }

    /// Reads the context that a request's headers bring: see [`Telemetry::extract`](crate::Telemetry::extract).
    pub fn extract(&self, headers: &(impl Extract + ?Sized)) -> Context {
        self.hub.extract(headers)
    }

    /// Begins a request, below the context that its headers brought, as far as that counts.
    ///
    /// 1. It gets its place in the trace, and its span. 2. It is in flight.
    pub fn start(&self, request: &HttpRequest<'_>, context: &Context) -> HttpServerOperation {
        let http = self.hub.http();
        let labels = RequestLabels {
            method: http.method(request.method),
            scheme: request.scheme,
            route: request.route.map_or(Route::NONE, Route::of),
            status: Status::NONE,
            error_type: ErrorType::NONE,
            version: request.version,
            segment: request.segment,
        };
        let path = cut(request.path, MAX_PATH);
        let call = grpc::call(request);
        let admitted = self.untrusted.admit(context, request.trusted);
        let context = admitted.as_ref().map_or(context, |admitted| &*admitted.context);
        let follow = admitted.as_ref().is_some_and(|admitted| admitted.keep);
        let now = self.hub.clock.now();
        let mut span = OpenSpan::root(&self.hub, Some(context), true, now);
        if let Some(span) = Shared::get_mut(&mut span) {
            if follow {
                span.follow();
            }
            if request.trusted && request.keep {
                span.keep();
            }
            describe(span.fields_mut(), &labels, request.method, path);
            if let Some(call) = &call {
                call.describe(span.fields_mut());
            }
            span.request = Some(Requested { method: labels.method, route: labels.route });
        }
        if let Some(trace) = span.trace() {
            trace.hold_lines(labels.route.as_str());
        }
        if let Some(link) = admitted.as_ref().and_then(|admitted| admitted.link) {
            span.link(link);
        }
        if let (true, Some(started)) = (request.trusted, request.started) {
            match waiting::queued(started, self.hub.clock.unix_nanos(now)) {
                Ok(queued) => {
                    self.hub.http_queue().with(()).observe_duration(queued);
                    if let Some(trace) = span.trace() {
                        trace.tell(|told| told.annotations.key_millis(QUEUE_DURATION_MS, queued));
                    }
                }
                Err(reason) => self.hub.reject(ContextHeader::RequestStart, reason),
            }
        }
        if let (Some(wait), Some(trace)) = (request.ready_wait, span.trace()) {
            trace.tell(|told| told.annotations.key_millis(READY_WAIT_DURATION_MS, wait));
        }
        peer::tell(&span, request);
        let route = (!labels.route.is_none()).then(|| labels.route.as_str());
        let name = SpanName { method: labels.method, route, call: call.as_deref() };
        let callsite = callsite!(
            keys::TARGET,
            Level::INFO,
            "request",
            "otel.name",
            "otel.kind",
            "otel.status_code",
            "http.request.method",
            "http.route",
            "url.path",
            "url.scheme",
            "http.response.status_code",
            "error.type"
        );
        let operation = Operation::open_on(span, callsite, || {
            tracing::info_span!(
                target: keys::TARGET,
                "request",
                otel.name = %name,
                otel.kind = "server",
                otel.status_code = tracing::field::Empty,
                http.request.method = labels.method.as_str(),
                http.route = route,
                url.path = path,
                url.scheme = labels.scheme.as_str(),
                http.response.status_code = tracing::field::Empty,
                "error.type" = tracing::field::Empty,
            )
        });
        #[cfg(feature = "test-util")]
        if let Some(span) = operation.open_span() {
            span.show(|seen| seen.name = name.to_string());
        }
        http.active(&labels).inc();
        if self.hub.hears(Level::DEBUG, names::REQUEST_TARGET)
            && let Some(span) = operation.open_span()
        {
            report::started(span);
        }
        let asked = Asked::of(request.method);
        operation.show();
        let sized = self.response_sizes;
        HttpServerOperation { operation, labels, call, asked, head: None, recorded: true, sized }
    }

    /// Begins a request that is not to be recorded: no metrics, no line, no span. Its context, as far as that counts,
    /// is current all the same: what is called meanwhile hangs below the caller, and lines are stamped with its ids.
    pub fn pass(&self, request: &HttpRequest<'_>, context: &Context) -> HttpServerOperation {
        let admitted = self.untrusted.admit(context, request.trusted);
        let context = admitted.as_ref().map_or(context, |admitted| &*admitted.context);
        let follow = admitted.as_ref().is_some_and(|admitted| admitted.keep);
        let mut span = OpenSpan::root(&self.hub, Some(context), true, self.hub.clock.now());
        if let Some(span) = Shared::get_mut(&mut span) {
            if follow {
                span.follow();
            }
            if request.trusted && request.keep {
                span.keep();
            }
            if let Some(caller) = context.span() {
                span.id = caller.span_id;
            }
        }
        if let Some(trace) = span.trace() {
            trace.discarded.store(true, Ordering::Relaxed);
        }
        let http = self.hub.http();
        let labels = RequestLabels {
            method: http.method(""),
            scheme: Scheme::Http,
            route: Route::NONE,
            status: Status::NONE,
            error_type: ErrorType::NONE,
            version: None,
            segment: Segment::NONE,
        };
        let (operation, asked) = (Operation::hidden(span), Asked::of(request.method));
        HttpServerOperation {
            operation,
            labels,
            call: None,
            asked,
            head: None,
            recorded: false,
            sized: false,
        }
    }

    /// Has `http_server_queue_duration_seconds` there from the start, at 0: some senders are trusted. Else it comes with
    /// the first request that says when it began to wait.
    pub fn expect_queue(&self) {
        self.hub.http_queue();
    }

    /// Has `http_server_ready_wait_seconds` there from the start, at 0. Else it comes with the first wait.
    pub fn expect_ready_wait(&self) {
        self.hub.http_ready_wait();
    }

    /// Begins to wait until what the server wraps can take a request. A time of its own: the request begins after it.
    pub fn wait_for_ready(&self) -> ReadyWait {
        ReadyWait::new(&self.hub)
    }

    /// Writes a warning about the server's own set-up, with the target `observe`.
    pub fn warn(&self, text: &str) {
        self.hub.say(Level::WARN, text);
    }

    /// How many routes are kept apart as labels; further ones are `_OTHER`. Defaults to 1,000, at most 10,000.
    ///
    /// It is one limit for the process, and has to be set before the first request: once one was seen, or a
    /// limit was set, it stays and a line says so.
    pub fn max_routes(&self, max: u32) {
        if !limit_routes(max) {
            self.warn(
                "the limit of routes was set before, or came after the first request: it stays as it was",
            );
        }
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").finish_non_exhaustive()
    }
}

/// A request that has begun.
///
/// It ends exactly once: with the body of its [answer](HttpServerOperation::answered), by
/// [`finish`](HttpServerOperation::finish) when that was sent whole, or when it is dropped: as panicked when it unwound, else as cancelled, the client being gone.
#[must_use = "a request that is dropped at once is recorded as cancelled"]
pub struct HttpServerOperation {
    operation: Operation,
    /// Status and error type as they are known by now.
    labels: RequestLabels,
    /// It is a call by gRPC.
    call: Option<Box<RpcCall>>,
    asked: Asked,
    /// When the head of its answer was there, if an objective wants to know: a tick's nanoseconds and one, so that it is
    /// small.
    head: Option<NonZeroU64>,
    /// It is counted as in flight, and not ended.
    recorded: bool,
    /// The size of its answer is asked for.
    sized: bool,
}

impl HttpServerOperation {
    /// Runs `f`, one poll of the handler or of the answer's body, with the request as the current context. Marks
    /// it as panicked when `f` unwinds.
    #[inline]
    pub fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.operation.within(f)
    }

    /// The answer's status. One of 500 and above is a failure, whose error type is its number.
    pub fn status(&mut self, status: u16) {
        self.labels.status = Status::of(status);
        if let Some(trace) = self.trace().filter(|trace| trace.hub.slos.want_head()) {
            self.head = NonZeroU64::new(trace.hub.clock.now().nanos().saturating_add(1));
        }
        // A call has a status of its own.
        if status >= 500 && self.call.is_none() {
            self.fail(self.labels.status.as_str());
        }
        tell_others(self.operation.made_span(), |span| {
            span.record("http.response.status_code", status);
        });
    }

    /// Whether a route matched, or was named by [`route`](crate::route).
    #[must_use]
    pub fn has_route(&self) -> bool {
        let named = |trace: &Shared<LocalTrace>| trace.told().is_some_and(|told| told.route.is_some());
        !self.labels.route.is_none() || self.trace().is_some_and(named)
    }

    /// It failed, whatever its status: the label `error_type`, a name of a closed set. What the handler declared
    /// by [`fail`](crate::fail) comes before it, and the first one said here stays.
    pub fn fail(&mut self, error_type: &'static str) {
        if self.labels.error_type.is_none() {
            self.labels.error_type = match ErrorType::of(error_type) {
                ErrorType::NONE => ErrorType::OTHER,
                error_type => error_type,
            };
        }
    }

    /// Its status is no failure after all.
    pub fn forgive(&mut self) {
        self.labels.error_type = ErrorType::NONE;
    }

    /// Why it failed, for its line: at most 16 KiB. The first one said stays.
    pub fn cause(&mut self, cause: &str) {
        if let Some(trace) = self.trace() {
            let mut text = Text::new();
            text.set(cause);
            let text = text.plain().into_owned();
            trace.tell(|told| told.cause.say(text));
        }
    }

    /// The trace it belongs to.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        self.trace().map(|trace| trace.trace_id)
    }

    /// The context that its callees get.
    #[must_use]
    pub fn context(&self) -> Context {
        self.operation.context()
    }

    /// Runs `f` with the correlation id, the caller's or else the trace id, and the header that carries it.
    pub fn with_correlation_id<R>(&self, f: impl FnOnce(&HeaderName, &str) -> R) -> Option<R> {
        let trace = self.trace()?;
        let header = trace.hub.propagation.correlation_id();
        trace.with_correlation_id(|id| match id? {
            Correlation::Given(id) => Some(f(header, id)),
            Correlation::Trace(id) => str::from_utf8(&id.write_hex()).ok().map(|id| f(header, id)),
        })
    }

    /// Ends it: the answer was sent whole, or there was none to send. What unwound before stays panicked,
    /// whoever caught it.
    pub fn finish(mut self) {
        self.end(if self.operation.has_unwound() { Outcome::Panicked } else { Outcome::Ok });
    }

    /// Nothing of it is here while a poll has it.
    fn trace(&self) -> Option<&Shared<LocalTrace>> {
        self.operation.open_span().and_then(OpenSpan::trace)
    }

    /// The one end: see [`Operation::end`].
    fn end(&mut self, outcome: Outcome) {
        if self.recorded {
            self.recorded = false;
            if let Some(trace) = self.trace() {
                trace.hub.http().active(&self.labels).dec();
            }
        }
        self.settle_call(outcome);
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if !self.labels.error_type.is_none() => Outcome::Error,
            outcome => outcome,
        };
        let (labels, call, head) = (Cell::new(self.labels), self.call.take(), self.head);
        let head = head.map(|head| Tick::from_nanos(head.get() - 1));
        let (call, kind) = (call.as_deref(), self.labels.error_type.as_str());
        // Before the span is given back: then nobody else holds it.
        self.operation.end(
            outcome,
            kind,
            None,
            |judged| {
                labels.set(settled(labels.get(), judged));
                judge(judged, &labels.get(), call, head)
            },
            |end, _| report(end, &labels.get(), call),
        );
    }
}

impl Drop for HttpServerOperation {
    fn drop(&mut self) {
        self.end(self.operation.abandoned());
    }
}

impl fmt::Debug for HttpServerOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServerOperation").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// What every line of the request says of it.
fn describe(fields: &mut Fields, labels: &RequestLabels, method: &str, path: &str) {
    fields.key_str(METHOD, labels.method.as_str());
    if labels.method.as_str() != method {
        fields.str(names::REQUEST_METHOD_ORIGINAL, cut(method, MAX_METHOD));
    }
    if !labels.route.is_none() {
        fields.key_str(ROUTE, labels.route.as_str());
    }
    fields.key_str(PATH, path);
    fields.member(match labels.scheme {
        Scheme::Http => &HTTP,
        Scheme::Https => &HTTPS,
    });
}

/// `{method} {route}`, else `{method}` (semantic conventions, "HTTP Name"); of a call its method.
struct SpanName<'a> {
    method: Method,
    route: Option<&'static str>,
    call: Option<&'a RpcCall>,
}

impl SpanName<'_> {
    fn parts(&self) -> [&str; 3] {
        match (self.call, self.route) {
            (Some(call), _) => [call.name(), "", ""],
            (None, Some(route)) => [self.method.name(), " ", route],
            (None, None) => [self.method.name(), "", ""],
        }
    }
}

impl fmt::Display for SpanName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts().into_iter().try_for_each(|part| f.write_str(part))
    }
}
