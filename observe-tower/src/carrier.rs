//! What a response carries back to the client.

use http::{HeaderMap, HeaderName, HeaderValue};
use observe_core::http_server::HttpServerOperation;
use observe_core::semconv::http::X_TRACE_ID;

static TRACE_ID: HeaderName = HeaderName::from_static(X_TRACE_ID);

/// Sets the correlation id, and the trace id if that is asked for, in the place of what was there: what the
/// client sees is what the lines say.
pub(crate) fn echo(operation: &HttpServerOperation, trace_id: bool, headers: &mut HeaderMap) {
    let id = operation.with_correlation_id(|name, id| Some((name.clone(), HeaderValue::from_str(id).ok()?)));
    if let Some((name, id)) = id.flatten() {
        // It fails beyond 32,768 headers.
        let _ = headers.try_insert(name, id);
    }
    if trace_id
        && let Some(id) = operation.trace_id()
        && let Ok(id) = HeaderValue::from_bytes(&id.write_hex())
    {
        let _ = headers.try_insert(&TRACE_ID, id);
    }
}
