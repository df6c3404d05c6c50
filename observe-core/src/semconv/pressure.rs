//! Pressure stall information of Linux: how long work waited for a resource.

/// How long tasks of the machine were stalled, by `resource` and `stall`.
pub const STALL_SECONDS_TOTAL: &str = "pressure_stall_seconds_total";
/// How long tasks of the process's cgroup were stalled.
pub const CGROUP_STALL_SECONDS_TOTAL: &str = "cgroup_pressure_stall_seconds_total";
/// The label that says whether `some` tasks were stalled, or all that wanted to run: `full`.
pub const STALL: &str = "stall";
