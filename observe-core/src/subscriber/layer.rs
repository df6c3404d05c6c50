//! The door for those who have a registry already.

use super::map::SpanMap;
use super::{Within, below, below_current, describe, is_of_log_crate, key, log_event, record_late};
use crate::catch::is_mute;
use crate::current::{self, Offer};
use crate::door;
use crate::hub::Hub;
use crate::pool::Shared;
use crate::span::{Known, OpenSpan};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// A telemetry as a layer of a `tracing-subscriber` registry: [`Telemetry::layer`](crate::Telemetry::layer).
pub struct SubscriberLayer {
    hub: Arc<Hub>,
    /// [`Known::door`].
    door: u32,
    spans: SpanMap,
}

impl SubscriberLayer {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        static DOORS: AtomicU32 = AtomicU32::new(super::SLAB + 1);
        Self { hub, door: DOORS.fetch_add(1, Ordering::Relaxed), spans: SpanMap::new() }
    }

    /// What a span with an explicit parent hangs below: this, else the nearest one around it that was not filtered
    /// out.
    fn parent<S>(&self, parent: &Id, id: &Id, context: &Context<'_, S>) -> Option<Shared<OpenSpan>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let around = || context.span_scope(id)?.find_map(|span| self.spans.find(key(&span.id())));
        self.spans.find(key(parent)).or_else(around)
    }

    /// Makes it known by the registry's id. `offered`: somebody waits for it.
    fn know(&self, mut span: Shared<OpenSpan>, attributes: &Attributes<'_>, id: &Id, offered: bool) {
        let known = Known { key: key(id), door: self.door, metadata: attributes.metadata() };
        let is_known = describe(&mut span, attributes, known);
        if offered {
            current::return_offer(Shared::clone(&span));
        }
        if is_known && !self.spans.insert(key(id), span) {
            self.hub.spans_refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<S> Layer<S> for SubscriberLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let metadata = attributes.metadata();
        if is_mute() || !self.hub.hears(*metadata.level(), metadata.target()) {
            return;
        }
        match current::take_offer(metadata) {
            Some(Offer::Span(span)) => self.know(span, attributes, id, true),
            offer => {
                let span = match attributes.parent() {
                    Some(parent) => below(&self.hub, self.parent(parent, id, &context).as_ref()),
                    None if attributes.is_root() => below(&self.hub, None),
                    None => below_current(&self.hub),
                };
                self.know(span, attributes, id, offer.is_some());
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if !door::is_own_word(id)
            && let Some(span) = self.spans.find(key(id))
        {
            record_late(&span, values);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // Whether a record of the `log` crate is heard is known when it is read.
        let metadata = event.metadata();
        let is_heard = || is_of_log_crate(metadata) || self.hub.hears(*metadata.level(), metadata.target());
        if is_mute() || !is_heard() {
            return;
        }
        let Some(parent) = event.parent() else {
            let within = if event.is_root() { Within::Span(None) } else { Within::Current };
            return log_event(&self.hub, event, within);
        };
        match self.spans.find(key(parent)) {
            // It was filtered out. What is around it is hidden from a layer with a filter, so what is running counts.
            None if context.exists(parent) => log_event(&self.hub, event, Within::Current),
            span => log_event(&self.hub, event, Within::Span(span.as_deref())),
        }
    }

    fn on_enter(&self, id: &Id, _: Context<'_, S>) {
        current::enter_by(self.door, key(id), || self.spans.find(key(id)));
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        current::exit(self.door, key(id));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(span) = self.spans.remove(key(&id)) {
            OpenSpan::close(span);
        }
    }
}

impl fmt::Debug for SubscriberLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriberLayer").finish_non_exhaustive()
    }
}
