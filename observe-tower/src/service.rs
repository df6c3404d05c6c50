//! The service that the layer makes.
