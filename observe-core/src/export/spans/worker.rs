//! The thread that hands spans over.

use std::collections::VecDeque;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::{select, time};
use tracing_core::Level;

use super::queue::{Load, Shared};
use super::{Answer, Attempt, Exporter, SpanLoss};
use crate::catch::{catch, mute};
use crate::context::TraceId;
use crate::error::Error;
use crate::export::runtime::with_own;
use crate::record::TraceRecord;

/// Bytes that go at once, about: collectors take 4 MiB by gRPC.
const BATCH_BYTES: usize = 1024 * 1024;
/// The first pause after an attempt in vain; each one after it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause that the collector did not ask for: a collector that is back is found soon.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause that a collector can ask for.
const LONGEST_WISH: Duration = Duration::from_secs(300);
/// While a trace is on its way into a closed queue, and before the exporter is made anew.
const RETRY: Duration = Duration::from_millis(1);
const RESTART: Duration = Duration::from_millis(100);
/// Losses are told this often.
const TELL_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Worker<E: Exporter, M> {
    shared: Arc<Shared>,
    make: M,
    /// Read, and not yet sent.
    waiting: VecDeque<Parcel<E::Span>>,
    /// What is being sent, or read.
    under_way: Freight,
    /// Room given back since the start, in spans.
    released: usize,
    /// A flush asked for, and what `released` must be before it is done.
    flush: Option<(u64, usize)>,
    flushed: u64,
    /// Somebody waits: the next pause is left out.
    hurried: bool,
    /// The collector asked to be left alone until then.
    not_before: Option<Instant>,
    /// The latest attempt was in vain.
    failing: bool,
    told: (u64, Option<Instant>),
}

/// A span on its way out.
struct Parcel<S> {
    span: S,
    weight: usize,
    /// With the last span of a trace goes the room that the trace took.
    load: Load,
}

/// How many spans there are, and the room that comes free with them.
#[derive(Clone, Copy)]
struct Freight {
    spans: u64,
    load: Load,
}

impl Freight {
    const NONE: Freight = Freight { spans: 0, load: Load::NONE };
}

/// The deadline of the shutdown came.
struct GivenUp;

/// Wakes those who wait, however the worker ends.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.advance(|progress| progress.finished = true);
    }
}

