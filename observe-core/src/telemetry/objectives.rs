//! The objectives of a telemetry: recorded by hand, looked at, maintained.

use super::Telemetry;
use crate::error::{Error, Kind};
use crate::slo::{self, BurnRate, Exclusion, LiveSlo, Maintenance, Proposal, Slo, Source, Verdict};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

impl Telemetry {
    /// Records the events of an objective that was declared by [`Slo::events`](crate::slo::Slo::events).
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_core::slo::Slo;
    ///
    /// let telemetry = Telemetry::builder("imports").slo(Slo::events("rows", 99.0)).build()?;
    /// let rows = telemetry.slo_events("rows")?;
    /// rows.good();
    /// rows.bad();
    /// assert_eq!(telemetry.slo("rows")?.bad(), 1);
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no such objective, or it is of another kind: its events are judged by the library then.
    pub fn slo_events(&self, name: &str) -> Result<SloEvents, Error> {
        let live = self.live(name)?;
        if *live.declared().source() != Source::ByHand {
            let text = format!(
                "SLO `{name}`: its events are not recorded by hand; that is for those declared by `Slo::events`"
            );
            return Err(Error::new(Kind::Invalid, text));
        }
        Ok(SloEvents { live: Arc::clone(live) })
    }

    /// How an objective stands.
    ///
    /// # Errors
    ///
    /// If there is no such objective, or it is measured elsewhere.
    pub fn slo(&self, name: &str) -> Result<SloStatus, Error> {
        let live = Arc::clone(self.live(name)?);
        Ok(SloStatus { live, telemetry: self.clone() })
    }

    /// How each objective stands that is counted here, in the order in which they were declared.
    #[must_use]
    pub fn slos(&self) -> Vec<SloStatus> {
        let counted = self.inner.hub.slos.counted();
        counted.map(|live| SloStatus { live: Arc::clone(live), telemetry: self.clone() }).collect()
    }

    /// Begins maintenance: until the guard is dropped, the events of all objectives are excluded instead of judged. For
    /// one, see [`SloStatus::maintenance`].
    pub fn maintenance(&self) -> Maintenance {
        self.inner.hub.slos.maintain(None)
    }

    /// Objectives for a service that has none yet, a little looser than what the requests and the calls by gRPC that it has
    /// answered since its start speak for: for each route, reads and writes apart where it has both, the busiest first.
    /// What an objective is about already is left out. Each prints as the line of code that declares it.
    ///
    /// ```
    /// use observe_core::Telemetry;
    ///
    /// let telemetry = Telemetry::builder("checkout").build()?;
    /// // ... some days of traffic later:
    /// for proposal in telemetry.propose_slos() {
    ///     println!("{proposal}");
    /// }
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    #[must_use]
    pub fn propose_slos(&self) -> Vec<Proposal> {
        let declared: Vec<_> = self.inner.hub.slos.declared().collect();
        slo::propose(self.inner.hub.answered().into_iter().flatten(), &declared)
    }

    fn live(&self, name: &str) -> Result<&Arc<LiveSlo>, Error> {
        let slos = &self.inner.hub.slos;
        slos.find(name).ok_or_else(|| {
            let known: Vec<_> = slos.counted().map(|live| live.declared().name()).collect();
            let text = format!("SLO `{name}`: there is none of this name; counted are {known:?}");
            Error::new(Kind::Invalid, text)
        })
    }
}

/// Records events by hand: [`Telemetry::slo_events`]. Cheap to clone.
#[derive(Clone)]
pub struct SloEvents {
    live: Arc<LiveSlo>,
}

impl SloEvents {
    /// One was good.
    pub fn good(&self) {
        self.record(Verdict::Good);
    }

    /// One was bad.
    pub fn bad(&self) {
        self.record(Verdict::Bad);
    }

    /// One does not count.
    pub fn excluded(&self) {
        self.record(Verdict::Excluded(Exclusion::NotValid));
    }

    /// One was judged.
    pub fn record(&self, verdict: Verdict) {
        self.live.count(verdict);
    }
}

impl fmt::Debug for SloEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SloEvents").field(self.live.declared()).finish()
    }
}

/// How an objective stands in this process: [`Telemetry::slo`]. What several processes make of it together is for
/// Prometheus to say.
#[derive(Clone)]
pub struct SloStatus {
    live: Arc<LiveSlo>,
    telemetry: Telemetry,
}

impl SloStatus {
    /// The objective, as it was declared.
    pub fn declared(&self) -> &Slo {
        self.live.declared()
    }

    /// Whether its budget burns: a pair of its windows that alerts was passed when it was looked at last.
    #[must_use]
    pub fn is_burning(&self) -> bool {
        self.live.is_burning()
    }

    /// Events that counted, since the process started.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.live.counts().events
    }

    /// Those of them that were bad.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.live.counts().bad
    }

    /// Events that did not count for this reason.
    #[must_use]
    pub fn excluded(&self, reason: Exclusion) -> u64 {
        self.live.excluded(reason)
    }

    /// How fast the budget is spent in each window of its rules, from the shortest to the longest.
    #[must_use]
    pub fn burn_rates(&self) -> Vec<BurnRate> {
        self.live.burn_rates(self.telemetry.inner.hub.clock.now())
    }

    /// Which share of the error budget is left, of the events since the process started; below 0 it is overspent.
    #[must_use]
    pub fn budget_left(&self) -> f64 {
        self.live.budget_left()
    }

    /// How long it has been counting: of no longer time it knows.
    #[must_use]
    pub fn covered(&self) -> Duration {
        self.live.age(self.telemetry.inner.hub.clock.now())
    }

    /// Begins maintenance of this one: until the guard is dropped, its events are excluded instead of judged.
    pub fn maintenance(&self) -> Maintenance {
        self.telemetry.inner.hub.slos.maintain(Some(&self.live))
    }
}

impl fmt::Debug for SloStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SloStatus").field(self.live.declared()).finish()
    }
}
