//! The queue's producing end, and its owner's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use tokio::sync::Notify;
use tracing_core::Level;

use super::worker::Worker;
use super::{Exporter, SpanLimits, SpanLoss, SpanStats};
use crate::error::{Error, Kind};
use crate::export::runtime::start_worker;
use crate::hub::Hub;
use crate::record::{Keep, TraceRecord, TraceSink};

/// How long dropping the queue waits for the last spans.
const DROP_PATIENCE: Duration = Duration::from_secs(1);
/// How long a shutdown waits beyond its deadline for the worker to count what it gave up.
const GRACE: Duration = Duration::from_millis(250);

/// Takes kept traces, and hands them over by a thread of its own.
///
/// Dropped without [`shutdown`](Self::shutdown) it takes no more and waits up to a second for those it has.
pub(crate) struct SpanQueue {
    shared: Arc<Shared>,
    worker: Thread,
}

/// Keeps what producers write away from what they only read.
#[repr(align(128))]
struct Padded<T>(T);

/// What the two ends share.
pub(super) struct Shared {
    /// What is in the queue or under way: see [`Load`].
    load: Padded<AtomicU64>,
    pub(super) traces: ArrayQueue<TraceRecord>,
    pub(super) limits: SpanLimits,
    pub(super) stats: Arc<SpanStats>,
    pub(super) flushes_asked: AtomicU64,
    /// There is enough for a batch.
    pub(super) enough: Notify,
    /// Somebody waits, or the queue was closed.
    pub(super) hurry: Notify,
    progress: Mutex<Progress>,
    progressed: Condvar,
    hub: OnceLock<Weak<Hub>>,
}

#[derive(Default)]
pub(super) struct Progress {
    pub(super) flushes_done: u64,
    /// When the worker is to give up.
    pub(super) deadline: Option<Instant>,
    /// How many were lost before it was closed, until a shutdown tells of those that were lost since.
    lost_before: Option<u64>,
    /// Why the latest attempt was in vain.
    pub(super) why: String,
    /// The worker has ended: nothing is in the queue, and nothing will be.
    pub(super) finished: bool,
}

/// Spans and bytes in one number, so that one addition reserves both: from the top a bit that says that the queue is
/// closed, 23 bits of spans, 40 bits of bytes. A reservation that is refused is taken back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Load(u64);

impl Load {
    const CLOSED: u64 = 1 << 63;
    const SPAN: u64 = 1 << 40;
    /// What one trace takes at most, so that many at once do not overflow.
    const MOST_SPANS: u32 = 1 << 16;
    const MOST_BYTES: u64 = 1 << 36;

    pub(super) const NONE: Load = Load(0);

    /// A trace without a span takes the room of one.
    pub(super) fn of(trace: &TraceRecord) -> Load {
        let spans = u64::from(trace.spans.clamp(1, Self::MOST_SPANS));
        Load(Self::SPAN * spans + (trace.bytes() as u64).min(Self::MOST_BYTES))
    }

    pub(super) fn and(self, other: Load) -> Load {
        Load(self.0 + other.0)
    }

    pub(super) fn spans(self) -> usize {
        ((self.0 & !Self::CLOSED) / Self::SPAN) as usize
    }

    pub(super) fn bytes(self) -> usize {
        (self.0 % Self::SPAN) as usize
    }

    pub(super) fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }
}

impl SpanQueue {
    /// Starts the worker, a thread of this name, which makes the exporter: in its runtime, and anew after a panic.
    ///
    /// # Errors
    ///
    /// If the thread or its runtime cannot be started, or the exporter cannot be made.
    pub(crate) fn start<E: Exporter>(
        name: &str,
        limits: SpanLimits,
        make: impl Fn() -> Result<E, Error> + Send + 'static,
    ) -> Result<SpanQueue, Error> {
        let limits = limits.clamped();
        let shared = Arc::new(Shared {
            load: Padded(AtomicU64::new(0)),
            traces: ArrayQueue::new(limits.spans),
            limits,
            stats: Arc::default(),
            flushes_asked: AtomicU64::new(0),
            enough: Notify::new(),
            hurry: Notify::new(),
            progress: Mutex::default(),
            progressed: Condvar::new(),
            hub: OnceLock::new(),
        });
        let worker = Worker::new(Arc::clone(&shared), make);
        let worker = start_worker(name, move |ready| worker.run(ready))?;
        Ok(SpanQueue { shared, worker })
    }

    /// From now on the worker tells in this telemetry's log what becomes of spans.
    pub(crate) fn tell(&self, hub: &Arc<Hub>) {
        // Once: the first is the one that it belongs to.
        let _ = self.shared.hub.set(Arc::downgrade(hub));
    }

    /// What was delivered and what was lost.
    pub(crate) fn stats(&self) -> &SpanStats {
        &self.shared.stats
    }

    /// Spans that are accepted and not yet delivered.
    pub(crate) fn len(&self) -> usize {
        self.shared.load().spans()
    }

    /// Waits until every span accepted before the call is delivered or given up.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`; `is_io` if spans were lost meanwhile.
    pub(crate) fn flush(&self, patience: Duration) -> Result<(), Error> {
        let failures = self.shared.stats.failures();
        let asked = self.shared.flushes_asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.wait(patience, failures, |progress| progress.flushes_done >= asked)
    }

