//! Models of concurrent parts: every order of steps that two or three threads can take, by the model checker loom.
//!
//! Here are files of the library as they are shipped. They get their primitives from `crate::sync`, which is the model
//! checker's here. What is proven of which, and what not, is in the README beside.

// The library's files have tests of their own, which need threads of the system: they are left where they are.
#![cfg(not(test))]
#![allow(missing_docs, clippy::unwrap_used, reason = "a model says by it what must be there")]

mod around;
pub mod cells;
pub mod handover;
pub mod labels;
pub mod levels;
pub mod metrics;
pub mod queue;
pub mod rates;
pub mod recorder;
pub mod series;
mod sync;

#[allow(
    dead_code,
    unexpected_cfgs,
    unreachable_pub,
    unused_imports,
    unused_macros,
    reason = "the library uses what the models do not"
)]
#[path = "../../../observe-core/src"]
mod shipped {
    pub(crate) mod catch;
    pub(crate) mod clock;
    pub(crate) mod context;
    pub(crate) mod error;
    pub(crate) mod export {
        pub(crate) mod queue;
    }
    pub(crate) mod fields;
    pub(crate) mod filter;
    pub(crate) mod label;
    pub(crate) mod log_sampling;
    pub(crate) mod metric;
    pub(crate) mod outcome;
    pub(crate) mod record;
    pub(crate) mod redaction;
    pub(crate) mod sampling;
    pub(crate) mod semconv;
}

use around::{http_metrics, hub, subscriber};
use shipped::{
    catch, clock, context, error, fields, filter, label, log_sampling, metric, outcome, record, redaction,
    sampling, semconv,
};
