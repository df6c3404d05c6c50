//! The HTTP client's operation: what a request to another service is to metrics, trace and log.
//!
//! `observe_tower::ObserveClientLayer` builds on it. It is here, and knows no framework's types, so that a client that
//! is no tower service can use it by hand: [`Telemetry::http_client`](crate::Telemetry::http_client).

mod grpc;
mod request;
mod url;

pub use self::request::OutgoingRequest;

use crate::clock::Tick;
use crate::context::{Context, ContextHeader, Inject, SpanContext};
use crate::door::{callsite, tell_others};
use crate::fields::{Fields, Key, Text, cut, key};
use crate::http_answer::{Asked, Ending, HttpAnswer};
use crate::http_metrics::{
    ClientLabels, ErrorType, HttpVersion, RpcCall, ServerAddress, ServerPort, Status, UrlTemplate,
};
use crate::hub::Hub;
use crate::operation::{End, Judged, Operation, below_current};
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::record::Kind;
use crate::scratch::{self, Scratch};
use crate::semconv::{http as names, http_client as client, span as keys};
use crate::slo::{Named, SloEvent};
use crate::span::OpenSpan;
use crate::trace::LocalTrace;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use tracing_core::Level;

const METHOD: Key = key!(names::REQUEST_METHOD);
const STATUS: Key = key!(names::STATUS);
const ERROR_TYPE: Key = key!(keys::ERROR_TYPE);
const SERVER_ADDRESS: Key = key!(client::SERVER_ADDRESS);
const SERVER_PORT: Key = key!(client::SERVER_PORT);
const URL_TEMPLATE: Key = key!(client::URL_TEMPLATE);
const RESEND_COUNT: Key = key!(client::RESEND_COUNT);
const PROTOCOL_VERSION: Key = key!(client::PROTOCOL_VERSION);

/// The longest host in a span, in bytes; a longer one is cut.
const MAX_HOST: usize = 256;
/// The longest unknown method in a span, in bytes; a longer one is cut.
const MAX_METHOD: usize = 64;

/// Observes the requests that a service makes: rate, errors, duration and how many are in flight, a span for each, and
/// the context that goes with it. Cheap to clone.
///
/// A request hangs below what is running when it starts, and reports to the telemetry of that; where nothing is
/// running, it begins a trace of this client's telemetry.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_core::http_client::OutgoingRequest;
/// use std::collections::HashMap;
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let client = telemetry.http_client();
///
/// let request = OutgoingRequest::new("GET", "http", "stock.internal:8080", "/items/17").template("/items/{id}");
/// let mut operation = client.start(&request);
/// let mut headers = HashMap::new();
/// operation.inject(&mut headers);
/// assert!(headers.contains_key("traceparent"));
/// operation.within(|| tracing::debug!("sending it"));
/// operation.status(200);
/// operation.finish();
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct HttpClient {
    hub: Arc<Hub>,
    trusts_response: bool,
}

