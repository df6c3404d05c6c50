//! Every name that goes over the wire, once.

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

/// Metric names and label names.
pub mod metric {
    /// How many series a family has, by `metric`.
    pub const OBSERVE_SERIES: &str = "observe_series";
    /// How often a label's value was past its limit, by `metric` and `label`.
    pub const OBSERVE_LABEL_OVERFLOW_TOTAL: &str = "observe_label_overflow_total";
    /// The label that names a metric.
    pub const METRIC: &str = "metric";
    /// The label that names a label.
    pub const LABEL: &str = "label";
    /// The label that says how something ended.
    pub const OUTCOME: &str = "outcome";
    /// The label that names a resource.
    pub const RESOURCE: &str = "resource";
    /// The label that names a queue.
    pub const QUEUE: &str = "queue";

    /// How many of a resource there are, by `resource`.
    pub const RESOURCE_CAPACITY: &str = "resource_capacity";
    /// How many of a resource are held.
    pub const RESOURCE_IN_USE: &str = "resource_in_use";
    /// How many wait for one.
    pub const RESOURCE_WAITING: &str = "resource_waiting";
    /// How long was waited for one, whether it was got or not.
    pub const RESOURCE_WAIT_DURATION_SECONDS: &str = "resource_wait_duration_seconds";
    /// How long one was held.
    pub const RESOURCE_USE_DURATION_SECONDS: &str = "resource_use_duration_seconds";
    /// How often getting or using one failed.
    pub const RESOURCE_ERRORS_TOTAL: &str = "resource_errors_total";
    /// How many items a queue may hold, by `queue`.
    pub const QUEUE_CAPACITY: &str = "queue_capacity";
    /// How many items are in a queue.
    pub const QUEUE_DEPTH: &str = "queue_depth";
    /// How long ago the item came in that left a queue last; the larger of two queues with one name.
    pub const QUEUE_LAG_SECONDS: &str = "queue_lag_seconds";
    /// How long items were in a queue.
    pub const QUEUE_WAIT_DURATION_SECONDS: &str = "queue_wait_duration_seconds";
    /// How often an item was refused, since the queue was full.
    pub const QUEUE_REJECTED_TOTAL: &str = "queue_rejected_total";
    /// Ends the name of the durations of a `Red`.
    pub const DURATION_SECONDS: &str = "duration_seconds";
    /// Ends the name of the gauge of a `Red`.
    pub const IN_FLIGHT: &str = "in_flight";

    /// Why an observation was dropped: not a number, or infinite.
    pub const NOT_FINITE: &str = "not_finite";
    /// Why an observation was dropped: negative, or too large.
    pub const OUT_OF_RANGE: &str = "out_of_range";
    /// Why samples were dropped: their collector panicked.
    pub const COLLECTOR_PANICKED: &str = "collector_panicked";
    /// Why samples were dropped: a name, a label or a value breaks a rule.
    pub const COLLECTOR_INVALID: &str = "collector_invalid";
    /// Why samples were dropped: a family, or another collector, has the name.
    pub const COLLECTOR_CLASH: &str = "collector_clash";
    /// Why samples were dropped: the collector said more than 10,000.
    pub const COLLECTOR_EXCESS: &str = "collector_excess";
    /// Why what a bridge took in was dropped: its name or its labels break a rule.
    pub const BRIDGE_INVALID: &str = "bridge_invalid";
    /// Why what a bridge took in was dropped: another metric has the name.
    pub const BRIDGE_CLASH: &str = "bridge_clash";
    /// Why what a bridge took in was dropped: more than 1,000 names of its kind.
    pub const BRIDGE_EXCESS: &str = "bridge_excess";
}

/// Metrics of operations: annotated functions, calls to dependencies, operations opened by hand.
pub mod operation {
    /// How long annotated functions took, by `function` and `outcome`.
    pub const FUNCTION_DURATION_SECONDS: &str = "function_duration_seconds";
    /// How long calls to dependencies took, by `dependency`, `operation` and `outcome`.
    pub const DEPENDENCY_DURATION_SECONDS: &str = "dependency_duration_seconds";
    /// How long operations opened by hand took, by `operation` and `outcome`.
    pub const OPERATION_DURATION_SECONDS: &str = "operation_duration_seconds";
    /// How many operations opened by hand have started and not ended, by `operation`.
    pub const OPERATIONS_IN_FLIGHT: &str = "operations_in_flight";
    /// The label that names a function, with its module.
    pub const FUNCTION: &str = "function";
    /// The label that names what is depended on.
    pub const DEPENDENCY: &str = "dependency";
    /// The label that names what is done.
    pub const OPERATION: &str = "operation";
}

