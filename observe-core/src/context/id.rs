//! Trace and span ids, and their generator.
