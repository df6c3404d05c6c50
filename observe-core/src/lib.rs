//! RED and USE metrics, trace context and structured logs, in process.
//!
//! (The guide is written last.)

pub mod clock;
pub mod context;
mod current;
mod error;
mod export;
mod fields;
mod function;
mod hub;
pub mod label;
pub mod metric;
mod operation;
mod outcome;
mod record;
mod red;
mod registry;
mod sampling;
pub mod semconv;
mod subscriber;
mod telemetry;
mod usage;

pub use error::Error;
pub use outcome::Outcome;
pub use registry::{Collect, Collector, LazyMetric, Registry, Value};

/// What the macros expand to. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    #[cfg(not(any(miri, target_family = "wasm")))]
    pub use crate::registry::METRICS;
    pub use linkme;
}
