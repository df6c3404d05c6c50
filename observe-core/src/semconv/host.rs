//! The machine, under OpenTelemetry's names ("System metrics", semantic conventions 1.44) as Prometheus writes them. Three
//! are not of the conventions, but in their manner: load, weighted time of I/O, OOM kills.

/// CPU time of all CPUs, by `cpu_mode`.
pub const CPU_TIME_SECONDS_TOTAL: &str = "system_cpu_time_seconds_total";
/// How many tasks ran, wanted to, or waited for a disk, over the last minute.
pub const CPU_LOAD_AVERAGE_1M: &str = "system_cpu_load_average_1m";
/// The label that says what a CPU did.
pub const CPU_MODE: &str = "cpu_mode";

/// How much memory there is.
pub const MEMORY_LIMIT_BYTES: &str = "system_memory_limit_bytes";
/// What memory is used for, by `system_memory_state`.
pub const MEMORY_USAGE_BYTES: &str = "system_memory_usage_bytes";
/// How much memory could be had without swapping.
pub const MEMORY_AVAILABLE_BYTES: &str = "system_memory_linux_available_bytes";
/// The label that says what memory is used for.
pub const MEMORY_STATE: &str = "system_memory_state";
/// Swap, by `system_paging_state`.
pub const PAGING_USAGE_BYTES: &str = "system_paging_usage_bytes";
/// The label that says whether swap is used.
pub const PAGING_STATE: &str = "system_paging_state";
/// How often a process was killed for want of memory.
pub const MEMORY_OOM_KILLS_TOTAL: &str = "system_memory_oom_kills_total";

/// How large a file system is.
pub const FILESYSTEM_LIMIT_BYTES: &str = "system_filesystem_limit_bytes";
/// What its space is used for, by `system_filesystem_state`.
pub const FILESYSTEM_USAGE_BYTES: &str = "system_filesystem_usage_bytes";
/// The label that names a device.
pub const DEVICE: &str = "system_device";
/// The label that says where a file system is mounted.
pub const FILESYSTEM_MOUNTPOINT: &str = "system_filesystem_mountpoint";
/// The label that says what kind of file system it is.
pub const FILESYSTEM_TYPE: &str = "system_filesystem_type";
/// The label that says what space is used for.
pub const FILESYSTEM_STATE: &str = "system_filesystem_state";

/// Bytes read and written, by `disk_io_direction`.
pub const DISK_IO_BYTES_TOTAL: &str = "system_disk_io_bytes_total";
/// Reads and writes.
pub const DISK_OPERATIONS_TOTAL: &str = "system_disk_operations_total";
/// How long reads and writes took, all together.
pub const DISK_OPERATION_TIME_SECONDS_TOTAL: &str = "system_disk_operation_time_seconds_total";
/// How long a device was busy.
pub const DISK_IO_TIME_SECONDS_TOTAL: &str = "system_disk_io_time_seconds_total";
/// How long it was busy, times how many operations were under way.
pub const DISK_WEIGHTED_IO_TIME_SECONDS_TOTAL: &str = "system_disk_weighted_io_time_seconds_total";
/// The label that says `read` or `write`.
pub const DISK_DIRECTION: &str = "disk_io_direction";

/// Bytes received and sent, by `network_io_direction`.
pub const NETWORK_IO_BYTES_TOTAL: &str = "system_network_io_bytes_total";
/// Errors of an interface.
pub const NETWORK_ERRORS_TOTAL: &str = "system_network_errors_total";
/// Packets that an interface dropped.
pub const NETWORK_PACKET_DROPPED_TOTAL: &str = "system_network_packet_dropped_total";
/// The label that names an interface.
pub const NETWORK_INTERFACE: &str = "network_interface_name";
/// The label that says `receive` or `transmit`.
pub const NETWORK_DIRECTION: &str = "network_io_direction";
