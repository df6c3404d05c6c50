//! Records of the log crate.
