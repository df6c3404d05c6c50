//! The handler's part in an upgraded connection: it alone sees how that ends.

use crate::current;
use crate::handover::Handover;
use crate::http_stream::HttpStream;
use crate::outcome::Outcome;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

/// The life of an upgraded connection, a WebSocket's for example.
///
/// The request that asks for the upgrade ends with its answer. What comes after it nobody sees but the task that
/// has the connection: so the handler takes the guard before it answers, and moves it into that task. The stream
/// begins when the request is answered by an upgrade (101, or a `CONNECT` that was granted); answered otherwise,
/// there is none. Without a guard the stream is not observed.
///
/// It ends exactly once: as the future says that it [instruments](StreamGuard::instrument), by
/// [`end`](StreamGuard::end), or when it is dropped: as [`Outcome::Panicked`] when the thread unwinds, else as
/// [`Outcome::Cancelled`]. The convention is that of server-sent events: `Ok` when the server ended it, `Cancelled`
/// when the client left, `Error` when it broke.
///
/// ```
/// use observe_core::http_server::{HttpRequest, StreamKind};
/// use observe_core::{Outcome, StreamGuard, Telemetry};
///
/// # let telemetry = Telemetry::builder("chat").build()?;
/// # let server = telemetry.http_server();
/// # let mut request = server.start(&HttpRequest::new("GET", "/ws"), &Default::default());
/// // In the handler:
/// # let stream = request.within(|| {
/// let stream = StreamGuard::take();
/// # stream
/// # });
/// // `async` blocks run in a task of their own, with the connection.
/// let talk = stream.instrument(async {
///     tracing::info!("hello");
///     Outcome::Ok // or Cancelled: the client left
/// });
/// # request.upgraded(StreamKind::WebSocket);
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(talk);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a stream whose guard is dropped at once is not observed"]
pub struct StreamGuard {
    /// `None` where no request runs, and after the end.
    handover: Option<Arc<Handover>>,
    /// The thread was unwinding already when it was taken: then a drop does not tell of a panic.
    taken_unwinding: bool,
}

impl StreamGuard {
    /// Takes the guard of the request that is running here: in its handler, before it is answered. One request has
    /// one guard. Where nothing is running, or the request's guard is held already, it does nothing.
    pub fn take() -> Self {
        let trace = current::with_span(|span| span.trace().cloned()).flatten();
        let handover = trace.and_then(|trace| {
            let handover = Arc::new(Handover::default());
            let mut taken = false;
            trace.tell(|told| {
                let held = told.handover.as_ref().is_some_and(|held| held.is_asked());
                if !held {
                    told.handover = Some(Arc::clone(&handover));
                    taken = true;
                }
            });
            taken.then_some(handover)
        });
        Self { handover, taken_unwinding: std::thread::panicking() }
    }

    /// Counts the stream's bytes, for its line.
    #[must_use]
    pub fn meter(&self) -> StreamMeter {
        StreamMeter { handover: self.handover.clone() }
    }

    /// Runs a future inside the stream: every poll of it has the stream as the current context, from its beginning
    /// on. What the future answers is how the stream ended.
    ///
    /// The future may be spawned before the request is answered, and wait for the connection itself.
    pub fn instrument<F>(self, future: F) -> StreamFuture<F>
    where
        F: Future<Output = Outcome>,
    {
        StreamFuture { future: Some(future), stream: None, guard: Some(self) }
    }

    /// Ends it.
    pub fn end(mut self, outcome: Outcome) {
        self.close(outcome);
    }

    fn close(&mut self, outcome: Outcome) {
        let Some(handover) = self.handover.take() else { return };
        if let Some(begun) = handover.end() {
            finish(HttpStream::take(begun), &handover, outcome);
        }
    }

    fn begin(&self) -> Option<HttpStream> {
        Some(HttpStream::take(self.handover.as_ref()?.take()?))
    }
}

/// Ends a stream, with what was metered.
fn finish(mut stream: HttpStream, handover: &Handover, outcome: Outcome) {
    let metered = |bytes: &AtomicU64| Some(bytes.load(Ordering::Relaxed)).filter(|bytes| *bytes != 0);
    if let Some(bytes) = metered(&handover.sent) {
        stream.sent(bytes);
    }
    if let Some(bytes) = metered(&handover.received) {
        stream.received(bytes);
    }
    stream.end(outcome);
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let unwinding = std::thread::panicking() && !self.taken_unwinding;
        self.close(if unwinding { Outcome::Panicked } else { Outcome::Cancelled });
    }
}

impl fmt::Debug for StreamGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamGuard").field("is_live", &self.handover.is_some()).finish_non_exhaustive()
    }
}

/// Counts the bytes of an upgraded connection: [`StreamGuard::meter`]. Cheap to clone.
#[derive(Clone)]
pub struct StreamMeter {
    handover: Option<Arc<Handover>>,
}

impl StreamMeter {
    /// So many bytes more were sent.
    pub fn sent(&self, bytes: u64) {
        self.add(bytes, |handover| &handover.sent);
    }

    /// So many bytes more were received.
    pub fn received(&self, bytes: u64) {
        self.add(bytes, |handover| &handover.received);
    }

    fn add(&self, bytes: u64, sum: impl Fn(&Handover) -> &AtomicU64) {
        if let Some(handover) = &self.handover {
            sum(handover).fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for StreamMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamMeter").finish_non_exhaustive()
    }
}

pin_project! {
    /// A future inside a stream: see [`StreamGuard::instrument`].
    #[must_use = "futures do nothing unless polled"]
    pub struct StreamFuture<F> {
        #[pin]
        future: Option<F>,
        // Once it has begun.
        stream: Option<HttpStream>,
        // Until the end.
        guard: Option<StreamGuard>,
    }

    impl<F> PinnedDrop for StreamFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            // The future's destructors run inside, then the stream ends.
            let mut this = this.project();
            if let Some(mut stream) = this.stream.take() {
                stream.within(|| this.future.set(None));
                if let Some(handover) = this.guard.take().and_then(|mut guard| guard.handover.take()) {
                    let outcome = stream.abandoned();
                    finish(stream, &handover, outcome);
                }
            }
        }
    }
}

impl<F> Future for StreamFuture<F>
where
    F: Future<Output = Outcome>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(guard) = this.guard.as_mut() else { return Poll::Pending };
        if this.stream.is_none() {
            *this.stream = guard.begin();
        }
        let mut poll = || match this.future.as_mut().as_pin_mut() {
            Some(future) => {
                let outcome = ready!(future.poll(cx));
                this.future.set(None);
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        };
        let outcome = ready!(match this.stream.as_mut() {
            Some(stream) => stream.within(poll),
            None => poll(),
        });
        if let Some(mut guard) = this.guard.take() {
            match (this.stream.take(), guard.handover.take()) {
                (Some(stream), Some(handover)) => finish(stream, &handover, outcome),
                // It may have begun during that very poll.
                (_, handover) => {
                    guard.handover = handover;
                    guard.end(outcome);
                }
            }
        }
        Poll::Ready(())
    }
}

impl<F> fmt::Debug for StreamFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamFuture").field("stream", &self.stream).finish_non_exhaustive()
    }
}
