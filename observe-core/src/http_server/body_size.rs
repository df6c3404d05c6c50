//! How many bytes of a request's body its service has read.

use crate::current;
use crate::pool::Shared;
use crate::trace::LocalTrace;
use std::fmt;

/// Counts the bytes of the body of the request that is current when it is made. When the request ends they go to
/// `http_server_request_body_size_bytes`; what is counted later goes nowhere.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_core::context::Context;
/// use observe_core::http_server::{HttpRequest, RequestBytes};
///
/// let telemetry = Telemetry::builder("orders").build()?;
/// let mut operation = telemetry.http_server().start(&HttpRequest::new("PUT", "/orders/17"), &Context::new());
/// let body = operation.within(RequestBytes::of_current);
/// if let Some(body) = &body {
///     body.add(512);
/// }
/// operation.status(204);
/// operation.finish();
/// # Ok::<(), observe_core::Error>(())
/// ```
pub struct RequestBytes(Shared<LocalTrace>);

impl RequestBytes {
    /// The count of the current request, from 0 on; `None` where none is current.
    #[must_use]
    pub fn of_current() -> Option<Self> {
        let trace = current::with_span(|span| span.trace().cloned()).flatten()?;
        trace.tell(|told| {
            told.request_bytes.get_or_insert(0);
        });
        Some(Self(trace))
    }

    /// So many more were read.
    pub fn add(&self, bytes: u64) {
        self.0.tell(|told| told.request_bytes = told.request_bytes.map(|count| count.saturating_add(bytes)));
    }
}

impl fmt::Debug for RequestBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBytes").finish_non_exhaustive()
    }
}
