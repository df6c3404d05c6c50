//! The macros of observe-core. Use them through it.
