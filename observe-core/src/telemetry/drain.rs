//! The end of a service: readiness off, requests finished, lines written.

use super::answer::Answer;
use super::exports::{Exports, both};
use super::{Inner, Telemetry};
use crate::error::{Error, Kind};
use crate::export::json::JsonLines;
use crate::export::queue::Look;
use crate::export::snapshot::Snapshots;
use crate::hub::Hub;
use crate::in_flight::{self, InFlight};
use crate::readiness::Readiness;
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};
use tracing_core::Level;

/// How often requests that run too long are looked for, at most and at least.
const LOOK_OFTEN: Duration = Duration::from_millis(100);
const LOOK_SELDOM: Duration = Duration::from_secs(60);

/// However long a shutdown has waited for spans, this is left for lines.
const LAST_LINES: Duration = Duration::from_millis(100);

impl Telemetry {
    /// Whether the service wants requests, for `observe_tower::ReadyService` and for whoever holds it back.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        self.inner.readiness.clone()
    }

    /// The requests that are in flight, the oldest first, at most so many of them. It looks through all open spans: for
    /// people who look on, not for each request.
    #[must_use]
    pub fn in_flight(&self, most: usize) -> Vec<InFlight> {
        in_flight::list(&self.inner.hub, most).0
    }

    /// The first step of an end: the service is not ready any more, which is not taken back, and a line says so. Then
    /// it waits for `notice`, so that load balancers learn of it while the service still takes requests: what they send
    /// until then is not refused. In async code use [`drain_async`](Telemetry::drain_async): this blocks.
    ///
    /// Then stop to accept, finish the requests, and [`shutdown`](Telemetry::shutdown). Called again it only waits.
    pub fn drain(&self, notice: Duration) {
        if self.inner.readiness.drain() {
            let hub = &self.inner.hub;
            let count = in_flight::count(hub);
            hub.say(Level::INFO, &format!("draining: not ready any more; requests in flight: {count}"));
        }
        // In wasm there is nothing to sleep by.
        if !notice.is_zero() && !cfg!(target_family = "wasm") {
            thread::sleep(notice);
        }
    }

    /// [`drain`](Telemetry::drain) without blocking the runtime, on any runtime or none. The service is not ready any
    /// more when this is called, not only when it is first polled.
    ///
    /// ```
    /// # use observe_core::Telemetry;
    /// # use std::time::{Duration, Instant};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// # let terminated = async {};
    /// let telemetry = Telemetry::builder("checkout").build()?;
    /// let ending = telemetry.clone();
    /// let stop_accepting = async move {
    ///     terminated.await; // SIGTERM
    ///     ending.drain_async(Duration::from_secs(0)).await; // in a service: the seconds that load balancers need
    /// };
    /// // axum::serve(listener, app).with_graceful_shutdown(stop_accepting).await?;
    /// # stop_accepting.await;
    /// telemetry.shutdown_async(Duration::from_secs(5)).await?;
    /// # Ok::<(), observe_core::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_async(&self, notice: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.drain(Duration::ZERO);
        let telemetry = self.clone();
        async move {
            if !notice.is_zero() && aside("observe-drain", move || thread::sleep(notice)).await.is_err() {
                telemetry.inner.hub.say(Level::WARN, "nobody was given notice: a thread cannot be started");
            }
        }
    }

    /// Waits until every line logged before is written, every trace kept before is exported, every snapshot that was
    /// asked for is written, and metrics are pushed, where that is asked for.
    ///
    /// # Errors
    ///
    /// If that took longer than `patience` ([`Error::is_timeout`]), or something was refused meanwhile
    /// ([`Error::is_io`]).
    pub fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.inner.wait(patience, Snapshots::flush, Exports::flush, JsonLines::flush)
    }

    /// The last step of an end: takes no more lines, traces and snapshots, and waits until every accepted one is written
    /// or exported. Each request that is still in flight is told of before (`WARN`, target `observe::in_flight`), since
    /// its own line will not come; and the service is not ready any more. Metrics are pushed a last time, where they are
    /// pushed; they are recorded and can be scraped as before.
    ///
    /// May be called again, by any clone, from any thread. In async code use
    /// [`shutdown_async`](Telemetry::shutdown_async): this blocks.
    ///
    /// # Errors
    ///
    /// If that took longer than `patience` ([`Error::is_timeout`]; lines and snapshots are written as long as the process
    /// lives), or something was refused meanwhile ([`Error::is_io`]): also spans, and the last push of metrics,
    /// that could not be delivered in time, and are given up.
    pub fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.inner.readiness.drain();
        // Who comes second waits: what is told must not find the log closed.
        self.inner.unfinished_told.call_once_force(|_| in_flight::tell_unfinished(&self.inner.hub));
        self.inner.exports.close(patience);
        self.inner.wait(patience, Snapshots::shutdown, Exports::shutdown, JsonLines::shutdown)
    }

    /// [`shutdown`](Telemetry::shutdown) without blocking the runtime, on any runtime or none.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Telemetry::shutdown).
    pub async fn shutdown_async(&self, patience: Duration) -> Result<(), Error> {
        let Inner { lines, snapshots, exports, .. } = &*self.inner;
        if lines.is_none() && snapshots.is_none() && exports.is_empty() {
            return self.shutdown(patience); // Nothing to wait for: there may be no threads.
        }
        let telemetry = self.clone();
        aside("observe-shutdown", move || telemetry.shutdown(patience)).await?
    }
}

