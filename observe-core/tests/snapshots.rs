//! Snapshots of the flight recorder, read back by OpenTelemetry's own types.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::clock::ManualClock;
use observe_core::{Operation, Outcome, RecorderLimits, Sampling, SnapshotLimits, Telemetry, observed};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::fs;
use std::io::sink;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tracing::{debug, error, info, info_span};

const PATIENCE: Duration = Duration::from_secs(30);

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn telemetry(folder: &Path) -> observe_core::Builder {
    Telemetry::builder("checkout").version("1.2.3").log_writer(sink()).snapshots(folder)
}

fn spans(snapshot: &Path) -> Vec<Span> {
    let text = fs::read_to_string(snapshot.join("traces.jsonl")).unwrap();
    let requests = text.lines().map(|line| serde_json::from_str::<ExportTraceServiceRequest>(line).unwrap());
    let resources = requests.flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

fn lines(snapshot: &Path) -> Vec<LogRecord> {
    let text = fs::read_to_string(snapshot.join("logs.jsonl")).unwrap();
    let requests = text.lines().map(|line| serde_json::from_str::<ExportLogsServiceRequest>(line).unwrap());
    let resources = requests.flat_map(|request| request.resource_logs);
    resources.flat_map(|resource| resource.scope_logs).flat_map(|scope| scope.log_records).collect()
}

fn body(line: &LogRecord) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    match line.body.clone().unwrap().value {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn about(snapshot: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(snapshot.join("about.json")).unwrap()).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

// Mutations caught: only what is kept is recorded; an event without its span; lines outside of spans left out; metrics
// that are not there.
#[test]
fn a_snapshot_has_what_happened_kept_or_not() {
    let folder = folder();
    let telemetry = telemetry(folder.path())
        .filter("debug".parse().unwrap())
        .sampling(Sampling::never())
        .build()
        .unwrap();
    telemetry.run(|| {
        debug!(n = 1, "outside");
        let operation = Operation::builder("charge").start();
        operation.run(|| {
            info_span!("step", order = 7).in_scope(|| debug!(tries = 2, "half \"way\""));
            error!("declined");
        });
        Operation::builder("failed").start().finish(Outcome::Error);
    });
    let snapshot = telemetry.snapshot().unwrap();
    telemetry.flush(PATIENCE).unwrap();

    let spans = spans(&snapshot);
    let of = |name: &str| {
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name}: {spans:?}"))
    };
    assert_eq!(spans.len(), 3);
    let (charge, step) = (of("charge"), of("step"));
    assert_eq!((&step.trace_id, &step.parent_span_id), (&charge.trace_id, &charge.span_id));
    assert_eq!(step.events[0].name, "half \"way\"");
    assert_eq!(charge.events[0].name, "declined");
    assert!(of("failed").status.as_ref().is_some_and(|status| status.code == 2));
    assert!(spans.iter().all(|span| span.attributes.iter().all(|pair| pair.key != "sampling.reason")));

    let lines = lines(&snapshot);
    let of = |text: &str| lines.iter().find(|line| body(line) == text).unwrap();
    assert_eq!(
        (of("half \"way\"").span_id.clone(), of("declined").span_id.clone()),
        (step.span_id.clone(), charge.span_id.clone())
    );
    assert_eq!((of("outside").severity_number, of("outside").trace_id.len()), (5, 0));

    let about = about(&snapshot);
    assert_eq!(
        (&about["reason"], &about["service.name"], &about["service.version"]),
        (&"call".into(), &"checkout".into(), &"1.2.3".into())
    );
    assert_eq!((&about["truncated"], &about["traces"]), (&false.into(), &2.into()));
    for file in ["metrics.prom", "metrics-history.om"] {
        let text = fs::read_to_string(snapshot.join(file)).unwrap();
        assert!(text.contains("observe_recorder_memory_bytes "), "{file}: {text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&snapshot), mode(&snapshot.join("logs.jsonl"))), (0o700, 0o600));
    }
}

// Mutations caught: a rate that does not hold; a refusal that is not counted; time that does not give it back.
#[test]
fn snapshots_are_taken_at_a_rate() {
    let folder = folder();
    let clock = ManualClock::new();
    let telemetry = telemetry(folder.path()).clock(clock.clone()).build().unwrap();
    let first = [telemetry.snapshot().unwrap(), telemetry.snapshot().unwrap()];
    assert_ne!(first[0], first[1]);
    let refused = telemetry.snapshot().unwrap_err();
    assert!(refused.is_limited() && refused.to_string().contains("60s"), "{refused}");
    clock.advance(Duration::from_secs(60));
    let third = telemetry.snapshot().unwrap();
    assert!(telemetry.snapshot().is_err());
    telemetry.flush(PATIENCE).unwrap();
    assert!(first.iter().chain([&third]).all(|snapshot| snapshot.join("about.json").exists()));
    let mut text = Vec::new();
    telemetry.registry().encode(observe_core::Format::Text, &mut text);
    let text = String::from_utf8(text).unwrap();
    for line in [
        r#"observe_dropped_total{signal="snapshot",reason="too_often"} 2"#,
        r#"observe_export_total{signal="snapshot",outcome="ok"} 3"#,
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} in {text}");
    }
}

// Mutations caught: the newest deleted instead of the oldest; what is not ours deleted; a limit that does not count.
#[test]
fn only_the_newest_are_kept() {
    let folder = folder();
    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("snapshot-notes.txt"), "mine").unwrap();
    fs::create_dir(folder.path().join(".snapshot-20200101T000000Z-call-0")).unwrap();
    let clock = ManualClock::new();
    let mut limits = SnapshotLimits::default();
    (limits.count, limits.every) = (2, Duration::from_secs(1));
    let telemetry = telemetry(folder.path()).clock(clock.clone()).snapshot_limits(limits).build().unwrap();
    let mut taken = Vec::new();
    for _ in 0..4 {
        clock.advance(Duration::from_secs(1));
        taken.push(telemetry.snapshot().unwrap().file_name().unwrap().to_str().unwrap().to_owned());
        telemetry.flush(PATIENCE).unwrap();
    }
    let expected = [".snapshot-20200101T000000Z-call-0", "mine", "snapshot-notes.txt"].map(str::to_owned);
    let mut expected = expected.to_vec();
    expected.extend_from_slice(&taken[2..]);
    expected.sort();
    assert_eq!(names(folder.path()), expected);

    limits.bytes = 1;
    let small = self::telemetry(folder.path()).snapshot_limits(limits).build().unwrap();
    let last = small.snapshot().unwrap();
    small.flush(PATIENCE).unwrap();
    let left: Vec<_> = names(folder.path())
        .into_iter()
        .filter(|name| name.contains("Z-call") && !name.starts_with('.'))
        .collect();
    assert_eq!(left, [last.file_name().unwrap().to_str().unwrap()]);
}

