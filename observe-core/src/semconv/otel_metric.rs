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

/// What says of a metric that OTLP has no kind for what it is in Prometheus.
pub const PROMETHEUS_TYPE: &str = "prometheus.type";
