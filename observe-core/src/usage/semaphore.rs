//! A semaphore of tokio whose utilisation, saturation and errors are known (feature `tokio`).

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{self, AcquireError, TryAcquireError};

use super::{Holding, Usage};
use crate::clock::Clock;
use crate::error::Error;
use crate::registry::Registry;

/// [`tokio::sync::Semaphore`], observed: it has the series of a [`Usage`] of its name.
///
/// A permit counts as in use for as long as it lives; who finds none waits, and that is counted and timed, also when it
/// is given up. Getting one at once is no wait. Refusals of [`try_acquire`](Semaphore::try_acquire) and of a closed
/// semaphore are errors. Fair and safe to cancel as tokio's own. Cheap to clone; clones are one.
///
/// ```
/// use observe_core::Registry;
/// use observe_core::semaphore::Semaphore;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let registry = Registry::new(); // in a service: telemetry.registry()
/// let uploads = Semaphore::new(&registry, "uploads", 2)?;
/// let permit = uploads.acquire().await?;
/// // ... upload; on failure `permit.error()`
/// drop(permit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Semaphore {
    inner: Arc<sync::Semaphore>,
    usage: Usage,
}

impl Semaphore {
    /// A semaphore of so many permits.
    ///
    /// # Errors
    ///
    /// As [`Usage::new`].
    ///
    /// # Panics
    ///
    /// If there are more than [`tokio::sync::Semaphore::MAX_PERMITS`].
    pub fn new(registry: &Registry, name: &str, permits: usize) -> Result<Self, Error> {
        Self::with_clock(registry, name, permits, Clock::system())
    }

    /// As [`new`](Semaphore::new), timed by `clock`.
    ///
    /// # Errors
    ///
    /// As [`new`](Semaphore::new).
    ///
    /// # Panics
    ///
    /// As [`new`](Semaphore::new).
    pub fn with_clock(registry: &Registry, name: &str, permits: usize, clock: Clock) -> Result<Self, Error> {
        let usage = Usage::with_clock(registry, name, permits as u64, clock)?;
        Ok(Self { inner: Arc::new(sync::Semaphore::new(permits)), usage })
    }

    /// Gets a permit; waits for one if need be.
    ///
    /// # Errors
    ///
    /// If the semaphore is closed: counted.
    pub async fn acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.acquire_many(1).await
    }

    /// Gets so many permits at once.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub async fn acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        let (permit, holding) = self.wait_for(self.inner.acquire_many(permits), permits).await?;
        Ok(SemaphorePermit { holding, permit, usage: &self.usage })
    }

    /// Gets a permit that can go to another task.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub async fn acquire_owned(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        self.acquire_many_owned(1).await
    }

    /// Gets so many permits at once that can go to another task.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Semaphore::acquire).
    pub async fn acquire_many_owned(&self, permits: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        let acquire = Arc::clone(&self.inner).acquire_many_owned(permits);
        let (permit, holding) = self.wait_for(acquire, permits).await?;
        Ok(OwnedSemaphorePermit { holding, permit, usage: self.usage.clone() })
    }

    /// Gets a permit if one is there.
    ///
    /// # Errors
    ///
    /// If there is none, or the semaphore is closed: counted.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Gets so many permits at once if they are there.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Semaphore::try_acquire).
    pub fn try_acquire_many(&self, permits: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let (permit, holding) = self.at_once(self.inner.try_acquire_many(permits), permits)?;
        Ok(SemaphorePermit { holding, permit, usage: &self.usage })
    }

    /// Gets a permit that can go to another task, if one is there.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Semaphore::try_acquire).
    pub fn try_acquire_owned(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let acquired = Arc::clone(&self.inner).try_acquire_owned();
        let (permit, holding) = self.at_once(acquired, 1)?;
        Ok(OwnedSemaphorePermit { holding, permit, usage: self.usage.clone() })
    }

    /// How many permits nobody holds.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.inner.available_permits()
    }

    /// Adds permits: the capacity grows.
    ///
    /// # Panics
    ///
    /// If there are more than [`tokio::sync::Semaphore::MAX_PERMITS`] then.
    pub fn add_permits(&self, permits: usize) {
        self.inner.add_permits(permits);
        self.usage.grow(permits as u64);
    }

    /// Gives out no more permits: who waits, and who comes, is refused.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    async fn wait_for<P>(
        &self,
        acquire: impl Future<Output = Result<P, AcquireError>>,
        permits: u32,
    ) -> Result<(P, Holding), AcquireError> {
        let mut acquire = pin!(acquire);
        let permits = u64::from(permits);
        match poll_fn(|cx| Poll::Ready(acquire.as_mut().poll(cx))).await {
            Poll::Ready(Ok(permit)) => Ok((permit, self.usage.hold_many(permits))),
            Poll::Ready(Err(closed)) => {
                self.usage.error();
                Err(closed)
            }
            Poll::Pending => {
                let waiting = self.usage.wait();
                match acquire.await {
                    Ok(permit) => Ok((permit, waiting.acquired_many(permits))),
                    Err(closed) => {
                        waiting.failed();
                        Err(closed)
                    }
                }
            }
        }
    }

    fn at_once<P>(
        &self,
        acquired: Result<P, TryAcquireError>,
        permits: u32,
    ) -> Result<(P, Holding), TryAcquireError> {
        match acquired {
            Ok(permit) => Ok((permit, self.usage.hold_many(u64::from(permits)))),
            Err(refused) => {
                self.usage.error();
                Err(refused)
            }
        }
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// A permit, or several, of a [`Semaphore`]; given back when it is dropped.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct SemaphorePermit<'a> {
    // First: whoever gets the permit next is not counted beside this one.
    holding: Holding,
    permit: sync::SemaphorePermit<'a>,
    usage: &'a Usage,
}

impl SemaphorePermit<'_> {
    /// What it is held for failed: counted as an error.
    pub fn error(&self) {
        self.holding.error();
    }

    /// Keeps it for good: the capacity shrinks.
    pub fn forget(self) {
        self.usage.shrink(self.permit.num_permits() as u64);
        self.permit.forget();
    }
}

/// A permit, or several, of a [`Semaphore`] that can go to another task; given back when it is dropped.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct OwnedSemaphorePermit {
    // First: whoever gets the permit next is not counted beside this one.
    holding: Holding,
    permit: sync::OwnedSemaphorePermit,
    usage: Usage,
}

impl OwnedSemaphorePermit {
    /// What it is held for failed: counted as an error.
    pub fn error(&self) {
        self.holding.error();
    }

    /// Keeps it for good: the capacity shrinks.
    pub fn forget(self) {
        self.usage.shrink(self.permit.num_permits() as u64);
        self.permit.forget();
    }
}
