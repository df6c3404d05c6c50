//! How often a request was sent.

use http::Request;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

/// Counts how often a request is sent: as an extension of the request it is shared by the copies that retries are made
/// of, and each that passes an [`ObserveClientLayer`](crate::ObserveClientLayer) has its number on its span, as
/// `http.request.resend_count`.
///
/// [`AttemptsLayer`] puts it there.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<AtomicU32>);

impl Attempts {
    /// A count from 0 on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How often the request was sent before, which is one more from now on.
    pub(crate) fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Has the attempts of a request counted: to stand around a layer that retries, with
/// [`ObserveClientLayer`](crate::ObserveClientLayer) inside of it. Each attempt is a span of its own then, with its
/// number.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use hyper::body::Incoming;
/// use hyper_util::client::legacy::{Client, Error};
/// use hyper_util::rt::TokioExecutor;
/// use observe_core::Telemetry;
/// use observe_tower::{AttemptsLayer, ObserveClientLayer};
/// use std::future::{Ready, ready};
/// use tower::ServiceBuilder;
/// use tower::retry::{Policy, RetryLayer};
///
/// /// Twice more, whatever went wrong.
/// #[derive(Clone)]
/// struct Twice(u8);
///
/// impl<R, E> Policy<Request<Full<Bytes>>, Response<R>, E> for Twice {
///     type Future = Ready<()>;
///
///     fn retry(&mut self, _: &mut Request<Full<Bytes>>, answer: &mut Result<Response<R>, E>) -> Option<Ready<()>> {
///         let failed = answer.as_ref().map_or(true, |answer| answer.status().is_server_error());
///         self.0 = self.0.checked_sub(1).filter(|_| failed)?;
///         Some(ready(()))
///     }
///
///     fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
///         Some(request.clone()) // with its extensions: the count among them
///     }
/// }
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let client = ServiceBuilder::new()
///     .layer(AttemptsLayer::new())
///     .layer(RetryLayer::new(Twice(2)))
///     .layer(ObserveClientLayer::new(&telemetry))
///     .service(Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>());
/// # let _ = client;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AttemptsLayer(());

impl AttemptsLayer {
    /// A layer.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for AttemptsLayer {
    type Service = AttemptsService<S>;

    fn layer(&self, inner: S) -> AttemptsService<S> {
        AttemptsService { inner }
    }
}

/// Has the attempts of requests counted: made by [`AttemptsLayer`].
#[derive(Clone, Debug)]
pub struct AttemptsService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for AttemptsService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(Attempts::new());
        self.inner.call(request)
    }
}
