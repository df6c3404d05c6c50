//! The thread that looks how fast budgets are spent.

use crate::catch::catch;
use crate::error::{Error, Kind};
use crate::export::snapshot::{Reason, Snapshots};
use crate::hub::Hub;
use crate::slo::{Burn, BurnPair, Slos, promql_duration};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::Duration;
use tracing_core::Level;

/// What is called when a budget burns.
pub(crate) type OnBurn = Box<dyn Fn(&Burn) + Send + Sync>;

/// However short a window is, it is not looked at more often.
const FASTEST: Duration = Duration::from_millis(50);

/// Looks how fast budgets are spent, on a thread of its own, until it is dropped.
pub(crate) struct BurnWatch {
    thread: Thread,
    closed: Arc<AtomicBool>,
}

/// Who is told.
struct Watcher {
    hub: Weak<Hub>,
    snapshots: Weak<Snapshots>,
    on_burn: Option<OnBurn>,
    closed: Arc<AtomicBool>,
}

impl BurnWatch {
    /// Starts the thread, named `observe-slo`, if there is an objective to look at.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(crate) fn start(
        hub: &Arc<Hub>,
        snapshots: Option<&Arc<Snapshots>>,
        on_burn: Option<OnBurn>,
    ) -> Result<Option<Self>, Error> {
        let Some(pace) = hub.slos.pace() else { return Ok(None) };
        let closed = Arc::new(AtomicBool::new(false));
        let watcher = Watcher {
            hub: Arc::downgrade(hub),
            snapshots: snapshots.map_or_else(Weak::new, Arc::downgrade),
            on_burn,
            closed: Arc::clone(&closed),
        };
        let run = move || watcher.run(pace.max(FASTEST));
        let started = thread::Builder::new().name("observe-slo".to_owned()).spawn(run);
        let handle = started.map_err(|error| {
            Error::new(Kind::Io, "the thread `observe-slo` cannot be started").caused_by(error)
        })?;
        Ok(Some(Self { thread: handle.thread().clone(), closed }))
    }
}

impl Drop for BurnWatch {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Watcher {
    fn run(&self, pace: Duration) {
        while !self.closed.load(Ordering::Acquire) {
            let Some(hub) = self.hub.upgrade() else { return };
            self.look(&hub, &Arc::clone(&hub.slos));
            drop(hub);
            thread::park_timeout(pace);
        }
    }

    fn look(&self, hub: &Hub, slos: &Slos) {
        for (burn, pages) in slos.look(hub.clock.now()) {
            let text = told(&burn);
            hub.say(Level::WARN, &text);
            // The fastest is heeded in any case: by it a budget is gone within days.
            if !pages && burn.rule.pair != BurnPair::Hour {
                continue;
            }
            if let Some(snapshots) = self.snapshots.upgrade() {
                // One that is refused is counted.
                let _ = snapshots.ask(Reason::Burn, &text);
            }
            if let Some(on_burn) = &self.on_burn
                && catch(|| on_burn(&burn)).is_none()
            {
                hub.say(Level::ERROR, "`on_burn` panicked");
            }
        }
        for text in slos.silent() {
            hub.say(Level::WARN, &text);
        }
    }
}

/// A burn in words.
fn told(burn: &Burn) -> String {
    let (long, short) = (promql_duration(burn.rule.long), promql_duration(burn.rule.short));
    let mut text = format!(
        "SLO `{}`: its error budget is spent {:.1} times faster than allowed over {long}, and still over {short}; the limit is {}",
        burn.slo, burn.rate, burn.rule.factor,
    );
    if burn.covered < burn.rule.long {
        text += &format!(" (of the {long} only {} s have been seen)", burn.covered.as_secs());
    }
    text
}
