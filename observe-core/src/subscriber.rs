//! `tracing`'s spans and events, turned into ours.
//!
//! Two doors over one core: [`Subscriber`], which is set globally or for a scope, and the layer, for those who have
//! a registry already. What both do is here: they make a span, record into it, and hand an event to the sink.

#[cfg(feature = "subscriber")]
mod layer;
mod log;
#[cfg(feature = "subscriber")]
mod map;
mod visit;
mod witness;

#[cfg(feature = "subscriber")]
pub use layer::SubscriberLayer;
pub(crate) use log::LogBridge;
pub(crate) use witness::Witness;

use crate::catch::is_mute;
use crate::clock::Tick;
use crate::current::{self, Offer};
use crate::door;
pub(crate) use crate::door::Subscriber;
use crate::fields::{EventVisitor, Fields, Text};
use crate::hub::Hub;
use crate::pool::Shared;
use crate::record::{Entry, EventRecord, LogRecord};
use crate::scratch::{self, Scratch};
use crate::semconv;
use crate::slab::{Key, SPANS};
use crate::span::{Known, OpenSpan, Otel};

use std::sync::Arc;
use std::sync::atomic::Ordering;
use tracing_core::span::{Attributes, Current, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, Level, LevelFilter, Metadata};
use visit::{LogVisitor, SpanVisitor};

/// The slab's door: [`Known::door`].
const SLAB: u32 = Known::OWN_DOOR;

impl Subscriber {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub }
    }

    /// Makes it known by a number. `offered`: somebody waits for it.
    fn know(&self, mut span: Shared<OpenSpan>, attributes: &Attributes<'_>, offered: bool) -> Id {
        // An operation made it known, and now somebody wants its `tracing` span after all.
        if let Some(known) = span.known.filter(|known| offered && known.is_own()) {
            SPANS.retain(known.key);
            current::return_offer(span);
            return Id::from_non_zero_u64(known.key);
        }
        let vacant = SPANS.reserve();
        if vacant.is_none() {
            self.hub.spans_refused.fetch_add(1, Ordering::Relaxed);
        }
        let known = vacant.filter(|vacant| {
            let metadata = attributes.metadata();
            describe(&mut span, attributes, Known { key: vacant.key(), door: SLAB, metadata })
        });
        if offered {
            current::return_offer(Shared::clone(&span));
        }
        match known {
            Some(vacant) => Id::from_non_zero_u64(vacant.fill(span)),
            None => unknown(),
        }
    }
}

impl tracing_core::Subscriber for Subscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.hub.hears(*metadata.level(), metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.hub.max_level())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        if is_mute() {
            return unknown();
        }
        match current::take_offer(attributes.metadata()) {
            Some(Offer::Span(span)) => self.know(span, attributes, true),
            offer => {
                let span = match attributes.parent() {
                    Some(parent) => below(&self.hub, find(parent).as_ref()),
                    None if attributes.is_root() => below(&self.hub, None),
                    None => below_current(&self.hub),
                };
                self.know(span, attributes, offer.is_some())
            }
        }
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if !door::is_own_word(id)
            && let Some(span) = find(id)
        {
            record_late(&span, values);
        }
    }

    fn record_follows_from(&self, id: &Id, follows: &Id) {
        if let (Some(span), Some(follows)) = (find(id), find(follows)) {
            follow(&span, &follows);
        }
    }

    fn event(&self, event: &Event<'_>) {
        if is_mute() {
            return;
        }
        match event.parent() {
            Some(parent) => log_event(&self.hub, event, Within::Span(find(parent).as_deref())),
            None if event.is_root() => log_event(&self.hub, event, Within::Span(None)),
            None => log_event(&self.hub, event, Within::Current),
        }
    }

    fn enter(&self, id: &Id) {
        current::enter(key(id));
    }

    fn exit(&self, id: &Id) {
        current::exit(SLAB, key(id));
    }

    fn clone_span(&self, id: &Id) -> Id {
        SPANS.retain(key(id));
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let closed = SPANS.release(key(&id));
        let is_closed = closed.is_some();
        if let Some(span) = closed {
            OpenSpan::close(span);
        }
        is_closed
    }

    fn current_span(&self) -> Current {
        match current::known(SLAB) {
            Some(known) => Current::new(Id::from_non_zero_u64(known.key), known.metadata),
            None => Current::none(),
        }
    }
}

/// The id of a span that could not be kept. Whatever is done with it does nothing.
fn unknown() -> Id {
    Id::from_non_zero_u64(Key::MAX)
}

fn key(id: &Id) -> Key {
    id.into_non_zero_u64()
}

fn find(id: &Id) -> Option<Shared<OpenSpan>> {
    SPANS.find(key(id))
}

