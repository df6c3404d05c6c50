//! Every name that goes over the wire, once.

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
}
