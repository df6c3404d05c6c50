//! The thread that pushes.

use std::mem;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::{select, time};
use tracing_core::Level;

use super::{Pusher, Shared};
use crate::catch::{catch, mute};
use crate::error::Error;
use crate::export::runtime::with_own;
use crate::export::spans::{Answer, Attempt};

/// Before the pusher is made anew.
const RESTART: Duration = Duration::from_millis(100);
/// The longest pause that a collector can ask for.
const LONGEST_WISH: Duration = Duration::from_secs(300);

pub(super) struct Worker<M> {
    shared: Arc<Shared>,
    make: M,
    /// When the next push is due.
    next: Instant,
    /// The collector asked to be left alone until then.
    not_before: Option<Instant>,
    /// The latest push was in vain.
    failing: bool,
}

/// Wakes those who wait, however the worker ends.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.advance(|progress| progress.is_finished = true);
    }
}

/// How a push ended.
enum Pushed {
    Done(Result<(), String>),
    /// Another one is to be the last, at once.
    Overtaken,
}

impl<P, M> Worker<M>
where
    P: Pusher,
    M: Fn() -> Result<P, Error>,
{
    pub(super) fn new(shared: Arc<Shared>, make: M) -> Self {
        let next = Instant::now() + shared.pace.interval;
        Self { shared, make, next, not_before: None, failing: false }
    }

    /// Runs until the last push.
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
                Ok((runtime, pusher)) => {
                    let is_done = catch(|| runtime.block_on(self.work(&pusher))).is_some();
                    if is_done {
                        // Connections are closed while nobody waits any more.
                        drop(finish);
                        let _ = catch(move || drop((pusher, runtime)));
                        return;
                    }
                    self.shared.count(Attempt::Panicked);
                    self.shared
                        .say(Level::ERROR, "the worker that pushes metrics panicked, and is started again");
                    let _ = catch(move || drop((pusher, runtime)));
                    self.fail("the worker panicked".to_owned());
                }
                Err(error) => self.fail(error.to_string()),
            }
            if self.shared.progress().is_closed {
                return;
            }
            thread::sleep(RESTART);
            made = with_own(&self.make);
        }
    }

    /// Pushes again and again, until the last time.
    async fn work(&mut self, pusher: &P) {
        loop {
            self.rest().await;
            let (asked, is_last) = {
                let progress = self.shared.progress();
                (progress.flushes_asked, progress.is_closed)
            };
            match self.push(pusher, is_last).await {
                Pushed::Overtaken => {}
                Pushed::Done(result) => {
                    self.shared.advance(|progress| {
                        progress.flushes_done = asked;
                        progress.why = result.err();
                    });
                    if is_last {
                        return;
                    }
                }
            }
        }
    }

    /// Waits until a push is due, or asked for.
    async fn rest(&mut self) {
        let due = self.not_before.take().map_or(self.next, |moment| moment.max(self.next));
        loop {
            {
                let progress = self.shared.progress();
                if progress.is_closed || progress.flushes_asked > progress.flushes_done {
                    return;
                }
            }
            select! {
                () = time::sleep_until(due.into()) => break,
                () = self.shared.hurry.notified() => {}
            }
        }
        // What was missed is not made up for.
        let interval = self.shared.pace.interval;
        self.next = (self.next + interval).max(Instant::now() + interval / 2);
    }

    /// Pushes what is there now.
    async fn push(&mut self, pusher: &P, is_last: bool) -> Pushed {
        let Some((start, hub)) = self.shared.source() else { return Pushed::Done(Ok(())) };
        hub.clock.renew();
        let now = hub.clock.unix_nanos(hub.clock.now());
        let parts = pusher.read(&hub.registry, start, now);
        // While a collector is waited for, the telemetry is not held.
        drop(hub);
        let shared = Arc::clone(&self.shared);
        let limit = Instant::now() + shared.pace.timeout;
        let again = if is_last { Attempt::Expired } else { Attempt::Again };
        let mut sending = pin!(send(&shared, pusher, parts, again));
        let sent = loop {
            // It may have been put off meanwhile.
            let deadline = shared.progress().deadline.filter(|_| is_last);
            let end = deadline.map_or(limit, |deadline| deadline.min(limit));
            if end <= Instant::now() {
                shared.count(again);
                break Sent::in_vain("no answer in time".to_owned());
            }
            select! {
                biased;
                sent = &mut sending => break sent,
                () = time::sleep_until(end.into()) => {}
                () = shared.hurry.notified() => {
                    if !is_last && shared.progress().is_closed {
                        return Pushed::Overtaken;
                    }
                }
            }
        };
        self.not_before = sent.wait.map(|wait| Instant::now() + wait.min(LONGEST_WISH));
        self.tell(pusher, sent.why.as_deref());
        Pushed::Done(sent.why.map_or(Ok(()), Err))
    }

    /// The first of several pushes in vain is told, and that it is over.
    fn tell(&mut self, pusher: &P, why: Option<&str>) {
        let was_failing = mem::replace(&mut self.failing, why.is_some());
        match why {
            Some(why) if !was_failing => {
                let text = format!("metrics cannot be delivered to {}: {why}", pusher.target());
                self.shared.say(Level::WARN, &text);
            }
            None if was_failing => {
                let text = format!("metrics are delivered again to {}", pusher.target());
                self.shared.say(Level::INFO, &text);
            }
            _ => {}
        }
    }

    /// Nothing was pushed, and who waits is to know why.
    fn fail(&self, why: String) {
        self.shared.advance(|progress| {
            progress.flushes_done = progress.flushes_asked;
            progress.why = Some(why);
        });
    }
}

/// What became of the parts of a push.
#[derive(Default)]
struct Sent {
    /// Why it was in vain, or some of it.
    why: Option<String>,
    /// How long the collector asked to be left alone.
    wait: Option<Duration>,
}

impl Sent {
    fn in_vain(why: String) -> Self {
        Self { why: Some(why), wait: None }
    }
}

/// Sends all parts, until the collector cannot take any now: the next push says it all.
async fn send<P: Pusher>(shared: &Shared, pusher: &P, parts: Vec<P::Part>, again: Attempt) -> Sent {
    let mut sent = Sent::default();
    for part in parts {
        match pusher.send(part).await {
            Answer::Taken { rejected: 0, .. } => shared.count(Attempt::Taken),
            Answer::Taken { rejected, why } => {
                shared.count(Attempt::Partial);
                shared.rejected.fetch_add(rejected, Ordering::Relaxed);
                sent.why.get_or_insert(format!("{rejected} values were rejected: {why}"));
            }
            Answer::Refused(why) => {
                shared.count(Attempt::Refused);
                sent.why.get_or_insert(why);
            }
            Answer::Later { wait, why } => {
                shared.count(again);
                return Sent { why: Some(why), wait };
            }
        }
    }
    sent
}
