//! What an objective judges, and what it may say.

use crate::outcome::Outcome;
use std::time::Duration;

/// An event that has ended: a request, a call, an operation. What is not known is `None` or empty.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SloEvent<'a> {
    /// How it ended.
    pub outcome: Outcome,
    /// The kind of its failure, as the label `error_type` has it.
    pub error_type: &'a str,
    /// How long it took.
    pub duration: Duration,
    /// How long the head of its answer took, if there is one.
    pub head: Option<Duration>,
    /// The status of its answer.
    pub status: Option<u16>,
    /// Its method: `GET`; for a call by gRPC that of HTTP all the same.
    pub method: &'a str,
    /// The route that it matched.
    pub route: &'a str,
    /// The part of the callers that it belongs to.
    pub segment: &'a str,
    /// The method of gRPC: `shop.Orders/Place`.
    pub rpc_method: &'a str,
}

impl<'a> SloEvent<'a> {
    /// One of which no more is known.
    pub(crate) fn new(outcome: Outcome, duration: Duration) -> Self {
        Self {
            outcome,
            error_type: "",
            duration,
            head: None,
            status: None,
            method: "",
            route: "",
            segment: "",
            rpc_method: "",
        }
    }
}

/// What an objective says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts, and is good.
    Good,
    /// It counts, and is bad.
    Bad,
    /// It does not count.
    Excluded(Exclusion),
}

/// Why an event does not count: the label `reason` of `slo_excluded_events_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exclusion {
    /// The service's own judgement has no use for it.
    NotValid,
    /// The client asked wrongly (400 to 499), and the objective excludes that.
    ClientError,
    /// It was cancelled: the client went away before the answer.
    Cancelled,
    /// It failed, and the objective is about speed.
    Failed,
    /// It happened during maintenance.
    Maintenance,
    /// The service's own judgement panicked.
    JudgePanicked,
}

impl Exclusion {
    /// Every reason.
    pub const ALL: [Exclusion; 6] = [
        Exclusion::NotValid,
        Exclusion::ClientError,
        Exclusion::Cancelled,
        Exclusion::Failed,
        Exclusion::Maintenance,
        Exclusion::JudgePanicked,
    ];

    /// `not_valid`, `client_error`, `cancelled`, `failed`, `maintenance` or `judge_panicked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Exclusion::NotValid => "not_valid",
            Exclusion::ClientError => "client_error",
            Exclusion::Cancelled => "cancelled",
            Exclusion::Failed => "failed",
            Exclusion::Maintenance => "maintenance",
            Exclusion::JudgePanicked => "judge_panicked",
        }
    }
}
