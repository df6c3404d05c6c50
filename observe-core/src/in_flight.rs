//! Requests that are in flight.
//!
//! What is in flight is found among the open spans ([`SPANS`]), where each request's is already if our own subscriber
//! knows it: that it is in flight costs nothing more. One that it does not know (a filter left its span out, or another
//! subscriber is installed) is put there by [`door::show`](crate::door::show).

use crate::clock::Tick;
use crate::context::{SpanId, TraceId};
use crate::fields::{Fields, Key as Name, Text, key};
use crate::hub::Hub;
use crate::pool::Shared;
use crate::record::LogRecord;
use crate::semconv::http as names;
use crate::slab::SPANS;
use crate::span::OpenSpan;
use crate::trace::LocalTrace;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tracing_core::Level;

/// So many requests that are still running are told of at once, the oldest.
const MAX_TOLD: usize = 100;

/// A request that is in flight: [`Telemetry::in_flight`](crate::Telemetry::in_flight).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InFlight {
    /// Its method, one of the known ones or `_OTHER`.
    pub method: &'static str,
    /// The route that matched, as far as that is known by now.
    pub route: Option<&'static str>,
    /// Its trace.
    pub trace_id: TraceId,
    /// Its span.
    pub span_id: SpanId,
    /// How long it runs by now.
    pub running: Duration,
    /// The name of the innermost span that is open below it: of those that run beside each other the youngest. `None`
    /// where none is open, or our own subscriber is not the one that is installed.
    pub running_in: Option<&'static str>,
    /// How long it is in there; `None` where that is.
    pub running_in_for: Option<Duration>,
}

/// The requests of a telemetry that are in flight, the oldest first, at most so many; and how many there are.
pub(crate) fn list(hub: &Arc<Hub>, most: usize) -> (Vec<InFlight>, usize) {
    let (spans, count) = find(hub, most, |_| true);
    let now = hub.clock.now();
    let inside = innermost(&spans);
    (spans.iter().filter_map(|span| InFlight::of(span, now, &inside)).collect(), count)
}

/// How many there are.
pub(crate) fn count(hub: &Arc<Hub>) -> usize {
    find(hub, 0, |_| true).1
}

/// Writes a line for each request that runs for `limit` and longer: once.
pub(crate) fn tell_overdue(hub: &Arc<Hub>, limit: Duration) {
    if !hub.hears(Level::WARN, names::IN_FLIGHT_TARGET) {
        return;
    }
    let now = hub.clock.now();
    let is_overdue =
        |span: &OpenSpan| now.since(span.start) >= limit && !span.overdue.load(Ordering::Relaxed);
    // Those beyond it are told of the next time.
    let (spans, _) = find(hub, MAX_TOLD, is_overdue);
    let inside = innermost(&spans);
    for span in &spans {
        span.overdue.store(true, Ordering::Relaxed);
        tell(hub, span, now, &inside, "still running");
    }
}

/// Writes a line for each request that is in flight: its own will not come any more. What it said and was held back until
/// its end comes before.
pub(crate) fn tell_unfinished(hub: &Arc<Hub>) {
    if hub.log_rules.hold_any() {
        let (spans, _) = find(hub, usize::MAX, |_| true);
        spans.iter().filter_map(|span| span.trace()).for_each(|trace| trace.let_lines_go());
    }
    if !hub.hears(Level::WARN, names::IN_FLIGHT_TARGET) {
        return;
    }
    let now = hub.clock.now();
    let (spans, count) = find(hub, MAX_TOLD, |_| true);
    let inside = innermost(&spans);
    for span in &spans {
        tell(hub, span, now, &inside, "still running at shutdown");
    }
    if count > spans.len() {
        hub.say(
            Level::WARN,
            &format!("still running at shutdown, and not told one by one: {}", count - spans.len()),
        );
    }
}

impl InFlight {
    fn of(span: &OpenSpan, now: Tick, inside: &Inside) -> Option<Self> {
        let (trace, asked) = (span.trace()?, span.request?);
        let named = trace.told().and_then(|told| told.route);
        let innermost = inside.get(&Shared::as_ptr(trace));
        let matched = (!asked.route.is_none()).then(|| asked.route.as_str());
        Some(Self {
            method: asked.method.as_str(),
            route: named.or(matched),
            trace_id: trace.trace_id,
            span_id: span.id,
            running: now.since(span.start),
            running_in: innermost.map(|(_, name)| *name),
            running_in_for: innermost.map(|(since, _)| now.since(*since)),
        })
    }
}