/// A new span below another one, else the root of a new trace.
fn below(hub: &Arc<Hub>, parent: Option<&Shared<OpenSpan>>) -> Shared<OpenSpan> {
    parent
        .and_then(|parent| child(parent))
        .unwrap_or_else(|| OpenSpan::root(hub, None, false, hub.clock.now()))
}

/// A new span below what is running, else the root of a new trace.
fn below_current(hub: &Arc<Hub>) -> Shared<OpenSpan> {
    let child = current::with_span(|parent| child(parent)).flatten();
    child.unwrap_or_else(|| below(hub, None))
}

fn child(parent: &OpenSpan) -> Option<Shared<OpenSpan>> {
    OpenSpan::child(parent, parent.trace()?.hub.clock.now())
}

/// Gives a new span its fields and what it is known as. `false`: others have it already, another subscriber knows it.
fn describe(span: &mut Shared<OpenSpan>, attributes: &Attributes<'_>, known: Known) -> bool {
    let Some(own) = Shared::get_mut(span) else { return false };
    own.know(known, |fields, otel| attributes.record(&mut SpanVisitor { fields, otel }));
    #[cfg(feature = "test-util")]
    own.show_opened(attributes.metadata().name(), false);
    true
}

/// Fields that are recorded after the span was made. Children that were opened before do not see them.
fn record_late(span: &OpenSpan, values: &Record<'_>) {
    scratch::with(|scratch| {
        let mut otel = Otel::default();
        values.record(&mut SpanVisitor { fields: &mut scratch.fields, otel: &mut otel });
        // No user code runs under the span's lock.
        span.extend(&scratch.fields, &otel);
        #[cfg(feature = "test-util")]
        span.show(|_| ());
    });
}

/// A span points to another.
fn follow(span: &OpenSpan, follows: &OpenSpan) {
    if let Some(to) = follows.trace() {
        span.link(to.span_context(follows.id));
    }
}

/// Which span an event belongs to.
#[derive(Clone, Copy)]
enum Within<'a> {
    /// The innermost.
    Current,
    /// This one, or none.
    Span(Option<&'a OpenSpan>),
}

fn log_event(hub: &Hub, event: &Event<'_>, within: Within<'_>) {
    let tick = hub.clock.now();
    let metadata = event.metadata();
    scratch::with(|scratch| {
        let Scratch { message, fields, target } = scratch;
        let mut visitor = EventVisitor { message, fields };
        // All user code runs here, under no lock.
        if is_of_log_crate(metadata) {
            event.record(&mut LogVisitor { inner: visitor, target });
            if !hub.hears(*metadata.level(), target) {
                return;
            }
        } else {
            event.record(&mut visitor);
        }
        let target = if target.is_empty() { metadata.target() } else { target.as_str() };
        let callsite = std::ptr::from_ref(metadata).addr() as u64;
        Line { tick, level: *metadata.level(), target, message, fields, callsite }.log(hub, within);
    });
}

/// Whether an event is a record of the `log` crate that tracing-log took in.
fn is_of_log_crate(metadata: &Metadata<'_>) -> bool {
    metadata.target() == semconv::log::LOG_CRATE
        && metadata.fields().field(semconv::log::LOG_TARGET).is_some()
}

/// What an event says.
struct Line<'a> {
    tick: Tick,
    level: Level,
    target: &'a str,
    message: &'a Text,
    fields: &'a Fields,
    callsite: u64,
}

impl Line<'_> {
    fn log(&self, hub: &Hub, within: Within<'_>) {
        match within {
            Within::Span(span) => self.log_in(hub, span),
            Within::Current => {
                if current::with_span(|span| self.log_in(hub, Some(span))).is_none() {
                    self.log_in(hub, None);
                }
            }
        }
    }

    fn log_in(&self, hub: &Hub, span: Option<&OpenSpan>) {
        let found = span.and_then(|span| Some((span, span.trace()?)));
        let Some((span, trace)) = found else {
            let record = self.record(hub);
            if let Some(recorder) = hub.traces.recorder() {
                recorder.record_line(&record, self.tick);
            }
            if hub.writes(record.level, record.target) {
                hub.sink.log(&record);
            }
            return;
        };
        let span_context = Some(trace.span_context(span.id));
        if self.level == Level::ERROR {
            trace.failed.store(true, Ordering::Relaxed);
        }
        if trace.is_recorded() {
            let event = EventRecord {
                span_id: span.id,
                unix_nanos: hub.clock.unix_nanos(self.tick),
                level: self.level,
                target: self.target,
                message: self.message.escaped(),
                fields: self.fields.as_str(),
            };
            trace.record(&Entry::Event(event), self.tick, false);
        }
        trace.with_correlation_id(|correlation_id| {
            span.with_fields(|fields| {
                trace.log(&LogRecord {
                    span_context,
                    correlation_id,
                    span: Some(fields),
                    ..self.record(hub)
                });
            });
        });
    }

    fn record(&self, hub: &Hub) -> LogRecord<'_> {
        LogRecord {
            unix_nanos: hub.clock.unix_nanos(self.tick),
            level: self.level,
            target: self.target,
            message: self.message,
            span_context: None,
            correlation_id: None,
            span: None,
            event: self.fields,
            callsite: self.callsite,
        }
    }
}

