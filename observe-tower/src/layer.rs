//! The layer, and what it is told.

use crate::carrier::Told;
use crate::classify::Classify;
use crate::peer::Peer;
use crate::route::{RequestHead, RouteOf, Routes};
use crate::service::ObserveService;
use crate::settings::{Exclusion, Settings};
use http::HeaderName;
use observe_core::Telemetry;
use observe_core::context::Untrusted;
use observe_core::http_server::{Scheme, Segment};
use observe_core::label::LabelValue;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use tower_layer::Layer;

/// Observes every request that passes: rate, errors and duration by method, route and status, how many are in
/// flight, the trace, and one line.
///
/// A request ends with its answer's body; one whose client went away is `cancelled`, and one whose handler or
/// body panicked `panicked`: each once, and never under `panic = "abort"`, where the process ends first.
///
/// In axum it names routes by their templates (feature `axum`); the router has to stand around it, as it does with
/// [`Router::layer`](https://docs.rs/axum/latest/axum/struct.Router.html#method.layer): routes added below that call
/// are not observed. A router that is mounted by `nest_service` matches inside of itself: put the layer on it.
///
/// ```
/// use axum::{Router, routing::get};
/// use observe_core::Telemetry;
/// use observe_tower::ObserveLayer;
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let app: Router = Router::new()
///     .route("/orders/{id}", get(|| async { "an order" }))
///     .layer(ObserveLayer::new(&telemetry).exclude("/health"));
/// # let _ = app;
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// Calls by gRPC (feature `grpc`) have metrics of their own, and fail by their status.
///
/// One layer is to stand around a request: two of them count it twice.
///
/// Cheap to clone, and so is its service: it is `Clone` whenever the service within is.
#[derive(Clone)]
pub struct ObserveLayer {
    settings: Arc<Settings>,
}

