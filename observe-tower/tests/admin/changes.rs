//! The two changes, their audit lines, and the way back.

use crate::support::{shown, shown_with};
use observe_tower::AdminBuilder;
use std::time::Duration;

// Mutations caught: a change without its line; a line that the filter keeps back; what was before and what is now mixed up;
// levels that stay raised.
#[test]
fn levels_are_raised_for_a_while_and_each_change_is_told() {
    let shown =
        shown_with(|telemetry| telemetry.filter("off".parse().unwrap()), AdminBuilder::allow_level_changes);
    let before = shown.view("levels");
    assert_eq!((&before["filter"], &before["raised"]), (&"off".into(), &serde_json::Value::Null));
    assert_eq!(before["can_change"], true);

    let answer = shown.post("/api/v1/levels", r#"{"filter":"shop=debug","for_s":60}"#);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let after = answer.json();
    assert_eq!((&after["filter"], &after["base"]), (&"off,shop=debug".into(), &"off".into()));
    assert_eq!(
        (&after["raised"]["filter"], &after["raised"]["left_s"]),
        (&"shop=debug".into(), &60.0.into())
    );
    let until = after["raised"]["until"].as_str().unwrap();

    let line = shown.captured.line("levels changed by the admin service");
    assert_eq!((&line["target"], &line["level"]), (&"audit".into(), &"INFO".into()));
    assert_eq!(
        (&line["change"], &line["from"], &line["to"]),
        (&"raise".into(), &"off".into(), &"off,shop=debug".into())
    );
    assert_eq!(line["until"], until);
    assert!(line["network.peer.address"].as_str().unwrap().starts_with("127.0.0.1:"));
    let change = &after["changes"][0];
    assert_eq!(
        (&change["from"], &change["to"], &change["until"]),
        (&line["from"], &line["to"], &line["until"])
    );
    assert_eq!(change["peer"], line["network.peer.address"]);

    shown.clock.advance(Duration::from_secs(59));
    assert_eq!(shown.view("levels")["raised"]["left_s"], 1.0);
    shown.clock.advance(Duration::from_secs(1));
    // The thread that lowers them looks by its own time.
    let is_lowered = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        shown.view("levels")["filter"] == "off"
    });
    assert!(is_lowered);
    assert_eq!(shown.view("levels")["raised"], serde_json::Value::Null);
}

// Mutations caught: a revert that is not told; changes without end; the oldest first.
#[test]
fn what_is_raised_can_be_lowered_at_once() {
    let shown = shown_with(|telemetry| telemetry, AdminBuilder::allow_level_changes);
    for _ in 0..20 {
        shown.clock.advance(Duration::from_secs(6));
        assert_eq!(shown.post("/api/v1/levels", r#"{"filter":"debug"}"#).status, 200);
        assert_eq!(shown.post("/api/v1/levels", r#"{"revert":true}"#).json()["filter"], "info");
    }
    let levels = shown.view("levels");
    let changes = levels["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 32);
    assert_eq!((&changes[0]["change"], &changes[1]["change"]), (&"revert".into(), &"raise".into()));
    assert_eq!((&changes[0]["from"], &changes[0]["to"]), (&"debug".into(), &"info".into()));
    let told = shown.captured.lines().to_vec();
    assert_eq!(told.iter().filter(|line| line["target"] == "audit").count(), 40);
}

// Mutations caught: raises without end; a revert that counts, or is refused; a long filter remembered whole, or cut in its line.
#[test]
fn raises_are_limited_and_reverts_are_not() {
    let shown = shown_with(|telemetry| telemetry, AdminBuilder::allow_level_changes);
    let revert = || shown.post("/api/v1/levels", r#"{"revert":true}"#);
    let long: Vec<String> = (0..100).map(|number| format!("some_target_{number}=debug")).collect();
    let body = format!(r#"{{"filter":"{}"}}"#, long.join(","));
    for _ in 0..10 {
        assert_eq!(shown.post("/api/v1/levels", &body).status, 200);
        assert_eq!(revert().status, 200);
    }
    let answer = shown.post("/api/v1/levels", &body);
    assert_eq!((answer.status, answer.rule().as_str()), (429, "limited"));
    assert_eq!((revert().status, &shown.view("levels")["filter"]), (200, &"info".into()));
    let change = &shown.view("levels")["changes"][2];
    assert_eq!((&change["change"], change["to"].as_str().unwrap().len()), (&"raise".into(), 500));
    let lines = shown.captured.lines();
    let raise = lines.iter().find(|line| line["change"] == "raise").unwrap();
    assert!(raise["to"].as_str().unwrap().len() > 2_000);
    shown.clock.advance(Duration::from_secs(6));
    assert_eq!(shown.post("/api/v1/levels", &body).status, 200);
}

// Mutations caught: a snapshot that is not taken, or not told; the second within the time not refused.
#[test]
fn snapshots_are_taken_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let shown = shown_with(|telemetry| telemetry.snapshots(folder.path()), AdminBuilder::allow_snapshots);
    shown.request("/charge", 200, Duration::from_millis(3), || tracing::info!("half way"));
    let answer = shown.post("/api/v1/snapshots", "{}");
    assert_eq!(answer.status, 202, "{}", answer.body);
    let written = answer.json()["folder"].as_str().unwrap().to_owned();
    shown.telemetry().flush(Duration::from_secs(30)).unwrap();
    let traces = std::fs::read_to_string(std::path::Path::new(&written).join("traces.jsonl")).unwrap();
    assert!(traces.contains("half way"));
    let line = shown.captured.line("snapshot asked for by the admin service");
    assert_eq!(
        (&line["target"], &line["change"], &line["to"]),
        (&"audit".into(), &"snapshot".into(), &written.into())
    );
    let answers: Vec<_> = (0..3).map(|_| shown.post("/api/v1/snapshots", "{}")).collect();
    let last = answers.last().unwrap();
    assert_eq!((last.status, last.rule().as_str()), (429, "limited"));
}

// Mutation caught: an end that waits, or that goes on listening.
#[test]
fn it_ends_when_it_is_told_to() {
    let shown = shown();
    let address = shown.admin.address();
    shown.view("about");
    shown.admin.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
}
