//! Ways out of the process.

pub(crate) mod assemble;
pub(crate) mod json;
pub(crate) mod keys;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
pub(crate) mod otlp_json;
pub(crate) mod pretty;
pub(crate) mod prometheus;
pub(crate) mod queue;
pub(crate) mod snapshot;
#[cfg(feature = "otlp")]
pub(crate) mod spans;
pub(crate) mod trace_file;
