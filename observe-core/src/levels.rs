//! Levels that change while the process runs.

use crate::clock::Tick;
use crate::error::{Error, Kind};
use crate::filter::Filter;
use crate::hub::Hub;
use crate::subscriber::LogBridge;
use crate::sync::{Mutex, MutexGuard, statics, thread};
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use tracing_core::{Level, LevelFilter};

/// How long levels are raised, unless somebody says otherwise.
const USUAL: Duration = Duration::from_secs(30 * 60);
/// Levels are not raised for longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// How often it is looked whether they are to be lowered again.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Which lines and spans are recorded, while the process runs: [`Telemetry::levels`](crate::Telemetry::levels). Cheap to
/// clone; clones are one. It does not keep the telemetry alive.
///
/// Each change is a line of its own (`INFO`, target `observe`), whatever the filter says.
///
/// ```
/// use observe_core::Telemetry;
/// use std::time::Duration;
/// use tracing::level_filters::LevelFilter;
///
/// let telemetry = Telemetry::builder("checkout").build()?;
/// let levels = telemetry.levels();
/// levels.set_target("hyper", LevelFilter::WARN)?;
/// levels.raise("shop=trace".parse()?, Duration::from_secs(600))?; // and back again by itself
/// assert_eq!(levels.filter().to_string(), "info,shop=trace,hyper=warn");
/// levels.revert();
/// assert_eq!(levels.filter().to_string(), "info,hyper=warn");
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Levels {
    inner: Arc<Inner>,
}

struct Inner {
    hub: Weak<Hub>,
    state: Mutex<State>,
}

struct State {
    /// What holds where nothing is raised.
    base: Filter,
    raised: Option<Raised>,
    /// A thread looks whether it is time.
    is_watched: bool,
}

/// Levels that are raised for a while.
struct Raised {
    filter: Filter,
    until: Tick,
}

impl State {
    /// What holds now.
    fn filter(&self) -> Filter {
        self.raised.as_ref().map_or_else(|| self.base.clone(), |raised| self.base.or(&raised.filter))
    }
}

impl Levels {
    pub(crate) fn new(hub: &Arc<Hub>, base: Filter) -> Self {
        let state = Mutex::new(State { base, raised: None, is_watched: false });
        Self { inner: Arc::new(Inner { hub: Arc::downgrade(hub), state }) }
    }

    /// What is recorded now.
    #[must_use]
    pub fn filter(&self) -> Filter {
        self.inner.state().filter()
    }

    /// What is recorded where nothing is raised.
    #[must_use]
    pub fn base(&self) -> Filter {
        self.inner.state().base.clone()
    }

    /// What is raised, and for how long it will stay so; `None` if nothing is.
    #[must_use]
    pub fn raised(&self) -> Option<(Filter, Duration)> {
        let (filter, until) = {
            let state = self.inner.state();
            let raised = state.raised.as_ref()?;
            (raised.filter.clone(), raised.until)
        };
        Some((filter, until.since(self.inner.hub.upgrade()?.clock.now())))
    }

    /// Changes what is recorded. What is raised stays raised.
    pub fn set(&self, filter: Filter) {
        self.inner.change(|state| state.base = filter, "are now");
    }

    /// Changes the level of a target, and of those that begin with it and have none of their own; of all that have none for
    /// the empty target.
    ///
    /// # Errors
    ///
    /// If the target has characters that no target has, or there are 256 of them ([`Error::is_invalid`]).
    pub fn set_target(&self, target: &str, level: LevelFilter) -> Result<(), Error> {
        // Read where it is changed: of two at once none is lost.
        let change = |state: &mut State| state.base.with(target, level).map(|base| state.base = base);
        self.inner.try_change(change, "are now")
    }

    /// The debug mode: records `DEBUG` of every target for 30 minutes, and what was recorded before.
    ///
    /// # Errors
    ///
    /// As [`raise`](Levels::raise).
    pub fn debug(&self) -> Result<(), Error> {
        self.raise(Filter::from(LevelFilter::DEBUG), USUAL)
    }

