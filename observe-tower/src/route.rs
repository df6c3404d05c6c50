//! The route label.
