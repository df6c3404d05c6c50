//! What the parts of a log line are called.

use crate::semconv::log;

/// What the parts of a line of the default format are called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub(crate) timestamp: &'static str,
    pub(crate) level: &'static str,
    pub(crate) message: &'static str,
    pub(crate) target: &'static str,
    pub(crate) service_name: &'static str,
    pub(crate) service_version: &'static str,
    pub(crate) trace_id: &'static str,
    pub(crate) span_id: &'static str,
    pub(crate) trace_flags: &'static str,
    pub(crate) correlation_id: &'static str,
    pub(crate) truncated: &'static str,
    pub(crate) sampled: &'static str,
    /// The texts of ERROR, WARN, INFO, DEBUG and TRACE.
    pub(crate) levels: [&'static str; 5],
}

impl Keys {
    /// The usual names: those of OpenTelemetry's "Trace Context in non-OTLP Log Formats" and plain names.
    pub(crate) const DEFAULT: Keys = Keys {
        timestamp: log::TIMESTAMP,
        level: log::LEVEL,
        message: log::MESSAGE,
        target: log::TARGET,
        service_name: log::SERVICE_NAME,
        service_version: log::SERVICE_VERSION,
        trace_id: log::TRACE_ID,
        span_id: log::SPAN_ID,
        trace_flags: log::TRACE_FLAGS,
        correlation_id: log::CORRELATION_ID,
        truncated: log::TRUNCATED,
        sampled: log::SAMPLED,
        levels: ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"],
    };

    /// Every name in this table must also stand in [`log::RESERVED`]: only those are looked up here.
    pub(crate) fn reserved(&self) -> [&'static str; 12] {
        [
            self.timestamp,
            self.level,
            self.message,
            self.target,
            self.service_name,
            self.service_version,
            self.trace_id,
            self.span_id,
            self.trace_flags,
            self.correlation_id,
            self.truncated,
            self.sampled,
        ]
    }
}
