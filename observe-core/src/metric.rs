//! Metric kinds, and families of them.

mod counter;
mod family;
mod gauge;
mod kind;
mod series;
pub mod snapshot;

pub use counter::Counter;
pub use family::{AnyFamily, DEFAULT_MAX_SERIES, Family, MAX_DENSE};
pub use gauge::{Gauge, GaugeF64, Tracked};
pub use kind::{Kind, Unit};
pub use snapshot::Metric;
