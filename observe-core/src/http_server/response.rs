//! What the answer tells of the trace.

use super::HttpServerOperation;
use crate::outcome::Outcome;
use crate::trace::LocalTrace;
use std::sync::atomic::Ordering;

impl HttpServerOperation {
    /// The value of `traceresponse` (W3C Trace Context, draft): trace, span, and by the sampled flag whether the trace is
    /// kept, as it is known now that the answer's head goes out. A caller that trusts this service keeps its part, too.
    ///
    /// `None` for a request that is not recorded.
    #[must_use]
    pub fn trace_response(&self) -> Option<[u8; 55]> {
        let span = self.operation.open_span()?;
        let trace = self.trace().filter(|trace| self.recorded && !trace.discarded.load(Ordering::Relaxed))?;
        let mut context = trace.span_context(span.id);
        context.flags = context.flags.sampled(self.is_kept_by_now(trace));
        Some(context.write())
    }

    fn is_kept_by_now(&self, trace: &LocalTrace) -> bool {
        let declared = trace.told().and_then(|told| told.error_type).unwrap_or_default();
        let kind = if declared.is_empty() { self.labels.error_type.as_str() } else { declared };
        let outcome = if kind.is_empty() { Outcome::Ok } else { Outcome::Error };
        trace.promise(outcome, kind, trace.hub.clock.now())
    }
}
