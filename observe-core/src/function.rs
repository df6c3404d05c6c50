//! The metrics of annotated functions.
