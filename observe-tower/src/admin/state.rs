//! What all requests share.

use super::events::{self, Listeners};
use super::guard::Guard;
use super::history::{History, Requests};
use super::levels::Changes;
use super::refusal::{ByRule, Rule};
use observe_core::metric::{Counter, Family};
use observe_core::semconv::admin as names;
use observe_core::{Inspect, Telemetry};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// How many views may ask the application's collectors at once: those that are stuck leave room for the others.
const COLLECTORS_AT_ONCE: usize = 2;
/// How many others are made at once on other threads. Both together have a thread each.
const VIEWS_AT_ONCE: usize = 2;

/// What may be changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Capabilities {
    pub(super) levels: bool,
    pub(super) snapshots: bool,
}

/// A telemetry that is shown, and by which rules.
pub(super) struct State {
    pub(super) telemetry: Telemetry,
    pub(super) inspect: Inspect,
    pub(super) guard: Guard,
    pub(super) may: Capabilities,
    pub(super) changes: Changes,
    pub(super) listeners: Listeners,
    /// Places for views that take a while.
    pub(super) views: Arc<Semaphore>,
    /// Places for those that ask collectors.
    pub(super) collectors: Arc<Semaphore>,
    history: Mutex<History>,
    refused: Arc<Family<ByRule, Counter>>,
}

impl State {
    pub(super) fn new(telemetry: Telemetry, guard: Guard, may: Capabilities) -> Self {
        let help = "Requests that the admin service refused, by the rule that they broke.";
        let refused = Arc::new(Family::counter(names::REFUSED_TOTAL, help));
        // A second one of the same telemetry counts unseen.
        let refused = telemetry.registry().register(Arc::clone(&refused)).unwrap_or(refused);
        Self {
            inspect: telemetry.inspect(),
            telemetry,
            guard,
            may,
            changes: Changes::default(),
            listeners: Listeners::default(),
            views: Arc::new(Semaphore::new(VIEWS_AT_ONCE)),
            collectors: Arc::new(Semaphore::new(COLLECTORS_AT_ONCE)),
            history: Mutex::default(),
            refused,
        }
    }

    /// Now, in nanoseconds since 1970-01-01T00:00:00Z.
    pub(super) fn unix_nanos(&self) -> u64 {
        let clock = self.inspect.clock();
        clock.unix_nanos(clock.now())
    }

    /// Counts a request that is refused.
    pub(super) fn count(&self, rule: Rule) {
        self.refused.with(ByRule { rule }).inc();
    }

    /// Adds a slot to the history, and tells those who listen.
    pub(super) fn sample(&self) {
        let requests = Requests::read(&self.inspect);
        let clock = self.inspect.clock();
        let now = clock.now();
        let is_slot = {
            let mut history = self.history();
            history.note(now, clock.unix_nanos(now), &requests);
            !history.slots.is_empty()
        };
        if is_slot {
            self.listeners.tell(|| events::tick(self));
        }
    }

    pub(super) fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