impl Inner {
    /// Waits for snapshots and spans, and for lines, which may tell of them: within `patience` together.
    fn wait(
        &self,
        patience: Duration,
        for_snapshots: fn(&Snapshots, Duration) -> Result<(), Error>,
        for_exports: fn(&Exports, Duration) -> Result<(), Error>,
        for_lines: fn(&JsonLines, Duration) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Inner { lines, snapshots, exports, .. } = self;
        if snapshots.is_none() && exports.is_empty() {
            return lines.as_ref().map_or(Ok(()), |lines| for_lines(lines, patience));
        }
        let begun = Instant::now();
        let left = || patience.saturating_sub(begun.elapsed());
        let mut result = snapshots.as_ref().map_or(Ok(()), |snapshots| for_snapshots(snapshots, left()));
        if let Some(lines) = lines.as_ref().filter(|_| !exports.is_empty()) {
            // They do not wait for a collector.
            result = both(result, lines.flush(left()));
        }
        result = both(result, for_exports(exports, left()));
        let lines = lines.as_ref().map_or(Ok(()), |lines| for_lines(lines, left().max(LAST_LINES)));
        both(result, lines)
    }
}

/// Runs what blocks on a thread of its own, and waits for it.
async fn aside<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let answer = Arc::new(Answer::default());
    let there = Arc::clone(&answer);
    thread::Builder::new().name(name.to_owned()).spawn(move || there.give(work())).map_err(|error| {
        Error::new(Kind::Io, format!("the thread `{name}` cannot be started")).caused_by(error)
    })?;
    Ok(std::future::poll_fn(|cx| answer.poll(cx.waker())).await)
}

/// Has the thread that writes lines look for requests that run too long.
#[derive(Default)]
pub(super) struct Overdue {
    /// It is made after the thread is started.
    hub: Arc<OnceLock<Weak<Hub>>>,
}

impl Overdue {
    /// How often to look, and how.
    pub(super) fn look(&self, limit: Duration) -> (Duration, Look) {
        let hub = Arc::clone(&self.hub);
        let look = move || {
            if let Some(hub) = hub.get().and_then(Weak::upgrade) {
                in_flight::tell_overdue(&hub, limit);
            }
        };
        ((limit / 4).clamp(LOOK_OFTEN, LOOK_SELDOM), Box::new(look))
    }

    /// From now on there is something to look for.
    pub(super) fn belongs_to(&self, hub: &Arc<Hub>) {
        let _ = self.hub.set(Arc::downgrade(hub));
    }
}
