//! The steps that lead to a connection.

use observe_core::semconv::http_client::{CONNECT, DNS, TLS};
use observe_core::{Instrumented, Operation};
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};
use tower_service::Service;

/// Observes one step that leads to a connection: a resolver, or a connector, of a client.
///
/// Each time the step is taken it is an operation, below the request that needed the connection: a span, and its duration
/// in `operation_duration_seconds{operation="dns"}`, `"connect"` or `"tls"`. A request that finds a connection open has
/// none of them.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::Full;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::client::legacy::connect::{HttpConnector, dns::GaiResolver};
/// use hyper_util::rt::TokioExecutor;
/// use observe_core::Telemetry;
/// use observe_tower::{ObserveClientLayer, ObserveConnector};
/// use tower::ServiceBuilder;
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let tcp = HttpConnector::new_with_resolver(ObserveConnector::dns(GaiResolver::new()));
/// // Around `hyper_rustls::HttpsConnector` comes another, `ObserveConnector::tls`.
/// let client = ServiceBuilder::new()
///     .layer(ObserveClientLayer::new(&telemetry))
///     .service(Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(ObserveConnector::connect(tcp)));
/// # let _ = client;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ObserveConnector<S> {
    inner: S,
    step: &'static str,
}

impl<S> ObserveConnector<S> {
    /// Around a resolver of names.
    pub const fn dns(resolver: S) -> Self {
        Self { inner: resolver, step: DNS }
    }

    /// Around a connector.
    pub const fn connect(connector: S) -> Self {
        Self { inner: connector, step: CONNECT }
    }

    /// Around a connector that speaks TLS over another one: the span of that one, where it is observed as well, hangs
    /// below this one's, and the rest is the handshake.
    pub const fn tls(connector: S) -> Self {
        Self { inner: connector, step: TLS }
    }

    /// What it stands around.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, T, R, E> Service<T> for ObserveConnector<S>
where
    S: Service<T, Response = R, Error = E>,
    S::Future: Future<Output = Result<R, E>>,
    E: fmt::Display,
{
    type Response = R;
    type Error = E;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), E>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, target: T) -> Self::Future {
        let operation = Operation::builder(self.step).start();
        // Connectors ask those within in their own call.
        let entered = operation.enter();
        let connecting = self.inner.call(target);
        drop(entered);
        operation.instrument_result(connecting)
    }
}
