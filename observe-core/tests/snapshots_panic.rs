//! A panic asks for a snapshot. The hook is the process's own: this file has one telemetry.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::{Operation, Telemetry};
use std::fs;
use std::io::sink;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use tracing::info_span;

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.')).collect()
}

fn panics(operation: Operation, number: u32) {
    let run = || {
        operation.run(|| {
            let inner = || info_span!("step").in_scope(|| panic!("order {number}"));
            assert!(catch_unwind(AssertUnwindSafe(inner)).is_err());
            // It goes on for a while.
            thread::sleep(Duration::from_millis(50));
            panic!("order {number}, again");
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
}

// Mutations caught: a snapshot taken before the trace of what panicked has ended; one for each of many panics; a hurried
// one that is the last.
#[test]
fn a_panic_is_looked_back_at() {
    let folder = tempfile::tempdir().unwrap();
    let telemetry =
        Telemetry::builder("checkout").log_writer(sink()).snapshots(folder.path()).install().unwrap();
    for number in 0..3 {
        panics(Operation::builder("charge").start(), number);
    }
    // By itself, a while after the panic.
    let begun = Instant::now();
    while snapshots(folder.path()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no snapshot");
        thread::sleep(Duration::from_millis(20));
    }
    // The second one is hurried, and so has another behind it.
    telemetry.flush(Duration::from_secs(30)).unwrap();
    telemetry.flush(Duration::from_secs(30)).unwrap();
    let taken = snapshots(folder.path());
    assert_eq!(taken.len(), 3, "{taken:?}");
    let is_second = |path: &&PathBuf| path.to_str().unwrap().ends_with("-again");
    assert_eq!(taken.iter().filter(is_second).count(), 1, "{taken:?}");
    let read = |name: &str| -> Vec<String> {
        taken.iter().map(|path| fs::read_to_string(path.join(name)).unwrap()).collect()
    };
    assert!(read("about.json").iter().all(|about| about.contains(r#""reason": "panic""#)));
    let why = r#""why": "order 0 (observe-core/tests/"#;
    assert!(read("about.json").iter().any(|about| about.contains(why)), "{:?}", read("about.json"));
    for traces in read("traces.jsonl") {
        assert!(traces.contains(r#""name":"charge""#), "{traces}");
        assert!(traces.contains(r#"{"stringValue":"panicked"}"#), "{traces}");
    }
}
