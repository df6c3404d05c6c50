//! The files, as an agent finds them.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use serde_json::Value;
use std::fs;
use std::process::Command;

// Mutation caught: a writer that takes half a line; an end that does not wait for the file.
#[test]
fn every_line_is_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_log-files"))
        .arg(folder.path())
        .env_remove("RUST_LOG")
        .env_remove("OBSERVE_LOG")
        .status()
        .unwrap();
    assert!(status.success());
    // It may have run from one minute into the next.
    let mut files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty() && files.len() <= 2, "{files:?}");
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let orders = lines.iter().filter_map(|line| line["order.id"].as_u64());
    assert!(orders.eq(1..=1_000), "{} lines", lines.len());
}
