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