impl<E, M> Worker<E, M>
where
    E: Exporter,
    M: Fn() -> Result<E, Error>,
{
    pub(super) fn new(shared: Arc<Shared>, make: M) -> Self {
        Self {
            shared,
            make,
            waiting: VecDeque::new(),
            under_way: Freight::NONE,
            released: 0,
            flush: None,
            flushed: 0,
            hurried: false,
            not_before: None,
            failing: false,
            told: (0, None),
        }
    }

    /// Runs until the queue is closed and empty.
    pub(super) fn run(mut self, ready: mpsc::Sender<Result<(), Error>>) {
        mute();
        let finish = Finish(Arc::clone(&self.shared));
        let mut made = with_own(&self.make);
        if let Err(error) = made {
            let _ = ready.send(Err(error));
            return;
        }
        let _ = ready.send(Ok(()));
        drop(ready);
        loop {
            match made {
                Ok((runtime, exporter)) => {
                    if catch(|| runtime.block_on(self.work(&exporter))).is_some() {
                        // Connections are closed while nobody waits any more.
                        drop(finish);
                        let _ = catch(move || drop((exporter, runtime)));
                        return;
                    }
                    self.recover();
                    let _ = catch(move || drop((exporter, runtime)));
                }
                Err(error) if self.despair(&error) => return,
                Err(_) => {}
            }
            thread::sleep(RESTART);
            made = with_own(&self.make);
        }
    }

    /// Hands over what there is, again and again, until the queue is closed and empty.
    async fn work(&mut self, exporter: &E) {
        loop {
            self.rest().await;
            loop {
                self.note_flush();
                let Some(spans) = self.fill(exporter) else { break };
                if self.deliver(exporter, spans).await.is_err() {
                    self.give_up();
                }
                self.answer_flush();
            }
            self.answer_flush();
            self.tell();
            let load = self.shared.load();
            if load.is_closed() && load.spans() == 0 {
                return;
            }
        }
    }

    /// Waits until there is something to do.
    async fn rest(&mut self) {
        if self.shared.load().is_closed() {
            // A reservation made before the queue was closed is waited for: its trace is on its way.
            return time::sleep(RETRY).await;
        }
        select! {
            () = time::sleep(self.shared.limits.delay) => {}
            () = self.shared.enough.notified() => {}
            () = self.shared.hurry.notified() => {}
        }
    }

    /// Reads traces until there is enough for a batch, and takes one.
    fn fill(&mut self, exporter: &E) -> Option<Vec<E::Span>> {
        let mut weight: usize = self.waiting.iter().map(|parcel| parcel.weight).sum();
        while self.waiting.len() < self.shared.limits.batch && weight < BATCH_BYTES {
            let Some(trace) = self.shared.traces.pop() else { break };
            weight += self.read(exporter, &trace);
        }
        let mut spans = Vec::new();
        let mut weight = 0;
        self.under_way = Freight::NONE;
        while spans.len() < self.shared.limits.batch
            && let Some(parcel) =
                self.waiting.pop_front_if(|next| spans.is_empty() || weight + next.weight <= BATCH_BYTES)
        {
            weight += parcel.weight;
            self.under_way.spans += 1;
            self.under_way.load = self.under_way.load.and(parcel.load);
            spans.push(parcel.span);
        }
        (!spans.is_empty()).then_some(spans)
    }

    /// Reads the spans of a trace, and answers their weight.
    fn read(&mut self, exporter: &E, trace: &TraceRecord) -> usize {
        let load = Load::of(trace);
        self.under_way = Freight { spans: u64::from(trace.spans), load };
        let mut parcels = Vec::with_capacity(trace.spans as usize);
        let apart = exporter.read(trace, &mut |span| {
            let weight = exporter.weight(&span);
            parcels.push(Parcel { span, weight, load: Load::NONE });
        });
        self.shared.stats.count_apart(apart);
        self.under_way = Freight::NONE;
        match parcels.last_mut() {
            Some(last) => last.load = load,
            None => self.release(load),
        }
        let weight = parcels.iter().map(|parcel| parcel.weight).sum();
        self.waiting.extend(parcels);
        weight
    }

    /// Sends a batch until it is taken, refused, or tried for too long.
    async fn deliver(&mut self, exporter: &E, spans: Vec<E::Span>) -> Result<(), GivenUp> {
        let batch = exporter.pack(spans);
        let started = Instant::now();
        let mut backoff = FIRST_PAUSE;
        loop {
            if let Some(moment) = self.not_before.take() {
                self.pause(moment, false).await?;
            }
            match self.attempt(exporter, &batch).await? {
                Answer::Taken { rejected, why } => {
                    self.taken(exporter, rejected, why);
                    return Ok(());
                }
                Answer::Refused(why) => {
                    self.in_vain(exporter, Attempt::Refused, why);
                    self.settle(SpanLoss::Refused);
                    return Ok(());
                }
                Answer::Later { wait, why } => {
                    // At once, or at a moment that is past by our clock, is no wish: nobody wants to be asked in a circle.
                    let wait = wait.filter(|wait| *wait >= FIRST_PAUSE);
                    let pause = wait.map_or_else(|| jittered(backoff), |wait| wait.min(LONGEST_WISH));
                    backoff = (backoff * 2).min(LONGEST_PAUSE);
                    let next = Instant::now() + pause;
                    if wait.is_some() {
                        self.not_before = Some(next);
                    }
                    if started.elapsed() + pause > self.shared.limits.give_up {
                        self.in_vain(exporter, Attempt::Expired, why);
                        self.settle(SpanLoss::Expired);
                        return Ok(());
                    }
                    self.in_vain(exporter, Attempt::Again, why);
                    if wait.is_none() {
                        self.pause(next, true).await?;
                    }
                }
            }
        }
    }

    /// One attempt, cut off at the deadline.
    async fn attempt(&mut self, exporter: &E, batch: &E::Batch) -> Result<Answer, GivenUp> {
        let shared = Arc::clone(&self.shared);
        let mut sending = pin!(exporter.send(batch));
        loop {
            let deadline = shared.progress().deadline;
            let end = async {
                match deadline {
                    Some(deadline) => time::sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            select! {
                biased;
                answer = &mut sending => return Ok(answer),
                // It may have been put off meanwhile.
                () = end => if is_past(shared.progress().deadline) { return Err(GivenUp) },
                () = shared.hurry.notified() => self.hurried = true,
            }
        }
    }

    /// Waits until then, or, where the wait is our own wish, until somebody is in a hurry.
    async fn pause(&mut self, until: Instant, is_own: bool) -> Result<(), GivenUp> {
        loop {
            if is_own && mem::take(&mut self.hurried) {
                return Ok(());
            }
            let deadline = self.shared.progress().deadline;
            if is_past(deadline) {
                return Err(GivenUp);
            }
            if until <= Instant::now() {
                return Ok(());
            }
            let next = deadline.map_or(until, |deadline| deadline.min(until));
            select! {
                () = time::sleep_until(next.into()) => {}
                () = self.shared.hurry.notified() => self.hurried = true,
            }
        }
    }

    /// The batch was taken, but for some.
    fn taken(&mut self, exporter: &E, rejected: u64, why: String) {
        let stats = &self.shared.stats;
        let Freight { spans, load } = mem::replace(&mut self.under_way, Freight::NONE);
        let rejected = rejected.min(spans);
        stats.count(if rejected == 0 { Attempt::Taken } else { Attempt::Partial });
        stats.deliver(spans - rejected);
        stats.lose(SpanLoss::Rejected, rejected);
        if mem::take(&mut self.failing) {
            let text = format!("spans are delivered again to {}", exporter.target());
            self.shared.say(Level::INFO, &text);
        }
        self.shared.progress().why = why;
        self.release(load);
    }

    /// An attempt was in vain. The first one is told.
    fn in_vain(&mut self, exporter: &E, attempt: Attempt, why: String) {
        self.shared.stats.count(attempt);
        if !mem::replace(&mut self.failing, true) {
            let text = format!("spans cannot be delivered to {}: {why}", exporter.target());
            self.shared.say(Level::WARN, &text);
        }
        self.shared.progress().why = why;
    }

    /// What is under way is lost.
    fn settle(&mut self, loss: SpanLoss) {
        let Freight { spans, load } = mem::replace(&mut self.under_way, Freight::NONE);
        self.shared.stats.lose(loss, spans);
        self.release(load);
    }

    fn release(&mut self, load: Load) {
        self.released += load.spans();
        self.shared.release(load);
    }

    /// Everything that is left is lost.
    fn give_up(&mut self) {
        self.settle(SpanLoss::Shutdown);
        for parcel in mem::take(&mut self.waiting) {
            self.under_way = Freight { spans: 1, load: parcel.load };
            self.settle(SpanLoss::Shutdown);
        }
        while let Some(trace) = self.shared.traces.pop() {
            self.under_way = Freight { spans: u64::from(trace.spans), load: Load::of(&trace) };
            self.settle(SpanLoss::Shutdown);
        }
    }

    /// After a panic: what was under way is lost, and counted.
    fn recover(&mut self) {
        self.shared.stats.count(Attempt::Panicked);
        self.settle(SpanLoss::Panicked);
        self.shared.say(Level::ERROR, "the worker that exports spans panicked, and is started again");
    }

    /// There is no exporter any more, and none could be made. Answers whether that is the end.
    fn despair(&mut self, error: &Error) -> bool {
        self.shared.progress().why = error.to_string();
        if is_past(self.shared.progress().deadline) {
            self.give_up();
        }
        let load = self.shared.load();
        load.is_closed() && load.spans() == 0
    }

    /// Tells of losses, now and then.
    fn tell(&mut self) {
        let lost = self.shared.stats.lost();
        let (before, when) = self.told;
        if lost > before && when.is_none_or(|when| when.elapsed() >= TELL_EVERY) {
            self.told = (lost, Some(Instant::now()));
            self.shared.say(Level::WARN, &format!("{} spans were lost", lost - before));
        }
    }

    /// Sees whether a flush was asked for, and what must be done with before it is.
    fn note_flush(&mut self) {
        let asked = self.shared.flushes_asked.load(Ordering::SeqCst);
        if self.flush.is_none() && asked > self.flushed {
            self.flush = Some((asked, self.released + self.shared.load().spans()));
        }
    }

    fn answer_flush(&mut self) {
        let Some((asked, until)) = self.flush else { return };
        if self.released < until && self.shared.load().spans() > 0 {
            return;
        }
        self.flush = None;
        self.flushed = asked;
        self.shared.advance(|progress| progress.flushes_done = asked);
    }
}

fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= Instant::now())
}

/// Between half of it and all of it, so that processes that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let share = (TraceId::random().randomness() & 0xFFFF) as u32;
    pause / 2 + pause / 2 * share / 0x1_0000
}
