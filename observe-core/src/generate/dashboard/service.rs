//! The service from within: its functions, its operations, and the metrics that it declares itself.

use super::family;
use super::panel::Panel;
use super::query::{Durations, legend};
use super::{Row, dependencies, objectives, requests, resources};
use crate::catalogue;
use crate::generate::declared::Declared;
use crate::http_metrics::HttpNames;
use crate::semconv::{metric, operation};
use std::collections::BTreeSet;

/// What begins the names of the library's own families.
const OWN: &str = "observe_";

/// Functions and operations, as far as there are some: functions are known before their first call.
fn ways(declared: &Declared) -> Vec<(&'static str, Durations<'_>, &'static str)> {
    [
        ("Functions", operation::FUNCTION_DURATION_SECONDS, operation::FUNCTION),
        ("Operations", operation::OPERATION_DURATION_SECONDS, operation::OPERATION),
    ]
    .into_iter()
    .filter(|(_, family, label)| {
        let is_declared = *label == operation::FUNCTION && !declared.functions.is_empty();
        is_declared || declared.values(family, label).next().is_some()
    })
    .filter_map(|(title, family, label)| {
        Some((title, Durations::ended(declared, family, metric::OUTCOME)?, label))
    })
    .collect()
}

/// What stands on top: which of them fails.
pub(super) fn summary(declared: &Declared) -> Vec<Panel> {
    let text = "The share of calls of annotated functions, and of operations, that failed or panicked.";
    let mut panel = Panel::lines("Functions: failures", "percentunit", text);
    for (_, durations, label) in ways(declared) {
        let by = durations.labels(&[label]);
        if let Some(failures) = durations.failures(&by) {
            panel = panel.query(failures, legend(&by));
        }
    }
    if panel.is_empty() { Vec::new() } else { vec![panel] }
}

pub(super) fn rows(declared: &Declared) -> Vec<Row> {
    let mut rows = vec![
        Row::new("Objectives, in detail", objectives::details(declared)),
        Row::new("Requests, in detail", requests::details(declared)),
    ];
    for (title, durations, label) in ways(declared) {
        let by = durations.labels(&[label]);
        let lines = |name: &str, unit, text: &str| Panel::lines(format!("{title}: {name}"), unit, text);
        let mut panels =
            vec![lines("rate", "cps", "How many end a second.").query(durations.rate(&by, ""), legend(&by))];
        if let Some(failures) = durations.failures(&by) {
            panels.push(
                lines("failures", "percentunit", "The share that failed or panicked.")
                    .query(failures, legend(&by)),
            );
        }
        let times = lines("p95", "s", "What one in 20 takes longer than.");
        panels.push(times.query(durations.quantile("0.95", &by, ""), legend(&by)).exemplars());
        if title == "Operations" {
            panels.extend(family::titled(declared, operation::OPERATIONS_IN_FLIGHT, "Operations in flight"));
        }
        rows.push(Row::new(title, panels));
    }
    rows.push(Row::new(
        "Metrics of the service",
        business(declared).into_iter().flat_map(|name| family::of(declared, name)).collect(),
    ));
    rows
}

/// Families that are neither the library's nor about what the service runs on or asks others, by the names that are shown.
fn business(declared: &Declared) -> Vec<&str> {
    let own = catalogue::all(declared.http_names == HttpNames::Classic);
    let own: BTreeSet<&str> = own.filter_map(|entry| Some(declared.called(entry.name)?.name)).collect();
    let elsewhere: Vec<&str> = [OWN, "queue_", "replica_"]
        .into_iter()
        .chain(resources::PREFIXES)
        .chain(dependencies::PREFIXES)
        .collect();
    let names = declared.families.keys().map(String::as_str);
    names
        .filter(|name| !own.contains(name) && !elsewhere.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}
