//! Metrics and attributes as OTLP has them: in Prometheus their dots are underscores, and the unit ends the name.
//! (OpenTelemetry semantic conventions, "HTTP metrics", "RPC metrics"; compatibility with Prometheus.)

/// How long requests took.
pub const HTTP_SERVER_REQUEST_DURATION: &str = "http.server.request.duration";
/// How many requests are in flight.
pub const HTTP_SERVER_ACTIVE_REQUESTS: &str = "http.server.active_requests";
/// How many bytes of requests' bodies were read.
pub const HTTP_SERVER_REQUEST_BODY_SIZE: &str = "http.server.request.body.size";
/// How many bytes of answers' bodies were sent.
pub const HTTP_SERVER_RESPONSE_BODY_SIZE: &str = "http.server.response.body.size";
/// How long requests waited before the service had them. In the conventions' manner, but not of them.
pub const HTTP_SERVER_QUEUE_DURATION: &str = "http.server.queue.duration";
/// How long was waited until a request could be taken. In the conventions' manner, but not of them.
pub const HTTP_SERVER_READY_WAIT: &str = "http.server.ready.wait";
/// How long streams lived. In the conventions' manner, but not of them.
pub const HTTP_SERVER_STREAM_DURATION: &str = "http.server.stream.duration";
/// How many streams are open. In the conventions' manner, but not of them.
pub const HTTP_SERVER_OPEN_STREAMS: &str = "http.server.open_streams";
/// How long requests to others took.
pub const HTTP_CLIENT_REQUEST_DURATION: &str = "http.client.request.duration";
/// How many requests to others are in flight.
pub const HTTP_CLIENT_ACTIVE_REQUESTS: &str = "http.client.active_requests";
/// How long served calls took.
pub const RPC_SERVER_CALL_DURATION: &str = "rpc.server.call.duration";
/// How long calls to others took.
pub const RPC_CLIENT_CALL_DURATION: &str = "rpc.client.call.duration";

/// CPU time of the machine.
pub const SYSTEM_CPU_TIME: &str = "system.cpu.time";
/// How many tasks ran, wanted to, or waited for a disk. Of OpenTelemetry's collector, not of the conventions.
pub const SYSTEM_CPU_LOAD_AVERAGE_1M: &str = "system.cpu.load_average.1m";
/// How much memory there is.
pub const SYSTEM_MEMORY_LIMIT: &str = "system.memory.limit";
/// What memory is used for.
pub const SYSTEM_MEMORY_USAGE: &str = "system.memory.usage";
/// How much memory could be had.
pub const SYSTEM_MEMORY_LINUX_AVAILABLE: &str = "system.memory.linux.available";
/// How often a process was killed for want of memory. In the conventions' manner, but not of them.
pub const SYSTEM_MEMORY_OOM_KILLS: &str = "system.memory.oom_kills";
/// Swap.
pub const SYSTEM_PAGING_USAGE: &str = "system.paging.usage";
/// How large file systems are.
pub const SYSTEM_FILESYSTEM_LIMIT: &str = "system.filesystem.limit";
/// What their space is used for.
pub const SYSTEM_FILESYSTEM_USAGE: &str = "system.filesystem.usage";
/// Bytes read and written.
pub const SYSTEM_DISK_IO: &str = "system.disk.io";
/// Reads and writes.
pub const SYSTEM_DISK_OPERATIONS: &str = "system.disk.operations";
/// How long they took.
pub const SYSTEM_DISK_OPERATION_TIME: &str = "system.disk.operation_time";
/// How long disks were busy.
pub const SYSTEM_DISK_IO_TIME: &str = "system.disk.io_time";
/// The same, times operations. Of OpenTelemetry's collector, not of the conventions.
pub const SYSTEM_DISK_WEIGHTED_IO_TIME: &str = "system.disk.weighted_io_time";
/// Bytes received and sent.
pub const SYSTEM_NETWORK_IO: &str = "system.network.io";
/// Errors of interfaces.
pub const SYSTEM_NETWORK_ERRORS: &str = "system.network.errors";
/// Packets dropped.
pub const SYSTEM_NETWORK_PACKET_DROPPED: &str = "system.network.packet.dropped";
/// What a CPU did.
pub const CPU_MODE: &str = "cpu.mode";
/// What memory is used for.
pub const SYSTEM_MEMORY_STATE: &str = "system.memory.state";
/// Whether swap is used.
pub const SYSTEM_PAGING_STATE: &str = "system.paging.state";
/// A device.
pub const SYSTEM_DEVICE: &str = "system.device";
/// Where a file system is mounted.
pub const SYSTEM_FILESYSTEM_MOUNTPOINT: &str = "system.filesystem.mountpoint";
/// What kind of file system it is.
pub const SYSTEM_FILESYSTEM_TYPE: &str = "system.filesystem.type";
/// What its space is used for.
pub const SYSTEM_FILESYSTEM_STATE: &str = "system.filesystem.state";
/// `read` or `write`.
pub const DISK_IO_DIRECTION: &str = "disk.io.direction";
/// A network interface.
pub const NETWORK_INTERFACE_NAME: &str = "network.interface.name";
/// `receive` or `transmit`.
pub const NETWORK_IO_DIRECTION: &str = "network.io.direction";

/// What says of a metric that OTLP has no kind for what it is in Prometheus.
pub const PROMETHEUS_TYPE: &str = "prometheus.type";
