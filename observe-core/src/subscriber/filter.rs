//! RUST_LOG directives.
