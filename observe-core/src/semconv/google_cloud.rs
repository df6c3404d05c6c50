//! Names that Google Cloud Logging reads ("Structured logging", "LogEntry", as of google-cloud-logging 3.17).

/// The variable that names the project.
pub const GOOGLE_CLOUD_PROJECT: &str = "GOOGLE_CLOUD_PROJECT";

/// RFC 3339.
pub const TIME: &str = "time";
/// `ERROR`, `WARNING`, `INFO` or `DEBUG`.
pub const SEVERITY: &str = "severity";
/// The texts of ERROR, WARN, INFO, DEBUG and TRACE, which has none of its own.
pub const SEVERITIES: [&str; 5] = ["ERROR", "WARNING", "INFO", "DEBUG", "DEBUG"];
/// The service, to Error Reporting.
pub const SERVICE_CONTEXT: &str = "serviceContext";
/// There: its name.
pub const SERVICE: &str = "service";
/// There: its version.
pub const VERSION: &str = "version";
/// The trace: `projects/PROJECT/traces/ID`, or the id.
pub const TRACE: &str = "logging.googleapis.com/trace";
/// The span id.
pub const SPAN_ID: &str = "logging.googleapis.com/spanId";
/// Whether the trace is sampled.
pub const TRACE_SAMPLED: &str = "logging.googleapis.com/trace_sampled";
/// The request (`google.logging.type.HttpRequest`).
pub const HTTP_REQUEST: &str = "httpRequest";
/// There: its method.
pub const REQUEST_METHOD: &str = "requestMethod";
/// There: its URL, or its path.
pub const REQUEST_URL: &str = "requestUrl";
/// There: its size in bytes.
pub const REQUEST_SIZE: &str = "requestSize";
/// There: the answer's status.
pub const STATUS: &str = "status";
/// There: the answer's size in bytes.
pub const RESPONSE_SIZE: &str = "responseSize";
/// There: who asked, as he calls himself.
pub const USER_AGENT: &str = "userAgent";
/// There: who asked.
pub const REMOTE_IP: &str = "remoteIp";
/// There: how long it took, in seconds: `3.5s`.
pub const LATENCY: &str = "latency";

/// What is read there and not written by us: a field of that name is not to be taken for it.
pub const FOREIGN: [&str; 7] = [
    "timestamp",
    "timestampSeconds",
    "timestampNanos",
    "logging.googleapis.com/insertId",
    "logging.googleapis.com/labels",
    "logging.googleapis.com/operation",
    "logging.googleapis.com/sourceLocation",
];
