//! The metric of calls to databases.

use crate::label::own::{label_set, open_label};
use crate::label::{LabelId, LabelValue};
use crate::metric::{AnyFamily, Buckets, Family, HotHistogram};
use crate::outcome::Outcome;
use crate::semconv::{db as names, http};
use std::sync::Arc;

open_label!(
    /// Which database.
    pub(super) System, max 64);
open_label!(
    /// Its name.
    pub(super) Namespace, max 256);
open_label!(
    /// What is done.
    pub(super) OperationName, max 256);
open_label!(
    /// The table.
    pub(super) Collection, max 1_000);
open_label!(
    /// What a statement does to what.
    pub(super) QuerySummary, max 1_000);
open_label!(
    /// What the database answered.
    pub(super) StatusCode, max 256);
open_label!(
    /// Why it failed.
    pub(super) DbErrorType, max 256);

label_set!(pub(super) DbLabels {
    system: System = names::SYSTEM_NAME_LABEL,
    namespace: Namespace = names::NAMESPACE_LABEL,
    operation: OperationName = names::OPERATION_NAME_LABEL,
    collection: Collection = names::COLLECTION_NAME_LABEL,
    summary: QuerySummary = names::QUERY_SUMMARY_LABEL,
    status: StatusCode = names::RESPONSE_STATUS_CODE_LABEL,
    error_type: DbErrorType = http::ERROR_TYPE_LABEL,
});

impl DbLabels {
    pub(super) fn of(system: System) -> Self {
        Self {
            system,
            namespace: Namespace::from(""),
            operation: OperationName::from(""),
            collection: Collection::from(""),
            summary: QuerySummary::from(""),
            status: StatusCode::from(""),
            error_type: DbErrorType::from(""),
        }
    }
}

macro_rules! texts {
    ($($name:ident)+) => {$(
        impl $name {
            pub(super) fn as_str(self) -> &'static str {
                <Self as LabelValue>::text(self.code())
            }
        }
    )+};
}

texts!(System Namespace OperationName Collection QuerySummary DbErrorType);

impl DbErrorType {
    /// What it is when all is over.
    pub(super) fn at_end(self, outcome: Outcome) -> Self {
        match outcome {
            Outcome::Panicked => Self::from(http::PANICKED),
            Outcome::Cancelled => Self::from(http::CANCELLED),
            Outcome::Error if self.as_str().is_empty() => Self(LabelId::OTHER),
            Outcome::Ok | Outcome::Error => self,
        }
    }
}

/// Of one registry.
#[derive(Debug)]
pub(super) struct DbMetrics {
    pub(super) duration: Arc<Family<DbLabels, HotHistogram>>,
}

impl DbMetrics {
    /// The bounds that the conventions ask for.
    pub(super) fn new() -> Self {
        const BOUNDS: Buckets = Buckets::new(&[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0]);
        let help = "How long calls to databases took.";
        Self {
            duration: Arc::new(Family::hot_histogram(names::CLIENT_OPERATION_DURATION_SECONDS, help, BOUNDS)),
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<dyn AnyFamily>> {
        vec![self.duration.clone()]
    }
}
