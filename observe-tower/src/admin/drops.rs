//! What was lost, refused or left out, and how exports stand.

use super::json;
use super::query::Query;
use super::refusal::Refusal;
use super::scalars::{self, Scalar};
use super::state::State;
use observe_core::semconv::{admin, metric, own};
use serde_json::{Map, Value, json};

/// The lists, with the family of each, the labels that are shown, and what its value is.
const LISTS: &[(&str, &str, &[&str], &str)] = &[
    ("dropped", own::DROPPED_TOTAL, &[own::SIGNAL, own::REASON], "count"),
    ("exports", own::EXPORT_TOTAL, &[own::SIGNAL, metric::OUTCOME], "count"),
    ("queues", own::QUEUE_LENGTH, &[own::SIGNAL], "length"),
    ("traces", own::TRACES_TOTAL, &[own::DECISION], "count"),
    ("context_rejected", own::CONTEXT_REJECTED_TOTAL, &[own::HEADER, own::REASON], "count"),
    ("label_overflow", metric::OBSERVE_LABEL_OVERFLOW_TOTAL, &[metric::METRIC, metric::LABEL], "count"),
    ("admin_refused", admin::REFUSED_TOTAL, &[admin::RULE], "count"),
];

pub(super) fn show(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    let is_wanted = |name: &str| LISTS.iter().any(|(_, metric, ..)| *metric == name);
    let (scalars, left_out) = scalars::read(state.telemetry.registry(), is_wanted);
    let mut view = json!({"now": json::time(state.unix_nanos()), "left_out": left_out});
    for (list, metric, labels, value) in LISTS {
        let rows = scalars.iter().filter(|scalar| scalar.metric == *metric);
        let rows: Vec<Value> = rows.map(|scalar| row(scalar, labels, value)).collect();
        if let Some(members) = view.as_object_mut() {
            members.insert((*list).to_owned(), rows.into());
        }
    }
    Ok(view)
}

fn row(scalar: &Scalar, labels: &[&str], value: &str) -> Value {
    let mut members: Map<String, Value> =
        labels.iter().map(|label| ((*label).to_owned(), scalar.label(label).into())).collect();
    members.insert(value.to_owned(), scalar.count().into());
    members.into()
}
