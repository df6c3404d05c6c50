//! Tasks of tokio that take their context along.

use crate::future::{Current, ObserveFuture};
use std::future::Future;
use tokio::task::JoinHandle;

/// `tokio::spawn`, with what is running here now: the task's lines and spans are those of the operation that started
/// it. Work that outlives it is better in a trace of its own:
/// `tokio::spawn(work().in_linked_operation("rebuild index"))`.
///
/// ```
/// use observe_core::{Operation, context::Context};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let request = async {
///     let task = observe_core::spawn(async { Context::current().span() });
///     assert_eq!(task.await.unwrap(), Context::current().span());
/// };
/// Operation::builder("place order").start().instrument(request).await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
///
/// Outside of a runtime of tokio, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_operation())
}

/// `tokio::task::spawn_blocking`, with what is running here now. For other threads, and pools of them:
/// [`Current::wrap`] and [`Current::run`].
///
/// # Panics
///
/// Outside of a runtime of tokio, as `tokio::task::spawn_blocking` does.
#[track_caller]
pub fn spawn_blocking<F, R>(f: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    tokio::task::spawn_blocking(Current::capture().wrap(f))
}
