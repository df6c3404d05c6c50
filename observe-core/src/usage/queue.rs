//! Queues: how much waits in line, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::sources::{Read, Sources, Together};
use super::{WAITS, bounded};
use crate::clock::{Clock, Tick};
use crate::error::Error;
use crate::label::own::{label_set, open_label};
use crate::label::{LabelSet, LabelValue};
use crate::metric::{AnyFamily, Counter, Family, Histogram, Kind};
use crate::registry::{Collect, Registry};
use crate::semconv::{metric as names, own};

open_label!(
    /// The name of a queue, given by the code.
    pub(super) QueueName, max 64
);
label_set!(pub(super) ByQueue { queue: QueueName = names::QUEUE });
label_set!(Refused { queue: QueueName = names::QUEUE, reason: Reason = own::REASON });

/// Why an item was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Full,
    Closed,
}

impl Reason {
    const ALL: [Reason; 2] = [Reason::Full, Reason::Closed];
}

#[diagnostic::do_not_recommend]
impl LabelValue for Reason {
    const CARDINALITY: u32 = Reason::ALL.len() as u32;

    fn code(self) -> u32 {
        self as u32
    }

    fn text(code: u32) -> &'static str {
        match Reason::ALL.get(code as usize) {
            Some(Reason::Full) => names::FULL,
            Some(Reason::Closed) => names::CLOSED,
            None => "",
        }
    }
}

/// Depth and lag of a queue, and what it did not take or nobody could do.
///
/// The families are shared by all queues of a registry and labelled `queue`: `queue_capacity`, `queue_depth`,
/// `queue_lag_seconds`, `queue_wait_duration_seconds`, `queue_rejected_total`, `queue_dead_letters_total` and
/// `queue_redeliveries_total`. A process names up to 64 queues; those beyond are added up as `_OTHER`, and counted. Cheap
/// to clone; clones are one, and its gauges are there for as long as one of them, or an item's ticket, is.
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
///
/// For a queue elsewhere, of a broker: [`Queue::broker`]. For a channel of tokio, with feature `tokio`:
/// `observe_core::mpsc`, which does all of this.
#[derive(Clone, Debug)]
pub struct Queue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    families: Arc<Families>,
    labels: ByQueue,
    /// `None`: without limit.
    capacity: Option<i64>,
    depth: AtomicI64,
    /// No item that is in the queue was put there before: the tick at which it was last empty, or at which
    /// the item that was last taken out was put in.
    oldest: AtomicU64,
    read: Option<Read<QueueState>>,
    clock: Clock,
}

#[derive(Debug)]
struct Families {
    waits: Arc<Family<ByQueue, Histogram>>,
    rejected: Arc<Family<Refused, Counter>>,
    dead_letters: Arc<Family<ByQueue, Counter>>,
    redeliveries: Arc<Family<ByQueue, Counter>>,
    /// Capacity, depth, lag.
    queues: Arc<Sources<Inner>>,
}

impl Families {
    fn new() -> Self {
        Self {
            waits: Arc::new(Family::histogram(
                names::QUEUE_WAIT_DURATION_SECONDS,
                "How long items were in the queue.",
                WAITS,
            )),
            rejected: Arc::new(Family::counter(
                names::QUEUE_REJECTED_TOTAL,
                "How often an item was refused: the queue was full, or closed.",
            )),
            dead_letters: Arc::new(Family::counter(
                names::QUEUE_DEAD_LETTERS_TOTAL,
                "Items that were given up for good.",
            )),
            redeliveries: Arc::new(Family::counter(
                names::QUEUE_REDELIVERIES_TOTAL,
                "Items that came out of the queue again.",
            )),
            queues: Arc::default(),
        }
    }

    fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![self.waits.clone(), self.rejected.clone(), self.dead_letters.clone(), self.redeliveries.clone()]
    }

    fn of(registry: &Registry) -> Result<Arc<Self>, Error> {
        for name in [names::QUEUE_CAPACITY, names::QUEUE_DEPTH, names::QUEUE_LAG_SECONDS] {
            registry.examine(name, Kind::Gauge)?;
        }
        registry.shared(Self::new, Self::all)
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
        let queue = Self::make(registry, name, Some(capacity), None, clock)?;
        queue.expect_letters();
        Ok(queue)
    }

    /// A queue without limit: it has no `queue_capacity`.
    ///
    /// # Errors
    ///
    /// As [`new`](Queue::new).
    pub fn unbounded(registry: &Registry, name: &str) -> Result<Self, Error> {
        let queue = Self::make(registry, name, None, None, Clock::system())?;
        queue.expect_letters();
        Ok(queue)
    }

    /// A queue elsewhere, whose broker counts: what `read` says is read at each scrape, for as long as the registry is
    /// there. It is to answer at once, from what was heard last: no scrape waits for a network. What it leaves out, or all
    /// when it says `None`, is absent, and no 0 that lies. A panic means that it does not know, and is counted.
    ///
    /// What comes out is told to the answer: [`waited`](Queue::waited), [`redelivered`](Queue::redelivered),
    /// [`dead_letter`](Queue::dead_letter).
    ///
    /// ```
    /// use observe_core::{Queue, QueueState, Registry};
    /// use std::time::Duration;
    ///
    /// let registry = Registry::new();
    /// let orders = Queue::broker(&registry, "orders", || {
    ///     QueueState::new().depth(17).lag(Duration::from_secs(3)) // what the last poll of the broker said
    /// })?;
    /// orders.waited(Duration::from_millis(30)); // since the message's own timestamp
    /// orders.dead_letter(); // the fifth attempt failed, too
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Queue::new).
    pub fn broker<S: Into<Option<QueueState>>>(
        registry: &Registry,
        name: &str,
        read: impl Fn() -> S + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let queue = Self::make(registry, name, None, Some(Read::new(read)), Clock::system())?;
        queue.expect_letters();
        Ok(queue)
    }

    pub(super) fn make(
        registry: &Registry,
        name: &str,
        capacity: Option<u64>,
        read: Option<Read<QueueState>>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let families = Families::of(registry)?;
        let labels = ByQueue { queue: QueueName::from(name) };
        // Each series from the start, at 0.
        let _ = families.waits.with(labels);
        for reason in Reason::ALL {
            let _ = families.rejected.with(Refused { queue: labels.queue, reason });
        }
        let is_read = read.is_some();
        let inner = Arc::new(Inner {
            families: Arc::clone(&families),
            labels,
            capacity: capacity.map(bounded),
            depth: AtomicI64::new(0),
            oldest: AtomicU64::new(0),
            read,
            clock,
        });
        families.queues.add(&inner, is_read, registry, collect);
        Ok(Self { inner })
    }

    /// It may have what a channel has not. Those series from the start, too.
    fn expect_letters(&self) {
        let Inner { families, labels, .. } = &*self.inner;
        let _ = families.dead_letters.with(*labels);
        let _ = families.redeliveries.with(*labels);
    }

    #[cfg(feature = "tokio")]
    pub(super) fn labels(&self) -> ByQueue {
        self.inner.labels
    }

    #[cfg(feature = "tokio")]
    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// An item was put in. The ticket travels with it.
    pub fn enqueued(&self) -> Ticket {
        let Inner { depth, oldest, clock, .. } = &*self.inner;
        let since = clock.now();
        if depth.fetch_add(1, Ordering::Relaxed) == 0 {
            oldest.store(since.nanos(), Ordering::Relaxed);
        }
        Ticket { queue: Arc::clone(&self.inner), since }
    }

    /// An item was refused, since the queue was full.
    pub fn rejected(&self) {
        self.refused(Reason::Full);
    }

    pub(super) fn refused(&self, reason: Reason) {
        let Inner { families, labels, .. } = &*self.inner;
        families.rejected.with(Refused { queue: labels.queue, reason }).inc();
    }

    /// An item was taken out that had been in for so long: where no ticket can travel with it.
    pub fn waited(&self, time: Duration) {
        self.inner.families.waits.with(self.inner.labels).observe_duration(time);
    }

    /// An item came out that had come out before, and was not done.
    pub fn redelivered(&self) {
        self.inner.families.redeliveries.with(self.inner.labels).inc();
    }

    /// An item was given up for good: put aside, or thrown away.
    pub fn dead_letter(&self) {
        self.inner.families.dead_letters.with(self.inner.labels).inc();
    }
}

/// How a queue stands, as its broker counts: what [`Queue::broker`] reads. What is not said is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct QueueState {
    capacity: Option<u64>,
    depth: Option<u64>,
    lag: Option<Duration>,
}

impl QueueState {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many items fit: `queue_capacity`.
    pub fn capacity(mut self, capacity: u64) -> Self {
        self.capacity = Some(capacity);
        self
    }

    /// How many items are in it: `queue_depth`.
    pub fn depth(mut self, depth: u64) -> Self {
        self.depth = Some(depth);
        self
    }

    /// How long the oldest item has been in it: `queue_lag_seconds`.
    pub fn lag(mut self, lag: Duration) -> Self {
        self.lag = Some(lag);
        self
    }
}

/// All queues of a registry, those of one name together.
fn collect(queues: &[Arc<Inner>], out: &mut Collect<'_>) {
    let [mut capacity, mut depth] = [(); 2].map(|()| Together::new());
    let mut lag = Together::new();
    for queue in queues {
        let name = ByQueue::text(queue.labels.index(), 0);
        let (its_capacity, its_depth, its_lag) = match &queue.read {
            None => (queue.capacity, Some(queue.depth.load(Ordering::Relaxed).max(0)), Some(queue.lag())),
            Some(read) => {
                let QueueState { capacity, depth, lag } = read.now(out).unwrap_or_default();
                (capacity.map(bounded), depth.map(bounded), lag)
            }
        };
        capacity.add(name, its_capacity, i64::saturating_add);
        depth.add(name, its_depth, i64::saturating_add);
        lag.add(name, its_lag, Duration::max);
    }
    let gauges = [
        (names::QUEUE_CAPACITY, "How many items the queue may hold.", capacity),
        (names::QUEUE_DEPTH, "How many items are in the queue.", depth),
    ];
    for (gauge, help, values) in gauges {
        for (queue, value) in values.known() {
            out.gauge(gauge, help, &[(names::QUEUE, queue)], value);
        }
    }
    let help = "Time since the item that left the queue last came in; where the first in is the first out, no less than \
                the age of its oldest.";
    for (queue, lag) in lag.known() {
        out.gauge(names::QUEUE_LAG_SECONDS, help, &[(names::QUEUE, queue)], lag.as_secs_f64());
    }
}

impl Inner {
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
    queue: Arc<Inner>,
    since: Tick,
}

impl Ticket {
    /// The item was taken out. Says how long it was in.
    pub fn dequeued(self) -> Duration {
        let Inner { families, labels, oldest, clock, .. } = &*self.queue;
        let waited = clock.now().since(self.since);
        oldest.fetch_max(self.since.nanos(), Ordering::Relaxed);
        families.waits.with(*labels).observe_duration(waited);
        waited
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.queue.depth.fetch_sub(1, Ordering::Relaxed);
    }
}
