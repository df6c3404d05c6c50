//! The bounded queue of finished log lines, and the one thread that writes them.
//!
//! Producers never block. A line that finds no room is dropped and counted, and the loss is told in the output
//! as soon as there is room. While the process lives, every accepted line is either written or counted:
//! `accepted = written + dropped(write_error) + still queued`. What is still queued is lost with a process that exits
//! without a shutdown, is killed or aborts; and a child made by `fork` has no thread that writes.

mod stats;
mod worker;

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tracing_core::Level;

use crate::clock::Clock;
use crate::error::{Error, Kind};
use crate::sync::thread::{self, Thread};
use crate::sync::{ArrayQueue, AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard, Ordering};

pub(crate) use stats::{Loss, QueueStats};
use worker::Worker;

/// What a new buffer holds without growing: most lines.
const BUFFER_SIZE: usize = 1024;

/// A buffer that grew beyond this is not kept.
const BUFFER_KEPT: usize = 8 * 1024;

/// How long dropping the queue waits for the last lines.
const DROP_PATIENCE: Duration = Duration::from_secs(1);

/// How much of the log may wait to be written.
///
/// A quarter of each limit is kept for WARN and above. Empty buffers are kept for reuse, at most twice
/// [`lines`](Self::lines) KiB of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueLimits {
    /// Lines, 1 to 1,048,576. Defaults to 8,192.
    pub lines: usize,
    /// Bytes of all lines together, at most 64 GiB. Defaults to 8 MiB. It is their lengths that count: the buffers
    /// that they lie in hold up to 8 KiB each when long lines came before.
    pub bytes: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self { lines: 8192, bytes: 8 * 1024 * 1024 }
    }
}

/// Appends a line, given as it was pushed, in the form in which it is written, line feed included.
pub(crate) type Format = Box<dyn FnMut(&[u8], &mut Vec<u8>) + Send>;

/// Appends a line that tells of so many lines lost for this reason, as if it had been pushed.
pub(crate) type Report = Box<dyn FnMut(Loss, u64, &mut Vec<u8>) + Send>;

/// Looks after something, and may push lines about it.
pub(crate) type Look = Box<dyn FnMut() + Send>;

/// What the worker is made of.
pub(crate) struct Output {
    /// What the worker's thread is called, and what it writes.
    pub(crate) thread: &'static str,
    pub(crate) what: &'static str,
    /// Where lines go. May block and fail: that is the worker's to bear.
    pub(crate) writer: Box<dyn io::Write + Send>,
    /// The form in which lines are written; as they are if there is none.
    pub(crate) format: Option<Format>,
    pub(crate) report: Report,
    /// Renewed about once a second while there are lines.
    pub(crate) clock: Clock,
    /// Called about this often, whether there are lines or not.
    pub(crate) look: Option<(Duration, Look)>,
}

/// The queue's producing end, and its owner's.
///
/// Dropped without [`shutdown`](Self::shutdown) it takes no more lines and waits up to a second for those it
/// has; the worker goes on with what is left then, if the process lives.
pub(crate) struct Queue {
    shared: Arc<Shared>,
    worker: Thread,
}

/// Keeps what producers write away from what they only read.
#[repr(align(128))]
struct Padded<T>(T);

struct Shared {
    what: &'static str,
    /// What is in the queue or being written: see [`Load`].
    load: Padded<AtomicU64>,
    /// The worker sleeps until it is woken. Otherwise it looks by itself every few milliseconds.
    asleep: Padded<AtomicBool>,
    lines: ArrayQueue<Vec<u8>>,
    pool: ArrayQueue<Vec<u8>>,
    limits: QueueLimits,
    stats: Arc<QueueStats>,
    flushes_asked: AtomicU64,
    progress: Mutex<Progress>,
    progressed: Condvar,
}

#[derive(Default)]
struct Progress {
    flushes_done: u64,
    /// The worker has ended: nothing is in the queue, and nothing will be.
    finished: bool,
}

/// Lines and bytes in one number, so that one addition reserves both: from the top a bit that says that the
/// queue is closed, 23 bits of lines, 40 bits of bytes. A reservation that is refused is taken back at once.
#[derive(Clone, Copy)]
struct Load(u64);

impl Load {
    const CLOSED: u64 = 1 << 63;
    const LINE: u64 = 1 << 40;
    const MAX_LINES: usize = 1 << 20;
    const MAX_BYTES: u64 = 1 << 36;

    fn of(line: &[u8]) -> Load {
        Load(Self::LINE + line.len() as u64)
    }

    fn lines(self) -> usize {
        ((self.0 & !Self::CLOSED) / Self::LINE) as usize
    }

    fn bytes(self) -> usize {
        (self.0 % Self::LINE) as usize
    }

    fn is_closed(self) -> bool {
        self.0 & Self::CLOSED != 0
    }
}

