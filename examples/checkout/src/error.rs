//! What can go wrong for a customer.

use crate::client::CallError;
use crate::order::Invalid;
use crate::pool::PoolError;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use observe_core::label::LabelValue;
use std::error::Error;
use std::fmt;

/// Why the shop did not do what it was asked.
#[derive(Debug)]
pub(crate) enum ShopError {
    Invalid(Invalid),
    NoSuchOrder,
    SoldOut,
    Declined,
    /// Another service did not do its part.
    Unavailable(&'static str, CallError),
    Store(PoolError),
    /// It was asked to.
    Simulated,
    /// The task that worked on it is gone.
    Lost,
}

/// The failures among them, as metrics show them: the label `error_type`. A customer's mistakes are none.
#[derive(Clone, Copy, LabelValue)]
pub(crate) enum Failure {
    Unavailable,
    Store,
    Simulated,
    Lost,
}

impl ShopError {
    /// Whether the shop is to blame.
    pub(crate) fn is_failure(&self) -> bool {
        self.failure().is_some()
    }

    fn failure(&self) -> Option<Failure> {
        match self {
            ShopError::Unavailable(..) => Some(Failure::Unavailable),
            ShopError::Store(_) => Some(Failure::Store),
            ShopError::Simulated => Some(Failure::Simulated),
            ShopError::Lost => Some(Failure::Lost),
            ShopError::Invalid(_) | ShopError::NoSuchOrder | ShopError::SoldOut | ShopError::Declined => None,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            ShopError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ShopError::NoSuchOrder => StatusCode::NOT_FOUND,
            ShopError::SoldOut => StatusCode::CONFLICT,
            ShopError::Declined => StatusCode::PAYMENT_REQUIRED,
            ShopError::Unavailable(..) => StatusCode::BAD_GATEWAY,
            ShopError::Store(_) | ShopError::Simulated | ShopError::Lost => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for ShopError {
    fn into_response(self) -> Response {
        observe_core::cause(&self);
        if let Some(failure) = self.failure() {
            observe_core::fail(failure);
        }
        (self.status(), format!("{self}\n")).into_response()
    }
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ShopError::Invalid(rule) => rule.fmt(f),
            ShopError::NoSuchOrder => f.write_str("there is no such order"),
            ShopError::SoldOut => f.write_str("sold out"),
            ShopError::Declined => f.write_str("the payment was declined"),
            ShopError::Unavailable(service, _) => write!(f, "{service} is unavailable"),
            ShopError::Store(_) => f.write_str("the store did not answer"),
            ShopError::Simulated => f.write_str("it was asked to fail"),
            ShopError::Lost => f.write_str("the order was lost"),
        }
    }
}

impl Error for ShopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ShopError::Unavailable(_, error) => Some(error),
            ShopError::Store(error) => Some(error),
            _ => None,
        }
    }
}
