//! The bounded queue of kept traces, and the one thread that hands them over.
//!
//! Who hands a trace in never blocks. One that finds no room is dropped and counted. Every span that was handed in is
//! delivered or counted, whatever the collector does: `handed in = delivered + dropped + still queued`. What is still
//! queued is lost with a process that exits without a shutdown, is killed or aborts.

pub(crate) mod console;
mod exporter;
mod limits;
mod queue;
mod stats;
mod worker;

pub(crate) use exporter::{Answer, Exporter};
pub use limits::SpanLimits;
pub(crate) use queue::SpanQueue;
pub(crate) use stats::{Attempt, SpanLoss, SpanStats};

#[cfg(test)]
mod tests;
