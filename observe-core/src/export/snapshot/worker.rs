//! The thread that writes snapshots.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use tracing_core::Level;

use super::content::{self, Occasion};
use super::folder::AGAIN;
use super::history::{History, STEP};
use super::{Ask, Shared, World};
use crate::catch::{catch, mute};
use crate::hub::Hub;

pub(super) struct Worker {
    shared: Arc<Shared>,
    world: World,
    history: History,
    last_step: Instant,
    /// The most bytes of a file.
    most: u64,
    hub: Weak<Hub>,
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
    pub(super) fn new(shared: Arc<Shared>, world: World, most: u64, hub: Weak<Hub>) -> Self {
        let history = History::new(world.recorder.limits().age);
        Self { shared, world, history, last_step: Instant::now(), most, hub }
    }

    /// Runs until it is closed and nothing is left to be written.
    pub(super) fn run(mut self) {
        mute();
        let _finish = Finish(Arc::clone(&self.shared));
        loop {
            // In this order: whoever comes after it is refused.
            let is_closed = self.shared.closed.load(Ordering::SeqCst);
            let is_last = is_closed && self.shared.coming.load(Ordering::SeqCst) == 0;
            match self.shared.asks.pop() {
                Some(ask) => self.answer(&ask),
                None if is_last => break,
                None if is_closed => thread::yield_now(),
                None => self.rest(),
            }
        }
    }

    /// Sleeps until there is something to do, and looks at the metrics now and then.
    fn rest(&mut self) {
        let age = self.last_step.elapsed();
        if let Some(left) = STEP.checked_sub(age).filter(|left| !left.is_zero()) {
            return thread::park_timeout(left);
        }
        self.last_step = Instant::now();
        let now = self.shared.clock.now();
        let unix_nanos = self.shared.clock.unix_nanos(now);
        // What broke is counted by the registry.
        let _ = catch(|| self.history.step(&self.world.registry, now, unix_nanos));
    }

    fn answer(&mut self, ask: &Ask) {
        let begun = Instant::now();
        let left = || ask.reason.patience().checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
        let (hurry, closed) = (&self.shared.hurry, &self.shared.closed);
        while let Some(left) = left()
            && !hurry.load(Ordering::SeqCst)
            && !closed.load(Ordering::SeqCst)
        {
            thread::park_timeout(left);
        }
        let is_early = left().is_some();
        let written = catch(|| self.write(ask)).unwrap_or_else(|| Err(io::Error::other("it panicked")));
        let stats = &self.shared.stats;
        if written.is_ok() { &stats.written } else { &stats.failed }.fetch_add(1, Ordering::Relaxed);
        // Before those who wait go on: they may look for the line.
        let place = ask.place.display();
        match &written {
            Ok(()) => self.say(Level::INFO, &format!("snapshot written: {place}")),
            Err(error) => self.say(Level::WARN, &format!("snapshot {place} cannot be written: {error}")),
        }
        if let Err(error) = self.shared.folder.prune(&ask.place) {
            self.say(Level::WARN, &format!("old snapshots beside {place} cannot be deleted: {error}"));
        }
        if is_early && !ask.is_second && !self.shared.closed.load(Ordering::SeqCst) {
            // The process goes on, perhaps: then there is more to be seen.
            let mut place = ask.place.clone().into_os_string();
            place.push(AGAIN);
            let Ask { reason, ref why, .. } = *ask;
            // Too many wait: they see as much.
            let _ = self.shared.push(Ask { place: place.into(), reason, why: why.clone(), is_second: true });
        }
        let mut progress = self.shared.progress();
        progress.done += 1;
        progress.failed += u64::from(written.is_err());
        if progress.done >= self.shared.asked.load(Ordering::SeqCst) {
            self.shared.hurry.store(false, Ordering::SeqCst);
        }
        drop(progress);
        self.shared.progressed.notify_all();
    }

    fn write(&self, ask: &Ask) -> io::Result<()> {
        let now = self.shared.clock.now();
        let unix_nanos = self.shared.clock.unix_nanos(now);
        let recent = self.world.recorder.recent(now);
        let unfinished = self.shared.folder.begin(&ask.place)?;
        let occasion = Occasion { unix_nanos, reason: ask.reason, why: &ask.why };
        content::write(&unfinished, &self.world, &recent, &self.history, &occasion, self.most)?;
        unfinished.finish()
    }

    fn say(&self, level: Level, text: &str) {
        if let Some(hub) = self.hub.upgrade() {
            hub.say(level, text);
        }
    }
}
