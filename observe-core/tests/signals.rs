//! What operators ask for by signals. A process of its own: signals are the process's.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::Telemetry;
use signal_hook::consts::{SIGKILL, SIGUSR1, SIGUSR2};
use signal_hook::low_level::raise;
use std::io::sink;
use std::time::{Duration, Instant};

fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "never {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

// Mutations caught: a signal that begins the debug mode and does not end it; one that does what the other is for; a
// telemetry that is gone, and is signalled.
#[test]
fn signals_begin_and_end_the_debug_mode_and_take_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || Telemetry::builder("checkout").log_writer(sink());
    let telemetry =
        builder().snapshots(folder.path()).debug_signal(SIGUSR1).snapshot_signal(SIGUSR2).build().unwrap();
    let levels = telemetry.levels();
    raise(SIGUSR1).unwrap();
    until("raised", || levels.raised_for().is_some());
    raise(SIGUSR1).unwrap();
    until("lowered", || levels.raised_for().is_none());

    raise(SIGUSR2).unwrap();
    let is_there = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("signal"))
    };
    until("written", is_there);
    assert_eq!(levels.raised_for(), None);
    drop(telemetry);
    // Still taken, so that the process does not end by it; and nothing is done.
    raise(SIGUSR1).unwrap();

    let refused = builder().debug_signal(SIGUSR1).snapshot_signal(SIGUSR1).build().unwrap_err();
    assert!(refused.to_string().contains("are the same"), "{refused}");
    let refused = builder().debug_signal(SIGKILL).build().unwrap_err();
    assert!(refused.to_string().starts_with("signal 9: "), "{refused}");
}
