//! Metric kinds.
