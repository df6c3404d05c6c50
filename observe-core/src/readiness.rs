//! Whether a service wants requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Whether a service wants requests: what `observe_tower::ReadyService` answers a load balancer, or Kubernetes' readiness
/// probe. Of a telemetry: [`Telemetry::readiness`](crate::Telemetry::readiness). Clones are one.
///
/// It is ready from the start. It is not while somebody holds it back ([`hold`](Readiness::hold)), and never again once
/// the service drains ([`Telemetry::drain`](crate::Telemetry::drain)).
///
/// ```
/// use observe_core::Telemetry;
/// use std::time::Duration;
///
/// let telemetry = Telemetry::builder("checkout").build()?;
/// let readiness = telemetry.readiness();
/// let warming_up = readiness.hold();
/// assert!(!readiness.is_ready());
/// drop(warming_up);
/// assert!(readiness.is_ready());
///
/// telemetry.drain(Duration::ZERO);
/// assert!(!readiness.is_ready() && readiness.is_draining());
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<State>);

#[derive(Debug, Default)]
struct State {
    draining: AtomicBool,
    held: AtomicUsize,
}

impl Readiness {
    /// Whether the service wants requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.0.held.load(Ordering::Acquire) == 0
    }

    /// Whether it is about to end: that is not taken back.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// It is not ready until the guard is dropped: a cache is still cold, a database is gone. Several hold it back until
    /// the last of them is dropped.
    pub fn hold(&self) -> NotReady {
        self.0.held.fetch_add(1, Ordering::AcqRel);
        NotReady(self.clone())
    }

    /// It is about to end. Answers whether it was not before.
    pub(crate) fn drain(&self) -> bool {
        !self.0.draining.swap(true, Ordering::AcqRel)
    }
}

/// Holds a service back: [`Readiness::hold`].
#[must_use = "the service is ready again when this is dropped"]
#[derive(Debug)]
pub struct NotReady(Readiness);

impl Drop for NotReady {
    fn drop(&mut self) {
        self.0.0.held.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: a guard that counts for all of them; an end that is taken back.
    #[test]
    fn it_is_ready_when_nobody_holds_it_and_never_once_it_drains() {
        let readiness = Readiness::default();
        assert!(readiness.is_ready());
        let (one, other) = (readiness.hold(), readiness.clone().hold());
        drop(one);
        assert!(!readiness.is_ready() && !readiness.is_draining());
        drop(other);
        assert!(readiness.is_ready());

        let held = readiness.hold();
        assert!(readiness.drain() && !readiness.drain());
        drop(held);
        assert!(!readiness.is_ready() && readiness.is_draining());
    }
}