impl HttpClient {
    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        hub.http_client();
        Self { hub: Arc::clone(hub), trusts_response: false }
    }

    /// Whether servers are believed that say by `traceresponse` that they keep the trace: then it is kept here, too.
    /// Only of the trace that they were called in. Defaults to `false`.
    #[must_use]
    pub fn trust_response(mut self, trust: bool) -> Self {
        self.trusts_response = trust;
        self
    }

    /// Begins a request, below what is running on this thread.
    ///
    /// 1. It gets its place in the trace, and its span. 2. It is in flight.
    pub fn start(&self, request: &OutgoingRequest<'_>) -> HttpClientOperation {
        let metrics = self.hub.http_client();
        let address = address(request.server.host);
        let labels = ClientLabels {
            method: metrics.methods.of(request.method),
            address,
            port: ServerPort::of(request.server.port, address),
            template: UrlTemplate::from(request.template),
            status: Status::NONE,
            error_type: ErrorType::NONE,
        };
        let call = grpc::call(request);
        let mut span = below_current(Some(&self.hub), false);
        if let Some(span) = Shared::get_mut(&mut span) {
            describe(span.fields_mut(), &labels, request);
            if let Some(call) = &call {
                call.describe(span.fields_mut());
            }
        }
        let name = SpanName { labels: &labels, call: call.as_deref() };
        let callsite = callsite!(
            keys::TARGET,
            Level::INFO,
            "call",
            "otel.name",
            "otel.kind",
            "otel.status_code",
            "http.request.method",
            "server.address",
            "server.port",
            "http.response.status_code",
            "error.type"
        );
        let operation = Operation::open_on(span, callsite, || {
            tracing::info_span!(
                target: keys::TARGET,
                "call",
                otel.name = %name,
                otel.kind = "client",
                otel.status_code = tracing::field::Empty,
                http.request.method = labels.method.as_str(),
                server.address = request.server.host,
                server.port = request.server.port,
                http.response.status_code = tracing::field::Empty,
                "error.type" = tracing::field::Empty,
            )
        });
        #[cfg(feature = "test-util")]
        if let Some(span) = operation.open_span() {
            span.show(|seen| seen.name = name.to_string());
        }
        if let Some(trace) = operation.open_span().and_then(OpenSpan::trace) {
            trace.hub.http_client().active.with(labels.active()).inc();
        }
        let trusts_response = self.trusts_response;
        HttpClientOperation {
            operation,
            labels,
            call,
            asked: Asked::of(request.method),
            version: None,
            cause: None,
            head: None,
            is_open: true,
            trusts_response,
        }
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

/// A request to another service that has begun.
///
/// It ends exactly once: by [`finish`](HttpClientOperation::finish) when its answer was read whole, or when it is
/// dropped: as panicked when it unwound, else as cancelled, which is no failure.
#[must_use = "a request that is dropped at once is recorded as cancelled"]
pub struct HttpClientOperation {
    operation: Operation,
    /// Status and error type as they are known by now.
    labels: ClientLabels,
    /// It is a call by gRPC.
    call: Option<Box<RpcCall>>,
    asked: Asked,
    version: Option<HttpVersion>,
    cause: Option<String>,
    /// When the head of its answer was there, if an objective wants to know.
    head: Option<Tick>,
    /// It is counted as in flight, and not ended.
    is_open: bool,
    trusts_response: bool,
}

impl HttpClientOperation {
    /// Runs `f`, one poll of the client or of the answer's body, with the request as the current context. Marks it as
    /// panicked when `f` unwinds.
    #[inline]
    pub fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.operation.within(f)
    }

    /// The context that the server gets.
    #[must_use]
    pub fn context(&self) -> Context {
        self.operation.context()
    }

    /// Writes the context that the server gets to the request's headers, in the place of what they had of it.
    pub fn inject(&self, headers: &mut (impl Inject + ?Sized)) {
        if let Some((span, trace)) = self.place() {
            trace.hub.inject(&trace.context(span.id), headers);
        }
    }

    /// The answer's status. One of 400 and above is a failure, whose error type is its number.
    pub fn status(&mut self, status: u16) {
        self.labels.status = Status::of(status);
        if let Some((_, trace)) = self.place().filter(|(_, trace)| trace.hub.slos.want_head()) {
            self.head = Some(trace.hub.clock.now());
        }
        // A call has a status of its own.
        if status >= 400 && self.call.is_none() {
            self.fail(self.labels.status.as_str());
        }
        tell_others(self.operation.made_span(), |span| {
            span.record("http.response.status_code", status);
        });
    }

    /// The version of HTTP that the server spoke.
    pub fn version(&mut self, version: impl Into<Option<HttpVersion>>) {
        self.version = version.into();
    }

    /// Whether the server's `traceresponse` counts: [`HttpClient::trust_response`].
    #[must_use]
    pub fn trusts_response(&self) -> bool {
        self.trusts_response
    }

    /// The value of the answer's header `traceresponse`. Nothing of it counts unless the server
    /// [is trusted](HttpClient::trust_response).
    pub fn trace_response(&mut self, value: &[u8]) {
        let Some((_, trace)) = self.place().filter(|_| self.trusts_response) else { return };
        match SpanContext::parse(value) {
            Ok(callee) if callee.trace_id == trace.trace_id && callee.flags.is_sampled() => {
                trace.heed();
            }
            Ok(_) => {}
            Err(reason) => trace.hub.reject(ContextHeader::Traceresponse, reason),
        }
    }

    /// It failed, whatever its status: the label `error_type`, a name of a closed set. The first one said stays.
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

    /// Why it failed, for the line of what it was made for: at most 16 KiB. The first one said stays.
    pub fn cause(&mut self, cause: &str) {
        if self.cause.is_none() {
            let mut text = Text::new();
            text.set(cause);
            self.cause = Some(text.plain().into_owned());
        }
    }

    /// The answer's body failed, after its head had come.
    pub fn body_failed(&mut self) {
        self.fail(names::BODY_ERROR);
    }

    /// Ends it: the answer was read whole, or there is none to read. What unwound before stays panicked, whoever
    /// caught it.
    pub fn finish(mut self) {
        self.end(if self.operation.has_unwound() { Outcome::Panicked } else { Outcome::Ok });
    }

    /// With what it ends.
    pub(crate) fn ending(&self, answer: &HttpAnswer<'_>) -> Ending {
        Ending::of(self.asked, self.labels.status.code().unwrap_or_default(), answer)
    }

    /// Nothing of it is here while a poll has it.
    fn place(&self) -> Option<(&OpenSpan, &Shared<LocalTrace>)> {
        let span = self.operation.open_span()?;
        Some((span, span.trace()?))
    }

    /// The one end: see [`Operation::end`].
    fn end(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.is_open)
            && let Some((_, trace)) = self.place()
        {
            trace.hub.http_client().active.with(self.labels.active()).dec();
        }
        self.settle_call(outcome);
        let outcome = match outcome {
            Outcome::Ok | Outcome::Cancelled if !self.labels.error_type.is_none() => Outcome::Error,
            outcome => outcome,
        };
        let (labels, version, call) = (self.labels, self.version, self.call.take());
        let (call, head, kind) = (call.as_deref(), self.head, labels.error_type.as_str());
        self.operation.end(
            outcome,
            kind,
            self.cause.take(),
            |judged| judge(judged, &labels, call, head),
            |end, _| report(end, labels, version, call),
        );
    }
}

