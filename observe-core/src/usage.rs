//! Utilisation, saturation and errors (USE) of what a service runs on: resources, queues, replicas.

#[cfg(feature = "tokio")]
pub mod mpsc;
mod queue;
mod replica;
mod resource;
#[cfg(feature = "tokio")]
pub mod semaphore;
mod sources;

pub use queue::{Queue, QueueState, Ticket};
pub use replica::Replica;
pub use resource::{Holding, PoolState, Usage, Waiting};

use crate::metric::Buckets;

/// From 100 µs on: waiting for a resource is often shorter than a request.
const WAITS: Buckets =
    Buckets::new(&[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);

/// A capacity, so that those of one name add up: who says `u64::MAX` means no limit.
fn bounded(capacity: u64) -> i64 {
    const MOST: i64 = 1 << 53;
    i64::try_from(capacity).unwrap_or(MOST).min(MOST)
}
