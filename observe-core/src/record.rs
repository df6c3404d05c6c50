//! What was observed, before any format, and the sinks that take it.
