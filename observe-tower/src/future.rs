//! A request until its answer's head.

use crate::body::{ObserveBody, declared};
use crate::call::Call;
use crate::carrier::{self, Told};
use crate::classify::{Failure, ResponseHead};
use crate::grpc;
use crate::settings::Settings;
use http::Response;
use http_body::Body;
use observe_core::http_server::HttpServerOperation;
use observe_core::label::OTHER;
use observe_core::semconv::rpc::GRPC_STATUS;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pin_project! {
    /// A request under way: every poll of it has the request as the current context. Dropped before it is ready,
    /// also before its first poll, the request was cancelled.
    ///
    /// `O` is whose request it is: that of a server, or a client's.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, O: Call = HttpServerOperation> {
        #[pin]
        future: Option<F>,
        // Both are taken at the end.
        operation: Option<O>,
        after: Option<O::After>,
    }

    impl<F, O: Call> PinnedDrop for ResponseFuture<F, O> {
        fn drop(this: Pin<&mut Self>) {
            // The service's destructors run inside, then the request ends.
            let mut this = this.project();
            if let Some(operation) = this.operation.as_mut() {
                operation.within(|| this.future.set(None));
            }
        }
    }
}

impl<F, O: Call> ResponseFuture<F, O> {
    pub(crate) fn new(future: F, operation: O, after: O::After) -> Self {
        Self { future: Some(future), operation: Some(operation), after: Some(after) }
    }
}

impl<F: Future, O: Call> ResponseFuture<F, O> {
    /// The answer, and whose it is: once.
    #[inline]
    pub(crate) fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(F::Output, O, O::After)> {
        let mut this = self.project();
        let Some(operation) = this.operation.as_mut() else { return Poll::Pending };
        let answer = ready!(operation.within(|| match this.future.as_mut().as_pin_mut() {
            Some(future) => {
                let answer = ready!(future.poll(cx));
                this.future.set(None);
                Poll::Ready(answer)
            }
            None => Poll::Pending,
        }));
        match (this.operation.take(), this.after.take()) {
            (Some(operation), Some(after)) => Poll::Ready((answer, operation, after)),
            _ => Poll::Pending,
        }
    }
}

impl<F, R, E> Future for ResponseFuture<F, HttpServerOperation>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<ObserveBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (answer, mut operation, after) = ready!(self.poll_answer(cx));
        Poll::Ready(match answer {
            Ok(mut response) => {
                after.settle(&mut operation, &mut response);
                let observed = operation.answered(&declared(&response));
                Ok(response.map(|body| ObserveBody::new(body, observed)))
            }
            Err(error) => {
                // Of an error of any type nothing can be said that a label could take.
                operation.fail(OTHER);
                operation.finish();
                Err(error)
            }
        })
    }
}

impl<F, O: Call + fmt::Debug> fmt::Debug for ResponseFuture<F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// What is to be done when the head of the answer is there.
pub struct After {
    told: Told,
    /// Only where there is something to decide: a count shared by all requests is not touched for nothing.
    settings: Option<Arc<Settings>>,
}

impl After {
    pub(crate) fn new(settings: &Arc<Settings>) -> Self {
        let decides = settings.classify.is_some() || settings.watches_place();
        Self { told: settings.told, settings: decides.then(|| Arc::clone(settings)) }
    }

    /// Says what the head of the answer says.
    fn settle<R>(&self, operation: &mut HttpServerOperation, response: &mut Response<R>) {
        let status = response.status();
        if operation.is_grpc() {
            match response.headers().get(GRPC_STATUS) {
                Some(status) => operation.grpc_status(status.as_bytes()),
                // Anybody can say that his request is a call.
                None if !grpc::is_call(response.headers()) => operation.is_no_call(),
                None => {}
            }
        }
        let settings = self.settings.as_deref();
        let classify = settings.and_then(|settings| settings.classify.as_deref());
        match (response.extensions().get::<Failure>(), classify) {
            (Some(failure), _) => {
                failure.declare(operation, status);
                operation.status(status.as_u16());
            }
            (None, Some(classify)) => {
                let (headers, extensions) = (response.headers(), response.extensions());
                let head = ResponseHead { status, headers, extensions };
                let failure = operation.within(|| classify.classify(&head));
                operation.status(status.as_u16());
                if failure.is_none() {
                    operation.forgive();
                }
                if let Some(failure) = failure {
                    failure.declare(operation, status);
                }
            }
            (None, None) => operation.status(status.as_u16()),
        }
        if let Some(settings) = settings
            && settings.watches_place()
            && status.is_success()
            && !operation.is_grpc()
        {
            settings.place.note(operation.has_route(), &settings.server);
        }
        carrier::echo(operation, self.told, response.headers_mut());
    }
}
