//! HTTP servers: metrics, labels, and fields of spans and lines (OpenTelemetry semantic conventions, "HTTP").

/// How long requests took, from their head to the end of the answer's body.
pub const SERVER_REQUEST_DURATION_SECONDS: &str = "http_server_request_duration_seconds";
/// How many requests are in flight.
pub const SERVER_ACTIVE_REQUESTS: &str = "http_server_active_requests";
/// How many bytes of requests' bodies were read.
pub const SERVER_REQUEST_BODY_SIZE_BYTES: &str = "http_server_request_body_size_bytes";
/// How many bytes of answers' bodies were sent.
pub const SERVER_RESPONSE_BODY_SIZE_BYTES: &str = "http_server_response_body_size_bytes";
/// How long requests waited before the service had them, by the word of trusted proxies.
pub const SERVER_QUEUE_DURATION_SECONDS: &str = "http_server_queue_duration_seconds";
/// How long was waited until what a layer wraps could take a request, where it could not at once.
pub const SERVER_READY_WAIT_SECONDS: &str = "http_server_ready_wait_seconds";

/// How long streams lived, from the head of their request's answer to their end.
pub const SERVER_STREAM_DURATION_SECONDS: &str = "http_server_stream_duration_seconds";
/// How many streams are open.
pub const SERVER_OPEN_STREAMS: &str = "http_server_open_streams";

/// The label of the method.
pub const REQUEST_METHOD_LABEL: &str = "http_request_method";
/// The label of the scheme.
pub const SCHEME_LABEL: &str = "url_scheme";
/// The label of the matched route.
pub const ROUTE_LABEL: &str = "http_route";
/// The label of the answer's status.
pub const STATUS_LABEL: &str = "http_response_status_code";
/// The label that says why a request did not do what it was asked.
pub const ERROR_TYPE_LABEL: &str = "error_type";
/// The label of the protocol's version.
pub const VERSION_LABEL: &str = "network_protocol_version";

/// The label of the part of the callers that a request belongs to, where the service says it.
pub const SEGMENT_LABEL: &str = "segment";

// The classic names, for dashboards that have them already.

/// How many requests ended.
pub const CLASSIC_REQUESTS_TOTAL: &str = "http_requests_total";
/// How long requests took.
pub const CLASSIC_REQUEST_DURATION_SECONDS: &str = "http_request_duration_seconds";
/// How many requests are in flight.
pub const CLASSIC_REQUESTS_IN_PROGRESS: &str = "http_requests_in_progress";
/// The label of the service's name.
pub const CLASSIC_SERVICE: &str = "service";
/// The label of the method.
pub const CLASSIC_METHOD: &str = "method";
/// The label of the matched route.
pub const CLASSIC_ENDPOINT: &str = "endpoint";
/// The label of the answer's status.
pub const CLASSIC_STATUS: &str = "status";
/// The status of a request whose client went away before it was answered.
pub const CLASSIC_CANCELLED_STATUS: &str = "499";
/// The status of a request that failed before it was answered.
pub const CLASSIC_FAILED_STATUS: &str = "500";

/// The label, and the field, that says what kind of stream it is.
pub const STREAM: &str = "stream";

/// The method, one of the known ones or `_OTHER`.
pub const REQUEST_METHOD: &str = "http.request.method";
/// The method as it came, where it is not a known one.
pub const REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// The matched route.
pub const ROUTE: &str = "http.route";
/// The address of who made the request, behind proxies that are trusted.
pub const CLIENT_ADDRESS: &str = "client.address";
/// The address of the other end of the connection.
pub const PEER_ADDRESS: &str = "network.peer.address";
/// The value of `User-Agent`.
pub const USER_AGENT: &str = "user_agent.original";
/// How many bytes of the request's body were read.
pub const REQUEST_BODY_SIZE: &str = "http.request.body.size";
/// How many bytes of the answer's body were sent.
pub const RESPONSE_BODY_SIZE: &str = "http.response.body.size";
/// The header in which proxies say for whom they ask.
pub const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// The message of the line that tells of a request's start.
pub const REQUEST_STARTED: &str = "request_started";
/// The path as it came, without the query.
pub const PATH: &str = "url.path";
/// `http` or `https`.
pub const SCHEME: &str = "url.scheme";
/// The answer's status.
pub const STATUS: &str = "http.response.status_code";
/// How long the request waited before the service had it, in milliseconds.
pub const QUEUE_DURATION_MS: &str = "queue_duration_ms";
/// How long was waited before a request until the service could take it, in milliseconds, on its line.
pub const READY_WAIT_DURATION_MS: &str = "ready_wait_duration_ms";

/// Error type: the client stopped waiting.
pub const CANCELLED: &str = "cancelled";
/// Error type: the handler, or the answer's body, panicked.
pub const PANICKED: &str = "panicked";
/// Error type: the answer's body failed.
pub const BODY_ERROR: &str = "body_error";

/// On the line of a stream: how many bytes it sent, where that is known.
pub const STREAM_SENT: &str = "stream.sent_bytes";
/// On the line of a stream: how many bytes it received, where that is known.
pub const STREAM_RECEIVED: &str = "stream.received_bytes";

/// The target of the lines of streams.
pub const STREAM_TARGET: &str = "observe::stream";
/// The target of the lines about requests that are still running.
pub const IN_FLIGHT_TARGET: &str = "observe::in_flight";
/// There: how long the request runs by now, in milliseconds.
pub const RUNNING_MS: &str = "running_ms";
/// There: the innermost span that is open below the request.
pub const RUNNING_IN: &str = "running_in";
/// The target of request lines.
pub const REQUEST_TARGET: &str = "observe::request";
/// The variable that replaces the list of known methods.
pub const KNOWN_METHODS: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";
/// What stands for an unknown method in the names of spans.
pub const UNKNOWN_METHOD: &str = "HTTP";
/// The header that tells the client the trace id, where it is asked for.
pub const X_TRACE_ID: &str = "x-trace-id";
/// The header by which a proxy says when it had the request.
pub const X_REQUEST_START: &str = "x-request-start";
