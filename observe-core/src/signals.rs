//! Signals that operators send: the debug mode, a snapshot.

use crate::error::{Error, Kind};
use crate::export::snapshot::{Reason, Snapshots};
use crate::hub::Hub;
use crate::levels::Levels;
use signal_hook::consts::FORBIDDEN;
use signal_hook::iterator::{Handle, Signals};
use std::sync::{Arc, Weak};
use std::thread;
use tracing_core::Level;

/// What is done when a signal comes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// The debug mode begins, or ends if it had begun.
    pub(crate) debug: Option<i32>,
    /// A snapshot is taken.
    pub(crate) snapshot: Option<i32>,
}

/// Waits for signals, on a thread of its own, until it is dropped.
pub(crate) struct SignalWatch {
    handle: Handle,
}

impl SignalWatch {
    /// Starts the thread, named `observe-signal`, if any signal is wished for.
    ///
    /// # Errors
    ///
    /// If a signal cannot be waited for, two wishes are for the same one, or the thread cannot be started.
    pub(crate) fn start(
        wishes: Wishes,
        hub: &Arc<Hub>,
        levels: &Levels,
        snapshots: Option<&Arc<Snapshots>>,
    ) -> Result<Option<Self>, Error> {
        let wanted: Vec<i32> = wishes.debug.into_iter().chain(wishes.snapshot).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        if let Some(bad) = wanted.iter().find(|signal| FORBIDDEN.contains(signal)) {
            return Err(Error::new(Kind::Invalid, format!("signal {bad}: a program cannot wait for it")));
        }
        if wishes.debug == wishes.snapshot {
            let text = "the signals of the debug mode and of snapshots are the same";
            return Err(Error::new(Kind::Invalid, text));
        }
        let mut signals = Signals::new(&wanted).map_err(|error| {
            Error::new(Kind::Io, format!("signals {wanted:?} cannot be waited for")).caused_by(error)
        })?;
        let handle = signals.handle();
        let receiver = Receiver {
            wishes,
            hub: Arc::downgrade(hub),
            levels: levels.clone(),
            snapshots: snapshots.map_or_else(Weak::new, Arc::downgrade),
        };
        let run = move || signals.forever().for_each(|signal| receiver.receive(signal));
        thread::Builder::new().name("observe-signal".to_owned()).spawn(run).map_err(|error| {
            Error::new(Kind::Io, "the thread `observe-signal` cannot be started").caused_by(error)
        })?;
        Ok(Some(Self { handle }))
    }
}

impl Drop for SignalWatch {
    fn drop(&mut self) {
        self.handle.close();
    }
}

struct Receiver {
    wishes: Wishes,
    hub: Weak<Hub>,
    levels: Levels,
    snapshots: Weak<Snapshots>,
}

impl Receiver {
    fn receive(&self, signal: i32) {
        let done = if self.wishes.debug == Some(signal) { self.toggle() } else { self.snapshot() };
        if let (Err(error), Some(hub)) = (done, self.hub.upgrade()) {
            hub.say(Level::WARN, &format!("signal {signal}: {error}"));
        }
    }

    fn toggle(&self) -> Result<(), Error> {
        if self.levels.raised_for().is_none() {
            return self.levels.debug();
        }
        self.levels.revert();
        Ok(())
    }

    fn snapshot(&self) -> Result<(), Error> {
        match self.snapshots.upgrade() {
            Some(snapshots) => snapshots.ask(Reason::Signal, "").map(drop),
            None => Err(Error::new(Kind::Invalid, "there is no folder for snapshots")),
        }
    }
}
