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
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many changes are remembered.
const CHANGES: usize = 32;
/// The longest text of one of them, in bytes.
const TEXT_MAX: usize = 500;
/// How many times levels are raised at once.
const RAISES: u32 = 10;
/// How long it takes until they may be raised once more, then.
const RAISE_EVERY: Duration = Duration::from_secs(6);
/// For how long, unless it is said.
const USUAL: Duration = Duration::from_secs(600);

/// The last changes that were made by the service.
#[derive(Default)]
pub(super) struct Changes(Mutex<Made>);

#[derive(Default)]
struct Made {
    /// The oldest first.
    last: VecDeque<Value>,
    /// From when on nothing counts against a raise, by the telemetry's clock.
    free_at: u64,
}

impl Changes {
    /// Whether levels may be raised now, which then counts; else in how long.
    fn admit(&self, now: u64) -> Result<(), Duration> {
        let mut made = self.made();
        let every = nanos(RAISE_EVERY);
        let free_at = made.free_at.max(now).saturating_add(every);
        let early = free_at.saturating_sub(now).saturating_sub(every.saturating_mul(RAISES.into()));
        if early > 0 {
            return Err(Duration::from_nanos(early));
        }
        made.free_at = free_at;
        Ok(())
    }

    fn add(&self, change: Value) {
        let last = &mut self.made().last;
        if last.len() >= CHANGES {
            last.pop_front();
        }
        last.push_back(change);
    }

    fn latest_first(&self) -> Vec<Value> {
        self.made().last.iter().rev().cloned().collect()
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
            if filter.split(',').all(|directive| directive.trim().is_empty()) {
                return Err(Refusal::new(
                    Rule::Levels,
                    "`filter` says nothing: `shop=debug` raises one target",
                ));
            }
            let filter: Filter = filter.parse().map_err(refused)?;
            state.changes.admit(state.inspect.clock().now().nanos()).map_err(|wait| {
                let text =
                    format!("levels were raised too often: they may be again in {} s", wait.as_secs_f64());
                Refusal::new(Rule::Limited, text)
            })?;
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
        "time": json::time(state.unix_nanos()), "peer": peer, "change": what, "from": cut(&from), "to": cut(&to),
        "until": until,
    }));
    Ok((StatusCode::OK, view(state)))
}

fn after(unix_nanos: u64, time: Duration) -> u64 {
    unix_nanos.saturating_add(nanos(time))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// As much of a filter as is remembered; its audit line has all of it.
fn cut(filter: &str) -> &str {
    filter.get(..filter.floor_char_boundary(TEXT_MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: raises without end; one that is never admitted again; those that were refused counted.
    #[test]
    fn levels_are_raised_so_often() {
        let (changes, second) = (Changes::default(), 1_000_000_000);
        let admitted = |now: u64| (0..20).filter(|_| changes.admit(now).is_ok()).count();
        assert_eq!(admitted(100 * second), 10);
        assert_eq!(changes.admit(100 * second), Err(RAISE_EVERY));
        assert_eq!(admitted(106 * second), 1);
        assert_eq!(admitted(118 * second), 2);
        assert_eq!(admitted(1_000 * second), 10);
    }

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
