//! The `tracestate` header (W3C Trace Context).
