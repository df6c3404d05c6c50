//! What has to hold for every parser, and for everything that writes text which others parse, whatever comes in.
//!
//! Each target takes any bytes and panics where a rule is broken. `fuzz/` runs them under libFuzzer; the tests of this
//! package run them over all that was found and kept there, in `fuzz/seeds` and `fuzz/found`.

#![allow(clippy::unwrap_used, reason = "a rule that is broken is a panic")]

mod accept;
mod admin;
mod baggage;
mod environment;
#[allow(dead_code, unreachable_pub, reason = "the library uses more of this file than is looked at here")]
#[path = "../../../observe-core/src/error.rs"]
mod error;
mod export;
mod exposition;
mod filter;
mod json;
mod log_line;
mod otlp_json;
mod page;
mod pieces;
mod propagators;
mod redaction;
mod request;
mod sql;
mod traceparent;
mod tracestate;
mod written;

pub use accept::check as accept;
pub use admin::check as admin;
pub use baggage::check as baggage;
pub use environment::check as environment;
pub use exposition::check as exposition;
pub use filter::check as filter;
pub use log_line::check as log_line;
pub use otlp_json::check as otlp_json;
pub use propagators::check as propagators;
pub use redaction::check as redaction;
pub use request::check as request;
pub use sql::check as sql;
pub use traceparent::check as traceparent;
pub use tracestate::check as tracestate;

use observe_core::semconv;

/// Takes any bytes, and panics where a rule is broken.
pub type Target = fn(&[u8]);

/// Every target, by its name: that of its file in `fuzz/fuzz_targets`, and of its folders in `fuzz/seeds` and `fuzz/found`.
pub const TARGETS: &[(&str, Target)] = &[
    ("accept", accept),
    ("admin", admin),
    ("baggage", baggage),
    ("environment", environment),
    ("exposition", exposition),
    ("filter", filter),
    ("log_line", log_line),
    ("otlp_json", otlp_json),
    ("propagators", propagators),
    ("redaction", redaction),
    ("request", request),
    ("sql", sql),
    ("traceparent", traceparent),
    ("tracestate", tracestate),
];
