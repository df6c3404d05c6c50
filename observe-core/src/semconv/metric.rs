//! Metric names and label names.

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

/// How many of a resource there are, by `resource`.
pub const RESOURCE_CAPACITY: &str = "resource_capacity";
/// How many of a resource are held.
pub const RESOURCE_IN_USE: &str = "resource_in_use";
/// How many wait for one.
pub const RESOURCE_WAITING: &str = "resource_waiting";
/// How long was waited for one, whether it was got or not.
pub const RESOURCE_WAIT_DURATION_SECONDS: &str = "resource_wait_duration_seconds";
/// How long one was held.
pub const RESOURCE_USE_DURATION_SECONDS: &str = "resource_use_duration_seconds";
/// How often getting or using one failed.
pub const RESOURCE_ERRORS_TOTAL: &str = "resource_errors_total";
/// How many items a queue may hold, by `queue`.
pub const QUEUE_CAPACITY: &str = "queue_capacity";
/// How many items are in a queue.
pub const QUEUE_DEPTH: &str = "queue_depth";
/// How long ago the item came in that left a queue last; the larger of two queues with one name.
pub const QUEUE_LAG_SECONDS: &str = "queue_lag_seconds";
/// How long items were in a queue.
pub const QUEUE_WAIT_DURATION_SECONDS: &str = "queue_wait_duration_seconds";
/// How often an item was refused, by `queue` and `reason`.
pub const QUEUE_REJECTED_TOTAL: &str = "queue_rejected_total";
/// How many items were given up for good, by `queue`.
pub const QUEUE_DEAD_LETTERS_TOTAL: &str = "queue_dead_letters_total";
/// How many items came out of a queue that had come out before, by `queue`.
pub const QUEUE_REDELIVERIES_TOTAL: &str = "queue_redeliveries_total";
/// How many senders wait for room in a queue, by `queue`.
pub const QUEUE_SENDERS_WAITING: &str = "queue_senders_waiting";
/// How long senders waited for room in a queue, by `queue`.
pub const QUEUE_SEND_WAIT_DURATION_SECONDS: &str = "queue_send_wait_duration_seconds";
/// An item was refused since the queue was full.
pub const FULL: &str = "full";
/// An item was refused since nobody takes anything out any more.
pub const CLOSED: &str = "closed";
/// How far a replica is behind, by `replica`.
pub const REPLICA_LAG_SECONDS: &str = "replica_lag_seconds";
/// The label that names a replica.
pub const REPLICA: &str = "replica";
/// Ends the name of the durations of a `Red`.
pub const DURATION_SECONDS: &str = "duration_seconds";
/// Ends the name of the gauge of a `Red`.
pub const IN_FLIGHT: &str = "in_flight";

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
/// Why what a bridge took in was dropped: its name or its labels break a rule.
pub const BRIDGE_INVALID: &str = "bridge_invalid";
/// Why what a bridge took in was dropped: another metric has the name.
pub const BRIDGE_CLASH: &str = "bridge_clash";
/// Why what a bridge took in was dropped: more than 1,000 names of its kind.
pub const BRIDGE_EXCESS: &str = "bridge_excess";
