//! HTTP clients (OpenTelemetry semantic conventions, "HTTP"); what servers have as well is in [`http`].

/// How long requests took, from their start to the end of the answer's body.
pub const REQUEST_DURATION_SECONDS: &str = "http_client_request_duration_seconds";
/// How many requests are in flight.
pub const ACTIVE_REQUESTS: &str = "http_client_active_requests";

/// The label of the server's host.
pub const SERVER_ADDRESS_LABEL: &str = "server_address";
/// The label of the server's port.
pub const SERVER_PORT_LABEL: &str = "server_port";
/// The label of the template that the path was made of, where the code says it.
pub const URL_TEMPLATE_LABEL: &str = "url_template";

/// The server's host: a name or an address.
pub const SERVER_ADDRESS: &str = "server.address";
/// The server's port.
pub const SERVER_PORT: &str = "server.port";
/// The URL, without what must not be told.
pub const URL_FULL: &str = "url.full";
/// The template that the path was made of.
pub const URL_TEMPLATE: &str = "url.template";
/// How often the request was sent before.
pub const RESEND_COUNT: &str = "http.request.resend_count";
/// The version of HTTP that was spoken.
pub const PROTOCOL_VERSION: &str = "network.protocol.version";

/// Error type: the answer did not come in time.
pub const TIMEOUT: &str = "timeout";
/// Error type: nobody listens there.
pub const CONNECTION_REFUSED: &str = "connection_refused";
/// Error type: the server, or the network, broke the connection off.
pub const CONNECTION_RESET: &str = "connection_reset";
/// Error type: the server closed the connection before it had answered.
pub const CONNECTION_CLOSED: &str = "connection_closed";
/// Error type: no connection came about, for another reason: name, route, TLS.
pub const CONNECT_ERROR: &str = "connect_error";

/// The operation that looks up a name.
pub const DNS: &str = "dns";
/// The operation that connects.
pub const CONNECT: &str = "connect";
/// The operation that connects and speaks TLS.
pub const TLS: &str = "tls";
