//! Names of the log data model (OpenTelemetry specification 1.55, "Logs Data Model").

/// When, in nanoseconds since 1970-01-01T00:00:00Z.
pub const TIMESTAMP: &str = "Timestamp";
/// The level's name.
pub const SEVERITY_TEXT: &str = "SeverityText";
/// The level as a number.
pub const SEVERITY_NUMBER: &str = "SeverityNumber";
/// The smallest number of each range: of ERROR, WARN, INFO, DEBUG and TRACE.
pub const SEVERITY_NUMBERS: [u8; 5] = [17, 13, 9, 5, 1];
/// The message.
pub const BODY: &str = "Body";
/// The scope that the line comes from.
pub const SCOPE: &str = "InstrumentationScope";
/// There: its name.
pub const SCOPE_NAME: &str = "name";
/// Who wrote the line.
pub const RESOURCE: &str = "Resource";
/// The trace id, 32 lowercase hex digits.
pub const TRACE_ID: &str = "TraceId";
/// The span id, 16 lowercase hex digits.
pub const SPAN_ID: &str = "SpanId";
/// The trace flags, 2 lowercase hex digits.
pub const TRACE_FLAGS: &str = "TraceFlags";
/// All else.
pub const ATTRIBUTES: &str = "Attributes";
