//! What is told of a request that ended: to objectives, its metrics, its span, its line.

use super::{ERROR_TYPE, ROUTE, STATUS, SpanName};
use crate::clock::Tick;
use crate::door::tell_others;
use crate::fields::{Fields, Key, key};
use crate::http_metrics::{ErrorType, RequestLabels, Route, RpcCall};
use crate::operation::{End, Judged};
use crate::record::{Kind, LogRecord};
use crate::scratch::{self, Scratch};
use crate::semconv::{http as names, span as keys};
use crate::slo::SloEvent;
use crate::span::OpenSpan;
use tracing_core::Level;

const REQUEST_BODY_SIZE: Key = key!(names::REQUEST_BODY_SIZE);
const RESPONSE_BODY_SIZE: Key = key!(names::RESPONSE_BODY_SIZE);

/// A line that says that it has begun: so one that never ends is found. What is known of it are the span's fields.
#[cold]
pub(super) fn started(span: &OpenSpan) {
    let Some(trace) = span.trace() else { return };
    scratch::with(|scratch| {
        scratch.message.set(names::REQUEST_STARTED);
        trace.with_correlation_id(|correlation_id| {
            span.with_fields(|fields| {
                trace.log(&LogRecord {
                    unix_nanos: trace.hub.clock.unix_nanos(span.start),
                    level: Level::DEBUG,
                    target: names::REQUEST_TARGET,
                    message: &scratch.message,
                    span_context: Some(trace.span_context(span.id)),
                    correlation_id,
                    span: Some(fields),
                    event: &Fields::new(),
                    callsite: 0,
                });
            });
        });
    });
}

/// Its labels, now that all is said about it.
pub(super) fn settled(mut labels: RequestLabels, judged: &Judged<'_>) -> RequestLabels {
    if let Some(told) = judged.trace.told() {
        if let Some(error_type) = told.error_type {
            labels.error_type = ErrorType::of(error_type);
        }
        if let Some(route) = told.route {
            labels.route = Route::of(route);
        }
    }
    labels.error_type = labels.error_type.at_end(judged.outcome);
    labels
}

/// Whether an objective calls it bad.
pub(super) fn judge(
    judged: &Judged<'_>,
    labels: &RequestLabels,
    call: Option<&RpcCall>,
    head: Option<Tick>,
) -> bool {
    let slos = &judged.trace.hub.slos;
    if !slos.are_about_requests() {
        return false;
    }
    let event = SloEvent {
        error_type: labels.error_type.as_str(),
        head: head.map(|head| head.since(judged.start)),
        status: labels.status.code(),
        method: labels.method.as_str(),
        route: labels.route.as_str(),
        segment: labels.segment.as_str(),
        rpc_method: call.map_or("", RpcCall::name),
        ..SloEvent::new(judged.outcome, judged.duration)
    };
    slos.judge_request(labels.route, &event)
}

/// Its metrics, then its line.
pub(super) fn report(end: &End<'_>, labels: &RequestLabels, call: Option<&RpcCall>) {
    let labels = *labels;
    let sizes = end.trace.told().map_or([None; 2], |told| [told.request_bytes, told.response_bytes]);
    match call {
        Some(call) => end.observe(end.trace.hub.rpc_server().with(call.labels(labels.error_type))),
        None => end.observe(end.trace.hub.http().duration.with(labels)),
    }
    if let Some(bytes) = sizes[0] {
        end.trace.hub.http_request_size().with(labels).observe_u64(bytes);
    }
    if let Some(bytes) = sizes[1] {
        end.trace.hub.http_response_size().with(labels).observe_u64(bytes);
    }
    if !labels.error_type.is_none() {
        tell_others(end.tracing, |span| {
            span.record(keys::ERROR_TYPE, labels.error_type.as_str());
        });
    }

    // A failure is told once in the log, and here; that a client went away is none.
    let level = if end.outcome.is_failure() { Level::ERROR } else { Level::INFO };
    let is_heard = end.trace.hub.hears(level, names::REQUEST_TARGET);
    if is_heard || end.trace.is_recorded() {
        scratch::with(|scratch| tell(end, &labels, call, sizes, is_heard.then_some(level), scratch));
    }
}

/// The request's span, and its line: `POST /charge 200`, or how it ended where there was no status. Never the path:
/// that is a field of its own.
fn tell(
    end: &End<'_>,
    labels: &RequestLabels,
    call: Option<&RpcCall>,
    sizes: [Option<u64>; 2],
    level: Option<Level>,
    scratch: &mut Scratch,
) {
    let Scratch { message, fields, target: text } = scratch;
    if let Some(status) = labels.status.code() {
        fields.key_u64(STATUS, u64::from(status));
    }
    if end.trace.told().is_some_and(|told| told.route.is_some()) {
        fields.key_str(ROUTE, labels.route.as_str());
    }
    if !labels.error_type.is_none() {
        fields.key_str(ERROR_TYPE, labels.error_type.as_str());
    }
    let mut status = labels.status.as_str();
    if let Some(call) = call {
        status = call.conclude(fields);
    }
    let [request_bytes, response_bytes] = sizes;
    if let Some(size) = request_bytes {
        fields.key_u64(REQUEST_BODY_SIZE, size);
    }
    if let Some(size) = response_bytes {
        fields.key_u64(RESPONSE_BODY_SIZE, size);
    }
    end.describe(fields);

    let route = (!labels.route.is_none()).then(|| labels.route.as_str());
    for part in (SpanName { method: labels.method, route, call }).parts() {
        text.push_str(part);
    }
    end.record(text, Kind::Server, fields);

    if let Some(level) = level {
        text.push(' ');
        text.push_str(if status.is_empty() { end.outcome.as_str() } else { status });
        message.set(text);
        end.log(None, level, names::REQUEST_TARGET, message, fields);
    }
}