    /// Records for so long what this filter lets through, too; then, or with [`revert`](Levels::revert), it is as it was
    /// before. Said again while levels are raised, the new one counts, from now on.
    ///
    /// # Errors
    ///
    /// If it is for longer than a day ([`Error::is_invalid`]), or the thread that lowers them again cannot be started
    /// ([`Error::is_io`]): then nothing is raised.
    pub fn raise(&self, filter: Filter, time: Duration) -> Result<(), Error> {
        if time > LONGEST {
            let text = format!("levels are raised for at most {LONGEST:?}: {time:?} is longer");
            return Err(Error::new(Kind::Invalid, text));
        }
        let Some(hub) = self.inner.hub.upgrade() else { return Ok(()) };
        let until = Tick::from_nanos(hub.clock.now().nanos().saturating_add(nanos(time)));
        let why = format!("are raised for {} s:", time.as_secs());
        self.inner.change(|state| state.raised = Some(Raised { filter, until }), &why);
        // Behind it: a thread that found nothing raised has ended, or will see this.
        self.inner.watch().inspect_err(|_| self.revert())
    }

    /// Lowers what is raised. Does nothing where nothing is.
    pub fn revert(&self) {
        if self.inner.state().raised.is_some() {
            self.inner.change(|state| state.raised = None, "are as before:");
        }
    }

    /// How long they will stay raised; `None` if they are not.
    #[must_use]
    pub fn raised_for(&self) -> Option<Duration> {
        self.raised().map(|(_, time)| time)
    }
}

impl fmt::Debug for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Levels").field(&self.filter().to_string()).finish()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State), why: &str) {
        let done = self.try_change(
            |state| {
                change(state);
                Ok::<_, Infallible>(())
            },
            why,
        );
        let Ok(()) = done;
    }

    /// Nothing is changed where `change` refuses.
    fn try_change<E>(&self, change: impl FnOnce(&mut State) -> Result<(), E>, why: &str) -> Result<(), E> {
        // One at a time, of all telemetries: what callsites were told last is what counts.
        statics! {
            static CHANGES: Mutex<()> = Mutex::new(());
        }
        let Some(hub) = self.hub.upgrade() else { return Ok(()) };
        let filter = {
            let _alone = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
            let (filter, base) = {
                let mut state = self.state();
                change(&mut state)?;
                (state.filter(), state.base.clone())
            };
            hub.set_filter(filter.clone(), &base);
            LogBridge::follow(&hub);
            // Callsites remember what they were told.
            tracing_core::callsite::rebuild_interest_cache();
            filter
        };
        hub.insist(Level::INFO, &format!("levels {why} {filter}"));
        Ok(())
    }

    /// Has a thread that looks whether it is time.
    fn watch(self: &Arc<Self>) -> Result<(), Error> {
        let mut state = self.state();
        if !state.is_watched {
            let inner = Arc::downgrade(self);
            let run = move || {
                while inner.upgrade().is_some_and(|inner| inner.look()) {
                    thread::park_timeout(LOOK_EVERY);
                }
            };
            thread::Builder::new().name("observe-levels".to_owned()).spawn(run).map_err(|error| {
                Error::new(Kind::Io, "the thread `observe-levels` cannot be started").caused_by(error)
            })?;
            state.is_watched = true;
        }
        Ok(())
    }

    /// Lowers what was raised, if it is time. Answers whether somebody has to look again.
    fn look(&self) -> bool {
        let Some(hub) = self.hub.upgrade() else { return false };
        let now = hub.clock.now();
        let is_time = {
            let mut state = self.state();
            let left = state.raised.as_ref().map(|raised| raised.until.since(now));
            state.is_watched = left.is_some_and(|left| !left.is_zero());
            if state.is_watched {
                return true;
            }
            left.is_some()
        };
        if is_time {
            // Somebody may have raised them again meanwhile.
            let over =
                |state: &mut State| state.raised = state.raised.take().filter(|raised| raised.until > now);
            self.change(over, "are as before:");
        }
        false
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
