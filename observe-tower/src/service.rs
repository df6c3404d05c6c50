//! The service around a service.

use crate::body::ObserveBody;
use crate::future::{After, ResponseFuture};
use crate::grpc;
use crate::route::RequestHead;
use crate::settings::Settings;
use http::uri::Scheme as UriScheme;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use observe_core::http_server::{HttpRequest, HttpServerOperation, HttpVersion, ReadyWait, Scheme};
use observe_core::semconv::http::X_REQUEST_START;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tower_service::Service;

/// Observes the requests of a service: made by [`ObserveLayer`](crate::ObserveLayer). Its errors are the
/// service's own.
pub struct ObserveService<S> {
    inner: S,
    settings: Arc<Settings>,
    /// What is within was asked whether it is ready, and was not.
    waiting: Option<ReadyWait>,
    /// How long that was, for the request that comes next.
    waited: Option<Duration>,
}

impl<S: Clone> Clone for ObserveService<S> {
    fn clone(&self) -> Self {
        // Who waits is the other one.
        Self { inner: self.inner.clone(), settings: Arc::clone(&self.settings), waiting: None, waited: None }
    }
}

impl<S> ObserveService<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings, waiting: None, waited: None }
    }

    /// The service within.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B, R> Service<Request<B>> for ObserveService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<ObserveBody<R>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let ready = self.inner.poll_ready(cx);
        if ready.is_pending() {
            let Self { waiting, settings, .. } = self;
            waiting.get_or_insert_with(|| settings.server.wait_for_ready());
        } else if let Some(waiting) = self.waiting.take() {
            self.waited = Some(waiting.end());
        }
        ready
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let head = RequestHead::of(&request);
        let after = After::new(&self.settings);
        let mut operation = self.settings.begin(&head, self.waited.take());
        // What the service does in its `call` is done for the request.
        let future = operation.within(|| self.inner.call(request));
        ResponseFuture::new(future, operation, after)
    }
}

impl Settings {
    fn begin(&self, head: &RequestHead<'_>, waited: Option<Duration>) -> HttpServerOperation {
        let context = self.server.extract(head.headers);
        let scheme = self.scheme.unwrap_or_else(|| match head.uri.scheme() {
            Some(scheme) if *scheme == UriScheme::HTTPS => Scheme::Https,
            _ => Scheme::Http,
        });
        let request = HttpRequest::new(head.method.as_str(), head.path())
            .scheme(scheme)
            .grpc(grpc::is_call(head.headers))
            .ready_wait(waited)
            .version(HttpVersion::of(head.version));
        // The user's functions: they may panic.
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let route = self.routes.of(head);
            let trusted = self.trusts(head);
            (route, trusted, self.excludes(head, route), self.peer.facts(head, trusted))
        }));
        match decided {
            Ok((route, trusted, excluded, facts)) => {
                // Not looked for where it would not count.
                let started = if trusted { head.headers.get(X_REQUEST_START) } else { None };
                let started = started.map(HeaderValue::as_bytes);
                let keep = trusted && self.asks_to_keep(head);
                let request = request.route(route).trusted(trusted).keep(keep).request_start(started);
                let request = facts.tell(request);
                if excluded {
                    self.server.pass(&request, &context)
                } else {
                    self.server.start(&request.segment(self.segment(head)), &context)
                }
            }
            // It is a request all the same: counted as panicked, then the panic goes on.
            Err(panic) => self.server.start(&request, &context).within(|| resume_unwind(panic)),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for ObserveService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveService").field("inner", &self.inner).finish_non_exhaustive()
    }
}
