//! Resources of which there are so many.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::sources::{Read, Sources, Together};
use super::{WAITS, bounded};
use crate::clock::{Clock, Tick};
use crate::error::Error;
use crate::label::LabelSet;
use crate::label::own::{label_set, open_label};
use crate::metric::{AnyFamily, Counter, Family, Histogram, Kind};
use crate::registry::{Collect, Registry};
use crate::request;
use crate::semconv::metric as names;

open_label!(
    /// The name of a resource, given by the code.
    Resource, max 64
);
label_set!(ByResource { resource: Resource = names::RESOURCE });

/// Utilisation, saturation and errors of a resource of which there are so many: a pool of connections, a
/// semaphore, worker threads.
///
/// The families are shared by all resources of a registry and labelled `resource`: `resource_capacity`,
/// `resource_in_use`, `resource_waiting`, `resource_wait_duration_seconds`, `resource_use_duration_seconds` and
/// `resource_errors_total`. Two with one name are added up. A process names up to 64 resources; those beyond are
/// added up as `_OTHER`, and counted. Cheap to clone; clones are one, and its gauges are there for as long as one of them
/// is.
///
/// A request in which somebody waited for a millisecond or longer says so on its line: `wait_duration_ms` is how long in
/// all, `wait_resource` what for the longest.
///
/// ```
/// use observe_core::{Registry, Usage};
///
/// let registry = Registry::new();
/// let pool = Usage::new(&registry, "orders_db", 10)?;
///
/// let waiting = pool.wait();
/// // ... get a connection; on failure `waiting.failed()`, and when this is cancelled `waiting` is dropped
/// let holding = waiting.acquired();
/// // ... use it; it is given back when `holding` is dropped
/// # drop(holding);
/// # Ok::<(), observe_core::Error>(())
/// ```
///
/// For a pool that counts by itself: [`Usage::pool`]. For a semaphore of tokio, with feature `tokio`:
/// `observe_core::semaphore::Semaphore`, which does all of this.
#[derive(Clone, Debug)]
pub struct Usage {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    families: Arc<Families>,
    labels: ByResource,
    capacity: AtomicI64,
    in_use: AtomicI64,
    waiting: AtomicI64,
    has_waited: AtomicBool,
    read: Option<Read<PoolState>>,
    clock: Clock,
}

#[derive(Debug)]
struct Families {
    waits: Arc<Family<ByResource, Histogram>>,
    uses: Arc<Family<ByResource, Histogram>>,
    errors: Arc<Family<ByResource, Counter>>,
    /// Capacity, in use, waiting.
    resources: Arc<Sources<Inner>>,
}

impl Families {
    fn new() -> Self {
        Self {
            waits: Arc::new(Family::histogram(
                names::RESOURCE_WAIT_DURATION_SECONDS,
                "How long was waited for the resource, whether it was got or not.",
                WAITS,
            )),
            uses: Arc::new(Family::histogram(
                names::RESOURCE_USE_DURATION_SECONDS,
                "How long the resource was held.",
                WAITS,
            )),
            errors: Arc::new(Family::counter(
                names::RESOURCE_ERRORS_TOTAL,
                "How often getting or using the resource failed.",
            )),
            resources: Arc::default(),
        }
    }

    fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![self.waits.clone(), self.uses.clone(), self.errors.clone()]
    }

    fn of(registry: &Registry) -> Result<Arc<Self>, Error> {
        for name in [names::RESOURCE_CAPACITY, names::RESOURCE_IN_USE, names::RESOURCE_WAITING] {
            registry.examine(name, Kind::Gauge)?;
        }
        registry.shared(Self::new, Self::all)
    }
}

impl Usage {
    /// A resource of which there are `capacity`.
    ///
    /// # Errors
    ///
    /// If the registry has other families of these names ([`Error::is_duplicate`]).
    pub fn new(registry: &Registry, name: &str, capacity: u64) -> Result<Self, Error> {
        Self::with_clock(registry, name, capacity, Clock::system())
    }

