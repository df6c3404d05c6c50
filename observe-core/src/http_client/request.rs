//! What a client knows of a request when it begins.

use super::url::Server;
use crate::http_metrics::Scheme;

/// What is known of a request when it begins.
#[derive(Clone, Copy, Debug)]
#[must_use = "a request is observed by `HttpClient::start`"]
pub struct OutgoingRequest<'a> {
    pub(super) method: &'a str,
    pub(super) scheme: &'a str,
    pub(super) authority: &'a str,
    pub(super) server: Server<'a>,
    pub(super) path_and_query: &'a str,
    pub(super) template: &'static str,
    pub(super) resend_count: u32,
    pub(super) grpc: bool,
}

impl<'a> OutgoingRequest<'a> {
    /// A request by its method and the parts of its URL. The authority is `host:port`, the port may be missing, and a
    /// user with a password may stand before it (neither is told); without an authority it is empty.
    ///
    /// ```
    /// use observe_core::http_client::OutgoingRequest;
    ///
    /// let request = OutgoingRequest::new("GET", "https", "stock.internal:8443", "/items/17?full=1");
    /// # let _ = request;
    /// ```
    pub fn new(method: &'a str, scheme: &'a str, authority: &'a str, path_and_query: &'a str) -> Self {
        let default_port = if scheme == Scheme::Https.as_str() { 443 } else { 80 };
        let server = Server::of(authority, default_port);
        Self { method, scheme, authority, server, path_and_query, template: "", resend_count: 0, grpc: false }
    }

    /// The server that it goes to, where its URL does not say. Defaults to none.
    pub fn server(mut self, address: &'a str, port: u16) -> Self {
        if self.server.host.is_empty() {
            self.server = Server { host: address, port: Some(port) };
        }
        self
    }

    /// The template that the path was made of: `/items/{id}`, a text of the code's making, never the path. It becomes
    /// a label. Defaults to none: the label is left out.
    pub fn template(mut self, template: &'static str) -> Self {
        self.template = template;
        self
    }

    /// How often it was sent before. Defaults to 0.
    pub fn resend_count(mut self, count: u32) -> Self {
        self.resend_count = count;
        self
    }

    /// Whether it is a call by gRPC, whose path names the method: then its duration goes to
    /// `rpc_client_call_duration_seconds` instead, and the status of the call says whether it failed. Defaults to `false`.
    pub fn grpc(mut self, grpc: bool) -> Self {
        self.grpc = grpc;
        self
    }
}
