//! Futures and closures that take their context along.

use crate::current::{self, Pushed};
use crate::fields::Text;
use crate::hub::Hub;
use crate::operation::Operation;
#[cfg(feature = "opentelemetry")]
use crate::otel::Following;
use crate::outcome::Outcome;
use crate::pool::Shared;
use crate::span::OpenSpan;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tracing::Dispatch;
use tracing::dispatcher::{self, DefaultGuard};

impl Operation {
    /// Runs a future inside: every poll of it has the operation as the current context. It ends as
    /// [`Outcome::Ok`] when the future is ready, as cancelled when the future is dropped before.
    pub fn instrument<F: Future>(self, future: F) -> Instrumented<F> {
        Instrumented { future: Some(future), operation: Some(self), fault: |_| None }
    }

    /// [`instrument`](Operation::instrument), for a future that can fail: an error ends the operation as
    /// [`Outcome::Error`], and its text is the cause.
    ///
    /// ```
    /// use observe_core::Operation;
    ///
    /// async fn resize(image: &[u8]) -> Result<Vec<u8>, std::io::Error> {
    ///     Ok(image[..image.len() / 2].to_vec())
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let small = Operation::builder("resize").start().instrument_result(resize(b"image")).await?;
    /// # assert_eq!(small, b"im");
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn instrument_result<F, T, E>(self, future: F) -> Instrumented<F>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Display,
    {
        let fault = |output: &F::Output| {
            let error = output.as_ref().err()?;
            let mut text = Text::new();
            text.set_formatted(format_args!("{error}"));
            Some(text.plain().into_owned())
        };
        Instrumented { future: Some(future), operation: Some(self), fault }
    }

    /// Runs a closure inside; it ends as [`Outcome::Ok`] when the closure returns.
    pub fn run<R>(mut self, f: impl FnOnce() -> R) -> R {
        let value = self.within(f);
        self.finish(Outcome::Ok);
        value
    }

    /// [`run`](Operation::run), for a closure that can fail: an error ends the operation as [`Outcome::Error`], and its
    /// text is the cause.
    ///
    /// ```
    /// use observe_core::Operation;
    ///
    /// let parsed = Operation::builder("parse").start().run_result(|| "17".parse::<u32>());
    /// assert_eq!(parsed, Ok(17));
    /// ```
    ///
    /// # Errors
    ///
    /// The closure's own.
    pub fn run_result<T, E: fmt::Display>(mut self, f: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let result = self.within(f);
        match &result {
            Ok(_) => self.finish(Outcome::Ok),
            Err(error) => self.fail(error),
        }
        result
    }
}

pin_project! {
    /// A future inside an operation: see [`Operation::instrument`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Instrumented<F>
    where
        F: Future,
    {
        #[pin]
        future: Option<F>,
        operation: Option<Operation>,
        // Why what the future answered is a failure, if it is one.
        fault: fn(&F::Output) -> Option<String>,
    }

    impl<F: Future> PinnedDrop for Instrumented<F> {
        fn drop(this: Pin<&mut Self>) {
            // The future's destructors run inside, then the operation ends.
            let mut this = this.project();
            if let Some(operation) = this.operation.as_mut() {
                operation.within(|| this.future.set(None));
            }
        }
    }
}

impl<F: Future> Future for Instrumented<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(operation) = this.operation.as_mut() else { return Poll::Pending };
        let value = ready!(operation.within(|| match this.future.as_mut().as_pin_mut() {
            Some(future) => {
                let value = ready!(future.poll(cx));
                this.future.set(None);
                Poll::Ready(value)
            }
            None => Poll::Pending,
        }));
        if let Some(mut operation) = this.operation.take() {
            match operation.within(|| (this.fault)(&value)) {
                None => operation.finish(Outcome::Ok),
                Some(cause) => operation.close(Outcome::Error, Some(cause)),
            }
        }
        Poll::Ready(value)
    }
}

impl<F: Future> fmt::Debug for Instrumented<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instrumented").field("operation", &self.operation).finish_non_exhaustive()
    }
}

/// What is running here, to be taken to another thread or task.
///
/// ```
/// use observe_core::{Current, context::Context};
///
/// let here = Current::capture();
/// let id = Context::current().span().map(|span| span.trace_id);
/// std::thread::spawn(here.wrap(move || {
///     assert_eq!(Context::current().span().map(|span| span.trace_id), id);
/// }))
/// .join()
/// .unwrap();
/// ```
#[derive(Clone)]
pub struct Current {
    span: Option<Shared<OpenSpan>>,
    scope: Option<Scope>,
    tracing: tracing::Span,
}