impl Queue {
    /// Starts the worker.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn start(output: Output, limits: QueueLimits) -> Result<Queue, Error> {
        let limits = QueueLimits {
            lines: limits.lines.clamp(1, Load::MAX_LINES),
            bytes: limits.bytes.min(usize::try_from(Load::MAX_BYTES).unwrap_or(usize::MAX)),
        };
        let Output { thread: name, what, .. } = output;
        let shared = Arc::new(Shared {
            what,
            load: Padded(AtomicU64::new(0)),
            asleep: Padded(AtomicBool::new(false)),
            lines: ArrayQueue::new(limits.lines),
            pool: ArrayQueue::new(limits.lines),
            limits,
            stats: Arc::default(),
            flushes_asked: AtomicU64::new(0),
            progress: Mutex::default(),
            progressed: Condvar::new(),
        });
        let worker = Worker::new(Arc::clone(&shared), output);
        let started = thread::Builder::new().name(name.to_owned()).spawn(move || worker.run());
        let handle = started.map_err(|error| {
            Error::new(Kind::Io, format!("the thread `{name}` cannot be started")).caused_by(error)
        })?;
        Ok(Queue { shared, worker: handle.thread().clone() })
    }

    /// An empty buffer to write a line into, a used one if there is one.
    #[inline]
    pub(crate) fn buffer(&self) -> Vec<u8> {
        self.shared.pool.pop().unwrap_or_else(|| Vec::with_capacity(BUFFER_SIZE))
    }

    /// Takes a finished line, which ends in a line feed, and answers whether it was taken. A line that is not
    /// is dropped and counted. Never blocks.
    pub(crate) fn push(&self, level: Level, line: Vec<u8>) -> bool {
        let shared = &*self.shared;
        let urgent = level <= Level::WARN;
        let QueueLimits { mut lines, mut bytes } = shared.limits;
        if !urgent {
            lines -= lines / 4;
            bytes -= bytes / 4;
        }
        let load = Load::of(&line);
        // Sequentially consistent, as the reading of `asleep` below and the worker's two are: either the worker
        // sees this line before it sleeps, or this thread sees that it is asleep.
        let before = Load(shared.load.0.fetch_add(load.0, Ordering::SeqCst));
        let fits = before.lines() < lines && before.bytes() + line.len() <= bytes;
        if before.is_closed() || !fits {
            return shared.refuse(
                load,
                line,
                if before.is_closed() { Loss::Shutdown } else { Loss::QueueFull },
            );
        }
        // There is room: what is reserved is never less than what is inside.
        if let Err(line) = shared.lines.push(line) {
            return shared.refuse(load, line, Loss::QueueFull);
        }
        let half =
            |load: Load| load.lines() * 2 > shared.limits.lines || load.bytes() * 2 > shared.limits.bytes;
        let filling = half(Load(before.0 + load.0)) && !half(before);
        if urgent || filling || shared.is_asleep() {
            shared.asleep.0.store(false, Ordering::SeqCst);
            self.worker.unpark();
        }
        true
    }

    /// What was written and what was lost.
    pub(crate) fn stats(&self) -> &Arc<QueueStats> {
        &self.shared.stats
    }

    /// Lines that are accepted and not yet written.
    pub(crate) fn len(&self) -> usize {
        self.shared.load().lines()
    }

    /// Waits until every line accepted before the call is written and the output is flushed.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`; `is_io` if the output refused lines meanwhile.
    pub(crate) fn flush(&self, patience: Duration) -> Result<(), Error> {
        let failures = self.shared.stats.failures();
        let asked = self.shared.flushes_asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.wait("flushed", patience, failures, |progress| progress.flushes_done >= asked)
    }

    /// Takes no more lines, and waits until every accepted one is written and the output is flushed. May be
    /// called again, from any thread: then it waits for the same end.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`: the worker goes on by itself; `is_io` if the output
    /// refused lines meanwhile.
    pub(crate) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        let failures = self.shared.stats.failures();
        self.shared.load.0.fetch_or(Load::CLOSED, Ordering::SeqCst);
        self.wait("written", patience, failures, |_| false)
    }

    fn wait(
        &self,
        done: &str,
        patience: Duration,
        failures: u64,
        is_done: impl Fn(&Progress) -> bool,
    ) -> Result<(), Error> {
        let shared = &*self.shared;
        shared.asleep.0.store(false, Ordering::SeqCst);
        self.worker.unpark();
        // An output that owns the queue may be here on the worker, which cannot wait for itself.
        let own = thread::current().id() == self.worker.id();
        let patience = if own { Duration::ZERO } else { patience };
        let waits = |progress: &mut Progress| !progress.finished && !is_done(progress);
        let waited = shared.progressed.wait_timeout_while(shared.progress(), patience, waits);
        let (progress, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(progress);
        if timeout.timed_out() {
            let what = shared.what;
            let text = format!("{what} were not {done} within {patience:?}: {} are left", self.len());
            return Err(Error::new(Kind::Timeout, text));
        }
        match shared.stats.failures().saturating_sub(failures) {
            0 => Ok(()),
            count => Err(Error::new(Kind::Io, format!("the output of {} failed {count} times", shared.what))),
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // What could not be written is counted, and there is nobody left to be told.
        let _ = self.shutdown(DROP_PATIENCE);
    }
}

impl Shared {
    fn load(&self) -> Load {
        Load(self.load.0.load(Ordering::SeqCst))
    }

    fn is_asleep(&self) -> bool {
        self.asleep.0.load(Ordering::SeqCst)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    fn refuse(&self, load: Load, line: Vec<u8>, loss: Loss) -> bool {
        // In this order: what the worker finds when nothing is reserved any more includes this loss.
        self.stats.lose(loss, 1);
        self.load.0.fetch_sub(load.0, Ordering::SeqCst);
        self.recycle(line);
        false
    }

    /// Keeps a buffer for the next line. Those that grew are kept only among the first eighth.
    fn recycle(&self, mut line: Vec<u8>) {
        let grown = line.capacity() > BUFFER_SIZE;
        if line.capacity() <= BUFFER_KEPT && (!grown || self.pool.len() < self.limits.lines / 8) {
            line.clear();
            // A full pool has enough.
            let _ = self.pool.push(line);
        }
    }
}

#[cfg(test)]
mod tests;
