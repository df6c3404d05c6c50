//! What an error of a driver means.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

/// What an error means: which failure it is, or that it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Failure(pub(super) What);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    None,
    Other,
    Kind(&'static str),
    Code(Cow<'static, str>),
}

impl Failure {
    /// The database answered this code (`db.response.status_code`): a SQLSTATE, a number. It is the `error.type`, too, and
    /// a label: at most 256 codes are kept apart.
    pub fn code(code: impl Into<Cow<'static, str>>) -> Self {
        Self(What::Code(code.into()))
    }

    /// It failed before the database answered: `timeout`, `connection`. A name of the code's making: it is a label.
    pub fn kind(kind: &'static str) -> Self {
        Self(What::Kind(kind))
    }

    /// It is a failure without a name: `_OTHER`.
    pub fn other() -> Self {
        Self(What::Other)
    }

    /// It is no failure: no row was found, for example.
    pub fn none() -> Self {
        Self(What::None)
    }
}

type Judge = dyn Fn(&dyn Any) -> Option<Failure> + Send + Sync;

/// What the user says of errors of one type.
#[derive(Clone)]
pub(super) struct Classify(Arc<Judge>);

impl Classify {
    pub(super) fn new<E: 'static>(classify: impl Fn(&E) -> Failure + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |error: &dyn Any| error.downcast_ref().map(&classify)))
    }

    pub(super) fn of<E: 'static>(&self, error: &E) -> Option<Failure> {
        (self.0)(error)
    }
}
