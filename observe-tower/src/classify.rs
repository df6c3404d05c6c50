//! What counts as a failure.

use crate::call::Call;
use http::{Extensions, HeaderMap, StatusCode};
use observe_core::__private::error_text;
use observe_core::label::LabelValue;
use std::error::Error;
use std::sync::Arc;

/// Says that a request failed: of what kind, and why.
///
/// As an extension of a response it is the handler's word, and counts whatever the status is: the place for it is
/// where an error becomes a response.
///
/// ```
/// use axum::response::{Extension, IntoResponse, Response};
/// use http::StatusCode;
/// use observe_core::label::LabelValue;
/// use observe_tower::Failure;
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum Kind {
///     Declined,
/// }
///
/// struct ChargeError(std::io::Error);
///
/// impl IntoResponse for ChargeError {
///     fn into_response(self) -> Response {
///         let failure = Failure::new(Kind::Declined).cause(&self.0);
///         (StatusCode::PAYMENT_REQUIRED, Extension(failure), "declined").into_response()
///     }
/// }
/// # let response = ChargeError(std::io::Error::other("no funds")).into_response();
/// # assert!(response.extensions().get::<Failure>().is_some());
/// ```
#[derive(Clone, Debug)]
pub struct Failure {
    kind: &'static str,
    cause: Option<Arc<str>>,
}

impl Failure {
    /// A failure of this kind, which becomes the label `error_type`. The kind is of a closed set: an enum with
    /// `#[derive(LabelValue)]`.
    #[must_use]
    pub fn new<E: LabelValue>(kind: E) -> Self {
        const { assert!(E::CLOSED, "an error kind is an enum: its texts are known when the program is built") };
        Self { kind: E::text(kind.code()), cause: None }
    }

    /// A failure that has no name but its status.
    #[must_use]
    pub const fn unnamed() -> Self {
        Self { kind: "", cause: None }
    }

    /// Hands over why, for the request's line: the error and its chain of sources, at most 16 of them and 16 KiB.
    #[must_use]
    pub fn cause(mut self, error: &dyn Error) -> Self {
        self.cause = Some(Arc::from(error_text(error)));
        self
    }

    /// Before the status is said: what is declared comes first.
    pub(crate) fn declare(&self, operation: &mut impl Call, status: StatusCode) {
        match self.kind {
            "" if operation.fails_by(status) => {}
            kind => operation.fail(kind),
        }
        if let Some(cause) = &self.cause {
            operation.cause(cause);
        }
    }
}

/// What stands before a response's body.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// What the handler, and the layers within this one, said.
    pub extensions: &'a Extensions,
}

/// Decides which responses are failures, where the handler did not. A function from a head is one.
///
/// ```
/// use observe_core::Telemetry;
/// use observe_tower::{Failure, ObserveLayer, ResponseHead};
///
/// // Busy is no failure here: callers are told to come again.
/// let telemetry = Telemetry::builder("orders").build()?;
/// let layer = ObserveLayer::new(&telemetry).classify(|head: &ResponseHead<'_>| {
///     (head.status.is_server_error() && head.status != 503).then(Failure::unnamed)
/// });
/// # let _ = layer;
/// # Ok::<(), observe_core::Error>(())
/// ```
pub trait Classify: Send + Sync + 'static {
    /// The failure that a response is; `None` if it is none.
    fn classify(&self, head: &ResponseHead<'_>) -> Option<Failure>;
}

impl<F> Classify for F
where
    F: Fn(&ResponseHead<'_>) -> Option<Failure> + Send + Sync + 'static,
{
    fn classify(&self, head: &ResponseHead<'_>) -> Option<Failure> {
        self(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    /// Its own cause.
    #[derive(Debug)]
    struct Circle;

    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("again")
        }
    }

    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self)
        }
    }

    // Mutations caught: causes without an end, or none.
    #[test]
    fn causes_are_told_up_to_a_number() {
        let failure = Failure::unnamed().cause(&Circle);
        let told = failure.cause.map(|cause| cause.split(": ").count());
        assert_eq!(told, Some(17));
    }
}