    /// As [`new`](Usage::new), timed by `clock`.
    ///
    /// # Errors
    ///
    /// As [`new`](Usage::new).
    pub fn with_clock(registry: &Registry, name: &str, capacity: u64, clock: Clock) -> Result<Self, Error> {
        let usage = Self::make(registry, name, None, clock)?;
        usage.set_capacity(capacity);
        let Inner { families, labels, .. } = &*usage.inner;
        // Each series from the start, at 0.
        let _ = families.waits.with(*labels);
        let _ = families.uses.with(*labels);
        Ok(usage)
    }

    /// A pool that counts by itself: what `read` says is read at each scrape, for as long as the registry is there.
    ///
    /// `read` says `None` when it does not know: then the gauges are absent, and no 0 that lies. It runs on the scraping
    /// thread and holds up that scrape only; a panic means that it does not know, and is counted. So that this does not
    /// keep the pool open, let it have a `Weak` one.
    ///
    /// Times are what a pool does not say. Who wants them wraps getting a connection in [`wait`](Usage::wait) of the answer,
    /// which then says `resource_waiting` as well, where `read` leaves it out.
    ///
    /// ```
    /// use observe_core::{PoolState, Registry, Usage};
    /// use std::sync::Arc;
    ///
    /// # struct Pool;
    /// # impl Pool {
    /// #     fn max_size(&self) -> u64 { 10 }
    /// #     fn size(&self) -> u64 { 4 }
    /// #     fn idle(&self) -> u64 { 1 }
    /// # }
    /// let pool = Arc::new(Pool);
    /// let registry = Registry::new();
    /// let counted = Arc::downgrade(&pool);
    /// Usage::pool(&registry, "orders_db", move || {
    ///     let pool = counted.upgrade()?;
    ///     Some(PoolState::new(pool.max_size(), pool.size() - pool.idle()))
    /// })?;
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Usage::new).
    pub fn pool<S: Into<Option<PoolState>>>(
        registry: &Registry,
        name: &str,
        read: impl Fn() -> S + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        Self::make(registry, name, Some(Read::new(read)), Clock::system())
    }

    fn make(
        registry: &Registry,
        name: &str,
        read: Option<Read<PoolState>>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let families = Families::of(registry)?;
        let labels = ByResource { resource: Resource::from(name) };
        let _ = families.errors.with(labels);
        let is_read = read.is_some();
        let inner = Arc::new(Inner {
            families: Arc::clone(&families),
            labels,
            capacity: AtomicI64::new(0),
            in_use: AtomicI64::new(0),
            waiting: AtomicI64::new(0),
            has_waited: AtomicBool::new(false),
            read,
            clock,
        });
        families.resources.add(&inner, is_read, registry, collect);
        Ok(Self { inner })
    }

    /// Changes how many there are.
    pub fn set_capacity(&self, capacity: u64) {
        self.inner.capacity.store(bounded(capacity), Ordering::Relaxed);
    }

    /// There are so many more.
    #[cfg(feature = "tokio")]
    pub(super) fn grow(&self, by: u64) {
        self.inner.capacity.fetch_add(bounded(by), Ordering::Relaxed);
    }

    /// There are so many less.
    #[cfg(feature = "tokio")]
    pub(super) fn shrink(&self, by: u64) {
        self.inner.capacity.fetch_sub(bounded(by), Ordering::Relaxed);
    }

    /// Begins to wait for one.
    pub fn wait(&self) -> Waiting {
        self.inner.waiting.fetch_add(1, Ordering::Relaxed);
        self.inner.has_waited.store(true, Ordering::Relaxed);
        Waiting { usage: Arc::clone(&self.inner), since: self.inner.clock.now() }
    }

    /// Takes one without having waited.
    pub fn hold(&self) -> Holding {
        self.hold_many(1)
    }

    /// Takes so many at once.
    pub(super) fn hold_many(&self, amount: u64) -> Holding {
        Holding::new(Arc::clone(&self.inner), amount)
    }

    /// Counts a failure that no guard saw.
    pub fn error(&self) {
        self.inner.error();
    }
}

