//! Metrics, pushed at intervals by one thread.
//!
//! What is pushed is counted since the start, so a push in vain loses nothing: the next one says it all. No recording
//! waits for a push, and there is never more than one of them in memory.

pub(crate) mod console;
mod pace;
mod worker;

pub(crate) use pace::Pace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing_core::Level;

use super::runtime::start_worker;
use super::spans::{Answer, Attempt};
use crate::error::{Error, Kind};
use crate::hub::Hub;
use crate::registry::Registry;
use worker::Worker;

/// How long dropping a push waits for the last one.
const DROP_PATIENCE: Duration = Duration::from_secs(1);
/// How long a shutdown waits beyond its deadline for the worker to see it.
const GRACE: Duration = Duration::from_millis(250);

/// A way out for metrics. It is the worker's own: it may be slow, fail, and panic.
pub(crate) trait Pusher: Send + Sized + 'static {
    /// What goes at once.
    type Part: Send;

    /// Where to, for people.
    fn target(&self) -> &str;

    /// Reads everything, at the moment `now`; counts began at `start` (nanoseconds since 1970-01-01T00:00:00Z).
    fn read(&self, registry: &Registry, start: u64, now: u64) -> Vec<Self::Part>;

    /// Makes one attempt.
    fn send(&self, part: Self::Part) -> impl Future<Output = Answer> + Send;
}

/// Pushes what a telemetry's registry has: at intervals, when asked to, and a last time.
///
/// Dropped without [`shutdown`](Self::shutdown) it waits up to a second for that last time.
pub(crate) struct Push {
    shared: Arc<Shared>,
    worker: Thread,
}

/// What the worker and its owner share.
struct Shared {
    pace: Pace,
    attempts: [AtomicU64; Attempt::ALL.len()],
    rejected: AtomicU64,
    /// Somebody waits, or it is the end.
    hurry: Notify,
    progress: Mutex<Progress>,
    progressed: Condvar,
    /// Where counts began, and the telemetry. Weak: its registry asks this for figures.
    source: OnceLock<(u64, Weak<Hub>)>,
}

#[derive(Default)]
struct Progress {
    flushes_asked: u64,
    flushes_done: u64,
    /// The next push is the last.
    is_closed: bool,
    /// When the last one is given up.
    deadline: Option<Instant>,
    /// Why the latest one was in vain.
    why: Option<String>,
    /// The worker has ended.
    is_finished: bool,
}

impl Push {
    /// Starts the worker, a thread of this name, which makes the pusher: in its runtime, and anew after a panic. It
    /// pushes nothing before it [knows](Self::tell) of what.
    ///
    /// # Errors
    ///
    /// If the thread or its runtime cannot be started, or the pusher cannot be made.
    pub(crate) fn start<P: Pusher>(
        name: &str,
        pace: Pace,
        make: impl Fn() -> Result<P, Error> + Send + 'static,
    ) -> Result<Push, Error> {
        let shared = Arc::new(Shared {
            pace: pace.clamped(),
            attempts: Default::default(),
            rejected: AtomicU64::new(0),
            hurry: Notify::new(),
            progress: Mutex::default(),
            progressed: Condvar::new(),
            source: OnceLock::new(),
        });
        let worker = Worker::new(Arc::clone(&shared), make);
        let worker = start_worker(name, move |ready| worker.run(ready))?;
        Ok(Push { shared, worker })
    }

    /// From now on the metrics of this telemetry are pushed, and its log is told whether they arrive.
    pub(crate) fn tell(&self, hub: &Arc<Hub>) {
        let start = hub.clock.unix_nanos(hub.clock.now());
        // Once: the first is the one that it belongs to.
        let _ = self.shared.source.set((start, Arc::downgrade(hub)));
    }

    /// Attempts that ended so.
    pub(crate) fn attempts(&self, attempt: Attempt) -> u64 {
        self.shared.attempts[attempt as usize].load(Ordering::Relaxed)
    }

    /// Values that were not taken, of pushes that were.
    pub(crate) fn rejected(&self) -> u64 {
        self.shared.rejected.load(Ordering::Relaxed)
    }

    /// Pushes what is there now, and waits until that is done.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`; `is_io` if it was in vain.
    pub(crate) fn flush(&self, patience: Duration) -> Result<(), Error> {
        let asked = {
            let mut progress = self.shared.progress();
            progress.flushes_asked += 1;
            progress.flushes_asked
        };
        self.wait(patience, |progress| progress.flushes_done >= asked)
    }

    /// Pushes a last time, within `patience`. Returns at once.
    pub(crate) fn close(&self, patience: Duration) {
        let deadline = Instant::now().checked_add(patience);
        {
            let mut progress = self.shared.progress();
            // The latest of several counts; one that is too far for a clock is none.
            progress.deadline = match (progress.deadline, progress.is_closed) {
                (Some(before), _) => deadline.map(|deadline| deadline.max(before)),
                (None, false) => deadline,
                (None, true) => None,
            };
            progress.is_closed = true;
        }
        self.shared.hurry.notify_one();
    }

    /// Pushes a last time, and waits until that is done or given up, which happens within `patience`. May be called
    /// again, from any thread.
    ///
    /// # Errors
    ///
    /// `is_io` if that was in vain; `is_timeout` if the worker did not answer.
    pub(crate) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.close(patience);
        self.wait(patience.saturating_add(GRACE), |_| false)
    }

    fn wait(&self, patience: Duration, is_done: impl Fn(&Progress) -> bool) -> Result<(), Error> {
        let shared = &*self.shared;
        shared.hurry.notify_one();
        // The worker cannot wait for itself: a collector may ask for it.
        let own = thread::current().id() == self.worker.id();
        let patience = if own { Duration::ZERO } else { patience };
        let waits = |progress: &mut Progress| !progress.is_finished && !is_done(progress);
        let waited = shared.progressed.wait_timeout_while(shared.progress(), patience, waits);
        let (progress, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        match (&progress.why, timeout.timed_out()) {
            (None, false) => Ok(()),
            (Some(why), false) => Err(Error::new(Kind::Io, format!("metrics were not delivered ({why})"))),
            (why, true) => {
                let because = why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
                Err(Error::new(Kind::Timeout, format!("metrics were not delivered in time{because}")))
            }
        }
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        // What could not be delivered is known to nobody who is left.
        let _ = self.shutdown(DROP_PATIENCE);
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of the progress, and wakes those who wait for it.
    fn advance(&self, change: impl FnOnce(&mut Progress)) {
        change(&mut self.progress());
        self.progressed.notify_all();
    }

    fn count(&self, attempt: Attempt) {
        self.attempts[attempt as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Where counts began, and the telemetry, while it lives.
    fn source(&self) -> Option<(u64, Arc<Hub>)> {
        let (start, hub) = self.source.get()?;
        Some((*start, hub.upgrade()?))
    }

    /// Tells in the log, once there is one.
    fn say(&self, level: Level, text: &str) {
        if let Some((_, hub)) = self.source() {
            hub.say(level, text);
        }
    }
}

#[cfg(test)]
mod tests;
