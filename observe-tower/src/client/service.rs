//! The service around a client.

use super::attempts::Attempts;
use super::errors::{self, Errors};
use super::layer::UrlTemplate;
use crate::body::{ObserveBody, declared};
use crate::call::Call;
use crate::classify::{Classify, ResponseHead};
use crate::future::ResponseFuture;
use crate::grpc;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use observe_core::http_client::{HttpClient, HttpClientOperation, OutgoingRequest};
use observe_core::http_server::HttpVersion;
use observe_core::semconv::TRACERESPONSE;
use observe_core::semconv::rpc::GRPC_STATUS;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_service::Service;

/// Shared by all services of a layer.
#[derive(Clone)]
pub(super) struct ClientSettings {
    pub(super) client: HttpClient,
    pub(super) server: Option<(Box<str>, u16)>,
    pub(super) template: Option<UrlTemplate>,
    pub(super) classify: Option<Arc<dyn Classify>>,
    pub(super) errors: Errors,
}

/// Observes the requests of a client: made by [`ObserveClientLayer`](crate::ObserveClientLayer). Its errors are the
/// client's own.
pub struct ObserveClientService<S> {
    pub(super) inner: S,
    pub(super) settings: Arc<ClientSettings>,
}

impl<S: Clone> Clone for ObserveClientService<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings) }
    }
}

impl<S> ObserveClientService<S> {
    pub(super) fn new(inner: S, settings: Arc<ClientSettings>) -> Self {
        Self { inner, settings }
    }

    /// The client within.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B, R> Service<Request<B>> for ObserveClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: 'static,
    R: Body,
{
    type Response = Response<ObserveBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, HttpClientOperation>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let mut operation = self.settings.begin(&parts);
        operation.inject(&mut parts.headers);
        let after = ClientAfter::new(&self.settings);
        let request = Request::from_parts(parts, body);
        // What the client does in its `call` is done for the request.
        let future = operation.within(|| self.inner.call(request));
        ResponseFuture::new(future, operation, after)
    }
}

impl<F, R, E> Future for ResponseFuture<F, HttpClientOperation>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
    E: 'static,
{
    type Output = Result<Response<ObserveBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (answer, operation, after) = ready!(self.poll_answer(cx));
        Poll::Ready(match answer {
            Ok(response) => Ok(after.answered(operation, response)),
            Err(error) => {
                after.failed(operation, &error);
                Err(error)
            }
        })
    }
}

impl ClientSettings {
    fn begin(&self, parts: &Parts) -> HttpClientOperation {
        let uri = &parts.uri;
        let method = parts.method.as_str();
        let scheme = uri.scheme_str().unwrap_or("http");
        let path_and_query = uri.path_and_query().map_or("", |path| path.as_str());
        let authority = match (uri.authority(), &self.server) {
            (Some(authority), _) => authority.as_str(),
            (None, Some(_)) => "",
            (None, None) => host(&parts.headers),
        };
        let mut request = OutgoingRequest::new(method, scheme, authority, path_and_query)
            .grpc(grpc::is_call(&parts.headers));
        if let Some((address, port)) = &self.server {
            request = request.server(address, *port);
        }
        if let Some(UrlTemplate(template)) = parts.extensions.get().or(self.template.as_ref()) {
            request = request.template(template);
        }
        if let Some(attempts) = parts.extensions.get::<Attempts>() {
            request = request.resend_count(attempts.next());
        }
        self.client.start(&request)
    }
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

/// What is to be done when a client has its answer.
pub struct ClientAfter {
    /// Only where there is something to decide: a count shared by all requests is not touched for nothing.
    settings: Option<Arc<ClientSettings>>,
}

impl ClientAfter {
    pub(super) fn new(settings: &Arc<ClientSettings>) -> Self {
        let decides = settings.classify.is_some() || settings.errors.are_more();
        Self { settings: decides.then(|| Arc::clone(settings)) }
    }

    pub(super) fn answered<R: Body>(
        self,
        mut operation: HttpClientOperation,
        response: Response<R>,
    ) -> Response<ObserveBody<R>> {
        let (status, settings) = (response.status(), self.settings.as_deref());
        operation.version(HttpVersion::of(response.version()));
        match settings.and_then(|settings| settings.classify.as_deref()) {
            Some(classify) => {
                let (headers, extensions) = (response.headers(), response.extensions());
                let head = ResponseHead { status, headers, extensions };
                let failure = operation.within(|| classify.classify(&head));
                if let Some(failure) = &failure {
                    failure.declare(&mut operation, status);
                }
                operation.status(status.as_u16());
                if failure.is_none() {
                    operation.forgive();
                }
            }
            None => operation.status(status.as_u16()),
        }
        if operation.is_grpc()
            && let Some(status) = response.headers().get(GRPC_STATUS)
        {
            operation.grpc_status(status.as_bytes());
        }
        if operation.trusts_response() {
            let mut said = response.headers().get_all(TRACERESPONSE).iter();
            // Two of them are none.
            if let (Some(said), None) = (said.next(), said.next()) {
                operation.trace_response(said.as_bytes());
            }
        }
        let observed = operation.answered(&declared(&response));
        response.map(|body| ObserveBody::new(body, observed))
    }

    pub(super) fn failed(self, mut operation: HttpClientOperation, error: &dyn Any) {
        let usual = Errors::default();
        let known = self.settings.as_deref().map_or(&usual, |settings| &settings.errors);
        // Their texts are of others' making.
        let (error_type, cause) = operation.within(|| errors::describe(known, error));
        operation.fail(error_type);
        if let Some(cause) = cause {
            operation.cause(&cause);
        }
        operation.finish();
    }
}

impl Call for HttpClientOperation {
    type After = ClientAfter;

    #[inline]
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.within(f)
    }

    fn fails_by(&self, status: StatusCode) -> bool {
        status.is_client_error() || status.is_server_error()
    }

    fn fail(&mut self, error_type: &'static str) {
        self.fail(error_type);
    }

    fn cause(&mut self, cause: &str) {
        self.cause(cause);
    }
}

impl<S: fmt::Debug> fmt::Debug for ObserveClientService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveClientService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
