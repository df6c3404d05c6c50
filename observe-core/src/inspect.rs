//! What happened lately in a process, read back from the flight recorder: values for whoever shows it.
//!
//! They come from [`Inspect`](crate::Inspect), and are what an admin service shows (`observe_tower::Admin`).

mod root;
mod trace;

pub use crate::fields::Typed as AttributeValue;
pub use root::Root;
pub(crate) use root::roots;
pub(crate) use trace::find;
pub use trace::{Line, Span, Trace};

use crate::export::json::rfc3339 as written;

/// A wall time, in nanoseconds since 1970-01-01T00:00:00Z, as lines of the log have it: RFC 3339 in UTC, with
/// microseconds.
#[must_use]
pub fn rfc3339(unix_nanos: u64) -> String {
    String::from_utf8_lossy(&written(unix_nanos)).into_owned()
}
