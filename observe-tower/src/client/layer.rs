//! The layer around clients, and what it is told.

use super::errors::Errors;
use super::service::{ClientSettings, ObserveClientService};
use crate::classify::Classify;
use observe_core::Telemetry;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use tower_layer::Layer;

/// Observes every request that a client sends: a span below what is running, rate, errors and duration by method,
/// server and status, how many are in flight; and hands the context on, in the request's headers.
///
/// For any `tower::Service<http::Request<B>>`, hyper-util's client among them, and for `reqwest::Client` (feature
/// `reqwest`).
///
/// A request ends with its answer's body: read to its end, or to its declared length. Dropped before it is `cancelled`,
/// which is no failure; a status of 400 and above is one. Where the client fails, `error_type` says of the cause what a
/// label can: `timeout`, `connection_refused`, `connection_reset`, `connection_closed`, `connect_error`, `body_error`,
/// else `_OTHER`.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use observe_core::Telemetry;
/// use observe_tower::ObserveClientLayer;
/// use tower::ServiceBuilder;
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let client = ServiceBuilder::new()
///     .layer(ObserveClientLayer::new(&telemetry))
///     .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
/// # let _ = client;
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// Calls by gRPC (feature `grpc`) have metrics of their own, and fail by their status: see
/// [the guide](crate::guide::clients).
///
/// Layers that retry stand around it: see [`AttemptsLayer`](crate::AttemptsLayer). A timeout inside of it is a failure, one
/// around it a cancellation.
///
/// Cheap to clone, and so is its service: it is `Clone` whenever the client within is.
#[derive(Clone)]
pub struct ObserveClientLayer {
    settings: Arc<ClientSettings>,
}

/// The template that a request's path was made of, as an extension of the request: `/items/{id}`, a text of the code's
/// making. It is in the span's name, and becomes the label `url_template`.
///
/// ```
/// use observe_tower::UrlTemplate;
///
/// let id = 17;
/// let request = http::Request::get(format!("http://stock.internal/items/{id}"))
///     .extension(UrlTemplate("/items/{id}"))
///     .body(())?;
/// # let _ = request;
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UrlTemplate(pub &'static str);

impl ObserveClientLayer {
    /// A layer that reports to this telemetry, where nothing is running that belongs to another.
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        let client = telemetry.http_client();
        let errors = Errors::default();
        let settings = ClientSettings { client, server: None, template: None, classify: None, errors };
        Self { settings: Arc::new(settings) }
    }

    /// Which server requests go to whose URI does not say: as those to a `tonic` channel do not. Defaults to none: then it
    /// is the `host` header's, else none.
    #[must_use]
    pub fn server(self, address: impl Into<String>, port: u16) -> Self {
        self.with(|settings| settings.server = Some((address.into().into_boxed_str(), port)))
    }

    /// The template that the paths of this layer's requests are made of, where the request has no [`UrlTemplate`]. A request
    /// that `reqwest` built cannot have one: its extensions are its own. Defaults to none.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_tower::ObserveClientLayer;
    /// use tower::Layer;
    ///
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// let layer = ObserveClientLayer::new(&telemetry);
    /// let client = reqwest::Client::new();
    /// let items = layer.clone().url_template("/items/{id}").layer(client.clone());
    /// let prices = layer.url_template("/prices/{id}").layer(client);
    /// # let _ = (items, prices);
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn url_template(self, template: &'static str) -> Self {
        self.with(|settings| settings.template = Some(UrlTemplate(template)))
    }

    /// Whether a server is believed that says by `traceresponse` that it keeps the trace: then the trace is kept here, too,
    /// so that what failed below is seen from above. Of servers of one's own; others could have anything kept. Defaults
    /// to `false`. Servers say it where [`ObserveLayer::trace_response`](crate::ObserveLayer::trace_response) is set.
    #[must_use]
    pub fn trust_response(self, trust: bool) -> Self {
        self.with(|settings| settings.client = settings.client.clone().trust_response(trust))
    }

    /// Which answers are failures. Defaults to those with a status of 400 and above.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_tower::{Failure, ObserveClientLayer, ResponseHead};
    ///
    /// // That there is none is an answer.
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// let layer = ObserveClientLayer::new(&telemetry).classify(|head: &ResponseHead<'_>| {
    ///     (head.status.as_u16() >= 400 && head.status != 404).then(Failure::unnamed)
    /// });
    /// # let _ = layer;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn classify(self, classify: impl Classify) -> Self {
        self.with(|settings| settings.classify = Some(Arc::new(classify)))
    }

    /// Has the client's errors of this type looked at, with their causes. Known without it are boxed errors, as tower's are,
    /// `std::io::Error`, those of hyper, of hyper-util's client, and of reqwest. The `error_type` of others is `_OTHER`.
    #[must_use]
    pub fn errors<E: Error + 'static>(self) -> Self {
        self.with(|settings| settings.errors.know::<E>())
    }

    /// Has errors of this type taken for timeouts, wherever they are among the causes: `tonic::TimeoutExpired` of a channel.
    /// Known without it are tower's, hyper's, reqwest's, and that of `std::io::Error`.
    #[must_use]
    pub fn timeouts<E: Error + 'static>(self) -> Self {
        self.with(|settings| settings.errors.know_timeout::<E>())
    }

    fn with(mut self, set: impl FnOnce(&mut ClientSettings)) -> Self {
        set(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for ObserveClientLayer {
    type Service = ObserveClientService<S>;

    fn layer(&self, inner: S) -> ObserveClientService<S> {
        ObserveClientService::new(inner, Arc::clone(&self.settings))
    }
}

impl fmt::Debug for ObserveClientLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveClientLayer").finish_non_exhaustive()
    }
}
