//! Replicas: how far they are behind.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::sources::{Read, Sources, Together};
use crate::clock::{Clock, Tick};
use crate::error::Error;
use crate::label::LabelSet;
use crate::label::own::{label_set, open_label};
use crate::metric::Kind;
use crate::registry::{Collect, Registry};
use crate::semconv::metric as names;

open_label!(
    /// The name of a replica, given by the code.
    ReplicaName, max 64
);
label_set!(ByReplica { replica: ReplicaName = names::REPLICA });

/// How long what was said of a replica is shown: what nobody asks any more is not known.
const SHOWN: Duration = Duration::from_secs(300);

/// How far a replica is behind: `replica_lag_seconds{replica}`.
///
/// What is not known is absent, and no 0 that lies: before the first word, after [`unknown`](Replica::unknown), and when
/// the last word is five minutes old. Alert on `absent(replica_lag_seconds{replica="…"})` as well. Of two with one name the
/// larger lag is shown, and none if one of them is not known. A process names up to 64 replicas; those beyond are `_OTHER`.
/// Cheap to clone; clones are one, and what was set is there for as long as one of them is.
///
/// ```
/// use observe_core::{Registry, Replica};
/// use std::time::Duration;
///
/// let registry = Registry::new();
/// let replica = Replica::new(&registry, "orders_eu")?;
/// // Now and then: `select extract(epoch from now() - pg_last_xact_replay_timestamp())`
/// replica.set(Duration::from_millis(120));
/// replica.unknown(); // it does not answer
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Replica {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    labels: ByReplica,
    said: Mutex<Option<(Duration, Tick)>>,
    read: Option<Read<Duration>>,
    clock: Clock,
}

/// All of a registry.
#[derive(Debug, Default)]
struct Replicas(Arc<Sources<Inner>>);

impl Replica {
    /// A replica whose lag is [`set`](Replica::set).
    ///
    /// # Errors
    ///
    /// If the registry has another family of this name ([`Error::is_duplicate`]).
    pub fn new(registry: &Registry, name: &str) -> Result<Self, Error> {
        Self::with_clock(registry, name, Clock::system())
    }

    /// As [`new`](Replica::new), by the time of `clock`.
    ///
    /// # Errors
    ///
    /// As [`new`](Replica::new).
    pub fn with_clock(registry: &Registry, name: &str, clock: Clock) -> Result<Self, Error> {
        Self::make(registry, name, None, clock)
    }

    /// A replica whose lag is read at each scrape, for as long as the registry is there; `None`: it is not known. `read` is
    /// to answer at once: no scrape waits for a network. A panic means that it is not known, and is counted.
    ///
    /// # Errors
    ///
    /// As [`new`](Replica::new).
    pub fn read<S: Into<Option<Duration>>>(
        registry: &Registry,
        name: &str,
        read: impl Fn() -> S + Send + Sync + 'static,
    ) -> Result<(), Error> {
        Self::make(registry, name, Some(Read::new(read)), Clock::system()).map(drop)
    }

    fn make(
        registry: &Registry,
        name: &str,
        read: Option<Read<Duration>>,
        clock: Clock,
    ) -> Result<Self, Error> {
        registry.examine(names::REPLICA_LAG_SECONDS, Kind::Gauge)?;
        let Replicas(replicas) = &*registry.shared(Replicas::default, |_| Vec::new())?;
        let labels = ByReplica { replica: ReplicaName::from(name) };
        let is_read = read.is_some();
        let inner = Arc::new(Inner { labels, said: Mutex::default(), read, clock });
        replicas.add(&inner, is_read, registry, collect);
        Ok(Self { inner })
    }

    /// It is so far behind now.
    pub fn set(&self, lag: Duration) {
        self.say(Some((lag, self.inner.clock.now())));
    }

    /// Nobody knows how far it is behind.
    pub fn unknown(&self) {
        self.say(None);
    }

    fn say(&self, said: Option<(Duration, Tick)>) {
        *self.inner.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }
}

impl Inner {
    fn lag(&self, out: &Collect<'_>) -> Option<Duration> {
        if let Some(read) = &self.read {
            return read.now(out);
        }
        let (lag, at) = (*self.said.lock().unwrap_or_else(PoisonError::into_inner))?;
        (self.clock.now().since(at) < SHOWN).then_some(lag)
    }
}

fn collect(replicas: &[Arc<Inner>], out: &mut Collect<'_>) {
    let mut lags = Together::new();
    for replica in replicas {
        lags.add(ByReplica::text(replica.labels.index(), 0), replica.lag(out), Duration::max);
    }
    for (replica, lag) in lags.known() {
        let help = "How far the replica is behind.";
        out.gauge(names::REPLICA_LAG_SECONDS, help, &[(names::REPLICA, replica)], lag.as_secs_f64());
    }
}
