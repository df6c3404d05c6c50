//! Health at a glance: objectives, then rate, errors and latency of each route, and a heat map.

use super::figures::{Figures, add, quantile, quantiles_ms};
use super::history::{Counted, History, Kind, Requests, Row, SLOTS};
use super::query::Query;
use super::refusal::Refusal;
use super::state::State;
use super::{about, json};
use observe_core::SloStatus;
use serde_json::{Map, Value, json};

pub(super) fn show(state: &State, query: &mut Query) -> Result<Value, Refusal> {
    let (method, route) = (query.take("method")?, query.take("route")?);
    let is_asked = |row: &Row| {
        method.as_ref().is_none_or(|method| *method == row.method)
            && route.as_ref().is_none_or(|route| *route == row.route)
    };
    let requests = Requests::read(&state.inspect);
    let (_, in_flight) = state.inspect.in_flight(1);
    let (history, now) = (state.history(), state.unix_nanos());
    Ok(json!({
        "now": json::time(now),
        "uptime_s": about::uptime(state, now),
        "in_flight": in_flight,
        "slos": slos(state),
        "history": {
            "starts": history.slots.iter().map(|slot| json::time(slot.start_unix_nanos)).collect::<Vec<_>>(),
            "seconds": history.slots.iter().map(|slot| slot.seconds).collect::<Vec<_>>(),
            "window_s": history.window(),
        },
        "total": total(&history, SLOTS),
        "routes": routes(&history, &requests),
        "routes_left_out": history.left_out,
        "heat": heat(&history, is_asked),
    }))
}

/// How each objective stands.
pub(super) fn slos(state: &State) -> Vec<Value> {
    state.telemetry.slos().iter().map(slo).collect()
}

fn slo(slo: &SloStatus) -> Value {
    let declared = slo.declared();
    let burn = slo.burn_rates().into_iter().map(|burn| {
        json!({"window_s": burn.window.as_secs_f64(), "rate": burn.rate, "covered_s": burn.covered.as_secs_f64()})
    });
    json!({
        "name": declared.name(),
        "objective": declared.objective(),
        "threshold_ms": declared.threshold().map(json::duration_ms),
        "period_s": declared.period().as_secs_f64(),
        "events": slo.events(),
        "bad": slo.bad(),
        "budget_left": slo.budget_left(),
        "covered_s": slo.covered().as_secs_f64(),
        "burn": burn.collect::<Vec<_>>(),
        "burning": slo.is_burning(),
    })
}

/// What came in so many seconds, as members.
pub(super) fn figures(bounds: &[f64], counted: &Counted, seconds: f64) -> Map<String, Value> {
    let rate = if seconds > 0.0 { (counted.requests as f64 / seconds).into() } else { Value::Null };
    let mut members = Map::new();
    members.insert("requests".to_owned(), counted.requests.into());
    members.insert("errors".to_owned(), counted.errors.into());
    members.insert("rate_per_s".to_owned(), rate);
    members.insert("error_share".to_owned(), json::share(counted.errors, counted.requests));
    members.extend(quantiles_ms(bounds, &counted.counts).map(|(name, value)| (name.to_owned(), value)));
    members
}

/// What the last slots come to. Rows of gRPC whose buckets are others than those of HTTP have no part in the quantiles.
pub(super) fn total(history: &History, slots: usize) -> Value {
    let bounds = leading(history, |_| true);
    let (mut sum, mut seconds) = (Counted::default(), 0.0);
    for slot in history.slots.iter().rev().take(slots) {
        seconds += slot.seconds;
        for (row, counted) in &slot.rows {
            sum.requests += counted.requests;
            sum.errors += counted.errors;
            if has_bounds(history, *row, bounds) {
                add(&mut sum.counts, &counted.counts);
            }
        }
    }
    figures(bounds, &sum, seconds).into()
}

