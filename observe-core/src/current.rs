//! The current context.
