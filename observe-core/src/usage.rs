//! Utilisation, saturation and errors of resources and queues.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use crate::clock::{Clock, Tick};
use crate::error::Error;
use crate::label::LabelSet;
use crate::label::own::{label_set, open_label};
use crate::metric::{AnyFamily, Buckets, Counter, Family, Gauge, Histogram};
use crate::registry::{Collect, Registry};
use crate::semconv::metric as names;

open_label!(
    /// The name of a resource, given by the code.
    Resource, max 64
);
label_set!(ByResource { resource: Resource = names::RESOURCE });
open_label!(
    /// The name of a queue, given by the code.
    QueueName, max 64
);
label_set!(ByQueue { queue: QueueName = names::QUEUE });

/// Utilisation, saturation and errors of a resource of which there are so many: a pool of connections, a
/// semaphore, worker threads.
///
/// The families are shared by all resources of a registry and labelled `resource`: `resource_capacity`,
/// `resource_in_use`, `resource_waiting`, `resource_wait_duration_seconds`, `resource_use_duration_seconds` and
/// `resource_errors_total`. Two with one name are added up. A process names up to 64 resources; those beyond are
/// added up as `_OTHER`, and counted. Cheap to clone; clones are one.
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
#[derive(Clone, Debug)]
pub struct Usage {
    inner: Arc<UsageInner>,
}

#[derive(Debug)]
struct UsageInner {
    families: Arc<ResourceFamilies>,
    labels: ByResource,
    capacity: AtomicI64,
    clock: Clock,
}

#[derive(Debug)]
struct ResourceFamilies {
    capacity: Arc<Family<ByResource, Gauge>>,
    in_use: Arc<Family<ByResource, Gauge>>,
    waiting: Arc<Family<ByResource, Gauge>>,
    waits: Arc<Family<ByResource, Histogram>>,
    uses: Arc<Family<ByResource, Histogram>>,
    errors: Arc<Family<ByResource, Counter>>,
}

/// From 100 µs on: waiting for a resource is often shorter than a request.
const WAITS: Buckets =
    Buckets::new(&[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);

impl ResourceFamilies {
    fn new() -> Self {
        Self {
            capacity: Arc::new(Family::gauge(
                names::RESOURCE_CAPACITY,
                "How many of the resource there are.",
            )),
            in_use: Arc::new(Family::gauge(names::RESOURCE_IN_USE, "How many of the resource are held.")),
            waiting: Arc::new(Family::gauge(names::RESOURCE_WAITING, "How many wait for the resource.")),
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
        }
    }

    fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![
            self.capacity.clone(),
            self.in_use.clone(),
            self.waiting.clone(),
            self.waits.clone(),
            self.uses.clone(),
            self.errors.clone(),
        ]
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
        let families = registry.shared(ResourceFamilies::new, ResourceFamilies::all)?;
        let labels = ByResource { resource: Resource::from(name) };
        // Each series from the start, at 0.
        let _ = families.in_use.with(labels);
        let _ = families.waiting.with(labels);
        let _ = families.waits.with(labels);
        let _ = families.uses.with(labels);
        let _ = families.errors.with(labels);
        let inner = UsageInner { families, labels, capacity: AtomicI64::new(0), clock };
        let usage = Self { inner: Arc::new(inner) };
        usage.set_capacity(capacity);
        Ok(usage)
    }

    /// Changes how many there are.
    pub fn set_capacity(&self, capacity: u64) {
        let capacity = bounded(capacity);
        let before = self.inner.capacity.swap(capacity, Ordering::Relaxed);
        self.inner.families.capacity.with(self.inner.labels).add(capacity.saturating_sub(before));
    }

    /// Begins to wait for one.
    pub fn wait(&self) -> Waiting {
        self.inner.families.waiting.with(self.inner.labels).inc();
        Waiting { usage: Arc::clone(&self.inner), since: self.inner.clock.now() }
    }

    /// Takes one without having waited.
    pub fn hold(&self) -> Holding {
        Holding::new(Arc::clone(&self.inner))
    }

    /// Counts a failure that no guard saw.
    pub fn error(&self) {
        self.inner.families.errors.with(self.inner.labels).inc();
    }
}

