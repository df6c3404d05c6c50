//! Snapshots: what the flight recorder remembers, with the world beside it, as a folder of files.
//!
//! Whoever asks for one waits for nothing: a thread of its own reads, writes, and looks at the metrics now and then.

mod content;
mod folder;
mod history;
mod rate;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;

use crate::clock::Clock;
use crate::context::SpanId;
use crate::error::{Error, Kind};
use crate::export::json::rfc3339;
use crate::hub::Hub;
pub(crate) use content::World;
use folder::Folder;
use rate::Rate;
use worker::Worker;

/// How often snapshots are taken, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotLimits {
    /// Snapshots in the folder; the oldest are deleted. Defaults to 10.
    pub count: usize,
    /// Bytes of all of them, but for the newest, whose traces and lines may take a quarter of it each. Defaults to
    /// 256 MiB.
    pub bytes: u64,
    /// How long it takes until another may be taken for the same reason. Defaults to a minute.
    pub every: Duration,
    /// How many may be taken before that counts. Defaults to 2.
    pub burst: u32,
}

impl Default for SnapshotLimits {
    fn default() -> Self {
        Self { count: 10, bytes: 256 * 1024 * 1024, every: Duration::from_secs(60), burst: 2 }
    }
}

/// What a snapshot is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The code asked.
    Call,
    /// Something panicked.
    Panic,
    /// The error budget of an objective burns.
    Burn,
    /// An operator sent a signal.
    #[cfg_attr(
        not(all(unix, feature = "signal")),
        allow(dead_code, reason = "the folder knows those of a build that has it")
    )]
    Signal,
}

impl Reason {
    const ALL: [Reason; 4] = [Reason::Call, Reason::Panic, Reason::Burn, Reason::Signal];

    /// As it stands in the snapshot's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Reason::Call => "call",
            Reason::Panic => "panic",
            Reason::Burn => "burn",
            Reason::Signal => "signal",
        }
    }

    /// How long the worker waits before it looks: the trace of what panicked ends meanwhile.
    const fn patience(self) -> Duration {
        match self {
            Reason::Call | Reason::Burn | Reason::Signal => Duration::ZERO,
            Reason::Panic => SETTLE,
        }
    }
}

/// What a request that panicked is given to come to its end.
const SETTLE: Duration = Duration::from_secs(1);

/// How many may wait to be written.
const WAITING_MAX: usize = 8;

/// How long dropping the owner waits for what was asked for.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// Takes snapshots. Dropped, it writes those that were asked for, and waits up to a second for that.
pub(crate) struct Snapshots {
    shared: Arc<Shared>,
    worker: Thread,
}

struct Shared {
    folder: Folder,
    clock: Clock,
    rates: [Rate; Reason::ALL.len()],
    asks: ArrayQueue<Ask>,
    asked: AtomicU64,
    /// How many are being asked for at this moment: the end waits for them.
    coming: AtomicU64,
    /// Somebody waits.
    hurry: AtomicBool,
    closed: AtomicBool,
    progress: Mutex<Progress>,
    progressed: Condvar,
    stats: Arc<SnapshotStats>,
}

#[derive(Default)]
struct Progress {
    done: u64,
    /// Those that could not be written, and that nobody was told of who waited.
    failed: u64,
    /// The worker has ended.
    finished: bool,
}

/// A snapshot that was asked for.
struct Ask {
    place: PathBuf,
    reason: Reason,
    why: String,
    /// It follows one that had to be hurried.
    is_second: bool,
}

/// What became of snapshots. Only ever rises.
#[derive(Default)]
pub(crate) struct SnapshotStats {
    written: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
}

