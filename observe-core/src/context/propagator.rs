//! The ways in which context is written into headers.

use std::fmt;
use std::str::FromStr;

use http::header::HeaderName;

use crate::error::{Error, Kind};
use crate::semconv;

// Constants, not statics: what they are compared with is compared without reading them.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static(semconv::TRACEPARENT);
pub(crate) const TRACESTATE: HeaderName = HeaderName::from_static(semconv::TRACESTATE);
pub(crate) const BAGGAGE: HeaderName = HeaderName::from_static(semconv::BAGGAGE);
static W3C: [HeaderName; 3] = [TRACEPARENT, TRACESTATE, BAGGAGE];
pub(crate) static B3: HeaderName = HeaderName::from_static(semconv::B3);
pub(crate) static X_B3: [HeaderName; 5] = [
    HeaderName::from_static(semconv::X_B3_TRACEID),
    HeaderName::from_static(semconv::X_B3_SPANID),
    HeaderName::from_static(semconv::X_B3_SAMPLED),
    HeaderName::from_static(semconv::X_B3_FLAGS),
    HeaderName::from_static(semconv::X_B3_PARENTSPANID),
];
pub(crate) static X_DATADOG: [HeaderName; 4] = [
    HeaderName::from_static(semconv::X_DATADOG_TRACE_ID),
    HeaderName::from_static(semconv::X_DATADOG_PARENT_ID),
    HeaderName::from_static(semconv::X_DATADOG_SAMPLING_PRIORITY),
    HeaderName::from_static(semconv::X_DATADOG_TAGS),
];
pub(crate) static X_AMZN_TRACE_ID: HeaderName = HeaderName::from_static(semconv::X_AMZN_TRACE_ID);

/// A way in which context is written into headers: what `OTEL_PROPAGATORS` names.
///
/// ```
/// use observe_core::context::Propagator;
///
/// assert_eq!("b3multi".parse::<Propagator>().unwrap(), Propagator::B3Multi);
/// assert!("smoke signals".parse::<Propagator>().unwrap_err().is_invalid());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Propagator {
    /// `tracecontext`: W3C Trace Context, `traceparent` and `tracestate`.
    TraceContext,
    /// `baggage`: W3C Baggage. It names no span.
    Baggage,
    /// `b3`: Zipkin's single header `b3`. What comes is read in both of Zipkin's forms, the single one first.
    B3,
    /// `b3multi`: Zipkin's headers `X-B3-*`. What comes is read in both of Zipkin's forms, the single one first.
    B3Multi,
    /// `datadog`: the headers `x-datadog-*`. Trace ids of 128 bits go by the tag `_dd.p.tid`; other tags and the
    /// origin are not handed on.
    Datadog,
    /// `xray`: AWS X-Ray's `X-Amzn-Trace-Id`.
    XRay,
}

impl Propagator {
    /// Every one, in the order of their declaration.
    pub const ALL: [Propagator; 6] = [
        Propagator::TraceContext,
        Propagator::Baggage,
        Propagator::B3,
        Propagator::B3Multi,
        Propagator::Datadog,
        Propagator::XRay,
    ];

    /// Its name in `OTEL_PROPAGATORS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Propagator::TraceContext => "tracecontext",
            Propagator::Baggage => "baggage",
            Propagator::B3 => "b3",
            Propagator::B3Multi => "b3multi",
            Propagator::Datadog => "datadog",
            Propagator::XRay => "xray",
        }
    }

    /// The headers that it reads and writes.
    pub(crate) fn headers(self) -> impl Iterator<Item = &'static HeaderName> {
        let (single, more): (Option<&HeaderName>, &[HeaderName]) = match self {
            Propagator::TraceContext => (None, &W3C[..2]),
            Propagator::Baggage => (None, &W3C[2..]),
            Propagator::B3 | Propagator::B3Multi => (Some(&B3), &X_B3),
            Propagator::Datadog => (None, &X_DATADOG),
            Propagator::XRay => (Some(&X_AMZN_TRACE_ID), &[]),
        };
        single.into_iter().chain(more)
    }
}

impl fmt::Display for Propagator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Propagator {
    type Err = Error;

    /// # Errors
    ///
    /// If there is none of that name ([`Error::is_invalid`]).
    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|propagator| propagator.as_str() == name).ok_or_else(|| {
            let known = Self::ALL.map(Propagator::as_str).join(", ");
            Error::new(Kind::Invalid, format!("propagator {name:?}: is one of {known}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_read_as_they_are_written() {
        for propagator in Propagator::ALL {
            assert_eq!(propagator.to_string().parse::<Propagator>().unwrap(), propagator);
            assert!(propagator.headers().count() > 0);
        }
        assert!("B3".parse::<Propagator>().unwrap_err().is_invalid());
        let names: HashSet<_> = Propagator::ALL.into_iter().flat_map(Propagator::headers).collect();
        assert_eq!(names.len(), 14);
    }
}