/// So that those of one name add up: who says `u64::MAX` means no limit.
fn bounded(capacity: u64) -> i64 {
    const MOST: i64 = 1 << 53;
    i64::try_from(capacity).unwrap_or(MOST).min(MOST)
}

impl Drop for UsageInner {
    fn drop(&mut self) {
        let capacity = self.capacity.load(Ordering::Relaxed);
        self.families.capacity.with(self.labels).sub(capacity);
    }
}

/// Waits for a resource; dropped, it has given up. The time counts either way.
#[derive(Debug)]
#[must_use = "it gives up when it is dropped"]
pub struct Waiting {
    usage: Arc<UsageInner>,
    since: Tick,
}

impl Waiting {
    /// It was got.
    pub fn acquired(self) -> Holding {
        Holding::new(Arc::clone(&self.usage))
    }

    /// Getting it failed: counted as an error.
    pub fn failed(self) {
        self.usage.families.errors.with(self.usage.labels).inc();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let UsageInner { families, labels, clock, .. } = &*self.usage;
        families.waits.with(*labels).observe_duration(clock.now().since(self.since));
        families.waiting.with(*labels).dec();
    }
}

/// Holds a resource until it is dropped.
#[derive(Debug)]
#[must_use = "it is given back when it is dropped"]
pub struct Holding {
    usage: Arc<UsageInner>,
    since: Tick,
}

impl Holding {
    fn new(usage: Arc<UsageInner>) -> Self {
        usage.families.in_use.with(usage.labels).inc();
        let since = usage.clock.now();
        Self { usage, since }
    }

    /// Using it failed: counted as an error.
    pub fn error(&self) {
        self.usage.families.errors.with(self.usage.labels).inc();
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let UsageInner { families, labels, clock, .. } = &*self.usage;
        families.uses.with(*labels).observe_duration(clock.now().since(self.since));
        families.in_use.with(*labels).dec();
    }
}

/// Depth and lag of a queue.
///
/// The families are shared by all queues of a registry and labelled `queue`: `queue_capacity`, `queue_depth`,
/// `queue_lag_seconds`, `queue_wait_duration_seconds` and `queue_rejected_total`. The limit of names is that of
/// [`Usage`]. Cheap to clone; clones are one.
///
/// The lag is how long ago the item came in that left the queue last, computed at each scrape, so that it grows when
/// nobody takes anything out. Where items leave in the order they came, the oldest is no older than that; elsewhere it
/// may be. Two queues with one name are added up, but of their lags the larger is shown.
///
/// ```
/// use observe_core::{Queue, Registry};
///
/// let registry = Registry::new();
/// let orders = Queue::new(&registry, "orders", 1_000)?;
/// let ticket = orders.enqueued(); // travels with the item
/// ticket.dequeued();
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Queue {
    inner: Arc<QueueInner>,
}

#[derive(Debug)]
struct QueueInner {
    families: Arc<QueueFamilies>,
    labels: ByQueue,
    capacity: i64,
    depth: AtomicI64,
    /// No item that is in the queue was put there before: the tick at which it was last empty, or at which
    /// the item that was last taken out was put in.
    oldest: AtomicU64,
    clock: Clock,
}

#[derive(Debug)]
struct QueueFamilies {
    capacity: Arc<Family<ByQueue, Gauge>>,
    depth: Arc<Family<ByQueue, Gauge>>,
    waits: Arc<Family<ByQueue, Histogram>>,
    rejected: Arc<Family<ByQueue, Counter>>,
    queues: Arc<Mutex<Vec<Weak<QueueInner>>>>,
}

impl QueueFamilies {
    fn new() -> Self {
        Self {
            capacity: Arc::new(Family::gauge(names::QUEUE_CAPACITY, "How many items the queue may hold.")),
            depth: Arc::new(Family::gauge(names::QUEUE_DEPTH, "How many items are in the queue.")),
            waits: Arc::new(Family::histogram(
                names::QUEUE_WAIT_DURATION_SECONDS,
                "How long items were in the queue.",
                WAITS,
            )),
            rejected: Arc::new(Family::counter(
                names::QUEUE_REJECTED_TOTAL,
                "How often an item was refused, since the queue was full.",
            )),
            queues: Arc::default(),
        }
    }

    fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![self.capacity.clone(), self.depth.clone(), self.waits.clone(), self.rejected.clone()]
    }
}

