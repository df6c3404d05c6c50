//! The opentelemetry API's own current context: it follows ours, and is read where nothing of ours is running (feature
//! `opentelemetry`, and [`Builder::opentelemetry_context`](crate::Builder::opentelemetry_context)).

use crate::catch::catch;
use crate::context::{Baggage, Context, SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use crate::hub::Hub;
use crate::span::OpenSpan;
use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{ContextGuard, trace as api};

/// The API's own context, for as long as it is current. It may refuse by a panic: while it is being looked at, and where
/// the thread is being torn down.
pub(crate) struct Following(Option<ContextGuard>);

impl Following {
    /// Makes the operation of this span current for the API, if its telemetry was told to.
    #[inline]
    pub(crate) fn of(span: Option<&OpenSpan>) -> Option<Self> {
        let span = span?;
        let hub = &span.trace()?.hub;
        if hub.follows { Self::begin(span) } else { None }
    }

    fn begin(span: &OpenSpan) -> Option<Self> {
        catch(|| {
            let context = span.followed.get_or_init(|| followed(span));
            Self(Some(context.clone().attach()))
        })
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = catch(|| self.0.take());
    }
}

/// What the API is to take for current in an operation: made once for each.
fn followed(span: &OpenSpan) -> opentelemetry::Context {
    let around = opentelemetry::Context::current();
    let Some(own) = span.trace().map(|trace| trace.context(span.id)) else { return around };
    let Some(here) = own.span() else { return around };
    let remote = api::SpanContext::new(
        api::TraceId::from_bytes(here.trace_id.to_bytes()),
        api::SpanId::from_bytes(here.span_id.to_bytes()),
        api::TraceFlags::new(here.flags.bits()),
        false,
        // It refuses keys that are legal by now.
        own.tracestate().as_str().parse().unwrap_or_default(),
    );
    let context = around.with_remote_span_context(remote);
    if own.baggage().is_empty() { context } else { context.with_baggage(baggage(own.baggage())) }
}

fn baggage(own: &Baggage) -> Vec<KeyValueMetadata> {
    let member = |member: crate::context::BaggageMember<'_>| {
        let properties = member.properties().map(|(key, value)| match value {
            Some(value) => format!("{key}={value}"),
            None => key.to_owned(),
        });
        let properties = properties.collect::<Vec<_>>().join(";");
        KeyValueMetadata::new(member.key().to_owned(), member.value().into_owned(), properties)
    };
    own.iter().map(member).collect()
}

/// What is running by the API's word alone, if the telemetry was told to ask.
pub(crate) fn foreign(hub: &Hub) -> Option<Context> {
    if !hub.follows {
        return None;
    }
    catch(|| opentelemetry::Context::map_current(read)).flatten()
}

fn read(current: &opentelemetry::Context) -> Option<Context> {
    let span = current.span();
    let remote = span.span_context();
    let mut context = Context::new();
    context.set_span(Some(SpanContext {
        trace_id: TraceId::from_bytes(remote.trace_id().to_bytes())?,
        span_id: SpanId::from_bytes(remote.span_id().to_bytes())?,
        flags: TraceFlags::from_bits(remote.trace_flags().to_u8()),
    }));
    context.set_tracestate(TraceState::parse([remote.trace_state().header().as_bytes()]).0);
    let mut baggage = Baggage::new();
    for (key, (value, _)) in current.baggage() {
        // What does not fit is left out, as of a header.
        let _ = baggage.insert(key.as_str(), value.as_str());
    }
    context.set_baggage(baggage);
    Some(context)
}
