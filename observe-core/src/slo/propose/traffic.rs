//! What the metrics of requests say of the traffic so far.

use crate::label::OTHER;
use crate::metric::AnyFamily;
use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};
use crate::semconv::{http, rpc};
use crate::slo::{Slo, Source};
use std::collections::{BTreeMap, BTreeSet};

/// Whose traffic it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Route(String, Group),
    RpcMethod(String),
}

/// Methods that are alike: what reads is fast and often, what writes is neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Read,
    Write,
    /// Preflights, tunnels, what nobody knows: none of the service's own work.
    Other,
}

impl Group {
    fn of(method: &str) -> Self {
        match method {
            "GET" | "HEAD" | "QUERY" => Group::Read,
            "POST" | "PUT" | "PATCH" | "DELETE" => Group::Write,
            _ => Group::Other,
        }
    }
}

/// The traffic of one route and group of methods, or of one method of gRPC.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Those that were seen, if it is a route's.
    pub(super) methods: BTreeSet<String>,
    /// Whether the route has other traffic, too.
    pub(super) is_part: bool,
    /// By bucket: what ended well, what failed, and what was cancelled.
    ok: Vec<u64>,
    failed: Vec<u64>,
    cancelled: Vec<u64>,
    /// Of those that were cancelled the ones that had the head of their answer.
    cancelled_late: u64,
}

/// Events, and those of them that were bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) events: u64,
    pub(super) bad: u64,
}

impl Traffic {
    /// As an availability judges it.
    pub(super) fn availability(&self) -> Count {
        let bad = sum(&self.failed);
        Count { events: sum(&self.ok) + bad + self.cancelled_late, bad }
    }

    /// As a latency to the end judges it, whose threshold is the bound of this bucket: what is later is bad however it
    /// ended, what was faster and did not end well does not count.
    pub(super) fn latency(&self, bucket: usize) -> Count {
        let later = |of: &[u64]| sum(of.get(bucket + 1..).unwrap_or_default());
        let bad = later(&self.ok) + later(&self.failed) + later(&self.cancelled);
        Count { events: sum(self.ok.get(..=bucket).unwrap_or_default()) + bad, bad }
    }
}

fn sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
}

impl Of {
    /// Whether an objective is about it already.
    pub(super) fn is_of(&self, slo: &Slo) -> bool {
        let Source::Requests(requests) = slo.source() else { return false };
        match self {
            Of::Route(route, _) => requests.routes.contains(route),
            Of::RpcMethod(method) => requests.rpc_methods.contains(method),
        }
    }
}

/// The traffic, and the upper bounds of its buckets in seconds.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) bounds: Vec<f64>,
    pub(super) traffic: BTreeMap<Of, Traffic>,
}

/// The labels of a series that are read.
#[derive(Default)]
struct Row {
    route: String,
    method: String,
    rpc_method: String,
    status: String,
    error_type: String,
}

impl Reading {
    /// Of a family of durations.
    pub(super) fn of(family: &dyn AnyFamily) -> Self {
        let mut reading = Self::default();
        family.read(&mut reading);
        let groups: Vec<Of> = reading.traffic.keys().cloned().collect();
        for (of, traffic) in &mut reading.traffic {
            let is_other = |other: &Of| {
                matches!((of, other), (Of::Route(a, _), Of::Route(b, _)) if a == b) && other != of
            };
            traffic.is_part = groups.iter().any(is_other);
        }
        reading.traffic.retain(|of, _| !matches!(of, Of::Route(_, Group::Other)));
        reading
    }

    fn add(&mut self, row: &Row, counts: &[u64]) {
        let is_named = |text: &str| !text.is_empty() && text != OTHER;
        let of = match (is_named(&row.rpc_method), is_named(&row.route)) {
            (true, _) => Of::RpcMethod(row.rpc_method.clone()),
            (false, true) => Of::Route(row.route.clone(), Group::of(&row.method)),
            // What has no name of its own cannot be chosen by one.
            (false, false) => return,
        };
        let traffic = self.traffic.entry(of).or_default();
        if !row.method.is_empty() {
            traffic.methods.insert(row.method.clone());
        }
        let ended = match row.error_type.as_str() {
            "" => &mut traffic.ok,
            http::CANCELLED => {
                if !row.status.is_empty() {
                    traffic.cancelled_late += sum(counts);
                }
                &mut traffic.cancelled
            }
            _ => &mut traffic.failed,
        };
        if ended.len() < counts.len() {
            ended.resize(counts.len(), 0);
        }
        for (sum, count) in ended.iter_mut().zip(counts) {
            *sum = sum.saturating_add(*count);
        }
    }
}

impl Visitor for Reading {
    fn family(&mut self, _: &Head<'_>) {}

    fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        // All series of these families have the same buckets.
        self.bounds = values.bounds().to_vec();
        for (series, (counts, _)) in values.values().enumerate() {
            let mut row = Row::default();
            rows.labels(series, &mut |name, value| {
                let field = match name {
                    http::ROUTE_LABEL => &mut row.route,
                    http::REQUEST_METHOD_LABEL => &mut row.method,
                    http::STATUS_LABEL => &mut row.status,
                    http::ERROR_TYPE_LABEL => &mut row.error_type,
                    rpc::METHOD_LABEL => &mut row.rpc_method,
                    _ => return,
                };
                value.clone_into(field);
            });
            self.add(&row, counts);
        }
    }

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}