/// Names and fields of lines and spans of operations.
pub mod span {
    /// Span fields that begin so say what the span is to OpenTelemetry, and are in no line.
    pub const OTEL_PREFIX: &str = "otel.";
    /// Names the span instead of the name it was made with.
    pub const OTEL_NAME: &str = "otel.name";
    /// What it is to the rest of the world: `internal`, `server`, `client`, `producer`, `consumer`.
    pub const OTEL_KIND: &str = "otel.kind";
    /// `ERROR`: it failed.
    pub const OTEL_STATUS_CODE: &str = "otel.status_code";
    /// The target of operations' spans and lines.
    pub const TARGET: &str = "observe";
    /// How it ended.
    pub const OUTCOME: &str = "outcome";
    /// How long it took, in milliseconds.
    pub const DURATION_MS: &str = "duration_ms";
    /// The kind of error.
    pub const ERROR_TYPE: &str = "error.type";
    /// The error's text.
    pub const ERROR_MESSAGE: &str = "error.message";
    /// The trace of a span that this one points to.
    pub const LINK_TRACE_ID: &str = "link.trace_id";
    /// The span that this one points to.
    pub const LINK_SPAN_ID: &str = "link.span_id";
    /// On kept spans: why.
    pub const SAMPLING_REASON: &str = "sampling.reason";
    /// On kept spans: with which probability a trace like theirs is kept.
    pub const SAMPLING_PROBABILITY: &str = "sampling.probability";
}

/// Keys, texts and reasons of the log line.
pub mod log {
    /// RFC 3339 in UTC, with microseconds.
    pub const TIMESTAMP: &str = "timestamp";
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub const LEVEL: &str = "level";
    /// The event's message.
    pub const MESSAGE: &str = "message";
    /// Where the event comes from: the module's path unless the event says otherwise.
    pub const TARGET: &str = "target";
    /// The service's name.
    pub const SERVICE_NAME: &str = "service.name";
    /// The service's version.
    pub const SERVICE_VERSION: &str = "service.version";
    /// The trace id, 32 lowercase hex digits.
    pub const TRACE_ID: &str = "trace_id";
    /// The span id, 16 lowercase hex digits.
    pub const SPAN_ID: &str = "span_id";
    /// The trace flags, 2 lowercase hex digits.
    pub const TRACE_FLAGS: &str = "trace_flags";
    /// The correlation id, when there is one.
    pub const CORRELATION_ID: &str = "correlation_id";
    /// `true` when something in the line was too long and was cut; absent otherwise.
    pub const TRUNCATED: &str = "truncated";

    /// Every key of ours. A field of that name is written as `fields.NAME`.
    pub const RESERVED: [&str; 11] = [
        TIMESTAMP,
        LEVEL,
        MESSAGE,
        TARGET,
        SERVICE_NAME,
        SERVICE_VERSION,
        TRACE_ID,
        SPAN_ID,
        TRACE_FLAGS,
        CORRELATION_ID,
        TRUNCATED,
    ];

    /// What a field with a reserved name is given in front.
    pub const FIELDS_PREFIX: &str = "fields.";

    /// The target of the library's own lines.
    pub const OWN_TARGET: &str = "observe";
    /// The message of the line that tells of lost lines.
    pub const LOST_MESSAGE: &str = "log lines dropped";
    /// In that line: how many.
    pub const LOST_COUNT: &str = "dropped";
    /// In that line, and as a label: why.
    pub const LOST_REASON: &str = "reason";
    /// Reason: the queue, or this level's part of it, was full.
    pub const QUEUE_FULL: &str = "queue_full";
    /// Reason: the output refused the line.
    pub const WRITE_ERROR: &str = "write_error";
    /// The target of what tracing-log takes in of the `log` crate.
    pub const LOG_CRATE: &str = "log";
    /// There: the record's own target.
    pub const LOG_TARGET: &str = "log.target";
    /// There: the record's module. Not in the line: it is nearly always the target.
    pub const LOG_MODULE_PATH: &str = "log.module_path";
    /// There: the record's file. Not in the line.
    pub const LOG_FILE: &str = "log.file";
    /// There: the record's line in that file. Not in the line.
    pub const LOG_LINE: &str = "log.line";

