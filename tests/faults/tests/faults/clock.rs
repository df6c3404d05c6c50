//! A wall clock that is set back, or forward: whatever is measured, limited or awaited goes by another one.

use crate::processes::lines;
use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::slo::Slo;
use observe_core::testing::Captured;
use observe_core::{Collect, Filter, Registry, Sampling, SnapshotLimits};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = MINUTE;

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

fn captured(clock: &ManualClock, folder: &Path) -> Captured {
    clock.set_wall(noon());
    let mut limits = SnapshotLimits::default();
    (limits.burst, limits.every) = (1, MINUTE);
    Captured::with(|builder| {
        builder
            .registry(Registry::new())
            .clock(clock.clone())
            .sampling(Sampling::always())
            .slo(Slo::availability("pay", 99.0).route("/pay"))
            .traces_to_file(folder.join("traces.jsonl"))
            .snapshots(folder.join("snapshots"))
            .snapshot_limits(limits)
    })
}

fn pay(captured: &Captured, meanwhile: impl FnOnce()) {
    let request = HttpRequest::new("GET", "/pay").route("/pay");
    let mut operation = captured.telemetry().http_server().start(&request, &Context::new());
    meanwhile();
    operation.status(500);
    operation.finish();
}

/// When the one span of the file began and ended.
fn times(folder: &Path) -> [u64; 2] {
    let file = lines(&fs::read(folder.join("traces.jsonl")).unwrap()).remove(0);
    let span = &file["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    ["startTimeUnixNano", "endTimeUnixNano"].map(|key| span[key].as_str().unwrap().parse().unwrap())
}

// Mutations caught: a duration between two readings of the wall clock; a span that ends before it begins (its start kept as
// the wall clock had it then).
#[test]
fn a_request_takes_as_long_as_it_takes() {
    for is_back in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new();
        let captured = captured(&clock, folder.path());
        let set = || {
            clock.advance(Duration::from_secs(2));
            clock.set_wall(if is_back { noon() - HOUR } else { noon() + HOUR });
            clock.advance(Duration::from_secs(3));
        };
        pay(&captured, set);
        captured.telemetry().flush(PATIENCE).unwrap();
        assert_eq!(captured.metric("http_server_request_duration_seconds_sum"), 5.0);
        let line: Value = captured.line("GET /pay 500");
        assert_eq!(line["duration_ms"], 5_000.0);
        // The line says what the wall clock says when it is written.
        let stamp = line["timestamp"].as_str().unwrap();
        assert!(
            stamp.starts_with(if is_back { "2023-11-14T21:13:23" } else { "2023-11-14T23:13:23" }),
            "{stamp}"
        );
        let [start, end] = times(folder.path());
        assert_eq!(end - start, 5_000_000_000);
    }
}

// Mutations caught: an end of the debug mode, a pace of snapshots or a window of an objective by the wall clock.
#[test]
fn what_lasts_for_a_while_lasts_no_longer_and_no_shorter() {
    for wall in [noon() - HOUR, noon() + HOUR] {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::new();
        let captured = captured(&clock, folder.path());
        let telemetry = captured.telemetry();
        pay(&captured, || ());
        clock.advance(Duration::from_secs(2));
        telemetry.levels().raise(Filter::parse("debug").0, MINUTE).unwrap();
        telemetry.snapshot().unwrap();
        let slo = telemetry.slo("pay").unwrap();
        let before = slo.burn_rates();

        clock.set_wall(wall);
        assert_eq!(telemetry.levels().raised_for(), Some(MINUTE));
        assert!(telemetry.snapshot().unwrap_err().is_limited());
        assert_eq!((slo.burn_rates(), slo.covered()), (before, Duration::from_secs(2)));

        clock.advance(MINUTE);
        // A thread looks for it, in its own time.
        let begun = Instant::now();
        while telemetry.levels().raised_for().is_some() {
            assert!(begun.elapsed() < PATIENCE);
            std::thread::sleep(Duration::from_millis(5));
        }
        telemetry.snapshot().unwrap();
        telemetry.flush(PATIENCE).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("snapshots")).unwrap().count(), 2);
    }
}

// Mutation caught: a count that begins anew, or falls, with the wall clock.
#[test]
fn counts_know_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::new();
    let captured = captured(&clock, folder.path());
    captured.telemetry().registry().collector(|out: &mut Collect<'_>| {
        out.gauge("asked", "It was.", &[], 1_u64);
    });
    let count = || captured.metric("http_server_request_duration_seconds_count");
    let started = captured.metric("process_start_time_seconds");
    for expected in [1.0, 2.0, 3.0] {
        pay(&captured, || ());
        clock.set_wall(SystemTime::UNIX_EPOCH);
        assert_eq!((count(), captured.metric("asked")), (expected, 1.0));
        assert_eq!(captured.metric("process_start_time_seconds"), started);
    }
}
