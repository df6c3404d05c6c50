//! The one middleware layer.