/// The oldest of the requests that `is_wanted`, and how many those are.
fn find(
    hub: &Arc<Hub>,
    most: usize,
    is_wanted: impl Fn(&OpenSpan) -> bool,
) -> (Vec<Shared<OpenSpan>>, usize) {
    let count = Cell::new(0);
    let is_in_flight = |span: &OpenSpan| {
        let ours = |trace: &Shared<LocalTrace>| {
            Arc::ptr_eq(&trace.hub, hub) && !trace.discarded.load(Ordering::Relaxed)
        };
        span.request.is_some() && !span.ended.load(Ordering::Relaxed) && span.trace().is_some_and(ours)
    };
    let select = |span: &OpenSpan| {
        let selected = is_in_flight(span) && is_wanted(span);
        count.set(count.get() + usize::from(selected));
        selected && most > 0
    };
    let mut found: Vec<Shared<OpenSpan>> = Vec::new();
    let cut = |found: &mut Vec<Shared<OpenSpan>>| {
        found.sort_by_key(|span| span.start);
        found.truncate(most);
    };
    SPANS.select(select, |span| {
        found.push(span);
        if found.len() > most.saturating_mul(2) {
            cut(&mut found);
        }
    });
    cut(&mut found);
    (found, count.get())
}

/// When the innermost span of a trace was opened, and its name.
type Inside = HashMap<*const LocalTrace, (Tick, &'static str)>;

/// Where these requests are.
fn innermost(requests: &[Shared<OpenSpan>]) -> Inside {
    let mut inside = Inside::new();
    if requests.is_empty() {
        return inside;
    }
    let of: std::collections::HashSet<_> =
        requests.iter().filter_map(|span| span.trace()).map(Shared::as_ptr).collect();
    let is_below = |span: &OpenSpan| {
        !span.is_local_root
            && !span.ended.load(Ordering::Relaxed)
            && span.trace().is_some_and(|trace| of.contains(&Shared::as_ptr(trace)))
    };
    SPANS.select(is_below, |span| {
        if let (Some(trace), Some(known)) = (span.trace(), span.known) {
            let youngest = inside.entry(Shared::as_ptr(trace)).or_insert((span.start, ""));
            if span.start >= youngest.0 {
                *youngest = (span.start, known.metadata.name());
            }
        }
    });
    inside
}

fn tell(hub: &Hub, span: &OpenSpan, now: Tick, inside: &Inside, how: &str) {
    const ROUTE: Name = key!(names::ROUTE);
    const RUNNING_MS: Name = key!(names::RUNNING_MS);
    const RUNNING_IN: Name = key!(names::RUNNING_IN);
    let (Some(trace), Some(asked)) = (span.trace(), span.request) else { return };
    // It may have ended meanwhile, and has told so itself.
    let Some(request) = InFlight::of(span, now, inside).filter(|_| !span.ended.load(Ordering::Relaxed))
    else {
        return;
    };
    let mut message = Text::new();
    match request.route {
        Some(route) => message.set_formatted(format_args!("{} {route} {how}", asked.method.name())),
        None => message.set_formatted(format_args!("{} {how}", asked.method.name())),
    }
    let mut fields = Fields::new();
    if asked.route.is_none()
        && let Some(route) = request.route
    {
        fields.key_str(ROUTE, route);
    }
    fields.key_millis(RUNNING_MS, request.running);
    if let Some(name) = request.running_in {
        fields.key_str(RUNNING_IN, name);
    }
    if let Some(told) = trace.told() {
        fields.extend(&told.annotations);
    }
    trace.with_correlation_id(|correlation_id| {
        span.with_fields(|own| {
            hub.sink.log(&LogRecord {
                unix_nanos: hub.clock.unix_nanos(now),
                level: Level::WARN,
                target: names::IN_FLIGHT_TARGET,
                message: &message,
                span_context: Some(trace.span_context(span.id)),
                correlation_id,
                span: Some(own),
                event: &fields,
                callsite: 0,
            });
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door;

    // Mutations caught: an entry that is not given back, which would use all places up; none for a span that nobody knows.
    #[test]
    fn a_span_is_there_until_it_is_taken_out() {
        let hub = Hub::installed_or_detached();
        let span = OpenSpan::root(hub, None, false, hub.clock.now());
        let places = || {
            let found = Cell::new(0);
            SPANS.select(|open| open.id == span.id, |_| found.set(found.get() + 1));
            found.get()
        };
        door::show(&span);
        assert_eq!(places(), 1);
        door::leave(&span);
        assert_eq!(places(), 0);
    }
}