impl Drop for HttpClientOperation {
    fn drop(&mut self) {
        self.end(self.operation.abandoned());
    }
}

impl fmt::Debug for HttpClientOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientOperation").field("labels", &self.labels).finish_non_exhaustive()
    }
}

/// Names are the same in any case.
fn address(host: &str) -> ServerAddress {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        ServerAddress::from(&*host.to_ascii_lowercase())
    } else {
        ServerAddress::from(host)
    }
}

/// Whether an objective calls it bad.
fn judge(judged: &Judged<'_>, labels: &ClientLabels, call: Option<&RpcCall>, head: Option<Tick>) -> bool {
    let slos = &judged.trace.hub.slos;
    if !slos.are_about_named() {
        return false;
    }
    let event = SloEvent {
        error_type: labels.error_type.at_end(judged.outcome).as_str(),
        head: head.map(|head| head.since(judged.start)),
        status: labels.status.code(),
        method: labels.method.as_str(),
        rpc_method: call.map_or("", RpcCall::name),
        ..SloEvent::new(judged.outcome, judged.duration)
    };
    slos.judge_named(Named { server_address: labels.address.as_str(), ..Named::default() }, &event)
}

/// Its metrics; its line where nobody above it will say that it failed.
fn report(end: &End<'_>, mut labels: ClientLabels, version: Option<HttpVersion>, call: Option<&RpcCall>) {
    labels.error_type = labels.error_type.at_end(end.outcome);
    match call {
        Some(call) => end.observe(end.trace.hub.rpc_client().with(call.client_labels(&labels))),
        None => end.observe(end.trace.hub.http_client().duration.with(labels)),
    }
    if !labels.error_type.is_none() {
        tell_others(end.tracing, |span| {
            span.record(keys::ERROR_TYPE, labels.error_type.as_str());
        });
    }
    let is_told = end.outcome.is_failure() && end.span.is_local_root && end.trace.hub.passes(Level::ERROR);
    if is_told || end.trace.is_recorded() {
        scratch::with(|scratch| tell(end, &labels, version, call, is_told, scratch));
    }
}

/// Its span, and its line: `GET 503`, or how it ended where there was no status.
fn tell(
    end: &End<'_>,
    labels: &ClientLabels,
    version: Option<HttpVersion>,
    call: Option<&RpcCall>,
    is_told: bool,
    scratch: &mut Scratch,
) {
    let Scratch { message, fields, target: name } = scratch;
    if let Some(status) = labels.status.code() {
        fields.key_u64(STATUS, u64::from(status));
    }
    if let Some(version) = version {
        fields.key_str(PROTOCOL_VERSION, version.as_str());
    }
    if !labels.error_type.is_none() {
        fields.key_str(ERROR_TYPE, labels.error_type.as_str());
    }
    let mut status = labels.status.as_str();
    if let Some(call) = call {
        status = call.conclude(fields);
    }
    end.describe(fields);

    // A `String` takes what it is given.
    let _ = write!(name, "{}", SpanName { labels, call });
    end.record(name, Kind::Client, fields);

    if is_told {
        name.push(' ');
        name.push_str(if status.is_empty() { end.outcome.as_str() } else { status });
        message.set(name);
        end.log(Some(keys::TARGET), Level::ERROR, keys::TARGET, message, fields);
    }
}

/// What its span, and every line within, say of it.
fn describe(fields: &mut Fields, labels: &ClientLabels, request: &OutgoingRequest<'_>) {
    fields.key_str(METHOD, labels.method.as_str());
    if labels.method.as_str() != request.method {
        fields.str(names::REQUEST_METHOD_ORIGINAL, cut(request.method, MAX_METHOD));
    }
    if !request.server.host.is_empty() {
        fields.key_str(SERVER_ADDRESS, cut(request.server.host, MAX_HOST));
    }
    if let Some(port) = request.server.port {
        fields.key_u64(SERVER_PORT, u64::from(port));
    }
    url::describe(fields, request.scheme, request.authority, request.path_and_query);
    if !request.template.is_empty() {
        fields.key_str(URL_TEMPLATE, request.template);
    }
    if request.resend_count > 0 {
        fields.key_u64(RESEND_COUNT, u64::from(request.resend_count));
    }
}

/// `{method} {template}`, else `{method}` (semantic conventions, "HTTP Name"); of a call its method.
struct SpanName<'a> {
    labels: &'a ClientLabels,
    call: Option<&'a RpcCall>,
}

impl fmt::Display for SpanName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = self.call {
            return f.write_str(call.name());
        }
        f.write_str(self.labels.method.name())?;
        let template = self.labels.template;
        if template.is_none() { Ok(()) } else { write!(f, " {}", template.as_str()) }
    }
}

#[cfg(test)]
mod tests;
