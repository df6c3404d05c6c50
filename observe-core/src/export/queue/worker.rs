//! The thread that writes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::{Load, Loss, Output, Shared};
use crate::catch::{catch, mute};
use crate::sync::{Instant, Ordering, thread};

/// Lines and bytes that are written at once, about.
const BATCH_LINES: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;

/// The longest that a line waits while there is traffic: looking this often is cheaper than waking for each.
const POLL: Duration = Duration::from_millis(5);

/// Without a line for so long the worker sleeps until it is woken.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// Sleeping it looks around this often, to tell of losses that it could not tell of before.
pub(super) const SLEEP: Duration = Duration::from_secs(60);

/// While there is no room, losses are told this often; otherwise at once.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// Between attempts at an output that would block, and while a line is on its way into a closed queue.
const RETRY: Duration = Duration::from_millis(1);

const RENEW_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Worker {
    shared: Arc<Shared>,
    output: Output,
    batch: Batch,
    /// The output may stand in the middle of a line.
    torn: bool,
    /// Lines taken out of the queue since the start.
    taken: u64,
    /// A flush asked for, and what `taken` must be before it is done.
    flush: Option<(u64, u64)>,
    flushed: u64,
    reported: [u64; Loss::ALL.len()],
    last_report: Option<Instant>,
    last_renewal: Instant,
    last_line: Option<Instant>,
    last_look: Instant,
}

/// Lines on their way out.
struct Batch {
    text: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// How much of the text, and how many of the lines, are done with, one way or the other.
    text_done: usize,
    lines_done: usize,
    /// What the lines take of the queue's limits, until they are done with.
    load: u64,
}

impl Batch {
    /// Large enough that lines as they are never make it grow.
    fn new() -> Self {
        Self {
            text: Vec::with_capacity(2 * BATCH_BYTES),
            ends: Vec::with_capacity(BATCH_LINES),
            text_done: 0,
            lines_done: 0,
            load: 0,
        }
    }

    fn clear(&mut self) {
        self.text.clear();
        // Formatting may have made it large.
        self.text.shrink_to(2 * BATCH_BYTES);
        self.ends.clear();
        self.text_done = 0;
        self.lines_done = 0;
        self.load = 0;
    }

    fn end(&mut self) {
        self.ends.push(self.text.len());
    }
}

/// What a step came to.
#[derive(PartialEq)]
enum Step {
    /// There may be more.
    Full,
    /// The queue was emptied.
    Emptied,
    /// There was nothing.
    Nothing,
    /// The queue is closed and all is done.
    Finished,
}