impl ObserveLayer {
    /// A layer that reports to this telemetry.
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        let server = telemetry.http_server();
        server.expect_ready_wait();
        Self {
            settings: Arc::new(Settings {
                server,
                routes: Routes::default(),
                scheme: None,
                told: Told::default(),
                classify: None,
                place: Arc::default(),
                excluded: Vec::new(),
                trusted: None,
                debug_header: None,
                segments: None,
                peer: Peer::default(),
            }),
        }
    }

    /// Who names the route of a request. Defaults to axum's matched path (feature `axum`), else to nobody; a handler
    /// may name it too ([`observe_core::route`]).
    #[must_use]
    pub fn route(self, routes: impl RouteOf) -> Self {
        self.with(|settings| settings.routes = Routes::Named(Arc::new(routes)))
    }

    /// Leaves a route, or a path, out of all records: no metrics, no line, no span. It is compared whole. The
    /// context that the request brought is current all the same. Defaults to none.
    #[must_use]
    pub fn exclude(self, route: impl Into<String>) -> Self {
        let exclusion = Exclusion::Named(route.into().into_boxed_str());
        self.with(|settings| settings.excluded.push(exclusion))
    }

    /// Leaves those requests out of all records that `is_excluded` says: see [`exclude`](ObserveLayer::exclude).
    /// Defaults to none.
    #[must_use]
    pub fn exclude_if(self, is_excluded: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.excluded.push(Exclusion::If(Arc::new(is_excluded))))
    }

    /// Which responses are failures, where the handler does not say. Defaults to those with a status of 500 and
    /// above.
    #[must_use]
    pub fn classify(self, classify: impl Classify) -> Self {
        self.with(|settings| settings.classify = Some(Arc::new(classify)))
    }

    /// Which part of the callers a request belongs to (a tier, a tenant): the label `segment` of the metrics of requests. It
    /// is a label's value, so it is bounded: an enum, or an open value under its limit; `None` of an `Option` leaves it out.
    /// If the function panics, it is `_OTHER`, and the request goes on. Defaults to no segment.
    ///
    /// What is not known in front of the layer (a key that has to be looked up) a layer around this one has to find out.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_core::label::LabelValue;
    /// use observe_tower::{ObserveLayer, RequestHead};
    ///
    /// #[derive(Clone, Copy, LabelValue)]
    /// enum Tier {
    ///     Free,
    ///     Paid,
    /// }
    ///
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// let layer = ObserveLayer::new(&telemetry).segment::<Tier>(|head: &RequestHead<'_>| {
    ///     if head.headers.contains_key("x-paid") { Tier::Paid } else { Tier::Free }
    /// });
    /// # let _ = layer;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn segment<T: LabelValue>(
        self,
        segment_of: impl Fn(&RequestHead<'_>) -> T + Send + Sync + 'static,
    ) -> Self {
        let segment_of = move |head: &RequestHead<'_>| Segment::of(segment_of(head));
        self.with(|settings| settings.segments = Some(Arc::new(segment_of)))
    }

    /// Tells the client the trace id, in the header `X-Trace-ID`. Defaults to not telling it.
    #[must_use]
    pub fn echo_trace_id(self, echo: bool) -> Self {
        self.with(|settings| settings.told.trace_id = echo)
    }

    /// Tells the caller where its request stands in the trace and, by the sampled flag, whether the trace is kept: the
    /// header `traceresponse` (W3C Trace Context, draft), as it is known when the answer's head goes out. A caller whose
    /// `ObserveClientLayer` trusts this service keeps its part of the trace, too: the path above a failure is seen without
    /// a collector. Defaults to not telling it.
    #[must_use]
    pub fn trace_response(self, tell: bool) -> Self {
        self.with(|settings| settings.told.response = tell)
    }

    /// How requests come to this server, where a proxy in front of it has taken TLS off. Defaults to what the
    /// request's URI says, else `http`.
    #[must_use]
    pub fn scheme(self, scheme: Scheme) -> Self {
        self.with(|settings| settings.scheme = Some(scheme))
    }

    /// Whose word counts: of a caller that `is_trusted` says is, the sampled flag (its trace is kept here too, and
    /// told so onwards), the baggage, and the time in `X-Request-Start`. Defaults to nobody: see
    /// [`untrusted`](ObserveLayer::untrusted) for what is taken of others.
    ///
    /// Who a caller is, a layer or a server around this one must have found out: a peer's address or certificate in
    /// an extension, or a header that a proxy in front sets and takes away from everybody else.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_tower::{ObserveLayer, RequestHead};
    /// use std::net::{IpAddr, Ipv4Addr};
    ///
    /// #[derive(Clone)]
    /// struct Peer(IpAddr);
    ///
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// let layer = ObserveLayer::new(&telemetry).trust_if(|head: &RequestHead<'_>| {
    ///     head.extensions.get::<Peer>().is_some_and(|peer| peer.0 == Ipv4Addr::LOCALHOST)
    /// });
    /// # let _ = layer;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn trust_if(self, is_trusted: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.settings.server.expect_queue();
        self.with(|settings| settings.trusted = Some(Arc::new(is_trusted)))
    }

    /// The header by which a trusted caller ([`trust_if`](ObserveLayer::trust_if)) asks for a request's trace to be kept:
    /// it is, here and in the services behind that trust this one. Any value but `0`, `false` and none counts. Of others
    /// it is passed over. Defaults to no header.
    ///
    /// ```
    /// use http::HeaderName;
    /// use observe_core::Telemetry;
    /// use observe_tower::{ObserveLayer, RequestHead};
    ///
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// let layer = ObserveLayer::new(&telemetry)
    ///     .trust_if(|head: &RequestHead<'_>| head.headers.contains_key("x-internal"))
    ///     .debug_header(HeaderName::from_static("x-debug"));
    /// # let _ = layer;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn debug_header(self, name: HeaderName) -> Self {
        self.with(|settings| settings.debug_header = Some(name))
    }

    /// What is taken of the context of callers that are not trusted. Defaults to their trace, which goes on, but not
    /// their baggage. At the edge of a public service, a new trace with a link to theirs:
    /// `Untrusted::default().continue_trace(false)`.
    #[must_use]
    pub fn untrusted(self, untrusted: Untrusted) -> Self {
        self.with(|settings| settings.server = settings.server.clone().untrusted(untrusted))
    }

    /// Who is at the other end of the connection, as a layer or a server around this one knows it: `network.peer.address` on
    /// the request's line and its span, on no other line. It may be about a person. Defaults to nobody saying so.
    ///
    /// ```
    /// use axum::extract::ConnectInfo;
    /// use observe_core::Telemetry;
    /// use observe_tower::{ObserveLayer, RequestHead};
    /// use std::net::SocketAddr;
    ///
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// // Served by `app.into_make_service_with_connect_info::<SocketAddr>()`.
    /// let layer = ObserveLayer::new(&telemetry).peer_address(|head: &RequestHead<'_>| {
    ///     head.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
    /// });
    /// # let _ = layer;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn peer_address(
        self,
        address_of: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.with(|settings| settings.peer.address_of = Some(Arc::new(address_of)))
    }

    /// Whether it is told who made a request: `client.address` on the request's line and its span, on no other line. Of a
    /// sender that is trusted ([`trust_if`](ObserveLayer::trust_if)) it is the last address in `X-Forwarded-For`, whom that
    /// sender heard itself; else, and where there is none, the [peer's](ObserveLayer::peer_address), if that is known. It may
    /// be about a person. Defaults to `false`.
    #[must_use]
    pub fn client_address(self, tell: bool) -> Self {
        self.with(|settings| settings.peer.tells_client = tell)
    }

    /// Whether the value of `User-Agent` is told: `user_agent.original` on the request's line and its span, on no other line,
    /// cut at 256 bytes. It is the client's word. Defaults to `false`.
    #[must_use]
    pub fn user_agent(self, tell: bool) -> Self {
        self.with(|settings| settings.peer.tells_user_agent = tell)
    }

    /// Whether the sizes of answers' bodies are measured: the bytes that were handed to the server, also of a body that
    /// was left or broke off, in `http_server_response_body_size_bytes`, and `http.response.body.size` on the request's line. Defaults to `false`. Requests' bodies are the
    /// affair of a layer of its own: [`RequestSizeLayer`](crate::RequestSizeLayer).
    #[must_use]
    pub fn response_sizes(self, response_sizes: bool) -> Self {
        self.with(|settings| settings.server = settings.server.clone().response_sizes(response_sizes))
    }

    /// How many routes are kept apart: see [`HttpServer::max_routes`](observe_core::http_server::HttpServer::max_routes). Defaults to 1,000.
    #[must_use]
    pub fn max_routes(self, max: u32) -> Self {
        self.settings.server.max_routes(max);
        self
    }

    fn with(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = ObserveService<S>;

    fn layer(&self, inner: S) -> ObserveService<S> {
        ObserveService::new(inner, Arc::clone(&self.settings))
    }
}

impl fmt::Debug for ObserveLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveLayer").finish_non_exhaustive()
    }
}