impl SnapshotStats {
    /// Those that were written.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Those that could not be.
    pub(crate) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Those that came too soon after others.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Snapshots {
    /// Makes the folder and starts the worker, a thread named `observe-recorder`.
    ///
    /// # Errors
    ///
    /// If the folder cannot be made, or the thread cannot be started.
    pub(crate) fn start(
        path: PathBuf,
        limits: SnapshotLimits,
        world: World,
        hub: &Arc<Hub>,
    ) -> Result<Snapshots, Error> {
        let failed = |what: String| move |error: std::io::Error| Error::new(Kind::Io, what).caused_by(error);
        let text = format!("the folder of snapshots `{}` cannot be made", path.display());
        let folder = Folder::open(path, limits).map_err(failed(text))?;
        let shared = Arc::new(Shared {
            folder,
            clock: hub.clock.clone(),
            rates: Reason::ALL.map(|_| Rate::new(limits.every, limits.burst)),
            asks: ArrayQueue::new(WAITING_MAX),
            asked: AtomicU64::new(0),
            coming: AtomicU64::new(0),
            hurry: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            progress: Mutex::default(),
            progressed: Condvar::new(),
            stats: Arc::default(),
        });
        let worker = Worker::new(Arc::clone(&shared), world, limits.bytes / 4, Arc::downgrade(hub));
        let text = "the thread `observe-recorder` cannot be started".to_owned();
        let started = thread::Builder::new().name("observe-recorder".to_owned()).spawn(move || worker.run());
        let handle = started.map_err(failed(text))?;
        Ok(Self { shared, worker: handle.thread().clone() })
    }

    /// Asks for one, and answers where it will be. `why`, in words, goes into it. Takes no lock.
    ///
    /// # Errors
    ///
    /// `is_limited` if it comes too soon after others.
    pub(crate) fn ask(&self, reason: Reason, why: &str) -> Result<PathBuf, Error> {
        let shared = &*self.shared;
        let refused = |text: String| {
            shared.stats.refused.fetch_add(1, Ordering::Relaxed);
            Err(Error::new(Kind::Limited, text))
        };
        let now = shared.clock.now();
        if let Err(wait) = shared.rates[reason as usize].admit(now) {
            return refused(format!("too many snapshots: the next may be taken in {wait:?}"));
        }
        let time = rfc3339(shared.clock.unix_nanos(now));
        let random = SpanId::random().write_hex();
        let place = shared.folder.place(&time, reason.as_str(), &random);
        let ask = Ask { place: place.clone(), reason, why: why.to_owned(), is_second: false };
        shared.coming.fetch_add(1, Ordering::SeqCst);
        let is_taken = !shared.closed.load(Ordering::SeqCst) && shared.push(ask);
        shared.coming.fetch_sub(1, Ordering::SeqCst);
        if !is_taken {
            return refused("too many snapshots wait to be written, or none is any more".to_owned());
        }
        self.worker.unpark();
        Ok(place)
    }

    /// What became of them.
    pub(crate) fn stats(&self) -> &Arc<SnapshotStats> {
        &self.shared.stats
    }

    /// Waits until each that was asked for is written.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`; `is_io` if one could not be written since the last time.
    pub(crate) fn flush(&self, patience: Duration) -> Result<(), Error> {
        let shared = &*self.shared;
        let asked = shared.asked.load(Ordering::SeqCst);
        let progress = shared.progress();
        if progress.done < asked {
            shared.hurry.store(true, Ordering::SeqCst);
            self.worker.unpark();
        }
        // The worker cannot wait for itself: a collector may ask for it.
        let own = thread::current().id() == self.worker.id();
        let patience = if own { Duration::ZERO } else { patience };
        let waits = |progress: &mut Progress| !progress.finished && progress.done < asked;
        let waited = shared.progressed.wait_timeout_while(progress, patience, waits);
        let (mut progress, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            return Err(Error::new(Kind::Timeout, format!("a snapshot was not written within {patience:?}")));
        }
        match std::mem::take(&mut progress.failed) {
            0 if progress.done >= asked => Ok(()),
            0 => Err(Error::new(Kind::Io, "the thread `observe-recorder` has ended")),
            count => Err(Error::new(Kind::Io, format!("{count} snapshots could not be written"))),
        }
    }

    /// Takes no more, and waits as [`flush`](Self::flush) does.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub(crate) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.shared.closed.store(true, Ordering::SeqCst);
        let begun = Instant::now();
        // A few instructions of another thread.
        while self.shared.coming.load(Ordering::SeqCst) > 0 && begun.elapsed() < patience {
            thread::yield_now();
        }
        self.worker.unpark();
        self.flush(patience)
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        // There is nobody left to be told.
        let _ = self.shutdown(DROP_PATIENCE);
    }
}

impl Shared {
    fn push(&self, ask: Ask) -> bool {
        let pushed = self.asks.push(ask).is_ok();
        self.asked.fetch_add(u64::from(pushed), Ordering::SeqCst);
        pushed
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
