//! The process, under the names that Prometheus' client libraries agreed on ("Writing client libraries", "Standard and
//! runtime collectors"). `process_start_time_seconds`, the last of them, is with the [library's own](super::own).

/// CPU time of the process, in user mode and in the kernel.
pub const CPU_SECONDS_TOTAL: &str = "process_cpu_seconds_total";
/// Memory of the process that is in RAM.
pub const RESIDENT_MEMORY_BYTES: &str = "process_resident_memory_bytes";
/// Address space of the process.
pub const VIRTUAL_MEMORY_BYTES: &str = "process_virtual_memory_bytes";
/// How much address space it may have.
pub const VIRTUAL_MEMORY_MAX_BYTES: &str = "process_virtual_memory_max_bytes";
/// How many file descriptors are open.
pub const OPEN_FDS: &str = "process_open_fds";
/// How many file descriptors may be open.
pub const MAX_FDS: &str = "process_max_fds";
/// How many threads there are.
pub const THREADS: &str = "process_threads";
