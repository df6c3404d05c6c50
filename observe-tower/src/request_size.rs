//! How many bytes of requests' bodies are read.

use http::Request;
use http_body::{Body, Frame, SizeHint};
use observe_core::http_server::RequestBytes;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;

/// Counts the bytes of requests' bodies, as they are read, into `http_server_request_body_size_bytes`, and to `http.request.body.size` on
/// the request's line.
///
/// A layer of its own, to stand *within* [`ObserveLayer`](crate::ObserveLayer): the service it wraps gets another
/// type of body, [`SizedBody`], which only some can take. Those of axum can:
///
/// ```
/// use axum::{Router, routing::post};
/// use observe_core::Telemetry;
/// use observe_tower::{ObserveLayer, RequestSizeLayer};
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let app: Router = Router::new()
///     .route("/orders", post(|order: String| async move { order }))
///     .layer(RequestSizeLayer::new())
///     .layer(ObserveLayer::new(&telemetry).response_sizes(true));
/// # let _ = app;
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// What a service does not read is not counted, nor what it reads after its answer has ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestSizeLayer(());

impl RequestSizeLayer {
    /// A layer.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for RequestSizeLayer {
    type Service = RequestSizeService<S>;

    fn layer(&self, inner: S) -> RequestSizeService<S> {
        RequestSizeService { inner }
    }
}

/// Counts the bytes of requests' bodies: made by [`RequestSizeLayer`].
#[derive(Clone, Debug)]
pub struct RequestSizeService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for RequestSizeService<S>
where
    S: Service<Request<SizedBody<B>>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> S::Future {
        self.inner.call(request.map(|body| SizedBody { body, count: RequestBytes::of_current() }))
    }
}

pin_project! {
    /// A request's body whose bytes are counted as they are read: it passes on what the body within says.
    pub struct SizedBody<B> {
        #[pin]
        body: B,
        count: Option<RequestBytes>,
    }
}

impl<B: Body> Body for SizedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(cx));
        if let Some(Ok(frame)) = &frame
            && let (Some(data), Some(count)) = (frame.data_ref(), this.count)
        {
            count.add(crate::body::bytes(data));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> fmt::Debug for SizedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SizedBody").finish_non_exhaustive()
    }
}
