//! RED and USE metrics with bounded labels, W3C trace context and structured logs, in process.
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use observe_core::label::{LabelSet, LabelValue};
//! use observe_core::metric::{Counter, Family};
//! use observe_core::{Telemetry, metric, observed};
//!
//! #[derive(Clone, Copy, LabelValue)]
//! enum Method {
//!     Card,
//!     Paypal,
//! }
//!
//! #[derive(Clone, Copy, LabelSet)]
//! struct OrderLabels {
//!     method: Method,
//! }
//!
//! #[metric] // on `/metrics` at 0 from the start
//! static ORDERS: Family<OrderLabels, Counter> = Family::counter("orders_total", "Orders placed.");
//!
//! #[observed] // a span, and rate, errors, duration
//! fn place(method: Method) -> Result<u64, String> {
//!     ORDERS.with(OrderLabels { method }).inc();
//!     tracing::info!(order.id = 17, "order placed"); // a JSON line with trace_id and span_id
//!     Ok(17)
//! }
//!
//! let telemetry = Telemetry::builder("checkout").version("1.0.0").install()?;
//! let _ = place(Method::Card);
//! telemetry.shutdown(std::time::Duration::from_secs(5))?;
//! # }
//! # Ok::<(), observe_core::Error>(())
//! ```
//!
//! HTTP services add the crate `observe-tower`: its `ObserveLayer` observes requests, its `ScrapeService` is
//! `/metrics`. Its module `observe_tower::guide` has the guides: every metric, every key of the log, labels, context,
//! tests. They are in the repository's `docs/`, too.
//!
//! # What is here
//!
//! - [`Telemetry`]: what a service has one of. Its [`Builder`] says how lines are written, which traces are kept.
//! - `#[observed]` and [`Operation`]: a unit of work, by attribute or by hand; [`fail`], [`cause`], [`annotate`],
//!   [`keep`], [`route`], [`discard`]: what the code says about the request that it is working for.
//! - [`mod@metric`] and [`label`]: counters, gauges, histograms, summaries in families with bounded labels;
//!   [`Registry`], [`Collector`]; [`Red`], [`Usage`], [`Queue`] and [`Replica`] made of them.
//! - `collect`: what the service runs on, read when somebody scrapes.
//! - [`context`]: what one service tells the next; [`inject`]; [`Current`] and [`ObserveFuture`] take it to other tasks
//!   and threads.
//! - [`Audit`]: what the metrics cost, by family and label, and what one more label would.
//! - [`Inspect`], [`inspect`]: what a process knows about itself, for an admin service.
//! - [`Readiness`], [`InFlight`]: whether the service wants requests, and those it has; [`Telemetry::drain`].
//! - [`Redaction`], [`Sensitive`]: what must not be told, by its name, by its type.
//! - [`Sampling`], [`Filter`], [`LogFormat`], [`QueueLimits`]: settings. [`clock`]: injected time, for tests.
//! - [`http_server`], [`http_client`]: requests of servers, and of clients, that are no tower service. [`db`]: calls to
//!   databases; [`genai`]: to models that generate. [`semconv`]: every name on the wire.
//!
//! # Features
//!
//! - `cgroup`, `host`, `pressure`, `process`, `runtime`: `collect`, what the process, its container, the machine and a
//!   tokio runtime use.
//! - `macros` (default): `#[observed]`, `#[metric]`, the label derives.
//! - `metrics`: `Telemetry::metrics_bridge`, to take in what the macros of the `metrics` crate record.
//! - `otlp`: `Builder::otlp`, `Builder::console_spans`: kept traces go to a collector, by HTTP; to standard output.
//!   `Builder::otlp_metrics`: metrics are pushed there.
//! - `otlp-grpc`: to a collector by gRPC, too.
//! - `opentelemetry`: `Builder::opentelemetry_context`, so that libraries instrumented with its API join the same trace.
//! - `signal`: `Builder::debug_signal`, `Builder::snapshot_signal`: what operators ask for by signals (Unix).
//! - `sensitive-hash`: `Sensitive::hashed`, values of which a keyed hash is told.
//! - `subscriber`: `Telemetry::layer`, to join a `tracing-subscriber` registry.
//! - `test-util`: `testing`, what a test sees of one telemetry.
//! - `tokio`: `spawn` and `spawn_blocking`, tasks that take their context along; `mpsc` and `semaphore`, channels and
//!   semaphores whose saturation is known.
//!
//! # What is not here
//!
//! No push of lines by OTLP.

mod audit;
#[cfg(feature = "metrics")]
mod bridge;
mod burn_watch;
mod catalogue;
mod catch;
mod cause;
pub mod clock;
#[cfg(any(
    feature = "cgroup",
    feature = "host",
    feature = "pressure",
    feature = "process",
    feature = "runtime"
))]
pub mod collect;
pub mod context;
#[cfg(test)]
mod counting;
mod current;
pub mod db;
mod door;
mod error;
mod export;
mod fields;
mod figures;
mod filter;
mod function;
mod future;
pub mod genai;
pub mod generate;
mod handover;
mod http_answer;
pub mod http_client;
mod http_metrics;
pub mod http_server;
mod http_stream;
mod hub;
mod in_flight;
pub mod inspect;
pub mod label;
mod levels;
mod log_sampling;
pub mod metric;
mod observed;
mod operation;
#[cfg(feature = "opentelemetry")]
mod otel;
mod outcome;
mod panics;
mod pool;
mod readiness;
mod record;
mod recorder;
mod red;
mod redaction;
mod registry;
mod request;
mod sampling;
mod scratch;
pub mod semconv;
mod sensitive;
#[cfg(all(unix, feature = "signal"))]
mod signals;
mod slab;
pub mod slo;
mod span;
mod stream_guard;
mod subscriber;
mod sync;
#[cfg(feature = "tokio")]
mod task;
mod telemetry;
#[cfg(feature = "test-util")]
pub mod testing;
mod trace;
mod traces;
mod usage;
#[cfg(feature = "test-util")]
mod watch;