    /// The target of lines about panics.
    pub const PANIC_TARGET: &str = "observe::panic";
    /// There: file, line and column.
    pub const PANIC_LOCATION: &str = "panic.location";
    /// There: the thread's name, if it has one (semantic conventions, "Thread attributes").
    pub const THREAD_NAME: &str = "thread.name";

    /// Reason: the line came after shutdown.
    pub const SHUTDOWN: &str = "shutdown";
}

/// The library about itself.
pub mod own {
    /// What was lost, by `signal` and `reason`.
    pub const DROPPED_TOTAL: &str = "observe_dropped_total";
    pub(crate) const DROPPED_HELP: &str = "What was lost, by signal and reason.";
    /// Headers of incoming contexts that were not taken, by `header` and `reason`.
    pub const CONTEXT_REJECTED_TOTAL: &str = "observe_context_rejected_total";
    /// What was handed over, by `signal` and `outcome`: lines written, and writes that failed; attempts to export a
    /// batch of spans, and to push metrics.
    pub const EXPORT_TOTAL: &str = "observe_export_total";
    pub(crate) const EXPORT_HELP: &str = "What was handed over, by signal and outcome.";
    /// Traces by `decision`: kept as `baseline`, `failure`, `slow` or `marked`; `limited`: not kept, since there were too
    /// many of their kind.
    pub const TRACES_TOTAL: &str = "observe_traces_total";
    /// The label that says what was decided.
    pub const DECISION: &str = "decision";
    /// What waits to leave the process, by `signal`.
    pub const QUEUE_LENGTH: &str = "observe_queue_length";
    pub(crate) const QUEUE_HELP: &str = "What waits to leave the process, by signal.";
    /// Version and revision of the service.
    pub const BUILD_INFO: &str = "build_info";
    /// When the process started, in seconds since 1970-01-01T00:00:00Z.
    pub const PROCESS_START_TIME_SECONDS: &str = "process_start_time_seconds";
    /// The label that names a kind of data: `log`, `metric`, `span`, `span_event`, `trace`, `recorder`, `snapshot`.
    pub const SIGNAL: &str = "signal";
    /// The label that says why.
    pub const REASON: &str = "reason";
    /// The label of the service's version.
    pub const VERSION: &str = "version";
    /// The label of the revision that was built.
    pub const REVISION: &str = "revision";
    /// The label that names a header.
    pub const HEADER: &str = "header";
    /// Reason: more spans were open than are kept.
    pub const TOO_MANY_OPEN: &str = "too_many_open";
    /// Memory that holds back traces which are under way.
    pub const TRACE_MEMORY_BYTES: &str = "observe_trace_memory_bytes";
    /// Reason: its trace had as many spans, or bytes, as one may have.
    pub const TRACE_FULL: &str = "trace_full";
    /// Reason: as many traces were under way as may be.
    pub const TRACES_FULL: &str = "traces_full";
    /// Reason: all traces under way had as much memory as they may have.
    pub const MEMORY_FULL: &str = "memory_full";
    /// Reason: its local root was gone without an end.
    pub const UNENDED: &str = "unended";
    /// How long answering a scrape took.
    pub const SCRAPE_DURATION_SECONDS: &str = "observe_scrape_duration_seconds";
}

/// The flight recorder and its snapshots.
pub mod recorder {
    /// How many bytes of memory the flight recorder owns.
    pub const MEMORY_BYTES: &str = "observe_recorder_memory_bytes";
    /// Reason: there was nothing free to write into at that moment.
    pub const BUSY: &str = "busy";
    /// Reason: it took more than a part of the memory.
    pub const TOO_LARGE: &str = "too_large";
    /// Reason: a snapshot came too soon after others.
    pub const TOO_OFTEN: &str = "too_often";
    /// The variable that says where snapshots go.
    pub const OBSERVE_SNAPSHOTS: &str = "OBSERVE_SNAPSHOTS";
}

