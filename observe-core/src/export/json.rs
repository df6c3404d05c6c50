//! The JSON line.