#[cfg(all(doctest, feature = "subscriber"))]
#[doc = include_str!("../../docs/telemetry.md")]
struct Guide;

#[cfg(all(doctest, feature = "otlp"))]
#[doc = include_str!("../../docs/otlp.md")]
struct OtlpGuide;

#[cfg(all(doctest, feature = "metrics"))]
#[doc = include_str!("../../docs/bridges.md")]
struct BridgesGuide;

pub use audit::{Advice, Audit, FamilyAudit, LabelAudit, LabelCost};
#[cfg(all(
    doctest,
    feature = "cgroup",
    feature = "pressure",
    feature = "process",
    feature = "runtime",
    feature = "tokio"
))]
#[doc = include_str!("../../docs/use.md")]
struct UseGuide;

#[cfg(feature = "metrics")]
pub use bridge::MetricsBridge;
pub use current::inject;
pub use error::Error;
pub use export::json::LogFormat;
#[cfg(feature = "otlp")]
pub use export::otlp::Otlp;
pub use export::prometheus::Format;
pub use export::queue::QueueLimits;
pub use export::snapshot::SnapshotLimits;
#[cfg(feature = "otlp")]
pub use export::spans::SpanLimits;
pub use filter::Filter;
pub use future::{Current, InCurrent, Instrumented, ObserveFuture};
pub use in_flight::InFlight;
pub use levels::Levels;
pub use log_sampling::LogSampling;
/// ```
/// use observe_core::label::LabelSet;
/// use observe_core::metric;
/// use observe_core::metric::{Counter, Family};
///
/// #[derive(Clone, Copy, LabelSet)]
/// struct OrderLabels {
///     retried: bool,
/// }
///
/// #[metric]
/// static ORDERS: Family<OrderLabels, Counter> = Family::counter("orders_total", "Orders placed.");
///
/// ORDERS.with(OrderLabels { retried: false }).inc();
/// assert_eq!(ORDERS.with(OrderLabels { retried: false }).get(), 1);
/// ```
#[cfg(feature = "macros")]
pub use observe_macros::metric;
/// ```
/// use observe_core::observed;
///
/// #[observed(fields(order), dependency = "payment")]
/// async fn authorize(order: u64, amount: u64) -> Result<u64, String> {
///     if amount > 1_000 { Err(format!("{amount} is too much")) } else { Ok(order) }
/// }
///
/// #[observed(name = "checkout::total", span = off)]
/// fn total(prices: &[u64]) -> u64 {
///     prices.iter().sum()
/// }
/// assert_eq!(total(&[1, 2]), 3);
/// ```
#[cfg(feature = "macros")]
pub use observe_macros::observed;
pub use operation::{Entered, Operation, OperationBuilder};
pub use outcome::Outcome;
pub use readiness::{NotReady, Readiness};
pub use record::{Keep, Kind};
pub use recorder::RecorderLimits;
pub use red::{Red, RedGuard};
pub use redaction::Redaction;
pub use registry::{Collect, Collector, LazyMetric, Registry, Value};
pub use request::{annotate, cause, discard, fail, keep, route};
pub use sampling::Sampling;
pub use sensitive::Sensitive;
pub use stream_guard::{StreamFuture, StreamGuard, StreamMeter};
#[cfg(feature = "subscriber")]
pub use subscriber::SubscriberLayer;
#[cfg(feature = "tokio")]
pub use task::{spawn, spawn_blocking};
pub use telemetry::{Builder, Inspect, RecorderState, Scoped, SloEvents, SloStatus, Telemetry};
pub use traces::TraceLimits;
pub use usage::{Holding, PoolState, Queue, QueueState, Replica, Ticket, Usage, Waiting};
#[cfg(feature = "tokio")]
pub use usage::{mpsc, semaphore};

/// What the macros expand to. No part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::__callsite as callsite;
    #[cfg(not(any(miri, target_family = "wasm")))]
    pub use crate::function::FUNCTIONS;
    pub use crate::function::{Function, checked};
    pub use crate::label::assert::{assert_label, assert_space};
    pub use crate::label::{LabelId, LabelSet, LabelValue, OpenSet, Shape, digit};
    pub use crate::metric::{AnyFamily, Buckets};
    pub use crate::registry::LazyMetric;
    #[cfg(not(any(miri, target_family = "wasm")))]
    pub use crate::registry::METRICS;
    pub use crate::request::error_text;
    pub use linkme;
    pub use std::boxed::Box;
    pub use tracing;

    /// What `#[observed]` expands to.
    pub mod observed {
        pub use crate::observed::*;
    }
}
