//! Telemetries beside each other, each for its own part of the program.

use super::Telemetry;
use crate::current;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tracing::dispatcher;

impl Telemetry {
    /// Runs a future in this telemetry: its operations, spans and lines go here and nowhere else, also those of
    /// code that knows no telemetry. For tests that run beside each other.
    ///
    /// Apart are lines, contexts, HTTP metrics, and what lives in the telemetry's own [registry](Telemetry::registry).
    /// The process's are the metrics of functions, operations and dependencies, and every `#[metric] static`: tests
    /// beside each other count in the same series, so compare differences.
    ///
    /// What `tokio::spawn` starts is outside, unless it takes its context along
    /// ([`in_current_operation`](crate::ObserveFuture::in_current_operation)). Records of the `log` crate are heard only in a process in which a
    /// telemetry was [installed](super::Builder::install).
    ///
    /// ```
    /// use observe_core::Telemetry;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// let telemetry = Telemetry::builder("a-test").build()?;
    /// telemetry.scope(async { tracing::info!("seen here only") }).await;
    /// # telemetry.shutdown(std::time::Duration::from_secs(5))
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> Scoped<F> {
        Scoped { future: Some(future), telemetry: self.clone() }
    }

    /// Runs a closure in this telemetry: see [`scope`](Telemetry::scope).
    pub fn run<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Stay(current::Pushed);
        impl Drop for Stay {
            fn drop(&mut self) {
                current::pop(self.0);
            }
        }
        let _stay = Stay(current::push_scope(Arc::clone(&self.inner.hub)));
        dispatcher::with_default(self.inner.dispatch(), f)
    }
}

pin_project! {
    /// A future in a telemetry: see [`Telemetry::scope`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        #[pin]
        future: Option<F>,
        telemetry: Telemetry,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let telemetry = this.telemetry.clone();
            telemetry.run(|| this.future.set(None));
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.telemetry.run(|| this.future.as_pin_mut().map_or(Poll::Pending, |future| future.poll(cx)))
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped").field("telemetry", &self.telemetry).finish_non_exhaustive()
    }
}
