//! Channels of tokio whose depth, lag and saturation are known (feature `tokio`).
//!
//! `use observe_core::mpsc` in the place of `use tokio::sync::mpsc`: [`channel`] and [`unbounded_channel`] want a registry
//! and a name more, and the rest is called alike, as fair and as safe to cancel. On top of the series of a [`Queue`] a
//! bounded channel has `queue_senders_waiting` and `queue_send_wait_duration_seconds`: its saturation.
//!
//! ```
//! use observe_core::{Registry, mpsc};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let registry = Registry::new(); // in a service: telemetry.registry()
//! let (orders, mut incoming) = mpsc::channel(&registry, "orders", 100)?;
//! orders.send("tea").await?;
//! assert_eq!(incoming.recv().await, Some("tea"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod receiver;
mod sender;

pub use receiver::{Receiver, UnboundedReceiver};
pub use sender::{Permit, Sender, UnboundedSender};
pub use tokio::sync::mpsc::error;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::mpsc as inner;

use super::WAITS;
use super::queue::{ByQueue, Queue, Ticket};
use super::sources::{Sources, Together};
use crate::clock::{Clock, Tick};
use crate::error::Error;
use crate::label::LabelSet;
use crate::metric::{AnyFamily, Family, Histogram, Kind};
use crate::registry::{Collect, Registry};
use crate::request;
use crate::semconv::metric as names;

/// A channel of at most `capacity` items: [`tokio::sync::mpsc::channel`], observed.
///
/// # Errors
///
/// As [`Queue::new`].
///
/// # Panics
///
/// If the capacity is 0, or more than [`tokio::sync::Semaphore::MAX_PERMITS`].
pub fn channel<T>(
    registry: &Registry,
    name: &str,
    capacity: usize,
) -> Result<(Sender<T>, Receiver<T>), Error> {
    channel_with_clock(registry, name, capacity, Clock::system())
}

/// As [`channel`], timed by `clock`.
///
/// # Errors
///
/// As [`channel`].
///
/// # Panics
///
/// As [`channel`].
pub fn channel_with_clock<T>(
    registry: &Registry,
    name: &str,
    capacity: usize,
    clock: Clock,
) -> Result<(Sender<T>, Receiver<T>), Error> {
    let queue = Queue::make(registry, name, Some(capacity as u64), None, clock)?;
    let room = Room::new(registry, &queue)?;
    let (sender, receiver) = inner::channel(capacity);
    Ok((Sender::new(sender, queue, room), Receiver::new(receiver)))
}

/// A channel without limit: [`tokio::sync::mpsc::unbounded_channel`], observed. It has no `queue_capacity`.
///
/// # Errors
///
/// As [`Queue::new`].
pub fn unbounded_channel<T>(
    registry: &Registry,
    name: &str,
) -> Result<(UnboundedSender<T>, UnboundedReceiver<T>), Error> {
    let queue = Queue::make(registry, name, None, None, Clock::system())?;
    let (sender, receiver) = inner::unbounded_channel();
    Ok((UnboundedSender::new(sender, queue), UnboundedReceiver::new(receiver)))
}

/// What goes through the channel.
#[derive(Debug)]
struct Item<T> {
    value: T,
    ticket: Ticket,
}

impl<T> Item<T> {
    fn take(self) -> T {
        self.ticket.dequeued();
        self.value
    }
}

/// The room in a channel, which senders wait for.
#[derive(Clone, Debug)]
struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    labels: ByQueue,
    waiting: AtomicI64,
    families: Arc<Families>,
    clock: Clock,
}

#[derive(Debug)]
struct Families {
    waits: Arc<Family<ByQueue, Histogram>>,
    /// Senders waiting.
    rooms: Arc<Sources<Inner>>,
}

impl Families {
    fn new() -> Self {
        let help = "How long senders waited for room in the queue, whether they got it or not.";
        let waits = Family::histogram(names::QUEUE_SEND_WAIT_DURATION_SECONDS, help, WAITS);
        Self { waits: Arc::new(waits), rooms: Arc::default() }
    }

    fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![self.waits.clone()]
    }
}

impl Room {
    fn new(registry: &Registry, queue: &Queue) -> Result<Self, Error> {
        registry.examine(names::QUEUE_SENDERS_WAITING, Kind::Gauge)?;
        let families = registry.shared(Families::new, Families::all)?;
        let labels = queue.labels();
        // From the start, at 0.
        let _ = families.waits.with(labels);
        let room = Arc::new(Inner {
            labels,
            waiting: AtomicI64::new(0),
            families: Arc::clone(&families),
            clock: queue.clock().clone(),
        });
        families.rooms.add(&room, false, registry, collect);
        Ok(Self(room))
    }

    fn wait(&self) -> WaitingForRoom<'_> {
        self.0.waiting.fetch_add(1, Ordering::Relaxed);
        WaitingForRoom { room: &self.0, since: self.0.clock.now() }
    }
}

fn collect(rooms: &[Arc<Inner>], out: &mut Collect<'_>) {
    let mut waiting = Together::new();
    for room in rooms {
        let senders = room.waiting.load(Ordering::Relaxed);
        waiting.add(ByQueue::text(room.labels.index(), 0), Some(senders), i64::saturating_add);
    }
    for (queue, senders) in waiting.known() {
        let help = "How many senders wait for room in the queue.";
        out.gauge(names::QUEUE_SENDERS_WAITING, help, &[(names::QUEUE, queue)], senders);
    }
}

/// A sender waits until this is dropped.
struct WaitingForRoom<'a> {
    room: &'a Inner,
    since: Tick,
}

impl Drop for WaitingForRoom<'_> {
    fn drop(&mut self) {
        let Inner { labels, waiting, families, clock } = self.room;
        let waited = clock.now().since(self.since);
        families.waits.with(*labels).observe_duration(waited);
        waiting.fetch_sub(1, Ordering::Relaxed);
        request::waited(ByQueue::text(labels.index(), 0), waited);
    }
}
