//! Names of the Elastic Common Schema, 9.4, and of its logging specification (`ecs-logging`, `spec.json` 1.0).

use super::{http, http_client, log, span};

/// RFC 3339.
pub const TIMESTAMP: &str = "@timestamp";
/// The level, in lower case.
pub const LEVEL: &str = "log.level";
/// The texts of ERROR, WARN, INFO, DEBUG and TRACE.
pub const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];
/// Which version of the schema the names are of.
pub const VERSION: &str = "ecs.version";
/// That version.
pub const SCHEMA: &str = "9.4.0";
/// Where the event comes from.
pub const LOGGER: &str = "log.logger";
/// What the lines belong to: the service's name, and `.log`.
pub const DATASET: &str = "event.dataset";
/// The trace id.
pub const TRACE_ID: &str = "trace.id";
/// The span id.
pub const SPAN_ID: &str = "span.id";
/// The correlation id.
pub const REQUEST_ID: &str = "http.request.id";
/// All that the schema has no name for.
pub const LABELS: &str = "labels";
/// How it ended: `success`, `failure`, `unknown`.
pub const OUTCOME: &str = "event.outcome";
/// It did what it should.
pub const SUCCESS: &str = "success";
/// It did not.
pub const FAILURE: &str = "failure";
/// Nobody knows.
pub const UNKNOWN: &str = "unknown";
/// How long it took, in nanoseconds.
pub const DURATION: &str = "event.duration";
/// The error's stack.
pub const STACK_TRACE: &str = "error.stack_trace";
/// The size of a request's body.
pub const REQUEST_BYTES: &str = "http.request.body.bytes";
/// The size of an answer's body.
pub const RESPONSE_BYTES: &str = "http.response.body.bytes";
/// The protocol's version.
pub const HTTP_VERSION: &str = "http.version";
/// The thread's name.
pub const THREAD_NAME: &str = "process.thread.name";
/// The thread's number.
pub const THREAD_ID: &str = "process.thread.id";
/// The function in the code.
pub const FUNCTION: &str = "log.origin.function";
/// The file of the code.
pub const FILE: &str = "log.origin.file.name";
/// The line in that file.
pub const LINE: &str = "log.origin.file.line";

// What fields are called whose meaning the schema knows by another name.

/// The error, as it is usually handed over.
pub const ERROR: &str = "error";
/// OpenTelemetry: the exception's type.
pub const EXCEPTION_TYPE: &str = "exception.type";
/// OpenTelemetry: the exception's text.
pub const EXCEPTION_MESSAGE: &str = "exception.message";
/// OpenTelemetry: the exception's stack.
pub const EXCEPTION_STACK: &str = "exception.stacktrace";
/// OpenTelemetry: the thread's number.
pub const OTEL_THREAD_ID: &str = "thread.id";
/// OpenTelemetry: the function in the code.
pub const CODE_FUNCTION: &str = "code.function.name";
/// OpenTelemetry: the file of the code.
pub const CODE_FILE: &str = "code.file.path";
/// OpenTelemetry: the line in that file.
pub const CODE_LINE: &str = "code.line.number";

/// Names of texts that the schema has, and that are written in their own place.
pub const TEXTS: [&str; 29] = [
    http::REQUEST_METHOD,
    http::PATH,
    http::SCHEME,
    span::ERROR_TYPE,
    span::ERROR_MESSAGE,
    OUTCOME,
    STACK_TRACE,
    HTTP_VERSION,
    THREAD_NAME,
    FUNCTION,
    FILE,
    http::CLIENT_ADDRESS,
    http::USER_AGENT,
    http_client::URL_FULL,
    "error.code",
    "error.id",
    "event.action",
    "event.code",
    "event.reason",
    "http.request.referrer",
    http_client::SERVER_ADDRESS,
    "transaction.id",
    "url.domain",
    "url.original",
    "url.query",
    "user.email",
    "user.full_name",
    "user.id",
    "user.name",
];

/// Names of whole numbers that the schema has, likewise.
pub const NUMBERS: [&str; 11] = [
    http::STATUS,
    DURATION,
    REQUEST_BYTES,
    RESPONSE_BYTES,
    THREAD_ID,
    LINE,
    "client.port",
    "http.request.bytes",
    "http.response.bytes",
    "process.pid",
    http_client::SERVER_PORT,
];

/// Labels that are ours.
pub const OWN_LABELS: [&str; 3] = [log::TRACE_FLAGS, log::TRUNCATED, log::SAMPLED];