// Mutation caught: a file that grows as large as the memory is.
#[test]
fn what_is_too_much_is_left_out_and_said() {
    let folder = folder();
    let mut limits = SnapshotLimits::default();
    limits.bytes = 400_000;
    let telemetry = telemetry(folder.path()).snapshot_limits(limits).build().unwrap();
    telemetry.run(|| {
        for number in 0..1_000 {
            Operation::builder("job").start().run(|| info!(number, "{}", "x".repeat(300)));
        }
    });
    let snapshot = telemetry.snapshot().unwrap();
    telemetry.flush(PATIENCE).unwrap();
    assert_eq!(about(&snapshot)["truncated"], true);
    for file in ["traces.jsonl", "logs.jsonl"] {
        let size = fs::metadata(snapshot.join(file)).unwrap().len();
        assert!((90_000..=100_000).contains(&size), "{file}: {size}");
    }
    // The newest are there.
    let numbers: Vec<_> =
        lines(&snapshot).into_iter().map(|line| line.attributes[0].value.clone().unwrap()).collect();
    assert!(format!("{:?}", numbers[0]).contains("999"), "{:?}", numbers[0]);
}

#[test]
fn there_is_no_snapshot_without_a_folder_or_a_recorder() {
    let without = Telemetry::builder("checkout").log_writer(sink()).build().unwrap();
    assert!(without.snapshot().unwrap_err().is_invalid());
    let folder = folder();
    let mut off = RecorderLimits::default();
    off.bytes = 0;
    let off = telemetry(folder.path()).recorder(off).build().unwrap();
    assert!(off.snapshot().unwrap_err().is_invalid());
    // A file where the folder should be.
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(telemetry(&file).build().unwrap_err().is_io());
}

