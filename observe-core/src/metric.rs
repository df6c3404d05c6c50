//! Metric kinds, and families of them.

mod buckets;
mod cells;
mod counter;
mod exemplar;
mod family;
mod gauge;
mod histogram;
mod hot_counter;
mod hot_histogram;
mod info;
mod kind;
mod limits;
#[cfg(feature = "metrics")]
mod loose;
mod native_histogram;
mod scale;
mod series;
pub mod snapshot;
mod summary;
pub(crate) mod text;
mod timer;
mod view;

pub use buckets::{Buckets, MAX_BOUNDS};
pub use counter::Counter;
pub use exemplar::Exemplar;
pub use family::{AnyFamily, DEFAULT_MAX_SERIES, Family, MAX_DENSE};
pub use gauge::{Gauge, GaugeF64, Tracked};
pub(crate) use histogram::Counted;
pub use histogram::Histogram;
pub use hot_counter::HotCounter;
pub use hot_histogram::HotHistogram;
pub use info::Info;
pub use kind::{Kind, Rejected, Unit};
#[doc(hidden)]
pub use limits::{LabelLimit, Limits};
#[cfg(feature = "metrics")]
pub(crate) use loose::{Loose, LooseSeries, Pair};
pub use native_histogram::{NativeBuckets, NativeHistogram};
pub use snapshot::Metric;
pub use summary::{Summary, Window};
pub use timer::Timer;
pub use view::View;
pub(crate) use view::{Pairs, Reshape, Shown, show};