/// Metrics and attributes as OTLP has them: in Prometheus their dots are underscores, and the unit ends the name.
/// (OpenTelemetry semantic conventions, "HTTP metrics", "RPC metrics"; compatibility with Prometheus.)
pub mod otel_metric {
    /// How long requests took.
    pub const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
    /// How many requests are in flight.
    pub const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
    /// How many bytes of requests' bodies were read.
    pub const HTTP_SERVER_REQUEST_BODY_SIZE: &str = "http.server.request.body.size";
    /// How many bytes of answers' bodies were sent.
    pub const HTTP_SERVER_RESPONSE_BODY_SIZE: &str = "http.server.response.body.size";
    /// How long requests waited before the service had them. In the conventions' manner, but not of them.
    pub const HTTP_SERVER_QUEUE_DURATION: &str = "http.server.queue.duration";
    /// How long was waited until a request could be taken. In the conventions' manner, but not of them.
    pub const HTTP_SERVER_READY_WAIT: &str = "http.server.ready.wait";
    /// How long streams lived. In the conventions' manner, but not of them.
    pub const HTTP_SERVER_STREAM_DURATION: &str = "http.server.stream.duration";
    /// How many streams are open. In the conventions' manner, but not of them.
    pub const HTTP_SERVER_OPEN_STREAMS: &str = "http.server.open_streams";
    /// How long requests to others took.
    pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";
    /// How many requests to others are in flight.
    pub const HTTP_CLIENT_ACTIVE_REQUESTS: &str = "http.client.active_requests";
    /// How long served calls took.
    pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
    /// How long calls to others took.
    pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";

    /// What says of a metric that OTLP has no kind for what it is in Prometheus.
    pub const PROMETHEUS_TYPE: &str = "prometheus.type";
}

/// Export of spans: variables (OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter
/// Configuration"), resource attributes, reasons and outcomes.
pub mod otel {
    /// The signal of kept traces that go into a file.
    pub const TRACE: &str = "trace";
    /// `true`: nothing is exported.
    pub const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
    /// `otlp`, `console` or `none`; several with commas between them.
    pub const TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
    /// The service's name, where the code says none.
    pub const SERVICE_NAME_VARIABLE: &str = "OTEL_SERVICE_NAME";
    /// More attributes of the resource: `name=value,name=value`, percent-encoded.
    pub const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
    /// Where to, for all signals: paths are added to it for HTTP.
    pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    /// Where spans go, as it stands.
    pub const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    /// `http/protobuf` or `grpc`.
    pub const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
    /// The same for spans.
    pub const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    /// Headers of each request: `name=value,name=value`, percent-encoded.
    pub const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
    /// The same for spans.
    pub const TRACES_HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
    /// How long one request may take, in milliseconds.
    pub const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
    /// The same for spans.
    pub const TRACES_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
    /// `gzip` or `none`.
    pub const COMPRESSION: &str = "OTEL_EXPORTER_OTLP_COMPRESSION";
    /// The same for spans.
    pub const TRACES_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION";
    /// A PEM file of the authorities that the collector's certificate is checked against.
    pub const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    /// The same for spans.
    pub const TRACES_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE";
    /// A PEM file of the certificate that the collector asks for.
    pub const CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
    /// The same for spans.
    pub const TRACES_CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE";
    /// A PEM file of its key.
    pub const CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
    /// The same for spans.
    pub const TRACES_CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY";
    /// `true`: a gRPC endpoint without a scheme is reached without TLS.
    pub const INSECURE: &str = "OTEL_EXPORTER_OTLP_INSECURE";
    /// The same for spans.
    pub const TRACES_INSECURE: &str = "OTEL_EXPORTER_OTLP_TRACES_INSECURE";
    /// `otlp`, `console`, `prometheus` or `none`; several with commas between them.
    pub const METRICS_EXPORTER: &str = "OTEL_METRICS_EXPORTER";
    /// How often metrics are pushed, in milliseconds.
    pub const METRIC_EXPORT_INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
    /// How long one push may take, in milliseconds.
    pub const METRIC_EXPORT_TIMEOUT: &str = "OTEL_METRIC_EXPORT_TIMEOUT";
    /// Where metrics are pushed to, as it stands.
    pub const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    /// The protocol for metrics.
    pub const METRICS_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL";
    /// Headers of each request with metrics.
    pub const METRICS_HEADERS: &str = "OTEL_EXPORTER_OTLP_METRICS_HEADERS";
    /// How long one request with metrics may take, in milliseconds.
    pub const METRICS_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT";
    /// Compression of metrics.
    pub const METRICS_COMPRESSION: &str = "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION";
    /// The authorities, for metrics.
    pub const METRICS_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE";
    /// The own certificate, for metrics.
    pub const METRICS_CLIENT_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE";
    /// The key of it, for metrics.
    pub const METRICS_CLIENT_KEY: &str = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY";
    /// Without TLS, for metrics.
    pub const METRICS_INSECURE: &str = "OTEL_EXPORTER_OTLP_METRICS_INSECURE";
    /// How many spans may wait.
    pub const BSP_MAX_QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
    /// How many spans go at once, at most.
    pub const BSP_MAX_EXPORT_BATCH_SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    /// How long a span waits for others, in milliseconds.
    pub const BSP_SCHEDULE_DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
    /// How long a batch is tried, again and again, in milliseconds.
    pub const BSP_EXPORT_TIMEOUT: &str = "OTEL_BSP_EXPORT_TIMEOUT";

