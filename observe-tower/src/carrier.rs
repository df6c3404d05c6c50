//! What a response carries back to the client.

use http::{HeaderMap, HeaderName, HeaderValue};
use observe_core::http_server::HttpServerOperation;
use observe_core::semconv::TRACERESPONSE;
use observe_core::semconv::http::X_TRACE_ID;

static TRACE_ID: HeaderName = HeaderName::from_static(X_TRACE_ID);
static TRACE_RESPONSE: HeaderName = HeaderName::from_static(TRACERESPONSE);

/// What of the trace is told, beside the correlation id.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// The trace id.
    pub(crate) trace_id: bool,
    /// Where it stands, and whether it is kept.
    pub(crate) response: bool,
}

/// Sets the correlation id, and what else is asked for, in the place of what was there: what the client sees is what
/// the lines say.
pub(crate) fn echo(operation: &HttpServerOperation, told: Told, headers: &mut HeaderMap) {
    let id = operation.with_correlation_id(|name, id| Some((name.clone(), HeaderValue::from_str(id).ok()?)));
    if let Some((name, id)) = id.flatten() {
        // It fails beyond 32,768 headers.
        let _ = headers.try_insert(name, id);
    }
    if told.trace_id
        && let Some(id) = operation.trace_id()
        && let Ok(id) = HeaderValue::from_bytes(&id.write_hex())
    {
        let _ = headers.try_insert(&TRACE_ID, id);
    }
    if told.response
        && let Some(response) = operation.trace_response()
        && let Ok(response) = HeaderValue::from_bytes(&response)
    {
        let _ = headers.try_insert(&TRACE_RESPONSE, response);
    }
}
