//! Rate, errors and duration of something that is done over and over.

use std::sync::Arc;

use crate::clock::Instant;
use crate::error::Error;
use crate::label::LabelSet;
use crate::label::own::label_set;
use crate::metric::{AnyFamily, Buckets, Family, Gauge, HotHistogram};
use crate::outcome::Outcome;
use crate::registry::Registry;
use crate::semconv::metric as names;

label_set!(
    /// How something ended.
    pub(crate) ByOutcome {
        outcome: Outcome = names::OUTCOME,
    }
);

/// Rate, errors and duration of something, and how many of it are under way, by the labels `L`.
///
/// Two families: `{name}_duration_seconds` with the labels and `outcome`, whose count is the rate, and
/// `{name}_in_flight` with the labels. Cheap to clone; clones are one.
///
/// ```
/// use observe_core::{Outcome, Red, Registry};
///
/// let registry = Registry::new();
/// let payments = Red::<()>::new(&registry, "payment")?;
///
/// let guard = payments.start(());
/// guard.finish(Outcome::Ok);
/// drop(payments.start(())); // cancelled
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Red<L: LabelSet> {
    families: Arc<Families<L>>,
}

impl<L: LabelSet> Clone for Red<L> {
    fn clone(&self) -> Self {
        Self { families: Arc::clone(&self.families) }
    }
}

#[derive(Debug)]
struct Families<L: LabelSet> {
    durations: Arc<Family<(L, ByOutcome), HotHistogram>>,
    in_flight: Arc<Family<L, Gauge>>,
}

impl<L: LabelSet> Red<L> {
    /// Registers the two families of `name`, with the buckets [`Buckets::SECONDS`].
    ///
    /// # Errors
    ///
    /// If the name breaks a rule ([`Error::is_invalid`]) or is taken ([`Error::is_duplicate`]); then neither is
    /// registered.
    pub fn new(registry: &Registry, name: &str) -> Result<Self, Error> {
        Self::with_buckets(registry, name, Buckets::SECONDS)
    }

    /// As [`new`](Red::new), with buckets of one's own, in seconds.
    ///
    /// # Errors
    ///
    /// As [`new`](Red::new), and if the buckets break a rule ([`Error::is_invalid`]).
    pub fn with_buckets(registry: &Registry, name: &str, buckets: Buckets) -> Result<Self, Error> {
        let durations = Arc::new(Family::named(
            format!("{name}_{}", names::DURATION_SECONDS),
            format!("How long {name} took, by how it ended."),
            buckets,
        ));
        let in_flight = Arc::new(Family::named(
            format!("{name}_{}", names::IN_FLIGHT),
            format!("How many of {name} are under way."),
            (),
        ));
        registry.register_all(&[
            Arc::clone(&durations) as Arc<dyn AnyFamily>,
            Arc::clone(&in_flight) as Arc<dyn AnyFamily>,
        ])?;
        Ok(Self { families: Arc::new(Families { durations, in_flight }) })
    }

    /// Begins one. It is recorded once, when the guard is finished or dropped.
    pub fn start(&self, labels: L) -> RedGuard<L> {
        self.families.in_flight.with(labels).inc();
        RedGuard {
            families: Arc::clone(&self.families),
            labels,
            start: Instant::now(),
            outcome: None,
            unwinding: std::thread::panicking(),
        }
    }
}

/// One that is under way.
///
/// Dropped without [`finish`](RedGuard::finish) it was cancelled, or it panicked, if the thread unwinds and
/// did not yet when it began.
#[derive(Debug)]
#[must_use = "it is cancelled when it is dropped"]
pub struct RedGuard<L: LabelSet> {
    families: Arc<Families<L>>,
    labels: L,
    start: Instant,
    outcome: Option<Outcome>,
    unwinding: bool,
}

impl<L: LabelSet> RedGuard<L> {
    /// Ends it.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }
}

impl<L: LabelSet> Drop for RedGuard<L> {
    fn drop(&mut self) {
        let outcome = self.outcome.unwrap_or_else(|| {
            if std::thread::panicking() && !self.unwinding { Outcome::Panicked } else { Outcome::Cancelled }
        });
        let duration = self.families.durations.with((self.labels, ByOutcome { outcome }));
        duration.observe_duration(self.start.elapsed());
        self.families.in_flight.with(self.labels).dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(red: &Red<()>) -> Vec<u64> {
        let count = |outcome| red.families.durations.with(((), ByOutcome { outcome })).count();
        Outcome::ALL.into_iter().map(count).collect()
    }

    // Catches: `finish` that also counts in `drop`, an in-flight gauge not given back on one of the ways out.
    #[test]
    fn each_way_out_is_recorded_once() {
        let red = Red::<()>::new(&Registry::new(), "payment").unwrap();
        let guard = red.start(());
        assert_eq!(red.families.in_flight.get(), 1);
        guard.finish(Outcome::Ok);
        red.start(()).finish(Outcome::Error);
        drop(red.start(()));
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = red.start(());
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(unwound.is_err());
        assert_eq!(counts(&red), [1, 1, 1, 1]);
        assert_eq!(red.families.in_flight.get(), 0);
    }

    // Catches: every drop on an unwinding thread taken for a panic of its own.
    #[test]
    fn one_begun_while_unwinding_did_not_panic() {
        struct Cleanup(Red<()>);
        impl Drop for Cleanup {
            fn drop(&mut self) {
                drop(self.0.start(()));
            }
        }
        let red = Red::<()>::new(&Registry::new(), "cleanup").unwrap();
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _cleanup = Cleanup(red.clone());
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(unwound.is_err());
        assert_eq!(counts(&red), [0, 0, 1, 0]);
    }

    // Catches: the first family registered though the second is refused.
    #[test]
    fn both_families_or_none() {
        let registry = Registry::new();
        registry.gauge::<()>("payment_in_flight", "Taken.").unwrap();
        assert!(Red::<()>::new(&registry, "payment").unwrap_err().is_duplicate());
        assert!(registry.gauge::<()>("payment_duration_seconds", "Free.").is_ok());
        assert!(Red::<()>::new(&registry, "not-a-name").unwrap_err().is_invalid());
    }
}
