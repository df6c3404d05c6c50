//! Alert rules: what they record, what they are called, and what they say.

/// Events a second, of an objective; its window follows: `slo:total:rate5m`.
pub const TOTAL_RATE: &str = "slo:total:rate";
/// Bad events a second; its window follows.
pub const BAD_RATE: &str = "slo:bad:rate";
/// The share of events that were bad; its window, or the objective's period, follows.
pub const ERROR_RATIO: &str = "slo:sli_error:ratio_rate";
/// How many events there were; its period follows.
pub const TOTAL_INCREASE: &str = "slo:total:increase";
/// How many bad events there were; its window, or the objective's period, follows.
pub const BAD_INCREASE: &str = "slo:bad:increase";
/// Which share of the error budget is left of the objective's period; below 0 it is overspent.
pub const BUDGET_REMAINING: &str = "slo:error_budget_remaining:ratio";
/// What the policy for the budget says: 0 normal, 1 more care, 2 no risky changes, 3 reliability only.
pub const BUDGET_POLICY: &str = "slo:error_budget_policy:level";

/// The budget of an objective is spent so fast that somebody is woken.
pub const BURN_RATE_PAGE: &str = "SLOBurnRatePage";
/// The budget of an objective is spent faster than it may be.
pub const BURN_RATE_TICKET: &str = "SLOBurnRateTicket";
/// Nothing is known of an objective.
pub const METRIC_ABSENT: &str = "SLOMetricAbsent";
/// The objective is missed, and the contract is next.
pub const SLA_AT_RISK: &str = "SLAAtRisk";
/// The contract is broken.
pub const SLA_BROKEN: &str = "SLABroken";
/// A new version fails more often than the one before.
pub const DEPLOYMENT_WORSE: &str = "DeploymentWorse";
/// Half of the instances start over and over.
pub const CRASH_LOOP_PAGE: &str = "CrashLoopPage";
/// An instance starts over and over.
pub const CRASH_LOOP_TICKET: &str = "CrashLoopTicket";
/// Prometheus knows no job of the service's name.
pub const JOB_ABSENT: &str = "ScrapeJobAbsent";
/// Values of a label are past its limit.
pub const LABEL_OVERFLOW: &str = "LabelOverflow";
/// The library lost something.
pub const TELEMETRY_DROPPED: &str = "TelemetryDropped";
/// A collector decided about traces before they were whole.
pub const TRACES_DROPPED_EARLY: &str = "TracesDroppedTooEarly";
/// Nearly all of a resource is in use, and somebody waits.
pub const RESOURCE_EXHAUSTED: &str = "ResourceExhausted";
/// A resource will soon be used up.
pub const RESOURCE_FILLING: &str = "ResourceFilling";
/// A file system is nearly full, and fills up.
pub const DISK_FULL: &str = "DiskFull";
/// A file system will soon be full.
pub const DISK_FILLING: &str = "DiskFilling";
/// A queue falls behind.
pub const QUEUE_LAG: &str = "QueueLag";
/// A replica is behind.
pub const REPLICA_LAG: &str = "ReplicaLag";

/// The label by which Alertmanager routes: how urgent it is.
pub const SEVERITY: &str = "severity";
/// The label that says how urgent it is in the organisation's own numbers.
pub const LEVEL: &str = "level";
/// The label that says who is responsible.
pub const OWNER: &str = "owner";
/// Prometheus' label of whose metrics these are: the service's name.
pub const JOB: &str = "job";
/// Prometheus' label of which process these are of.
pub const INSTANCE: &str = "instance";

/// The annotation that says in a line what is wrong.
pub const SUMMARY: &str = "summary";
/// The annotation that says it with its value.
pub const DESCRIPTION: &str = "description";
/// The annotation that says how soon somebody is to look.
pub const RESPONSE: &str = "response";
/// The annotation that says what it means to people.
pub const IMPACT: &str = "impact";
/// The annotation with what is likely behind it.
pub const CAUSES: &str = "causes";
/// The annotation with what to do first.
pub const FIRST_ACTIONS: &str = "first_actions";
/// The annotation that says which events it is about.
pub const COVERS: &str = "covers";
/// The annotation with the address of a dashboard.
pub const DASHBOARD_URL: &str = "dashboard_url";
/// The annotation with the address of a runbook.
pub const RUNBOOK_URL: &str = "runbook_url";

/// What a collector's tail sampling decided about too early; newer ones end the name with `_total`.
pub const COLLECTOR_DROPPED_TOO_EARLY: &str =
    "otelcol_processor_tail_sampling_sampling_trace_dropped_too_early";
