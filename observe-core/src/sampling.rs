//! Which traces are kept.
