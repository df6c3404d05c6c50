//! Keys, texts and reasons of the log line.

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

/// For how many lines a line stands, itself included; absent where it is 1.
pub const SAMPLED: &str = "sampled";

/// Every key of ours. A field of that name is written as `fields.NAME`.
pub const RESERVED: [&str; 12] = [
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
    SAMPLED,
];

/// What a field with a reserved name is given in front.
pub const FIELDS_PREFIX: &str = "fields.";

/// The target of lines that are never sampled, and of those below it (`audit::login`).
pub const AUDIT_TARGET: &str = "audit";
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
/// Lines of requests that were left out by sampling.
pub const SAMPLED_OUT_TOTAL: &str = "observe_log_sampled_out_total";
/// Memory of lines of requests that wait.
pub const HELD_BYTES: &str = "observe_log_held_bytes";
/// Reason: too many lines of requests wait for their end.
pub const HELD_FULL: &str = "held_full";
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
