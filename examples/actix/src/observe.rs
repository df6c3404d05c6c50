//! The middleware. It is all that there is between actix-web and `observe_core`, and may be copied.

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::Version;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use actix_web::{Error, web};
use observe_core::Telemetry;
use observe_core::context::Extract;
use observe_core::http_server::{
    HttpAnswer, HttpBody, HttpRequest, HttpServer, HttpServerOperation, HttpVersion, Scheme,
};
use pin_project_lite::pin_project;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Observes the requests of an `App`, or of a scope: `wrap` it last.
pub(crate) struct Observe(HttpServer);

impl Observe {
    pub(crate) fn new(telemetry: &Telemetry) -> Self {
        Self(telemetry.http_server())
    }
}

impl<S, B> Transform<S, ServiceRequest> for Observe
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ObservedBody<B>>;
    type Error = Error;
    type Transform = ObservedService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(ObservedService { service, server: self.0.clone() }))
    }
}

pub(crate) struct ObservedService<S> {
    service: S,
    server: HttpServer,
}

impl<S, B> Service<ServiceRequest> for ObservedService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<ObservedBody<B>>;
    type Error = Error;
    type Future = ObservedFuture<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let route = request.match_pattern();
        let head = HttpRequest::new(request.method().as_str(), request.path())
            .route(route.as_deref())
            .scheme(if request.app_config().secure() { Scheme::Https } else { Scheme::Http })
            .version(version(request.version()));
        let context = self.server.extract(&Headers(request.headers()));
        let mut operation = self.server.start(&head, &context);
        let future = operation.within(|| self.service.call(request));
        ObservedFuture { future: Some(future), operation: Some(operation) }
    }
}

pin_project! {
    /// Until the answer's head. Dropped before, the client has gone.
    pub(crate) struct ObservedFuture<F> {
        #[pin]
        future: Option<F>,
        operation: Option<HttpServerOperation>,
    }

    impl<F> PinnedDrop for ObservedFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // The handler's destructors run inside, then the request ends.
            let mut this = this.project();
            if let Some(operation) = this.operation {
                operation.within(|| this.future.set(None));
            }
        }
    }
}

impl<F, B> Future for ObservedFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<ObservedBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(operation), Some(future)) = (this.operation.as_mut(), this.future.as_mut().as_pin_mut())
        else {
            return Poll::Pending;
        };
        let answer = ready!(operation.within(|| future.poll(cx)));
        operation.within(|| this.future.set(None));
        let Some(mut operation) = this.operation.take() else { return Poll::Pending };
        Poll::Ready(match answer {
            Ok(response) => Ok(answered(operation, response)),
            Err(error) => {
                operation.status(error.as_response_error().status_code().as_u16());
                operation.cause(&error.to_string());
                operation.finish(); // its answer is made outside
                Err(error)
            }
        })
    }
}

fn answered<B: MessageBody>(
    mut operation: HttpServerOperation,
    mut response: ServiceResponse<B>,
) -> ServiceResponse<ObservedBody<B>> {
    operation.status(response.status().as_u16());
    if let Some(error) = response.response().error() {
        operation.cause(&error.to_string());
    }
    let id = operation.with_correlation_id(|name, id| {
        Some((HeaderName::try_from(name.as_str()).ok()?, HeaderValue::from_str(id).ok()?))
    });
    if let Some((name, id)) = id.flatten() {
        response.headers_mut().insert(name, id);
    }
    response.map_body(|head, body| {
        let header = |name| head.headers().get(name).map(HeaderValue::as_bytes);
        let answer = HttpAnswer::new().content_type(header(CONTENT_TYPE)).upgrade(header(UPGRADE));
        let answer = match body.size() {
            BodySize::None | BodySize::Sized(0) => answer.empty(true),
            BodySize::Sized(length) => answer.length(length),
            BodySize::Stream => answer,
        };
        let observed = operation.answered(&answer);
        ObservedBody { body: Some(body), observed }
    })
}

pin_project! {
    /// An answer's body, with which its request ends.
    pub(crate) struct ObservedBody<B> {
        #[pin]
        body: Option<B>,
        observed: HttpBody,
    }

    impl<B> PinnedDrop for ObservedBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.observed.within(|| this.body.set(None));
        }
    }
}

impl<B: MessageBody> MessageBody for ObservedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.as_ref().map_or(BodySize::None, MessageBody::size)
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        let this = self.project();
        let Some(body) = this.body.as_pin_mut() else { return Poll::Ready(None) };
        let chunk = ready!(this.observed.within(|| body.poll_next(cx)));
        match &chunk {
            Some(Ok(bytes)) => this.observed.sent(bytes.len() as u64),
            Some(Err(_)) => this.observed.failed(),
            None => this.observed.end(),
        }
        Poll::Ready(chunk)
    }
}

/// actix-web's headers are those of `http` 0.2, and so no carrier by themselves.
struct Headers<'a>(&'a HeaderMap);

impl Extract for Headers<'_> {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        for (name, value) in self.0 {
            offer(name.as_str(), value.as_bytes());
        }
    }
}

fn version(version: Version) -> Option<HttpVersion> {
    match version {
        Version::HTTP_10 => Some(HttpVersion::Http10),
        Version::HTTP_11 => Some(HttpVersion::Http11),
        Version::HTTP_2 => Some(HttpVersion::Http2),
        _ => None,
    }
}
