//! Which headers carry the context.

use http::header::HeaderName;

use crate::error::{Error, Kind};
use crate::semconv;

pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static(semconv::TRACEPARENT);
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static(semconv::TRACESTATE);
pub(crate) static BAGGAGE: HeaderName = HeaderName::from_static(semconv::BAGGAGE);

/// Which headers carry the context: W3C Trace Context, W3C Baggage and a correlation id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Propagation {
    correlation_id: HeaderName,
}

impl Propagation {
    /// Names the header of the correlation id. Defaults to `x-correlation-id`.
    ///
    /// # Errors
    ///
    /// If it is no header name, or the name of a header that carries something else of the context.
    pub fn correlation_header(self, name: &str) -> Result<Self, Error> {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|error| {
            Error::new(Kind::Invalid, format!("correlation header {name:?}: no header name")).caused_by(error)
        })?;
        if [&TRACEPARENT, &TRACESTATE, &BAGGAGE].contains(&&header) {
            return Err(Error::new(
                Kind::Invalid,
                format!("correlation header {name:?}: it carries something else"),
            ));
        }
        Ok(Self { correlation_id: header })
    }

    /// The names of all headers that are read and written, in lower case.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        [&TRACEPARENT, &TRACESTATE, &BAGGAGE, &self.correlation_id].into_iter().map(HeaderName::as_str)
    }

    pub(crate) fn correlation_id(&self) -> &HeaderName {
        &self.correlation_id
    }
}

impl Default for Propagation {
    fn default() -> Self {
        Self { correlation_id: HeaderName::from_static(semconv::X_CORRELATION_ID) }
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
        for bad in ["", "a b", "é", "traceparent", "Tracestate", "BAGGAGE"] {
            assert!(Propagation::default().correlation_header(bad).unwrap_err().is_invalid(), "{bad:?}");
        }
    }
}
