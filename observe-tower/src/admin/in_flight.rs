//! The requests that are in flight, the oldest first.

use super::json;
use super::query::Query;
use super::refusal::Refusal;
use super::state::State;
use observe_core::InFlight;
use serde_json::{Value, json};

/// The most that are answered.
const MOST: usize = 1_000;

pub(super) fn show(state: &State, query: &mut Query) -> Result<Value, Refusal> {
    let limit = query.limit(100, 1..=MOST)?;
    let (requests, count) = state.inspect.in_flight(limit);
    let now = state.unix_nanos();
    Ok(json!({
        "now": json::time(now),
        "count": count,
        "requests": requests.iter().map(|request| one(request, now)).collect::<Vec<_>>(),
    }))
}

fn one(request: &InFlight, now: u64) -> Value {
    let running = u64::try_from(request.running.as_nanos()).unwrap_or(u64::MAX);
    let running_in = request.running_in.zip(request.running_in_for);
    json!({
        "method": request.method,
        "route": request.route,
        "trace_id": json::id(request.trace_id),
        "span_id": json::id(request.span_id),
        "started": json::time(now.saturating_sub(running)),
        "running_ms": json::duration_ms(request.running),
        "running_in": running_in.map(|(span, time)| json!({"span": span, "for_ms": json::duration_ms(time)})),
    })
}
