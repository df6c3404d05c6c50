//! Names and fields of lines and spans of operations.

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
/// How long resources, and room in queues, were waited for in all, in milliseconds.
pub const WAIT_DURATION_MS: &str = "wait_duration_ms";
/// What was waited for the longest.
pub const WAIT_RESOURCE: &str = "wait_resource";
/// On kept spans: why.
pub const SAMPLING_REASON: &str = "sampling.reason";
/// On kept spans: with which probability a trace like theirs is kept.
pub const SAMPLING_PROBABILITY: &str = "sampling.probability";
