//! Ways out of the process.

pub(crate) mod assemble;
pub(crate) mod json;
pub(crate) mod keys;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
pub(crate) mod otlp_json;
pub(crate) mod output;
pub(crate) mod pretty;
pub(crate) mod prometheus;
pub(crate) mod protobuf;
#[cfg(feature = "otlp")]
pub(crate) mod push;
pub(crate) mod queue;
pub(crate) mod resource;
#[cfg(feature = "otlp")]
mod runtime;
pub(crate) mod snapshot;
#[cfg(feature = "otlp")]
pub(crate) mod spans;
pub(crate) mod trace_file;
