//! Remote procedure calls (OpenTelemetry semantic conventions, "RPC" and "gRPC").

/// How long calls took that this service answered.
pub const SERVER_CALL_DURATION_SECONDS: &str = "rpc_server_call_duration_seconds";
/// How long calls took that this service made.
pub const CLIENT_CALL_DURATION_SECONDS: &str = "rpc_client_call_duration_seconds";

/// The label of the system.
pub const SYSTEM_LABEL: &str = "rpc_system_name";
/// The label of the method, with its service.
pub const METHOD_LABEL: &str = "rpc_method";
/// The label of the status.
pub const STATUS_LABEL: &str = "rpc_response_status_code";

/// The system.
pub const SYSTEM: &str = "rpc.system.name";
/// The method, with its service: `shop.Orders/Place`.
pub const METHOD: &str = "rpc.method";
/// The status.
pub const STATUS: &str = "rpc.response.status_code";

/// The only system there is.
pub const GRPC: &str = "grpc";
/// What the `content-type` of gRPC begins with.
pub const GRPC_CONTENT_TYPE: &str = "application/grpc";
/// The header, or trailer, of the status.
pub const GRPC_STATUS: &str = "grpc-status";