    /// One id for each telemetry.
    pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
    /// The machine's name.
    pub const HOST_NAME: &str = "host.name";
    /// `amd64`, `arm64` and so on.
    pub const HOST_ARCH: &str = "host.arch";
    /// `linux`, `darwin`, `windows` and so on.
    pub const OS_TYPE: &str = "os.type";
    /// The process's number.
    pub const PROCESS_PID: &str = "process.pid";
    /// The name of its file.
    pub const PROCESS_EXECUTABLE_NAME: &str = "process.executable.name";
    /// Its file.
    pub const PROCESS_EXECUTABLE_PATH: &str = "process.executable.path";
    /// `rust`.
    pub const PROCESS_RUNTIME_NAME: &str = "process.runtime.name";
    /// The container that it runs in.
    pub const CONTAINER_ID: &str = "container.id";
    /// Who made the telemetry: `observe`.
    pub const TELEMETRY_SDK_NAME: &str = "telemetry.sdk.name";
    /// `rust`.
    pub const TELEMETRY_SDK_LANGUAGE: &str = "telemetry.sdk.language";
    /// The library's version.
    pub const TELEMETRY_SDK_VERSION: &str = "telemetry.sdk.version";

    /// The kind of data.
    pub const SPAN: &str = "span";
    /// The kind of data.
    pub const METRIC: &str = "metric";
    /// Lines and links of spans whose end was handed over apart from them.
    pub const SPAN_EVENT: &str = "span_event";
    /// Reason: the collector refused the batch for good, or its answer was none.
    pub const REFUSED: &str = "refused";
    /// Reason: the collector took the batch, but not these.
    pub const REJECTED: &str = "rejected";
    /// Reason: tried for so long in vain.
    pub const EXPIRED: &str = "expired";
    /// Reason: the worker panicked with it.
    pub const WORKER_PANICKED: &str = "worker_panicked";
    /// Reason: the span's end was handed over apart from it.
    pub const APART: &str = "apart";
    /// Outcome of an attempt: taken.
    pub const OUTCOME_OK: &str = "ok";
    /// Outcome of an attempt: taken, but for some.
    pub const OUTCOME_PARTIAL: &str = "partial";
    /// Outcome of an attempt: in vain, and made again.
    pub const OUTCOME_RETRY: &str = "retry";
}

/// HTTP servers: metrics, labels, and fields of spans and lines (OpenTelemetry semantic conventions, "HTTP").
pub mod http {
    /// How long requests took, from their head to the end of the answer's body.
    pub const SERVER_REQUEST_DURATION_SECONDS: &str = "http_server_request_duration_seconds";
    /// How many requests are in flight.
    pub const SERVER_ACTIVE_REQUESTS: &str = "http_server_active_requests";
    /// How many bytes of requests' bodies were read.
    pub const SERVER_REQUEST_BODY_SIZE_BYTES: &str = "http_server_request_body_size_bytes";
    /// How many bytes of answers' bodies were sent.
    pub const SERVER_RESPONSE_BODY_SIZE_BYTES: &str = "http_server_response_body_size_bytes";
    /// How long requests waited before the service had them, by the word of trusted proxies.
    pub const SERVER_QUEUE_DURATION_SECONDS: &str = "http_server_queue_duration_seconds";
    /// How long was waited until what a layer wraps could take a request, where it could not at once.
    pub const SERVER_READY_WAIT_SECONDS: &str = "http_server_ready_wait_seconds";

