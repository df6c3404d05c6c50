//! The second door: a Layer for an existing registry.
