//! The roof: builder, wiring, install, flush, shutdown.
