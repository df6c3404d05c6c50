//! Every name that goes over the wire, once.

pub mod admin;
pub mod alert;
pub mod cgroup;
pub mod db;
pub mod ecs;
pub mod gen_ai;
pub mod google_cloud;
pub mod host;
pub mod http;
pub mod http_client;
pub mod log;
pub mod metric;
pub mod operation;
pub mod otel;
pub mod otel_log;
pub mod otel_metric;
pub mod own;
pub mod pressure;
pub mod process;
pub mod recorder;
pub mod redaction;
pub mod rpc;
pub mod runtime;
pub mod slo;
pub mod span;

// Propagation headers. Names are compared without regard to case, and sent in lower case.

/// W3C Trace Context: the caller's trace and span.
pub const TRACEPARENT: &str = "traceparent";
/// W3C Trace Context: what tracing systems along the way added.
pub const TRACESTATE: &str = "tracestate";
/// W3C Trace Context (draft): what the callee did with the trace.
pub const TRACERESPONSE: &str = "traceresponse";
/// W3C Baggage: what the users along the way added.
pub const BAGGAGE: &str = "baggage";
/// The correlation id, unless another name is configured.
pub const X_CORRELATION_ID: &str = "x-correlation-id";

/// Zipkin's single header.
pub const B3: &str = "b3";
/// Zipkin: the trace.
pub const X_B3_TRACEID: &str = "x-b3-traceid";
/// Zipkin: the span.
pub const X_B3_SPANID: &str = "x-b3-spanid";
/// Zipkin: whether the trace is kept.
pub const X_B3_SAMPLED: &str = "x-b3-sampled";
/// Zipkin: `1` for a trace that is kept in any case.
pub const X_B3_FLAGS: &str = "x-b3-flags";
/// Zipkin: the span above the sender's. Not read, and not sent.
pub const X_B3_PARENTSPANID: &str = "x-b3-parentspanid";
/// Datadog: the lower half of the trace, decimal.
pub const X_DATADOG_TRACE_ID: &str = "x-datadog-trace-id";
/// Datadog: the span, decimal.
pub const X_DATADOG_PARENT_ID: &str = "x-datadog-parent-id";
/// Datadog: whether the trace is kept, -1 to 2.
pub const X_DATADOG_SAMPLING_PRIORITY: &str = "x-datadog-sampling-priority";
/// Datadog: among others the upper half of the trace.
pub const X_DATADOG_TAGS: &str = "x-datadog-tags";
/// AWS X-Ray: trace, span, and whether the trace is kept.
pub const X_AMZN_TRACE_ID: &str = "x-amzn-trace-id";
/// The variable that says by which headers contexts go.
pub const OTEL_PROPAGATORS: &str = "OTEL_PROPAGATORS";
/// The variable that names which traces are kept.
pub const OTEL_TRACES_SAMPLER: &str = "OTEL_TRACES_SAMPLER";
/// The variable that says how many of them.
pub const OTEL_TRACES_SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

/// Whether a request's, or an operation's, line has this field by itself.
pub(crate) fn is_of_request_line(name: &str) -> bool {
    let names = [
        http::REQUEST_METHOD,
        http::REQUEST_METHOD_ORIGINAL,
        http::ROUTE,
        http::PATH,
        http::SCHEME,
        http::STATUS,
        span::OUTCOME,
        span::DURATION_MS,
        span::ERROR_TYPE,
        span::ERROR_MESSAGE,
        span::LINK_TRACE_ID,
        span::LINK_SPAN_ID,
        span::WAIT_DURATION_MS,
        span::WAIT_RESOURCE,
        db::REPEATED_SUMMARY,
        db::REPEATED_COUNT,
        http::QUEUE_DURATION_MS,
        http::READY_WAIT_DURATION_MS,
        http::STREAM,
        http::STREAM_SENT,
        http::STREAM_RECEIVED,
        rpc::SYSTEM,
        rpc::METHOD,
        rpc::STATUS,
    ];
    names.contains(&name)
}