    /// How long streams lived, from the head of their request's answer to their end.
    pub const SERVER_STREAM_DURATION_SECONDS: &str = "http_server_stream_duration_seconds";
    /// How many streams are open.
    pub const SERVER_OPEN_STREAMS: &str = "http_server_open_streams";

    /// The label of the method.
    pub const REQUEST_METHOD_LABEL: &str = "http_request_method";
    /// The label of the scheme.
    pub const SCHEME_LABEL: &str = "url_scheme";
    /// The label of the matched route.
    pub const ROUTE_LABEL: &str = "http_route";
    /// The label of the answer's status.
    pub const STATUS_LABEL: &str = "http_response_status_code";
    /// The label that says why a request did not do what it was asked.
    pub const ERROR_TYPE_LABEL: &str = "error_type";
    /// The label of the protocol's version.
    pub const VERSION_LABEL: &str = "network_protocol_version";

    /// The label of the part of the callers that a request belongs to, where the service says it.
    pub const SEGMENT_LABEL: &str = "segment";

    // The classic names, for dashboards that have them already.

    /// How many requests ended.
    pub const CLASSIC_REQUESTS_TOTAL: &str = "http_requests_total";
    /// How long requests took.
    pub const CLASSIC_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
    /// How many requests are in flight.
    pub const CLASSIC_REQUESTS_IN_PROGRESS: &str = "http_requests_in_progress";
    /// The label of the service's name.
    pub const CLASSIC_SERVICE: &str = "service";
    /// The label of the method.
    pub const CLASSIC_METHOD: &str = "method";
    /// The label of the matched route.
    pub const CLASSIC_ENDPOINT: &str = "endpoint";
    /// The label of the answer's status.
    pub const CLASSIC_STATUS: &str = "status";
    /// The status of a request whose client went away before it was answered.
    pub const CLASSIC_CANCELLED_STATUS: &str = "499";
    /// The status of a request that failed before it was answered.
    pub const CLASSIC_FAILED_STATUS: &str = "500";

    /// The label, and the field, that says what kind of stream it is.
    pub const STREAM: &str = "stream";

    /// The method, one of the known ones or `_OTHER`.
    pub const REQUEST_METHOD: &str = "http.request.method";
    /// The method as it came, where it is not a known one.
    pub const REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
    /// The matched route.
    pub const ROUTE: &str = "http.route";
    /// The path as it came, without the query.
    pub const PATH: &str = "url.path";
    /// `http` or `https`.
    pub const SCHEME: &str = "url.scheme";
    /// The answer's status.
    pub const STATUS: &str = "http.response.status_code";
    /// How long the request waited before the service had it, in milliseconds.
    pub const QUEUE_DURATION_MS: &str = "queue_duration_ms";

    /// Error type: the client stopped waiting.
    pub const CANCELLED: &str = "cancelled";
    /// Error type: the handler, or the answer's body, panicked.
    pub const PANICKED: &str = "panicked";
    /// Error type: the answer's body failed.
    pub const BODY_ERROR: &str = "body_error";

    /// On the line of a stream: how many bytes it sent, where that is known.
    pub const STREAM_SENT: &str = "stream.sent_bytes";
    /// On the line of a stream: how many bytes it received, where that is known.
    pub const STREAM_RECEIVED: &str = "stream.received_bytes";

    /// The target of the lines of streams.
    pub const STREAM_TARGET: &str = "observe::stream";
    /// The target of the lines about requests that are still running.
    pub const IN_FLIGHT_TARGET: &str = "observe::in_flight";
    /// There: how long the request runs by now, in milliseconds.
    pub const RUNNING_MS: &str = "running_ms";
    /// There: the innermost span that is open below the request.
    pub const RUNNING_IN: &str = "running_in";
    /// The target of request lines.
    pub const REQUEST_TARGET: &str = "observe::request";
    /// The variable that replaces the list of known methods.
    pub const KNOWN_METHODS: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
    /// What stands for an unknown method in the names of spans.
    pub const UNKNOWN_METHOD: &str = "HTTP";
    /// The header that tells the client the trace id, where it is asked for.
    pub const X_TRACE_ID: &str = "x-trace-id";
    /// The header by which a proxy says when it had the request.
    pub const X_REQUEST_START: &str = "x-request-start";
}