    /// Takes no more spans, and tries to deliver every accepted one within `patience`: what is left then is given up.
    /// Returns at once.
    pub(crate) fn close(&self, patience: Duration) {
        let deadline = Instant::now().checked_add(patience);
        let mut progress = self.shared.progress();
        // The latest of several counts; one that is too far for a clock is none.
        progress.deadline = match (progress.deadline, self.shared.load().is_closed()) {
            (Some(before), _) => deadline.map(|deadline| deadline.max(before)),
            (None, false) => deadline,
            (None, true) => None,
        };
        progress.lost_before.get_or_insert_with(|| self.shared.stats.failures());
        self.shared.load.0.fetch_or(Load::CLOSED, Ordering::SeqCst);
        drop(progress);
        self.shared.hurry.notify_one();
    }

    /// Takes no more spans, and waits until every accepted one is delivered or given up, which happens within
    /// `patience`. May be called again, from any thread.
    ///
    /// # Errors
    ///
    /// `is_io` if spans were lost since it was [closed](Self::close), those included that were given up at the deadline;
    /// `is_timeout` if the worker did not answer.
    pub(crate) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.close(patience);
        let lost_before = self.shared.progress().lost_before.take();
        let failures = lost_before.unwrap_or_else(|| self.shared.stats.failures());
        self.wait(patience.saturating_add(GRACE), failures, |_| false)
    }

    fn wait(
        &self,
        patience: Duration,
        failures: u64,
        is_done: impl Fn(&Progress) -> bool,
    ) -> Result<(), Error> {
        let shared = &*self.shared;
        shared.hurry.notify_one();
        // The worker cannot wait for itself.
        let own = thread::current().id() == self.worker.id();
        let patience = if own { Duration::ZERO } else { patience };
        let waits = |progress: &mut Progress| !progress.finished && !is_done(progress);
        let waited = shared.progressed.wait_timeout_while(shared.progress(), patience, waits);
        let (progress, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        let because = if progress.why.is_empty() { String::new() } else { format!(" ({})", progress.why) };
        drop(progress);
        if timeout.timed_out() {
            let text = format!("spans were not delivered in time: {} are left{because}", self.len());
            return Err(Error::new(Kind::Timeout, text));
        }
        match shared.stats.failures().saturating_sub(failures) {
            0 => Ok(()),
            count => Err(Error::new(Kind::Io, format!("{count} spans were not delivered{because}"))),
        }
    }
}

impl TraceSink for SpanQueue {
    fn take(&self, trace: TraceRecord) {
        let shared = &*self.shared;
        // Lines of a span that is over or elsewhere: there is nothing to send, and a span may need the room.
        if trace.spans == 0 {
            return shared.stats.count_apart(trace.entries.iter().count() as u64);
        }
        let SpanLimits { mut spans, mut bytes, batch, .. } = shared.limits;
        if trace.head.keep != Keep::Failure {
            spans -= spans / 4;
            bytes -= bytes / 4;
        }
        let load = Load::of(&trace);
        let before = Load(shared.load.0.fetch_add(load.0, Ordering::SeqCst));
        let after = before.spans() + load.spans();
        // A trace larger than the queue would never find room.
        let fits = (after <= spans || before.spans() == 0) && before.bytes() + load.bytes() <= bytes;
        if before.is_closed() || !fits {
            let loss = if before.is_closed() { SpanLoss::Shutdown } else { SpanLoss::QueueFull };
            return shared.refuse(load, loss, &trace);
        }
        // There is room: each trace reserved at least one of as many spans.
        if let Err(trace) = shared.traces.push(trace) {
            return shared.refuse(load, SpanLoss::QueueFull, &trace);
        }
        if before.spans() < batch && after >= batch {
            shared.enough.notify_one();
        }
    }
}

impl Drop for SpanQueue {
    fn drop(&mut self) {
        // What could not be delivered is counted, and there is nobody left to be told.
        let _ = self.shutdown(DROP_PATIENCE);
    }
}

impl Shared {
    pub(super) fn load(&self) -> Load {
        Load(self.load.0.load(Ordering::SeqCst))
    }

    /// Gives back room.
    pub(super) fn release(&self, load: Load) {
        self.load.0.fetch_sub(load.0, Ordering::SeqCst);
    }

    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of the progress, and wakes those who wait for it.
    pub(super) fn advance(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
        self.progressed.notify_all();
    }

    /// Tells in the log, once there is one.
    pub(super) fn say(&self, level: Level, text: &str) {
        if let Some(hub) = self.hub.get().and_then(Weak::upgrade) {
            hub.say(level, text);
        }
    }

    #[cold]
    fn refuse(&self, load: Load, loss: SpanLoss, trace: &TraceRecord) {
        // In this order: what the worker finds when nothing is reserved any more includes this loss.
        self.stats.lose(loss, u64::from(trace.spans));
        self.release(load);
    }
}

#[cfg(test)]
impl SpanQueue {
    pub(super) fn shared_hurry(&self) {
        self.shared.hurry.notify_one();
    }

    pub(super) fn bytes(&self) -> usize {
        self.shared.load().bytes()
    }
}
