//! The `traceparent` header (W3C Trace Context, levels 1 and 2).