// Mutation caught: a snapshot that cannot be written said to be there.
#[test]
fn a_folder_that_is_gone_is_told_and_counted() {
    let folder = folder();
    let inner = folder.path().join("inner");
    let telemetry = telemetry(&inner).build().unwrap();
    fs::remove_dir(&inner).unwrap();
    let snapshot = telemetry.snapshot().unwrap();
    assert!(telemetry.flush(PATIENCE).unwrap_err().is_io());
    assert!(!snapshot.exists());
    fs::create_dir(&inner).unwrap();
    let snapshot = telemetry.snapshot().unwrap();
    telemetry.shutdown(PATIENCE).unwrap();
    assert!(snapshot.exists());
    assert!(telemetry.snapshot().unwrap_err().is_limited());
}

// Mutations caught: a file that gets nothing; traces that are not counted, or twice.
#[test]
fn kept_traces_go_into_a_file() {
    let folder = folder();
    let path = folder.path().join("traces.jsonl");
    let telemetry = Telemetry::builder("checkout")
        .log_writer(sink())
        .sampling(Sampling::tail(0.0).unwrap())
        .traces_to_file(&path)
        .build()
        .unwrap();
    telemetry.run(|| {
        Operation::builder("charge").start().finish(Outcome::Ok);
        Operation::builder("failed").start().finish(Outcome::Error);
    });
    telemetry.flush(PATIENCE).unwrap();
    let spans = spans(folder.path());
    assert_eq!(spans.iter().map(|span| span.name.as_str()).collect::<Vec<_>>(), ["failed"]);
    let mut text = Vec::new();
    telemetry.registry().encode(observe_core::Format::Text, &mut text);
    let text = String::from_utf8(text).unwrap();
    for line in [
        r#"observe_export_total{signal="trace",outcome="ok"} 1"#,
        r#"observe_dropped_total{signal="trace",reason="queue_full"} 0"#,
        r#"observe_queue_length{signal="trace"} 0"#,
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} in {text}");
    }
    assert!(!text.contains(r#"signal="span",outcome"#), "{text}");
    telemetry.shutdown(PATIENCE).unwrap();
    assert!(Telemetry::builder("checkout").traces_to_file(folder.path()).build().unwrap_err().is_io());
}

#[observed(name = "refused")]
fn refused() -> Result<(), String> {
    Err("refused".to_owned())
}

#[observed(name = "placed")]
fn placed() -> Result<(), String> {
    refused().map_err(|error| format!("cannot place: {error}"))
}

// Mutation caught: a span that fails has no text of its own because what failed below it has one.
#[test]
fn each_failed_span_says_its_own_error() {
    let folder = folder();
    let telemetry = telemetry(folder.path()).build().unwrap();
    telemetry.run(|| Operation::builder("order").start().run(|| placed().unwrap_err()));
    let snapshot = telemetry.snapshot().unwrap();
    telemetry.flush(PATIENCE).unwrap();
    let spans = spans(&snapshot);
    let said = |name| {
        let span = spans.iter().find(|span: &&Span| span.name == name).unwrap();
        span.status.clone().unwrap().message
    };
    assert_eq!((said("refused").as_str(), said("placed").as_str()), ("refused", "cannot place: refused"));
}
