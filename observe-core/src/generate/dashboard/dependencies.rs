//! Rate, errors and duration of what the service asks of others.

use super::family;
use super::panel::Panel;
use super::query::{Durations, legend};
use super::{Row, begun_by};
use crate::generate::declared::Declared;
use crate::semconv::{db, gen_ai, http, http_client, metric, operation, rpc};

/// What begins the names of families about calls to others, beside those that are known here.
pub(super) const PREFIXES: [&str; 2] = ["db_", "gen_ai_"];

/// A way on which others are asked.
struct Way<'a> {
    title: &'static str,
    durations: Durations<'a>,
    by: [&'static str; 1],
    finer: [&'static str; 2],
}

fn ways(declared: &Declared) -> Vec<Way<'_>> {
    let calls = Durations::ended(declared, operation::DEPENDENCY_DURATION_SECONDS, metric::OUTCOME)
        // It is one of the library's own statics: without a dependency it has nothing to show.
        .filter(|_| declared.dependencies().next().is_some());
    let typed = |family| Some(Durations::typed(declared.family(family)?, http::ERROR_TYPE_LABEL));
    let host = http_client::SERVER_ADDRESS_LABEL;
    let ways = [
        ("Calls", calls, [operation::DEPENDENCY], [operation::DEPENDENCY, operation::OPERATION]),
        (
            "Requests to others",
            typed(http_client::REQUEST_DURATION_SECONDS),
            [host],
            [host, http_client::URL_TEMPLATE_LABEL],
        ),
        (
            "Calls to others by gRPC",
            typed(rpc::CLIENT_CALL_DURATION_SECONDS),
            [host],
            [host, rpc::METHOD_LABEL],
        ),
        (
            "Databases",
            typed(db::CLIENT_OPERATION_DURATION_SECONDS),
            [db::SYSTEM_NAME_LABEL],
            [db::NAMESPACE_LABEL, db::QUERY_SUMMARY_LABEL],
        ),
        (
            "Models",
            typed(gen_ai::CLIENT_OPERATION_DURATION_SECONDS),
            [gen_ai::REQUEST_MODEL_LABEL],
            [gen_ai::REQUEST_MODEL_LABEL, gen_ai::OPERATION_NAME_LABEL],
        ),
    ];
    let ways = ways.into_iter();
    ways.filter_map(|(title, durations, by, finer)| Some(Way { title, durations: durations?, by, finer }))
        .collect()
}

/// What stands on top: which of them fails, and which is slow.
pub(super) fn summary(declared: &Declared) -> Vec<Panel> {
    let text = "The share of calls that failed, by what was called.";
    let mut failures = Panel::lines("Dependencies: failures", "percentunit", text);
    let text = "What one call in 20 takes longer than, by what is called.";
    let mut times = Panel::lines("Dependencies: p95", "s", text);
    for Way { durations, by, .. } in ways(declared) {
        let by = durations.labels(&by);
        if let Some(query) = durations.failures(&by) {
            failures = failures.query(query, legend(&by));
        }
        times = times.query(durations.quantile("0.95", &by, ""), legend(&by));
    }
    [failures, times.exemplars()].into_iter().filter(|panel| !panel.is_empty()).collect()
}

pub(super) fn rows(declared: &Declared) -> Vec<Row> {
    let (mut rows, mut shown) = (Vec::new(), Vec::new());
    for Way { title, durations, by, finer } in ways(declared) {
        shown.push(durations.called.name);
        let (by, finer) = (durations.labels(&by), durations.labels(&finer));
        let lines = |name: &str, unit, text: &str| Panel::lines(format!("{title}: {name}"), unit, text);
        let mut panels = vec![
            lines("rate", "reqps", "How many end a second, by what is called.")
                .query(durations.rate(&by, ""), legend(&by)),
        ];
        if let Some(query) = durations.failures(&by) {
            panels.push(
                lines("failures", "percentunit", "The share that failed, by what is called.")
                    .query(query, legend(&by)),
            );
        }
        let times = lines("p95", "s", "What one in 20 takes longer than, by what is called.");
        panels.push(times.query(durations.quantile("0.95", &by, ""), legend(&by)).exemplars());
        if finer != by {
            let rates = lines("rate, in detail", "reqps", "How many end a second, by what is asked.");
            panels.push(rates.query(durations.rate(&finer, ""), legend(&finer)));
            if let Some(query) = durations.failures(&finer) {
                let text = "The share that failed, by what is asked.";
                panels.push(lines("failures, in detail", "percentunit", text).query(query, legend(&finer)));
            }
            let times = lines("p95, in detail", "s", "What one in 20 takes longer than, by what is asked.");
            panels.push(times.query(durations.quantile("0.95", &finer, ""), legend(&finer)).exemplars());
        }
        rows.push(Row::new(title, panels));
    }
    let mut more = family::titled(declared, http_client::ACTIVE_REQUESTS, "Requests to others in flight");
    let others = begun_by(declared, &PREFIXES).into_iter().filter(|name| !shown.contains(name));
    more.extend(others.flat_map(|name| family::of(declared, name)));
    rows.push(Row::new("More about dependencies", more));
    rows
}
