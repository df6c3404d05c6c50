//! Calls to others, and of the code's own functions: how many, how many failed, how long they took.

use super::figures::{Figures, quantiles_ms};
use super::json;
use super::query::Query;
use super::reading::{Asked, Reader, parts};
use super::refusal::Refusal;
use super::state::State;
use observe_core::semconv::{db, gen_ai, http, http_client, operation, rpc};
use serde_json::{Map, Value, json};
use std::cmp::Reverse;

/// The most rows that are answered.
const MOST: usize = 500;

/// The families of calls to others.
const DEPENDENCIES: &[Asked] = &[
    Asked {
        metric: http_client::REQUEST_DURATION_SECONDS,
        by: &[
            http_client::SERVER_ADDRESS_LABEL,
            http_client::SERVER_PORT_LABEL,
            http::REQUEST_METHOD_LABEL,
            http_client::URL_TEMPLATE_LABEL,
        ],
    },
    Asked {
        metric: rpc::CLIENT_CALL_DURATION_SECONDS,
        by: &[http_client::SERVER_ADDRESS_LABEL, http_client::SERVER_PORT_LABEL, rpc::METHOD_LABEL],
    },
    Asked {
        metric: db::CLIENT_OPERATION_DURATION_SECONDS,
        by: &[
            db::SYSTEM_NAME_LABEL,
            db::NAMESPACE_LABEL,
            db::OPERATION_NAME_LABEL,
            db::COLLECTION_NAME_LABEL,
            db::QUERY_SUMMARY_LABEL,
        ],
    },
    Asked {
        metric: gen_ai::CLIENT_OPERATION_DURATION_SECONDS,
        by: &[gen_ai::PROVIDER_NAME_LABEL, gen_ai::OPERATION_NAME_LABEL, gen_ai::REQUEST_MODEL_LABEL],
    },
    Asked {
        metric: operation::DEPENDENCY_DURATION_SECONDS,
        by: &[operation::DEPENDENCY, operation::OPERATION],
    },
];

/// The families of the code's own.
const FUNCTIONS: &[Asked] = &[
    Asked { metric: operation::FUNCTION_DURATION_SECONDS, by: &[operation::FUNCTION] },
    Asked { metric: operation::OPERATION_DURATION_SECONDS, by: &[operation::OPERATION] },
];

pub(super) fn dependencies(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    let named = |asked: &Asked, key: &str| {
        let values: Vec<&str> = parts(key).collect();
        let (name, operation) = names(asked.metric, &values);
        let labels = asked.by.iter().zip(&values).filter(|(_, value)| !value.is_empty());
        let labels: Map<String, Value> =
            labels.map(|(label, value)| ((*label).to_owned(), (*value).into())).collect();
        let mut members = Map::new();
        members.insert("metric".to_owned(), asked.metric.into());
        members.insert("name".to_owned(), name.into());
        members.insert("operation".to_owned(), operation.into());
        members.insert("labels".to_owned(), labels.into());
        members
    };
    Ok(rows(state, DEPENDENCIES, "dependencies", named))
}

pub(super) fn functions(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    let named = |asked: &Asked, key: &str| {
        let is_function = asked.metric == operation::FUNCTION_DURATION_SECONDS;
        let mut members = Map::new();
        members.insert("kind".to_owned(), if is_function { "function" } else { "operation" }.into());
        members.insert("name".to_owned(), key.into());
        members
    };
    Ok(rows(state, FUNCTIONS, "functions", named))
}

/// Whom a row calls, and for what.
fn names(metric: &str, values: &[&str]) -> (String, String) {
    let words =
        |words: &[&str]| words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ");
    let place = |address: &str, port: &str| {
        if port.is_empty() { address.to_owned() } else { format!("{address}:{port}") }
    };
    match (metric, values) {
        (http_client::REQUEST_DURATION_SECONDS, [address, port, method, template]) => {
            (place(address, port), words(&[method, template]))
        }
        (rpc::CLIENT_CALL_DURATION_SECONDS, [address, port, method]) => {
            (place(address, port), words(&[method]))
        }
        (db::CLIENT_OPERATION_DURATION_SECONDS, [system, namespace, operation, collection, summary]) => {
            let what = if summary.is_empty() { words(&[operation, collection]) } else { words(&[summary]) };
            (words(&[system, namespace]), what)
        }
        (_, [name, rest @ ..]) => (words(&[name]), words(rest)),
        (_, []) => Default::default(),
    }
}

/// What was called at all, the most called first.
fn rows(
    state: &State,
    asked: &[Asked],
    list: &str,
    named: impl Fn(&Asked, &str) -> Map<String, Value>,
) -> Value {
    let mut reader = Reader::new(asked);
    state.inspect.families(&mut reader);
    let mut rows = Vec::new();
    for (asked, family) in reader.read() {
        for (key, figures) in &family.rows {
            let mut members = named(asked, key);
            members.extend(shown(&family.bounds, figures));
            rows.push((figures.count, Value::from(members)));
        }
    }
    rows.sort_by_key(|(calls, _)| Reverse(*calls));
    let left_out = rows.len().saturating_sub(MOST);
    let rows: Vec<Value> = rows.into_iter().take(MOST).map(|(_, row)| row).collect();
    json!({"now": json::time(state.unix_nanos()), "left_out": left_out, list: rows})
}

fn shown(bounds: &[f64], figures: &Figures) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("calls".to_owned(), figures.count.into());
    members.insert("errors".to_owned(), figures.errors.into());
    members.insert("error_share".to_owned(), json::share(figures.errors, figures.count));
    members.insert("mean_ms".to_owned(), figures.mean_ms());
    members.extend(quantiles_ms(bounds, &figures.counts).map(|(name, value)| (name.to_owned(), value)));
    members.insert("exemplar".to_owned(), figures.exemplar());
    members
}
