//! Names of objectives: their metrics and their labels.

/// Events that an objective judged.
pub const EVENTS_TOTAL: &str = "slo_events_total";
/// Those of them that were bad.
pub const BAD_EVENTS_TOTAL: &str = "slo_bad_events_total";
/// Events that an objective does not count.
pub const EXCLUDED_EVENTS_TOTAL: &str = "slo_excluded_events_total";
/// Which share of the events is to be good.
pub const OBJECTIVE_RATIO: &str = "slo_objective_ratio";
/// How many times faster than allowed the budget is spent.
pub const BURN_RATE: &str = "slo_burn_rate";
/// How much of a window has been seen.
pub const COVERED_SECONDS: &str = "slo_covered_seconds";
/// Which share of the budget is left, since the process started.
pub const ERROR_BUDGET_REMAINING_RATIO: &str = "slo_error_budget_remaining_ratio";

/// The objective's name.
pub const SLO: &str = "slo";
/// The service's name.
pub const SERVICE: &str = "service";
/// A window that is looked back over.
pub const WINDOW: &str = "window";
/// Why an event does not count.
pub const REASON: &str = "reason";
/// The window since the process started.
pub const SINCE_START: &str = "start";
