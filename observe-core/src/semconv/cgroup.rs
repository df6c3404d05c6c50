//! The process's cgroup (version 2): named after the kernel's files.

/// CPU time of the cgroup.
pub const CPU_USAGE_SECONDS_TOTAL: &str = "cgroup_cpu_usage_seconds_total";
/// How many cores' time it may use: `cpu.max`.
pub const CPU_LIMIT_CORES: &str = "cgroup_cpu_limit_cores";
/// Periods of `cpu.max` in which something wanted to run.
pub const CPU_PERIODS_TOTAL: &str = "cgroup_cpu_periods_total";
/// Periods in which it was stopped, for it had used its share.
pub const CPU_THROTTLED_PERIODS_TOTAL: &str = "cgroup_cpu_throttled_periods_total";
/// How long its threads were stopped, all together.
pub const CPU_THROTTLED_SECONDS_TOTAL: &str = "cgroup_cpu_throttled_seconds_total";

/// Memory of the cgroup, files that it read included: `memory.current`.
pub const MEMORY_CURRENT_BYTES: &str = "cgroup_memory_current_bytes";
/// The same without files that were not used lately: what the kernel cannot give up easily.
pub const MEMORY_WORKING_SET_BYTES: &str = "cgroup_memory_working_set_bytes";
/// How much it may have at all: `memory.max`.
pub const MEMORY_MAX_BYTES: &str = "cgroup_memory_max_bytes";
/// From when on it is slowed down: `memory.high`.
pub const MEMORY_HIGH_BYTES: &str = "cgroup_memory_high_bytes";
/// How often a limit was met, by `event`: `memory.events`.
pub const MEMORY_EVENTS_TOTAL: &str = "cgroup_memory_events_total";
/// The label that names what happened.
pub const EVENT: &str = "event";

/// How many threads and processes there are: `pids.current`.
pub const PIDS_CURRENT: &str = "cgroup_pids_current";
/// How many there may be: `pids.max`.
pub const PIDS_MAX: &str = "cgroup_pids_max";
/// How often a thread or process was refused: `pids.events`.
pub const PIDS_REFUSED_TOTAL: &str = "cgroup_pids_refused_total";
