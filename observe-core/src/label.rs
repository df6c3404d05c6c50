//! Labels: what a metric may be split by.
