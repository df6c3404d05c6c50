//! Export of spans: variables (OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter
//! Configuration"), resource attributes, reasons and outcomes.

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
