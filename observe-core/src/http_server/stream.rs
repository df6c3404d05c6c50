//! Requests that begin a stream.

use super::{HttpServerOperation, ROUTE};
use crate::fields::Fields;
use crate::handover::Begun;
use crate::http_metrics::{OpenStreamLabels, Route, StreamKind};
use crate::http_stream::HttpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl HttpServerOperation {
    /// Ends it: its answer's body is a stream, whose life is not the request's. What goes on is a stream of its
    /// own, in a trace of its own, linked to this one.
    ///
    /// # Errors
    ///
    /// A request that is not recorded has no stream either, and is given back.
    pub fn stream(self, kind: StreamKind) -> Result<HttpStream, Self> {
        let Some(begun) = self.begin_stream(kind) else { return Err(self) };
        self.finish();
        Ok(HttpStream::open(begun))
    }

    /// Ends it: its connection becomes something else. That is handed over to the [`StreamGuard`] that the handler
    /// took, if it took one.
    ///
    /// [`StreamGuard`]: crate::StreamGuard
    pub fn upgraded(self, kind: StreamKind) {
        let handover = self.trace().and_then(|trace| trace.told()?.handover.take());
        if let Some(handover) = handover
            && let Some(begun) = self.begin_stream(kind)
        {
            handover.give(begun);
        }
        self.finish();
    }

    fn begin_stream(&self, kind: StreamKind) -> Option<Begun> {
        let (span, trace) = (self.operation.open_span()?, self.trace()?);
        if !self.recorded || trace.discarded.load(Ordering::Relaxed) {
            return None;
        }
        let named = trace.told().and_then(|told| told.route).map(Route::of);
        let labels = OpenStreamLabels { route: named.unwrap_or(self.labels.route), stream: kind };
        // The correlation id and the baggage go along; the trace is another.
        let mut context = self.operation.context();
        context.take_span();
        let mut fields = Fields::new();
        span.with_fields(|request| fields.inherit(request));
        if named.is_some() {
            fields.key_str(ROUTE, labels.route.as_str());
        }
        Some(Begun {
            hub: Arc::clone(&trace.hub),
            method: self.labels.method,
            labels,
            link: trace.span_context(span.id),
            context,
            fields,
            start: trace.hub.clock.now(),
        })
    }
}
