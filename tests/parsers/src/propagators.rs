//! The headers of every propagator, several at once: what is read is sent, and what was sent is read as it was.

use crate::pieces::lines;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use observe_core::context::{Context, CorrelationId, Propagation, Propagator};

/// The first line names propagators, as `OTEL_PROPAGATORS` does; the others are headers.
pub fn check(data: &[u8]) {
    let mut lines = lines(data);
    let named = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let propagators: Vec<Propagator> = named.split(',').filter_map(|name| name.parse().ok()).collect();
    let propagation = match propagators.is_empty() {
        true => Propagation::default(),
        false => Propagation::default().propagators(propagators.iter().copied()),
    };
    let mut headers = HeaderMap::new();
    let mut pairs = Vec::new();
    for line in lines {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) else {
            continue;
        };
        if let Ok(value) = str::from_utf8(value.as_bytes()) {
            pairs.push((name.as_str().to_ascii_uppercase(), value.to_owned()));
        }
        headers.append(name, value);
    }
    let read = Context::extract(&headers, &propagation);
    if pairs.len() == headers.len() {
        // A carrier whose names are not checked, nor in one case.
        assert_eq!(Context::extract(&pairs, &propagation), read);
    }
    let context = read.context;
    if let Some(id) = context.correlation_id() {
        assert!(
            id.as_str().len() <= CorrelationId::MAX_LENGTH
                && id.as_str().bytes().all(|byte| byte.is_ascii_graphic())
        );
    }
    assert!(context.span().is_some() || context.tracestate().is_empty());

    // Into a fresh carrier, and into the one that it came from.
    for mut carrier in [HeaderMap::new(), headers] {
        context.inject(&mut carrier, &propagation);
        let arrived = Context::extract(&carrier, &propagation);
        assert!(arrived.rejected.is_empty(), "{:?} of {carrier:?}", arrived.rejected);
        let ids = |context: &Context| {
            context.span().map(|span| (span.trace_id, span.span_id, span.flags.is_sampled()))
        };
        // One that Datadog has no name for, which is 64 bits long there.
        let unnamed = context.span().is_some_and(|span| span.trace_id.to_bytes()[8..] == [0; 8]);
        if !unnamed {
            assert_eq!(ids(&arrived.context), ids(&context), "{carrier:?}");
        }
        assert_eq!(arrived.context.correlation_id(), context.correlation_id());
        assert_eq!(arrived.context.baggage(), context.baggage());
    }
}