/// A telemetry that is not the process's own, with the subscriber that belongs to it.
#[derive(Clone)]
struct Scope {
    hub: Arc<Hub>,
    dispatch: Dispatch,
}

impl Current {
    /// Takes what is running on this thread.
    #[must_use]
    pub fn capture() -> Self {
        let scope =
            current::scope().map(|hub| Scope { hub, dispatch: dispatcher::get_default(Dispatch::clone) });
        Self { span: current::span(), scope, tracing: tracing::Span::current() }
    }

    /// The telemetry alone, where it is not the process's own: nothing is running in it.
    fn idle() -> Self {
        Self { span: None, tracing: tracing::Span::none(), ..Self::capture() }
    }

    /// Runs `f` with it. May be called again, from several threads at once.
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        let _stay = Stay::of(self);
        let _entered = self.tracing.enter();
        f()
    }

    /// A closure that runs with it: for `spawn_blocking`, rayon, threads.
    pub fn wrap<R>(self, f: impl FnOnce() -> R) -> impl FnOnce() -> R {
        move || self.run(f)
    }

    /// A future that is polled with it: for `tokio::spawn`.
    pub fn instrument<F: Future>(self, future: F) -> InCurrent<F> {
        InCurrent { future: Some(future), current: self }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("span", &self.span.as_ref().map(|span| span.id))
            .finish_non_exhaustive()
    }
}

struct Stay {
    #[cfg(feature = "opentelemetry")]
    _following: Option<Following>,
    scope: Option<(Pushed, DefaultGuard)>,
    polled: Pushed,
    /// Where the stack has it from, and gives it back to.
    span: Option<Shared<OpenSpan>>,
}

impl Stay {
    fn of(current: &Current) -> Self {
        let enter = |scope: &Scope| {
            (current::push_scope(Arc::clone(&scope.hub)), dispatcher::set_default(&scope.dispatch))
        };
        let scope = current.scope.as_ref().map(enter);
        let mut span = current.span.clone();
        let polled = current::push_polled(&mut span);
        Self {
            #[cfg(feature = "opentelemetry")]
            _following: Following::of(current.span.as_deref()),
            scope,
            polled,
            span,
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        current::pop_polled(self.polled, &mut self.span);
        if let Some((pushed, default)) = self.scope.take() {
            drop(default);
            current::pop(pushed);
        }
    }
}

pin_project! {
    /// A future that takes its context along: see [`Current::instrument`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InCurrent<F> {
        #[pin]
        future: Option<F>,
        current: Current,
    }

    impl<F> PinnedDrop for InCurrent<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.current.run(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for InCurrent<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.current.run(|| this.future.as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx)))
    }
}

impl<F> fmt::Debug for InCurrent<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InCurrent").field("current", &self.current).finish_non_exhaustive()
    }
}

/// Takes the current context along, by method.
pub trait ObserveFuture: Future + Sized {
    /// Polls this future with what is running here now, wherever it is polled:
    /// `tokio::spawn(work().in_current_operation())`. It is a part of that operation, but does not make it last.
    fn in_current_operation(self) -> InCurrent<Self> {
        Current::capture().instrument(self)
    }

    /// Makes this future an operation in a trace of its own, with a link to what is running here now: for work that
    /// outlives what asked for it. The operation begins here; of a future that can fail say so by
    /// [`instrument_result`](Operation::instrument_result) of an operation that is
    /// [linked](crate::OperationBuilder::linked).
    ///
    /// ```
    /// use observe_core::{ObserveFuture, context::Context};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let trace = || Context::current().span().map(|span| span.trace_id);
    /// let request = async move {
    ///     let index = tokio::spawn(async move { trace() }.in_linked_operation("rebuild index"));
    ///     assert_ne!(index.await.unwrap(), trace());
    /// };
    /// observe_core::Operation::builder("place order").start().instrument(request).await;
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn in_linked_operation(self, name: &'static str) -> InCurrent<Instrumented<Self>> {
        Current::idle().instrument(Operation::builder(name).linked().start().instrument(self))
    }
}

impl<F: Future> ObserveFuture for F {}
