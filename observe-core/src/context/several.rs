//! Reading and writing contexts where they go by other headers than the usual ones.

use super::{Context, Extracted, Found, filled};
use crate::context::carrier::{Extract, Inject, is};
use crate::context::propagation::Propagation;
use crate::context::propagator::{
    B3, BAGGAGE, Propagator, TRACEPARENT, TRACESTATE, X_AMZN_TRACE_ID, X_B3, X_DATADOG,
};
use crate::context::rejected::{ContextHeader, Rejected, Rejections};
use crate::context::traceparent::SpanContext;
use crate::context::{b3, datadog, xray};
use http::header::HeaderName;

/// Headers that may come once.
#[derive(Default)]
struct Others<'a> {
    b3: Once<'a>,
    x_b3: [Once<'a>; 4],
    x_datadog: [Once<'a>; 4],
    x_amzn_trace_id: Once<'a>,
}

/// A header that may come once: its value, refused if it came twice.
type Once<'a> = Option<Result<&'a [u8], Rejected>>;

impl<'a> Others<'a> {
    fn place(&mut self, name: &str) -> Option<&mut Once<'a>> {
        let Self { b3, x_b3, x_datadog, x_amzn_trace_id } = self;
        let single = [(&B3, b3), (&X_AMZN_TRACE_ID, x_amzn_trace_id)];
        let several = X_B3.iter().zip(x_b3).chain(X_DATADOG.iter().zip(x_datadog));
        single.into_iter().chain(several).find(|(known, _)| is(name, known.as_str())).map(|(_, place)| place)
    }
}

/// As [`Context::extract`] says.
pub(super) fn extract(carrier: &(impl Extract + ?Sized), propagation: &Propagation) -> Extracted {
    let (mut found, mut others) = (Found::default(), Others::default());
    let usual = [&TRACEPARENT, &TRACESTATE, &BAGGAGE, propagation.correlation_id()];
    carrier.each(|name, value| {
        if let Some(place) = usual.iter().position(|usual| is(name, usual.as_str())) {
            found.push(place, value);
        } else if let Some(place) = others.place(name) {
            *place = Some(if place.is_none() { Ok(value) } else { Err(Rejected::Duplicate) });
        }
    });

    let mut rejected = Rejections::default();
    let mut won = None;
    for propagator in propagation.in_order() {
        let span = match propagator {
            Propagator::TraceContext => found.span(&mut rejected),
            Propagator::Baggage => None,
            Propagator::B3 | Propagator::B3Multi => others.b3(&mut rejected),
            Propagator::Datadog => others.datadog(&mut rejected),
            Propagator::XRay => others.xray(&mut rejected),
        };
        if let Some(span) = span {
            won = Some((*propagator, span));
            break;
        }
    }
    if won.is_none_or(|(propagator, _)| propagator != Propagator::TraceContext) {
        found.forget(Found::TRACESTATE);
    }
    if !propagation.has_baggage() {
        found.forget(Found::BAGGAGE);
    }
    found.carry(won.map(|(_, span)| span), rejected)
}

impl Others<'_> {
    fn b3(&self, rejected: &mut Rejections) -> Option<SpanContext> {
        let mut read = |parsed| noted(parsed, ContextHeader::B3, rejected);
        let single = self.b3.and_then(|header| read(header.and_then(b3::parse)));
        single.or_else(|| read(once(self.x_b3).and_then(b3::parse_multi)))
    }

    fn datadog(&self, rejected: &mut Rejections) -> Option<SpanContext> {
        let parsed = once(self.x_datadog).and_then(datadog::parse);
        let (span, reason) = noted(parsed, ContextHeader::Datadog, rejected)?;
        if let Some(reason) = reason {
            rejected.note(ContextHeader::Datadog, reason);
        }
        Some(span)
    }

    fn xray(&self, rejected: &mut Rejections) -> Option<SpanContext> {
        noted(self.x_amzn_trace_id?.and_then(xray::parse), ContextHeader::XRay, rejected)
    }
}

fn once<const N: usize>(headers: [Once<'_>; N]) -> Result<[Option<&[u8]>; N], Rejected> {
    let mut values = [None; N];
    for (value, header) in values.iter_mut().zip(headers) {
        *value = header.transpose()?;
    }
    Ok(values)
}

fn noted<T>(
    parsed: Result<Option<T>, Rejected>,
    header: ContextHeader,
    rejected: &mut Rejections,
) -> Option<T> {
    parsed.unwrap_or_else(|reason| {
        rejected.note(header, reason);
        None
    })
}

/// As [`Context::inject`] says.
pub(super) fn inject(context: &Context, carrier: &mut (impl Inject + ?Sized), propagation: &Propagation) {
    let span = context.span();
    for propagator in propagation.in_order() {
        match propagator {
            Propagator::TraceContext => {
                let traceparent = span.map(SpanContext::write);
                let tracestate = span.and_then(|_| filled(context.tracestate().as_str()));
                let traceparent = traceparent.as_ref().map(<[u8; 55]>::as_slice);
                carrier.put([(&TRACEPARENT, traceparent), (&TRACESTATE, tracestate)]);
            }
            Propagator::Baggage => carrier.put([(&BAGGAGE, filled(context.baggage().as_str()))]),
            Propagator::B3 => {
                carrier.put([(&B3, span.map(b3::write).as_ref().map(<[u8; 51]>::as_slice))]);
                if !propagation.has(Propagator::B3Multi) {
                    put_all(carrier, &X_B3, [None; 5]);
                }
            }
            Propagator::B3Multi => {
                let ids = span.map(|span| (span.trace_id.write_hex(), span.span_id.write_hex()));
                let sampled = span.map(b3::sampled);
                let values = [
                    ids.as_ref().map(|(trace_id, _)| trace_id.as_slice()),
                    ids.as_ref().map(|(_, span_id)| span_id.as_slice()),
                    sampled.as_ref().map(std::slice::from_ref),
                    None,
                    None,
                ];
                put_all(carrier, &X_B3, values);
                if !propagation.has(Propagator::B3) {
                    carrier.put([(&B3, None)]);
                }
            }
            Propagator::Datadog => {
                let mut written = span.and_then(datadog::Written::new);
                let values = written.as_mut().map_or([None; 4], datadog::Written::headers);
                put_all(carrier, &X_DATADOG, values);
            }
            Propagator::XRay => {
                let header = span.map(xray::write);
                carrier.put([(&X_AMZN_TRACE_ID, header.as_ref().map(<[u8; 74]>::as_slice))]);
            }
        }
    }
    let correlation_id = context.correlation_id().map(|id| id.as_str().as_bytes());
    carrier.put([(propagation.correlation_id(), correlation_id)]);
}

fn put_all<const N: usize>(
    carrier: &mut (impl Inject + ?Sized),
    names: &'static [HeaderName; N],
    values: [Option<&[u8]>; N],
) {
    let mut values = values.into_iter();
    carrier.put(names.each_ref().map(|name| (name, values.next().flatten())));
}
