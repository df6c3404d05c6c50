//! Utilisation, saturation and errors: of what the code names, and of the platform.

use super::figures::quantiles_ms;
use super::json;
use super::query::Query;
use super::reading::{Asked, Family, Reader};
use super::refusal::Refusal;
use super::scalars::{self, Scalar};
use super::state::State;
use observe_core::semconv::metric as names;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most figures of the platform that are answered.
const MOST: usize = 500;

/// What the families of the platform begin with.
const PLATFORM: [&str; 5] = ["process_", "cgroup_", "pressure_", "tokio_", "system_"];

const RESOURCE: &[&str] = &[names::RESOURCE];
const QUEUE: &[&str] = &[names::QUEUE];

const WAITS: &[Asked] = &[
    Asked { metric: names::RESOURCE_WAIT_DURATION_SECONDS, by: RESOURCE },
    Asked { metric: names::RESOURCE_USE_DURATION_SECONDS, by: RESOURCE },
    Asked { metric: names::QUEUE_WAIT_DURATION_SECONDS, by: QUEUE },
];

pub(super) fn show(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    let is_platform = |name: &str| PLATFORM.iter().any(|begin| name.starts_with(begin));
    let is_named = |name: &str| {
        ["resource_", "queue_", names::REPLICA_LAG_SECONDS].iter().any(|begin| name.starts_with(begin))
    };
    let registry = state.telemetry.registry();
    let (scalars, unread) = scalars::read(registry, |name| is_platform(name) || is_named(name));
    let mut reader = Reader::new(WAITS);
    state.inspect.families(&mut reader);
    let durations: Vec<Family> = reader.read().map(|(_, family)| family).collect();
    let [waits, uses, queue_waits] = &durations[..] else { return Ok(Value::Null) };

    let resources = by_label(&scalars, names::RESOURCE, &["resource_"]).into_iter().map(|(name, of)| {
        let (capacity, in_use) = (of.value(names::RESOURCE_CAPACITY), of.value(names::RESOURCE_IN_USE));
        json!({
            "name": name,
            "capacity": capacity,
            "in_use": in_use,
            "utilisation": utilisation(in_use, capacity),
            "waiting": of.value(names::RESOURCE_WAITING),
            "errors": of.sum(names::RESOURCE_ERRORS_TOTAL),
            "wait": times(waits, name),
            "use": times(uses, name),
        })
    });
    let queues = by_label(&scalars, names::QUEUE, &["queue_"]).into_iter().map(|(name, of)| {
        let (capacity, depth) = (of.value(names::QUEUE_CAPACITY), of.value(names::QUEUE_DEPTH));
        json!({
            "name": name,
            "capacity": capacity,
            "depth": depth,
            "utilisation": utilisation(depth, capacity),
            "lag_s": of.value(names::QUEUE_LAG_SECONDS),
            "rejected": of.sum(names::QUEUE_REJECTED_TOTAL),
            "dead_letters": of.sum(names::QUEUE_DEAD_LETTERS_TOTAL),
            "redeliveries": of.sum(names::QUEUE_REDELIVERIES_TOTAL),
            "senders_waiting": of.value(names::QUEUE_SENDERS_WAITING),
            "wait": times(queue_waits, name),
        })
    });
    let replicas = by_label(&scalars, names::REPLICA, &[names::REPLICA_LAG_SECONDS]).into_iter();
    let replicas =
        replicas.map(|(name, of)| json!({"name": name, "lag_s": of.value(names::REPLICA_LAG_SECONDS)}));
    let platform: Vec<&Scalar> = scalars.iter().filter(|scalar| is_platform(&scalar.metric)).collect();
    Ok(json!({
        "now": json::time(state.unix_nanos()),
        "resources": resources.collect::<Vec<_>>(),
        "queues": queues.collect::<Vec<_>>(),
        "replicas": replicas.collect::<Vec<_>>(),
        "platform": platform.iter().take(MOST).map(|scalar| figure(scalar)).collect::<Vec<_>>(),
        "left_out": platform.len().saturating_sub(MOST) + unread,
    }))
}

/// The figures of one name.
struct Of<'a>(Vec<&'a Scalar>);

impl Of<'_> {
    /// What a gauge says; `None`: it is not known.
    fn value(&self, metric: &str) -> Option<f64> {
        self.0.iter().find(|scalar| scalar.metric == metric).map(|scalar| scalar.value)
    }

    /// What counters come to.
    fn sum(&self, metric: &str) -> Option<u64> {
        let counts = self.0.iter().filter(|scalar| scalar.metric == metric).map(|scalar| scalar.count());
        counts.reduce(|sum, count| sum + count)
    }
}

fn by_label<'a>(scalars: &'a [Scalar], label: &str, begins: &[&str]) -> BTreeMap<&'a str, Of<'a>> {
    let mut found: BTreeMap<&str, Of<'_>> = BTreeMap::new();
    for scalar in scalars {
        let name = scalar.label(label);
        if !name.is_empty() && begins.iter().any(|begin| scalar.metric.starts_with(begin)) {
            found.entry(name).or_insert_with(|| Of(Vec::new())).0.push(scalar);
        }
    }
    found
}

fn utilisation(used: Option<f64>, capacity: Option<f64>) -> Option<f64> {
    used.zip(capacity).filter(|(_, capacity)| *capacity > 0.0).map(|(used, capacity)| used / capacity)
}

/// How long it was waited for, or used.
fn times(family: &Family, name: &str) -> Value {
    let Some(figures) = family.rows.get(name) else { return Value::Null };
    let mut members = Map::new();
    members.insert("count".to_owned(), figures.count.into());
    members
        .extend(quantiles_ms(&family.bounds, &figures.counts).map(|(name, value)| (name.to_owned(), value)));
    members.into()
}

fn figure(scalar: &Scalar) -> Value {
    let labels: Map<String, Value> =
        scalar.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    json!({
        "metric": scalar.metric,
        "help": scalar.help,
        "unit": scalar.unit,
        "labels": labels,
        "value": scalar.value,
    })
}