impl Queue {
    /// A queue of at most `capacity` items.
    ///
    /// # Errors
    ///
    /// If the registry has other families of these names ([`Error::is_duplicate`]).
    pub fn new(registry: &Registry, name: &str, capacity: u64) -> Result<Self, Error> {
        Self::with_clock(registry, name, capacity, Clock::system())
    }

    /// As [`new`](Queue::new), timed by `clock`.
    ///
    /// # Errors
    ///
    /// As [`new`](Queue::new).
    pub fn with_clock(registry: &Registry, name: &str, capacity: u64, clock: Clock) -> Result<Self, Error> {
        let families = registry.shared(QueueFamilies::new, QueueFamilies::all)?;
        let labels = ByQueue { queue: QueueName::from(name) };
        let capacity = bounded(capacity);
        families.capacity.with(labels).add(capacity);
        let _ = families.depth.with(labels);
        let _ = families.waits.with(labels);
        let _ = families.rejected.with(labels);
        let inner = Arc::new(QueueInner {
            families: Arc::clone(&families),
            labels,
            capacity,
            depth: AtomicI64::new(0),
            oldest: AtomicU64::new(0),
            clock,
        });
        let first = {
            let mut queues = families.queues.lock().unwrap_or_else(PoisonError::into_inner);
            let first = queues.is_empty();
            queues.retain(|queue| queue.strong_count() > 0);
            queues.push(Arc::downgrade(&inner));
            first
        };
        if first {
            let queues = Arc::clone(&families.queues);
            registry.collector(move |out: &mut Collect<'_>| lags(&queues, out));
        }
        Ok(Self { inner })
    }

    /// An item was put in. The ticket travels with it.
    pub fn enqueued(&self) -> Ticket {
        let QueueInner { families, labels, depth, oldest, clock, .. } = &*self.inner;
        let since = clock.now();
        if depth.fetch_add(1, Ordering::Relaxed) == 0 {
            oldest.store(since.nanos(), Ordering::Relaxed);
        }
        families.depth.with(*labels).inc();
        Ticket { queue: Arc::clone(&self.inner), since }
    }

    /// An item was refused, since the queue was full.
    pub fn rejected(&self) {
        self.inner.families.rejected.with(self.inner.labels).inc();
    }
}

impl Drop for QueueInner {
    fn drop(&mut self) {
        self.families.capacity.with(self.labels).sub(self.capacity);
    }
}

fn lags(queues: &Mutex<Vec<Weak<QueueInner>>>, out: &mut Collect<'_>) {
    let queues: Vec<Weak<QueueInner>> = queues.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut lags: BTreeMap<&'static str, f64> = BTreeMap::new();
    for queue in queues.iter().filter_map(Weak::upgrade) {
        let lag = lags.entry(queue.labels.text()).or_default();
        *lag = lag.max(queue.lag().as_secs_f64());
    }
    for (queue, lag) in lags {
        let help = "Time since the item that left the queue last came in; where the first in is the first out, no \
                    less than the age of its oldest.";
        out.gauge(names::QUEUE_LAG_SECONDS, help, &[(names::QUEUE, queue)], lag);
    }
}

impl ByQueue {
    fn text(self) -> &'static str {
        <Self as LabelSet>::text(self.index(), 0)
    }
}

impl QueueInner {
    fn lag(&self) -> Duration {
        if self.depth.load(Ordering::Relaxed) <= 0 {
            return Duration::ZERO;
        }
        let now = self.clock.now().nanos();
        Duration::from_nanos(now.saturating_sub(self.oldest.load(Ordering::Relaxed)))
    }
}

/// An item's stay in a queue; dropped, the item was thrown away.
#[derive(Debug)]
#[must_use = "it leaves the queue when it is dropped"]
pub struct Ticket {
    queue: Arc<QueueInner>,
    since: Tick,
}

impl Ticket {
    /// The item was taken out. Says how long it was in.
    pub fn dequeued(self) -> Duration {
        let QueueInner { families, labels, oldest, clock, .. } = &*self.queue;
        let waited = clock.now().since(self.since);
        oldest.fetch_max(self.since.nanos(), Ordering::Relaxed);
        families.waits.with(*labels).observe_duration(waited);
        waited
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queue.depth.fetch_sub(1, Ordering::Relaxed);
        self.queue.families.depth.with(self.queue.labels).dec();
    }
}
