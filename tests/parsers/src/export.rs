//! The library's own files that read `OTEL_…`, as they are shipped, which no public door leads to without setting the
//! environment of the whole process; and what stands for the rest of the library around them.
#![allow(dead_code, unreachable_pub, reason = "the library uses more of these files than is looked at here")]

pub(crate) mod otlp;
#[path = "../../../observe-core/src/export/push/pace.rs"]
mod pace;
#[path = "../../../observe-core/src/export/spans/limits.rs"]
mod span_limits;

pub(crate) mod push {
    pub(crate) use super::pace::Pace;
}

pub(crate) mod spans {
    pub(crate) use super::span_limits::SpanLimits;
}
