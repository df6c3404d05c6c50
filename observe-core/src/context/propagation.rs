//! Which headers carry the context.

use http::header::HeaderName;

use crate::context::propagator::Propagator;
use crate::error::{Error, Kind};
use crate::semconv;

/// Which headers carry the context. By default W3C Trace Context, W3C Baggage and a correlation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagation {
    correlation_id: HeaderName,
    /// Each once, in the order in which they are asked.
    propagators: Vec<Propagator>,
    /// Trace Context, and Baggage or nothing else: they have a short way.
    short: bool,
    baggage: bool,
}

impl Propagation {
    /// Names the header of the correlation id. Defaults to `x-correlation-id`.
    ///
    /// # Errors
    ///
    /// If it is no header name, or the name of a header that carries something else of a context.
    pub fn correlation_header(self, name: &str) -> Result<Self, Error> {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|error| {
            Error::new(Kind::Invalid, format!("correlation header {name:?}: no header name")).caused_by(error)
        })?;
        if Propagator::ALL.into_iter().flat_map(Propagator::headers).any(|taken| *taken == header) {
            return Err(Error::new(
                Kind::Invalid,
                format!("correlation header {name:?}: it carries something else"),
            ));
        }
        Ok(Self { correlation_id: header, ..self })
    }

    /// By which headers the span and the baggage go: the first that names a span wins when a context is read, all are
    /// written. One that is named twice counts once. With none at all every trace is a new one, and ends here.
    /// Defaults to [`Propagator::TraceContext`] and [`Propagator::Baggage`].
    ///
    /// ```
    /// use observe_core::context::{Context, Propagation, Propagator};
    /// use std::collections::HashMap;
    ///
    /// let propagation =
    ///     Propagation::default().propagators([Propagator::TraceContext, Propagator::B3]);
    /// let b3 = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
    /// let headers = HashMap::from([("b3".to_owned(), b3.to_owned())]);
    /// let context = Context::extract(&headers, &propagation).context;
    /// let mut sent = HashMap::new();
    /// context.inject(&mut sent, &propagation);
    /// assert_eq!(sent["b3"], b3);
    /// assert!(sent["traceparent"].starts_with("00-80f198ee56343ba864fe8b2a57d3eff7-"));
    /// ```
    #[must_use]
    pub fn propagators(mut self, propagators: impl IntoIterator<Item = Propagator>) -> Self {
        self.propagators.clear();
        for propagator in propagators {
            if !self.propagators.contains(&propagator) {
                self.propagators.push(propagator);
            }
        }
        self.baggage = self.has(Propagator::Baggage);
        self.short =
            self.has(Propagator::TraceContext) && self.propagators.len() == 1 + usize::from(self.baggage);
        self
    }

    /// Reads a list as `OTEL_PROPAGATORS` has it: names with commas between them, or `none`. What is no name is told
    /// beside it; `None` if nothing was said that can be used.
    pub(crate) fn read(list: &str) -> (Option<Vec<Propagator>>, Vec<Error>) {
        let (mut found, mut complaints) = (None, Vec::new());
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name.parse() {
                Ok(propagator) => found.get_or_insert_with(Vec::new).push(propagator),
                Err(_) if name == "none" => drop(found.get_or_insert_with(Vec::new)),
                Err(error) => complaints.push(error),
            }
        }
        (found, complaints)
    }

    /// The names of all headers that are read and written, in lower case.
    pub fn headers<'a>(&'a self) -> impl Iterator<Item = &'a str> {
        // The two of Zipkin have the same.
        let twice = if self.has(Propagator::B3) { Some(Propagator::B3Multi) } else { None };
        let listed = self.propagators.iter().filter(move |propagator| Some(**propagator) != twice);
        let listed = listed.flat_map(|propagator| propagator.headers());
        let listed = listed.map(|name| -> &'a str { name.as_str() });
        listed.chain([self.correlation_id.as_str()])
    }

    pub(crate) fn correlation_id(&self) -> &HeaderName {
        &self.correlation_id
    }

    pub(crate) fn in_order(&self) -> &[Propagator] {
        &self.propagators
    }

    pub(crate) fn has(&self, propagator: Propagator) -> bool {
        self.propagators.contains(&propagator)
    }

    /// Whether Trace Context is among them, and none but Baggage beside it.
    pub(crate) fn is_short(&self) -> bool {
        self.short
    }

    pub(crate) fn has_baggage(&self) -> bool {
        self.baggage
    }
}

impl Default for Propagation {
    fn default() -> Self {
        Self {
            correlation_id: HeaderName::from_static(semconv::X_CORRELATION_ID),
            propagators: vec![Propagator::TraceContext, Propagator::Baggage],
            short: true,
            baggage: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_correlation_header_is_a_header_of_its_own() {
        let propagation = Propagation::default().correlation_header("X-Request-ID").unwrap();
        let names: Vec<_> = propagation.headers().collect();
        assert_eq!(names, ["traceparent", "tracestate", "baggage", "x-request-id"]);
        for bad in ["", "a b", "é", "traceparent", "Tracestate", "BAGGAGE", "b3", "X-Amzn-Trace-Id"] {
            assert!(Propagation::default().correlation_header(bad).unwrap_err().is_invalid(), "{bad:?}");
        }
    }

    #[test]
    fn each_propagator_counts_once() {
        use Propagator::{B3, B3Multi, Baggage, TraceContext};
        let list = |list: &[Propagator]| Propagation::default().propagators(list.iter().copied());
        assert_eq!(list(&[TraceContext, Baggage, TraceContext]), Propagation::default());
        for short in [&[TraceContext] as &[_], &[Baggage, TraceContext], &[TraceContext, TraceContext]] {
            assert!(list(short).is_short(), "{short:?}");
        }
        for other in
            [&[] as &[_], &[Baggage], &[TraceContext, Baggage, B3], &[TraceContext, B3], &[B3, Baggage]]
        {
            assert!(!list(other).is_short(), "{other:?}");
        }
        assert!(list(&[B3, Baggage]).has_baggage() && !list(&[TraceContext]).has_baggage());
        assert_eq!(list(&[B3, B3Multi]).headers().count(), 7);
        assert_eq!(list(&[]).headers().collect::<Vec<_>>(), ["x-correlation-id"]);
    }

    // Mutation caught: an unknown name that is passed over in silence, or that takes the known ones with it.
    #[test]
    fn a_list_is_read_as_far_as_it_can_be() {
        use Propagator::{B3, XRay};
        let read = |text| {
            let (found, complaints) = Propagation::read(text);
            (found, complaints.len())
        };
        assert_eq!(read(" b3, xray ,"), (Some(vec![B3, XRay]), 0));
        assert_eq!(read("none"), (Some(vec![]), 0));
        assert_eq!(read("none,b3"), (Some(vec![B3]), 0));
        assert_eq!(read("jaeger,b3"), (Some(vec![B3]), 1));
        assert_eq!(read("jaeger,B3"), (None, 2));
        assert_eq!(read(" , "), (None, 0));
    }
}
