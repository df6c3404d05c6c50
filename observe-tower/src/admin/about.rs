//! What this is, and what may be done.

use super::history::{SLOT_TIME, SLOTS};
use super::json;
use super::query::Query;
use super::refusal::Refusal;
use super::service;
use super::state::State;
use serde_json::{Map, Value, json};

pub(super) fn show(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    let (inspect, now) = (&state.inspect, state.unix_nanos());
    let recorder = inspect.recorder().map(|recorder| {
        let lost: Map<String, Value> =
            recorder.lost.iter().map(|(reason, count)| ((*reason).to_owned(), (*count).into())).collect();
        json!({
            "bytes": recorder.bytes,
            "max_bytes": recorder.limits.bytes,
            "max_age_s": recorder.limits.age.as_secs_f64(),
            "lost": lost,
        })
    });
    Ok(json!({
        "service": inspect.service(),
        "version": json::text(inspect.version()),
        "revision": json::text(inspect.revision()),
        "now": json::time(now),
        "started": json::time(inspect.started_unix_nanos()),
        "uptime_s": uptime(state, now),
        "ready": state.telemetry.readiness().is_ready(),
        "token_required": state.guard.has_token(),
        "capabilities": {"levels": state.may.levels, "snapshots": state.may.snapshots},
        "recorder": recorder,
        "history": {"every_s": SLOT_TIME.as_secs_f64(), "slots": SLOTS},
        "views": service::paths().collect::<Vec<_>>(),
    }))
}

/// Since the telemetry was made, in seconds.
pub(super) fn uptime(state: &State, now: u64) -> f64 {
    now.saturating_sub(state.inspect.started_unix_nanos()) as f64 / 1e9
}