/// HTTP clients (OpenTelemetry semantic conventions, "HTTP"); what servers have as well is in [`http`].
pub mod http_client {
    /// How long requests took, from their start to the end of the answer's body.
    pub const REQUEST_DURATION_SECONDS: &str = "http_client_request_duration_seconds";
    /// How many requests are in flight.
    pub const ACTIVE_REQUESTS: &str = "http_client_active_requests";

    /// The label of the server's host.
    pub const SERVER_ADDRESS_LABEL: &str = "server_address";
    /// The label of the server's port.
    pub const SERVER_PORT_LABEL: &str = "server_port";
    /// The label of the template that the path was made of, where the code says it.
    pub const URL_TEMPLATE_LABEL: &str = "url_template";

    /// The server's host: a name or an address.
    pub const SERVER_ADDRESS: &str = "server.address";
    /// The server's port.
    pub const SERVER_PORT: &str = "server.port";
    /// The URL, without what must not be told.
    pub const URL_FULL: &str = "url.full";
    /// The template that the path was made of.
    pub const URL_TEMPLATE: &str = "url.template";
    /// How often the request was sent before.
    pub const RESEND_COUNT: &str = "http.request.resend_count";
    /// The version of HTTP that was spoken.
    pub const PROTOCOL_VERSION: &str = "network.protocol.version";

    /// What stands in a URL for what must not be told.
    pub const REDACTED: &str = "REDACTED";
    /// Keys of a query whose values are not told.
    pub const REDACTED_KEYS: [&str; 7] = [
        "X-Amz-Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "AWSAccessKeyId",
        "Signature",
        "sig",
        "X-Goog-Signature",
    ];

    /// Error type: the answer did not come in time.
    pub const TIMEOUT: &str = "timeout";
    /// Error type: nobody listens there.
    pub const CONNECTION_REFUSED: &str = "connection_refused";
    /// Error type: the server, or the network, broke the connection off.
    pub const CONNECTION_RESET: &str = "connection_reset";
    /// Error type: the server closed the connection before it had answered.
    pub const CONNECTION_CLOSED: &str = "connection_closed";
    /// Error type: no connection came about, for another reason: name, route, TLS.
    pub const CONNECT_ERROR: &str = "connect_error";

    /// The operation that looks up a name.
    pub const DNS: &str = "dns";
    /// The operation that connects.
    pub const CONNECT: &str = "connect";
    /// The operation that connects and speaks TLS.
    pub const TLS: &str = "tls";
}

/// Remote procedure calls (OpenTelemetry semantic conventions, "RPC" and "gRPC").
pub mod rpc {
    /// How long calls took that this service answered.
    pub const SERVER_CALL_DURATION_SECONDS: &str = "rpc_server_call_duration_seconds";
    /// How long calls took that this service made.
    pub const CLIENT_CALL_DURATION_SECONDS: &str = "rpc_client_call_duration_seconds";

    /// The label of the system.
    pub const SYSTEM_LABEL: &str = "rpc_system_name";
    /// The label of the method, with its service.
    pub const METHOD_LABEL: &str = "rpc_method";
    /// The label of the status.
    pub const STATUS_LABEL: &str = "rpc_response_status_code";

    /// The system.
    pub const SYSTEM: &str = "rpc.system.name";
    /// The method, with its service: `shop.Orders/Place`.
    pub const METHOD: &str = "rpc.method";
    /// The status.
    pub const STATUS: &str = "rpc.response.status_code";

    /// The only system there is.
    pub const GRPC: &str = "grpc";
    /// What the `content-type` of gRPC begins with.
    pub const GRPC_CONTENT_TYPE: &str = "application/grpc";
    /// The header, or trailer, of the status.
    pub const GRPC_STATUS: &str = "grpc-status";
}

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
        http::QUEUE_DURATION_MS,
        http::STREAM,
        http::STREAM_SENT,
        http::STREAM_RECEIVED,
        rpc::SYSTEM,
        rpc::METHOD,
        rpc::STATUS,
    ];
    names.contains(&name)
}