/// How a pool stands, as it counts itself: what [`Usage::pool`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct PoolState {
    capacity: u64,
    in_use: u64,
    waiting: Option<u64>,
}

impl PoolState {
    /// How many there may be, and how many of them are out.
    pub fn new(capacity: u64, in_use: u64) -> Self {
        Self { capacity, in_use, waiting: None }
    }

    /// How many wait for one. Defaults to not known: `resource_waiting` is absent.
    pub fn waiting(mut self, waiting: u64) -> Self {
        self.waiting = Some(waiting);
        self
    }
}

impl Inner {
    fn error(&self) {
        self.families.errors.with(self.labels).inc();
    }
}

/// All resources of a registry, those of one name together.
fn collect(resources: &[Arc<Inner>], out: &mut Collect<'_>) {
    let [mut capacity, mut in_use, mut waiting] = [(); 3].map(|()| Together::new());
    for resource in resources {
        let counted = |count: &AtomicI64| Some(count.load(Ordering::Relaxed).max(0));
        let name = ByResource::text(resource.labels.index(), 0);
        let state = match &resource.read {
            None => [&resource.capacity, &resource.in_use, &resource.waiting].map(counted),
            Some(read) => {
                let state = read.now(out);
                let said = state.and_then(|state| state.waiting).map(bounded);
                let has_waited = resource.has_waited.load(Ordering::Relaxed);
                let waiting = said.or_else(|| counted(&resource.waiting).filter(|_| has_waited));
                [
                    state.map(|state| bounded(state.capacity)),
                    state.map(|state| bounded(state.in_use)),
                    waiting,
                ]
            }
        };
        for (sum, value) in [&mut capacity, &mut in_use, &mut waiting].into_iter().zip(state) {
            sum.add(name, value, i64::saturating_add);
        }
    }
    let gauges = [
        (names::RESOURCE_CAPACITY, "How many of the resource there are.", capacity),
        (names::RESOURCE_IN_USE, "How many of the resource are held.", in_use),
        (names::RESOURCE_WAITING, "How many wait for the resource.", waiting),
    ];
    for (gauge, help, values) in gauges {
        for (resource, value) in values.known() {
            out.gauge(gauge, help, &[(names::RESOURCE, resource)], value);
        }
    }
}

/// Waits for a resource; dropped, it has given up. The time counts either way.
#[derive(Debug)]
#[must_use = "it gives up when it is dropped"]
pub struct Waiting {
    usage: Arc<Inner>,
    since: Tick,
}

impl Waiting {
    /// It was got.
    pub fn acquired(self) -> Holding {
        self.acquired_many(1)
    }

    /// So many were got at once.
    pub(super) fn acquired_many(self, amount: u64) -> Holding {
        Holding::new(Arc::clone(&self.usage), amount)
    }

    /// Getting it failed: counted as an error.
    pub fn failed(self) {
        self.usage.error();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Inner { families, labels, clock, waiting, .. } = &*self.usage;
        let waited = clock.now().since(self.since);
        families.waits.with(*labels).observe_duration(waited);
        waiting.fetch_sub(1, Ordering::Relaxed);
        request::waited(ByResource::text(labels.index(), 0), waited);
    }
}

/// Holds a resource until it is dropped.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Holding {
    usage: Arc<Inner>,
    amount: i64,
    since: Tick,
}

impl Holding {
    fn new(usage: Arc<Inner>, amount: u64) -> Self {
        let amount = bounded(amount);
        usage.in_use.fetch_add(amount, Ordering::Relaxed);
        let since = usage.clock.now();
        Self { usage, amount, since }
    }

    /// Using it failed: counted as an error.
    pub fn error(&self) {
        self.usage.error();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let Inner { families, labels, clock, in_use, .. } = &*self.usage;
        families.uses.with(*labels).observe_duration(clock.now().since(self.since));
        in_use.fetch_sub(self.amount, Ordering::Relaxed);
    }
}
