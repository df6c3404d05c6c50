//! What the metrics cost, by family and label.

use super::json;
use super::query::Query;
use super::refusal::Refusal;
use super::state::State;
use observe_core::{FamilyAudit, LabelAudit};
use serde_json::{Value, json};
use std::cmp::Reverse;

/// The most families that are answered.
const MOST: usize = 500;

pub(super) fn show(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    let audit = state.telemetry.audit();
    let mut families: Vec<&FamilyAudit> = audit.families().iter().collect();
    families.sort_by_key(|family| Reverse(family.series()));
    Ok(json!({
        "now": json::time(state.unix_nanos()),
        "series": audit.series(),
        "left_out": families.len().saturating_sub(MOST),
        "families": families.iter().take(MOST).map(|family| shown(family)).collect::<Vec<_>>(),
        "advice": audit.advice().iter().map(ToString::to_string).collect::<Vec<_>>(),
    }))
}

fn shown(family: &FamilyAudit) -> Value {
    json!({
        "metric": family.name(),
        "series": family.series(),
        "max_series": family.max_series(),
        "is_full": family.is_full(),
        "labels": family.labels().iter().map(label).collect::<Vec<_>>(),
    })
}

fn label(label: &LabelAudit) -> Value {
    json!({
        "name": label.name(),
        "values": label.values(),
        "limit": label.limit().filter(|_| label.is_open()),
        "overflow": label.overflow(),
    })
}