#[cfg(test)]
mod trace_tests;

#[cfg(test)]
mod tests {
    use super::Subscriber;

    use crate::current;
    use crate::filter::Filter;
    use crate::function::{Function, Measure};
    use crate::hub::{Hub, Parts};
    use crate::operation::{Operation, Parent};
    use crate::slab::SPANS;

    use std::cell::Cell;
    use std::sync::Arc;

    use tracing::{Span, info_span};

    static FUNCTION: Function = Function::new("tests::function").without_metrics();

    fn run(f: impl FnOnce()) {
        let parts = Parts { filter: Filter::default(), ..Parts::detached() };
        let hub = Arc::new(Hub::new(parts));
        let scope = current::push_scope(Arc::clone(&hub));
        tracing::subscriber::with_default(Subscriber::new(hub), f);
        current::pop(scope);
    }

    fn open(make: impl FnOnce() -> Span) -> Operation {
        Operation::open(Parent::Current, None, false, Measure::Function(&FUNCTION), None, make)
    }

    // Mutation caught: `take_offer` for any span that is made meanwhile.
    #[test]
    fn a_span_that_is_made_for_a_field_does_not_take_the_operations_place() {
        run(|| {
            let inner = Cell::new(None);
            let field = || {
                let span = info_span!("for the field").entered();
                inner.set(current::span().map(|span| span.id));
                let operation = open(|| info_span!("tests::function", nested = 1));
                drop(operation);
                drop(span);
                1
            };
            let mut operation = open(|| info_span!("tests::function", field = field()));
            let own = operation.context().span().map(|span| span.span_id);
            assert!(own.is_some() && inner.get().is_some() && own != inner.get());
            let entered =
                |operation: &mut Operation| operation.within(|| current::span().map(|span| span.id));
            assert_eq!(entered(&mut operation), own);
            let known = current::with_span(|_| ());
            assert!(known.is_none());
            operation.span().clone().in_scope(|| assert_eq!(current::span().map(|span| span.id), own));
        });
    }

    // Mutation caught: `offer` without its guard: the next operation gets the one that was never opened.
    #[test]
    fn an_offer_is_gone_when_making_the_span_unwinds() {
        run(|| {
            let unwinding = std::panic::AssertUnwindSafe(|| open(|| panic!("on purpose")));
            assert!(std::panic::catch_unwind(unwinding).is_err());
            let _outer = info_span!("outer").entered();
            let outer = current::span().map(|span| span.id);
            info_span!("tests::function").in_scope(|| {
                assert_eq!(current::span().and_then(|span| span.parent), outer);
            });
            let operation = open(|| info_span!("tests::function"));
            assert_eq!(operation.open_span().and_then(|span| span.parent), outer);
            assert!(operation.open_span().is_some_and(|span| span.known.is_some()));
        });
    }

    // Mutations caught: a second number for the span that is asked for; the handle that is not given back, or twice.
    #[test]
    fn the_span_that_is_asked_for_is_the_one_that_is_current() {
        run(|| {
            let mut operation = Operation::builder("asked for").start();
            let known = operation.open_span().and_then(|span| span.known).map(|known| known.key);
            let current = operation.within(|| Span::current().id());
            assert!(known.is_some() && current.as_ref().map(tracing::Id::into_non_zero_u64) == known);
            assert_eq!(operation.span().id(), current);
            assert_eq!(operation.span().metadata().map(tracing::Metadata::name), Some("operation"));
            let kept = operation.span().clone();
            let is_open = || known.and_then(|key| SPANS.find(key)).is_some();
            operation.finish(crate::outcome::Outcome::Ok);
            assert!(is_open());
            drop(kept);
            assert!(!is_open());
        });
    }

    // Mutation caught: an explicit parent that is not handed on to the operation.
    #[test]
    fn an_operation_with_the_spans_own_parent_hangs_below_it() {
        run(|| {
            let parent = info_span!("parent");
            let id = parent.in_scope(|| current::span().map(|span| span.id));
            let _here = info_span!("here").entered();
            let wanted = || info_span!(parent: &parent, "tests::function");
            let operation =
                Operation::open(Parent::Tracing, None, false, Measure::Function(&FUNCTION), None, wanted);
            assert_eq!(operation.open_span().and_then(|span| span.parent), id);
            assert!(operation.open_span().is_some_and(|span| span.known.is_some()));
            let disabled =
                Operation::open(Parent::Tracing, None, false, Measure::Unmeasured, None, Span::none);
            assert_eq!(
                disabled.open_span().and_then(|span| span.parent),
                current::span().map(|span| span.id)
            );
        });
    }
}
