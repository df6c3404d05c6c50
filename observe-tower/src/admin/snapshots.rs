//! Snapshots of the flight recorder, when they are asked for.

use super::refusal::{Refusal, Rule};
use super::state::State;
use http::StatusCode;
use observe_core::Error;
use observe_core::semconv::{admin as names, http as keys};
use serde_json::{Value, json};
use std::net::SocketAddr;

pub(super) fn ask(state: &State, peer: SocketAddr, body: &Value) -> Result<(StatusCode, Value), Refusal> {
    if !state.may.snapshots {
        let text = "snapshots are not taken here: `AdminBuilder::allow_snapshots` allows it";
        return Err(Refusal::new(Rule::Capability, text));
    }
    if body.as_object().is_none_or(|members| !members.is_empty()) {
        return Err(Refusal::new(Rule::Json, "what asks for a snapshot is `{}`"));
    }
    let folder = state.telemetry.snapshot().map_err(|error| refused(&error))?;
    let (peer, folder) = (peer.to_string(), folder.to_string_lossy().into_owned());
    let fields =
        [(keys::PEER_ADDRESS, peer.as_str()), (names::CHANGE, "snapshot"), (names::TO, folder.as_str())];
    state.inspect.write_audit_line("snapshot asked for by the admin service", &fields);
    Ok((StatusCode::ACCEPTED, json!({"folder": folder})))
}

fn refused(error: &Error) -> Refusal {
    let rule = if error.is_limited() {
        Rule::Limited
    } else if error.is_invalid() {
        Rule::Snapshots
    } else {
        Rule::Failed
    };
    Refusal::new(rule, error.to_string())
}
