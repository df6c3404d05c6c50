//! Which lines and spans are recorded, and changes of it that go back by themselves.

use super::json;
use super::query::Query;
use super::refusal::{Refusal, Rule};
use super::state::State;
use http::StatusCode;
use observe_core::Filter;
use observe_core::inspect::rfc3339;
use observe_core::semconv::{admin as names, http as keys};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many changes are remembered.
const CHANGES: usize = 32;
/// For how long, unless it is said.
const USUAL: Duration = Duration::from_secs(600);

/// The last changes that were made by the service, the oldest first.
#[derive(Default)]
pub(super) struct Changes(Mutex<VecDeque<Value>>);

impl Changes {
    fn add(&self, change: Value) {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() >= CHANGES {
            changes.pop_front();
        }
        changes.push_back(change);
    }

    fn latest_first(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

pub(super) fn show(state: &State, _: &mut Query) -> Result<Value, Refusal> {
    Ok(view(state))
}

fn view(state: &State) -> Value {
    let (levels, now) = (state.telemetry.levels(), state.unix_nanos());
    let raised = levels.raised().map(|(filter, left)| {
        json!({
            "filter": filter.to_string(),
            "until": json::time(after(now, left)),
            "left_s": left.as_secs_f64(),
        })
    });
    json!({
        "now": json::time(now),
        "filter": levels.filter().to_string(),
        "base": levels.base().to_string(),
        "raised": raised,
        "can_change": state.may.levels,
        "changes": state.changes.latest_first(),
    })
}

/// What is asked for.
#[derive(Debug, PartialEq)]
enum Wanted {
    Raise(String, Duration),
    Revert,
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Refusal> {
        let form = || {
            let text = "a change is `{\"filter\": \"shop=debug\", \"for_s\": 600}` or `{\"revert\": true}`";
            Refusal::new(Rule::Json, text)
        };
        let mut members: Map<String, Value> = body.as_object().ok_or_else(form)?.clone();
        let wanted = match (members.remove("filter"), members.remove("revert")) {
            (Some(Value::String(filter)), None) => {
                let time = match members.remove("for_s") {
                    None => USUAL,
                    Some(seconds) => Duration::from_secs(seconds.as_u64().ok_or_else(form)?),
                };
                Wanted::Raise(filter, time)
            }
            (None, Some(Value::Bool(true))) => Wanted::Revert,
            _ => return Err(form()),
        };
        if members.is_empty() { Ok(wanted) } else { Err(form()) }
    }
}

pub(super) fn change(state: &State, peer: SocketAddr, body: &Value) -> Result<(StatusCode, Value), Refusal> {
    if !state.may.levels {
        let text = "levels are not changed here: `AdminBuilder::allow_level_changes` allows it";
        return Err(Refusal::new(Rule::Capability, text));
    }
    let wanted = Wanted::read(body)?;
    let levels = state.telemetry.levels();
    let from = levels.filter().to_string();
    let refused = |error: observe_core::Error| Refusal::new(Rule::Levels, error.to_string());
    let (what, until) = match wanted {
        Wanted::Raise(filter, time) => {
            if time.is_zero() {
                return Err(Refusal::new(Rule::Levels, "`for_s` is at least 1"));
            }
            let filter: Filter = filter.parse().map_err(refused)?;
            levels.raise(filter, time).map_err(refused)?;
            ("raise", Some(after(state.unix_nanos(), time)))
        }
        Wanted::Revert => {
            levels.revert();
            ("revert", None)
        }
    };
    let (peer, to, until) = (peer.to_string(), levels.filter().to_string(), until.map(rfc3339));
    let mut fields = vec![
        (keys::PEER_ADDRESS, peer.as_str()),
        (names::CHANGE, what),
        (names::FROM, from.as_str()),
        (names::TO, to.as_str()),
    ];
    fields.extend(until.as_deref().map(|until| (names::UNTIL, until)));
    state.inspect.write_audit_line("levels changed by the admin service", &fields);
    state.changes.add(json!({
        "time": json::time(state.unix_nanos()), "peer": peer, "change": what, "from": from, "to": to, "until": until,
    }));
    Ok((StatusCode::OK, view(state)))
}

fn after(unix_nanos: u64, time: Duration) -> u64 {
    unix_nanos.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: a member that is passed over; a time that is no whole number taken for the usual one.
    #[test]
    fn what_is_a_change() {
        let raise = |filter: &str, seconds| Wanted::Raise(filter.to_owned(), Duration::from_secs(seconds));
        let read = |body| Wanted::read(&body).ok();
        assert_eq!(read(json!({"filter": "debug"})), Some(raise("debug", 600)));
        assert_eq!(read(json!({"filter": "debug", "for_s": 7})), Some(raise("debug", 7)));
        assert_eq!(read(json!({"revert": true})), Some(Wanted::Revert));
        for wrong in [
            json!({}),
            json!([]),
            json!({"filter": 1}),
            json!({"filter": "debug", "for_s": 1.5}),
            json!({"filter": "debug", "for_s": -1}),
            json!({"filter": "debug", "for": 7}),
            json!({"filter": "debug", "revert": true}),
            json!({"revert": false}),
        ] {
            assert_eq!(read(wrong.clone()), None, "{wrong}");
        }
    }
}
