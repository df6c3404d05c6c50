//! The readiness service: whether this process wants requests, over HTTP.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use observe_core::{Readiness, Telemetry};
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use tower_service::Service;

/// Answers whether the service wants requests: `GET` and `HEAD`, whatever the path. 200 and `ready`, or 503 and
/// `not ready`, or `draining` once [`Telemetry::drain`] was called. For Kubernetes' readiness probe and for the health
/// checks of load balancers; that a process lives at all is another question, which any handler answers.
///
/// A layer around it does not record the request: being asked is not traffic. Cheap to clone.
///
/// ```
/// use axum::Router;
/// use observe_core::Telemetry;
/// use observe_tower::ReadyService;
///
/// let telemetry = Telemetry::builder("checkout").build()?;
/// let app: Router = Router::new().route_service("/ready", ReadyService::new(&telemetry));
/// # let _ = app;
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReadyService(Readiness);

impl ReadyService {
    /// Answers for this telemetry's [`Readiness`](Telemetry::readiness).
    #[must_use]
    pub fn new(telemetry: &Telemetry) -> Self {
        Self(telemetry.readiness())
    }

    fn answer(&self, method: &Method) -> Response<ReadyBody> {
        let (status, said) = match *method {
            Method::GET | Method::HEAD if self.0.is_ready() => (StatusCode::OK, "ready\n"),
            Method::GET | Method::HEAD if self.0.is_draining() => {
                (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
            }
            Method::GET | Method::HEAD => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            _ => (StatusCode::METHOD_NOT_ALLOWED, ""),
        };
        let mut response = Response::new(ReadyBody(if *method == Method::HEAD { "" } else { said }));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl<B> Service<Request<B>> for ReadyService {
    type Response = Response<ReadyBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The request of a layer around this: being asked is not traffic.
        observe_core::discard();
        ready(Ok(self.answer(request.method())))
    }
}

/// What is answered: one frame of known length.
#[derive(Debug)]
pub struct ReadyBody(&'static str);

impl Body for ReadyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let said = std::mem::take(&mut self.0);
        Poll::Ready((!said.is_empty()).then(|| Ok(Frame::data(Bytes::from_static(said.as_bytes())))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
