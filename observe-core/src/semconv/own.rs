//! The library about itself.

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