/// The buckets that are shown where rows are shown together: those of HTTP, if one is a row of it.
fn leading(history: &History, is_asked: impl Fn(&Row) -> bool) -> &[f64] {
    let kind = history.rows.iter().filter(|row| is_asked(row)).map(|row| row.kind).min();
    history.bounds(kind.unwrap_or(Kind::Http))
}

fn has_bounds(history: &History, row: usize, bounds: &[f64]) -> bool {
    history.rows.get(row).is_some_and(|row| history.bounds(row.kind) == bounds)
}

fn routes(history: &History, requests: &Requests) -> Vec<Value> {
    let nothing = Figures::default();
    let mut rows: Vec<(Counted, Value)> = Vec::new();
    for (number, row) in history.rows.iter().enumerate() {
        let sum = history.sum(number);
        let since_start = requests.rows.get(row).unwrap_or(&nothing);
        let members = route(history, number, row, &sum, since_start);
        rows.push((sum, members));
    }
    // Those that no slot has: nothing came since, or there are no two readings yet.
    for (row, figures) in &requests.rows {
        if !history.rows.contains(row) && history.left_out == 0 {
            let sum = Counted::default();
            let members = route(history, usize::MAX, row, &sum, figures);
            rows.push((sum, members));
        }
    }
    rows.sort_by_key(|(sum, _)| std::cmp::Reverse(sum.requests));
    rows.into_iter().map(|(_, members)| members).collect()
}

fn route(history: &History, number: usize, row: &Row, sum: &Counted, since_start: &Figures) -> Value {
    let bounds = history.bounds(row.kind);
    let mut members = Map::new();
    members.insert("kind".to_owned(), row.kind.as_str().into());
    members.insert("method".to_owned(), row.method.as_str().into());
    members.insert("route".to_owned(), row.route.as_str().into());
    members.extend(figures(bounds, sum, history.window()));
    let mut start = json!({"requests": since_start.count, "errors": since_start.errors});
    if let Some(start) = start.as_object_mut() {
        start.extend(quantiles_ms(bounds, &since_start.counts).map(|(name, value)| (name.to_owned(), value)));
    }
    members.insert("since_start".to_owned(), start);
    members.insert("exemplar".to_owned(), since_start.exemplar());

    let nothing = Counted::default();
    let slots: Vec<&Counted> =
        history.slots.iter().map(|slot| slot.rows.get(&number).unwrap_or(&nothing)).collect();
    let of_slots = |f: &dyn Fn(&Counted) -> Value| slots.iter().map(|slot| f(slot)).collect::<Vec<_>>();
    let at = |q: f64| of_slots(&|slot| json::seconds_ms(quantile(bounds, &slot.counts, q)));
    let history = json!({
        "requests": of_slots(&|slot| slot.requests.into()),
        "errors": of_slots(&|slot| slot.errors.into()),
        "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99),
    });
    members.insert("history".to_owned(), history);
    members.into()
}

fn heat(history: &History, is_asked: impl Fn(&Row) -> bool) -> Value {
    let bounds = leading(history, &is_asked);
    json!({
        "bounds_ms": bounds.iter().map(|bound| bound * 1e3).collect::<Vec<_>>(),
        "counts": heat_of(history, SLOTS, is_asked),
    })
}

/// How many requests fell into each bucket, in each of the last slots.
pub(super) fn heat_of(history: &History, slots: usize, is_asked: impl Fn(&Row) -> bool) -> Vec<Vec<u64>> {
    let bounds = leading(history, &is_asked);
    let is_shown =
        |row: usize| history.rows.get(row).is_some_and(&is_asked) && has_bounds(history, row, bounds);
    let shown: Vec<bool> = (0..history.rows.len()).map(is_shown).collect();
    let first = history.slots.len().saturating_sub(slots);
    let counts = history.slots.iter().skip(first).map(|slot| {
        let mut counts = vec![0; bounds.len() + 1];
        for (row, counted) in &slot.rows {
            if shown.get(*row) == Some(&true) {
                add(&mut counts, &counted.counts);
            }
        }
        counts
    });
    counts.collect()
}
