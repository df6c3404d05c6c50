//! What a test sees of spans, while they run: feature `test-util`.

use crate::context::{SpanContext, SpanId, TraceId};
use crate::fields::Fields;
use crate::outcome::Outcome;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Further spans are not kept: a test that opens more looks at something else.
const MAX_SPANS: usize = 100_000;

/// The spans of a telemetry, in the order they were opened.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Vec<Seen>>);

/// A span as far as it has come.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    /// An operation, not a span of `tracing` alone.
    pub(crate) is_operation: bool,
    pub(crate) is_open: bool,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) duration: Option<Duration>,
    pub(crate) links: Vec<SpanContext>,
    /// Members of a JSON object: [`Fields::as_str`].
    pub(crate) fields: String,
}

impl Seen {
    /// `tracing` has closed it.
    pub(crate) fn close(&mut self) {
        self.is_open = false;
    }

    /// It has ended.
    pub(crate) fn end(&mut self, outcome: Outcome, duration: Duration) {
        self.is_open = false;
        self.outcome = Some(outcome);
        self.duration = Some(duration);
    }
}

impl Watch {
    /// A span was opened, or more is known of one that was.
    pub(crate) fn open(&self, seen: Seen) {
        let mut spans = self.lock();
        if let Some(known) = spans.iter_mut().rev().find(|known| known.span_id == seen.span_id) {
            *known = Seen { links: std::mem::take(&mut known.links), ..seen };
        } else if spans.len() < MAX_SPANS {
            spans.push(seen);
        }
    }

    /// Changes what is known of a span.
    pub(crate) fn change(&self, span: SpanId, fields: &Fields, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.lock().iter_mut().rev().find(|seen| seen.span_id == span) {
            fields.as_str().clone_into(&mut seen.fields);
            change(seen);
        }
    }

    /// A span is no part of any record, nor is what lies below it.
    pub(crate) fn discard(&self, span: SpanId) {
        let mut gone = vec![span];
        // Parents come before their children.
        self.lock().retain(|seen| {
            let goes =
                gone.contains(&seen.span_id) || seen.parent.is_some_and(|parent| gone.contains(&parent));
            if goes {
                gone.push(seen.span_id);
            }
            !goes
        });
    }

    /// All spans so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
