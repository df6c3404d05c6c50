//! What a server knows of a request when it begins.

use crate::http_metrics::{HttpVersion, Scheme, Segment};
use std::net::IpAddr;
use std::time::Duration;

/// What is known of a request when it begins. All of it may be the client's word.
#[derive(Clone, Copy, Debug)]
#[must_use = "a request is observed by `HttpServer::start`"]
pub struct HttpRequest<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) route: Option<&'a str>,
    pub(super) scheme: Scheme,
    pub(super) version: Option<HttpVersion>,
    pub(super) trusted: bool,
    pub(super) keep: bool,
    pub(super) started: Option<&'a [u8]>,
    pub(super) ready_wait: Option<Duration>,
    pub(super) segment: Segment,
    pub(super) grpc: bool,
    pub(super) peer: Peer<'a>,
}

/// What is to be said of who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer<'a> {
    pub(super) client: Option<IpAddr>,
    pub(super) address: Option<IpAddr>,
    pub(super) user_agent: Option<&'a [u8]>,
}

impl<'a> HttpRequest<'a> {
    /// A request by its method and its path, the query left out.
    pub const fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            route: None,
            scheme: Scheme::Http,
            version: None,
            trusted: false,
            keep: false,
            started: None,
            ready_wait: None,
            segment: Segment::NONE,
            grpc: false,
            peer: Peer { client: None, address: None, user_agent: None },
        }
    }

    /// The template that matched: `/users/{id}`, never the path. Defaults to none: the label is left out.
    pub fn route(mut self, route: impl Into<Option<&'a str>>) -> Self {
        self.route = route.into();
        self
    }

    /// How it came. Defaults to `http`.
    pub const fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// The protocol's version. Defaults to none: the label is left out.
    pub fn version(mut self, version: impl Into<Option<HttpVersion>>) -> Self {
        self.version = version.into();
        self
    }

    /// The part of the callers that it belongs to: the label `segment`. Defaults to none: the label is left out.
    pub const fn segment(mut self, segment: Segment) -> Self {
        self.segment = segment;
        self
    }

    /// Whether its sender is trusted: all of its context counts then, and a trace that it keeps (the sampled flag) is
    /// kept here too and told so onwards. Defaults to `false`: see [`HttpServer::untrusted`](super::HttpServer::untrusted).
    pub const fn trusted(mut self, trusted: bool) -> Self {
        self.trusted = trusted;
        self
    }

    /// Whether its sender asks for its trace to be kept, by a header of its own say: it is, and told so onwards, where the
    /// sender is trusted. Defaults to `false`.
    pub const fn keep(mut self, keep: bool) -> Self {
        self.keep = keep;
        self
    }

    /// The value of `X-Request-Start`: when a proxy in front had the request, as `t=1700000000.123` in seconds, or as a
    /// whole number of milliseconds or microseconds. Where the sender is trusted, the time since, from 0 to 60 s, goes
    /// to `http_server_queue_duration_seconds` and to the request's line. Defaults to none.
    pub fn request_start(mut self, value: impl Into<Option<&'a [u8]>>) -> Self {
        self.started = value.into();
        self
    }

    /// How long was waited before it until what the server wraps could take a request: [`ReadyWait::end`] says so. It is on
    /// the request's line. Defaults to none.
    ///
    /// [`ReadyWait::end`]: super::ReadyWait::end
    pub fn ready_wait(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.ready_wait = wait.into();
        self
    }

    /// Who made it, behind proxies that are believed: `client.address` on the request's line and its span, not on other
    /// lines. It may be about a person. Defaults to none.
    pub fn client_address(mut self, address: impl Into<Option<IpAddr>>) -> Self {
        self.peer.client = address.into();
        self
    }

    /// The other end of the connection: `network.peer.address` there. Defaults to none.
    pub fn peer_address(mut self, address: impl Into<Option<IpAddr>>) -> Self {
        self.peer.address = address.into();
        self
    }

    /// The value of `User-Agent`: `user_agent.original` there, cut at 256 bytes; none if it is no UTF-8. Defaults to none.
    pub fn user_agent(mut self, value: impl Into<Option<&'a [u8]>>) -> Self {
        self.peer.user_agent = value.into();
        self
    }

    /// Whether it is a call by gRPC, whose path names the method: then its duration goes to
    /// `rpc_server_call_duration_seconds` instead, and the status of the call says whether it failed. Defaults to `false`.
    pub const fn grpc(mut self, grpc: bool) -> Self {
        self.grpc = grpc;
        self
    }
}