/// Wakes those who wait, however the worker ends.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.progress().finished = true;
        self.0.progressed.notify_all();
    }
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, output: Output) -> Self {
        let now = Instant::now();
        Self {
            shared,
            output,
            batch: Batch::new(),
            torn: false,
            taken: 0,
            flush: None,
            flushed: 0,
            reported: [0; Loss::ALL.len()],
            last_report: None,
            last_renewal: now,
            last_line: None,
            last_look: now,
        }
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self) {
        mute();
        let finish = Finish(Arc::clone(&self.shared));
        loop {
            let step = catch(|| self.step());
            match step {
                Some(Step::Full) => {}
                Some(Step::Emptied) => thread::park_timeout(POLL),
                Some(Step::Nothing) => self.rest(),
                Some(Step::Finished) => break,
                None => self.recover(),
            }
        }
        // The output first: its destructor may write, and may panic.
        let Worker { output, .. } = self;
        if catch(|| drop(output)).is_none() {
            finish.0.stats.count_panic();
        }
        drop(finish);
    }

    /// Takes what is there and writes it, tells of losses, answers those who wait for a flush.
    fn step(&mut self) -> Step {
        let now = Instant::now();
        self.look(now);
        self.note_flush();
        let full = self.take();
        let lines = self.batch.ends.len();
        if lines > 0 {
            self.last_line = Some(now);
            if now.duration_since(self.last_renewal) >= RENEW_EVERY {
                self.last_renewal = now;
                self.output.clock.renew();
            }
            let (written, lost) = self.write();
            self.settle(written, lost);
        }
        let load = self.shared.load();
        if load.lines() * 2 <= self.shared.limits.lines && load.bytes() * 2 <= self.shared.limits.bytes
            || self.last_report.is_none_or(|last| now.duration_since(last) >= REPORT_EVERY)
        {
            // Without new lines an output that refuses is left alone, but for the last word.
            let last = load.is_closed() && load.lines() == 0;
            if lines > 0 || self.flush.is_some() || last || self.is_idle(now) {
                self.report(now);
            }
        }
        self.answer_flush();
        if full {
            Step::Full
        } else if load.is_closed() && load.lines() == 0 {
            self.flush_output();
            Step::Finished
        } else if load.is_closed() {
            // A reservation made before the queue was closed is waited for: its line is on its way.
            thread::sleep(RETRY);
            Step::Full
        } else if lines > 0 {
            Step::Emptied
        } else {
            Step::Nothing
        }
    }

    /// Looks after what the worker was given to look after, when it is time to.
    fn look(&mut self, now: Instant) {
        if let Some((every, look)) = &mut self.output.look
            && now.duration_since(self.last_look) >= *every
        {
            self.last_look = now;
            if catch(look).is_none() {
                self.shared.stats.count_panic();
            }
        }
    }

    /// Moves lines from the queue into the batch, and answers whether that is full.
    fn take(&mut self) -> bool {
        while self.batch.ends.len() < BATCH_LINES && self.batch.text.len() < BATCH_BYTES {
            let Some(line) = self.shared.lines.pop() else { return false };
            self.taken += 1;
            self.batch.load += Load::of(&line).0;
            self.format(&line);
            self.shared.recycle(line);
        }
        true
    }

    fn format(&mut self, line: &[u8]) {
        let Batch { text, .. } = &mut self.batch;
        let start = text.len();
        if let Some(format) = &mut self.output.format
            && catch(|| format(line, text)).is_none()
        {
            self.shared.stats.count_panic();
            text.truncate(start);
        }
        if text.len() == start {
            text.extend_from_slice(line);
        }
        self.batch.end();
    }

    /// Writes the batch: whole lines, after a line feed if the one before was torn. Answers how many lines were
    /// written, and how many lost.
    fn write(&mut self) -> (u64, u64) {
        let (mut written, mut lost) = (0, 0);
        while let Some(&end) = self.batch.ends.get(self.batch.lines_done) {
            let rest = if self.torn {
                b"\n"
            } else {
                self.batch.text.get(self.batch.text_done..).unwrap_or_default()
            };
            let result = catch(|| self.output.writer.write(rest));
            match result {
                Some(Ok(1..)) if self.torn => self.torn = false,
                Some(Ok(count @ 1..)) => {
                    self.batch.text_done += count.min(rest.len());
                    let done = self.batch.text_done;
                    let ended = self.batch.ends.get(self.batch.lines_done..).unwrap_or_default();
                    let ended = ended.iter().take_while(|end| **end <= done).count();
                    self.batch.lines_done += ended;
                    written += ended as u64;
                }
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                failed => {
                    let start =
                        self.batch.lines_done.checked_sub(1).and_then(|last| self.batch.ends.get(last));
                    let partly = self.batch.text_done > start.copied().unwrap_or(0);
                    // What an output wrote before it panicked is not known.
                    self.torn |= partly || failed.is_none();
                    match failed {
                        Some(_) => self.shared.stats.count_write_error(),
                        None => self.shared.stats.count_panic(),
                    }
                    self.batch.text_done = end;
                    self.batch.lines_done += 1;
                    lost += 1;
                }
            }
        }
        (written, lost)
    }

    /// Counts the batch's lines, and gives back what they took of the queue's limits.
    fn settle(&mut self, written: u64, lost: u64) {
        self.shared.stats.count_written(written);
        if lost > 0 {
            self.shared.stats.lose(Loss::WriteError, lost);
        }
        self.shared.load.0.fetch_sub(self.batch.load, Ordering::SeqCst);
        self.batch.clear();
    }

    /// Writes a line for each reason for which lines were lost since the last one that was written.
    fn report(&mut self, now: Instant) {
        for loss in Loss::ALL {
            let dropped = self.shared.stats.dropped(loss);
            let reported = self.reported[loss as usize];
            if dropped == reported {
                continue;
            }
            self.last_report = Some(now);
            let mut line = Vec::new();
            if catch(|| (self.output.report)(loss, dropped - reported, &mut line)).is_none() {
                self.shared.stats.count_panic();
                continue;
            }
            if line.is_empty() {
                // Here there is no place to tell.
                self.reported[loss as usize] = dropped;
                continue;
            }
            self.format(&line);
            let (written, _) = self.write();
            self.batch.clear();
            if written > 0 {
                self.reported[loss as usize] = dropped;
            }
        }
    }

    /// Sees whether a flush was asked for, and what must be written before it is done.
    fn note_flush(&mut self) {
        let asked = self.shared.flushes_asked.load(Ordering::SeqCst);
        if self.flush.is_none() && asked > self.flushed {
            self.flush = Some((asked, self.taken + self.shared.load().lines() as u64));
        }
    }

    fn answer_flush(&mut self) {
        let Some((asked, until)) = self.flush else { return };
        if self.taken < until && self.shared.load().lines() > 0 {
            return;
        }
        self.flush = None;
        self.flushed = asked;
        self.flush_output();
        self.shared.progress().flushes_done = asked;
        self.shared.progressed.notify_all();
    }

    fn flush_output(&mut self) {
        loop {
            match catch(|| self.output.writer.flush()) {
                Some(Ok(())) => return,
                Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(RETRY),
                Some(Err(_)) => return self.shared.stats.count_write_error(),
                None => return self.shared.stats.count_panic(),
            }
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        self.last_line.is_none_or(|last| now.duration_since(last) >= IDLE_AFTER)
    }

    /// Waits for lines: for a while by looking, then asleep.
    fn rest(&mut self) {
        if !self.is_idle(Instant::now()) {
            return thread::park_timeout(POLL);
        }
        self.shared.asleep.0.store(true, Ordering::SeqCst);
        let load = self.shared.load();
        let asked = self.shared.flushes_asked.load(Ordering::SeqCst);
        if load.lines() == 0 && !load.is_closed() && asked == self.flushed {
            let look = self.output.look.as_ref().map(|(every, _)| *every);
            thread::park_timeout(look.unwrap_or(SLEEP).min(SLEEP));
        } else {
            // A line may be on its way, from a thread that waits for this one's processor.
            thread::yield_now();
        }
        self.shared.asleep.0.store(false, Ordering::SeqCst);
    }

    /// After a panic of the worker's own: what was under way is lost, and counted.
    fn recover(&mut self) {
        self.shared.stats.count_panic();
        self.torn = true;
        let lines = Load(self.batch.load).lines() as u64;
        self.settle(0, lines);
        thread::sleep(POLL);
    }
}
