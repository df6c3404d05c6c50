//! The label derives.
