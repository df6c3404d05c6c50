//! A process that lives 50 ms, as whoever reads its log and its metrics sees it.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

struct Ended {
    is_success: bool,
    lines: Vec<Value>,
    metrics: String,
}

fn run(end: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let metrics = folder.path().join("job.prom");
    let output = Command::new(env!("CARGO_BIN_EXE_short-job"))
        .args(["--end", end, "--metrics", metrics.to_str().unwrap()])
        .env_remove("RUST_LOG")
        .env_remove("OBSERVE_LOG")
        .stderr(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    Ended {
        is_success: output.status.success(),
        lines: text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        metrics: fs::read_to_string(metrics).unwrap(),
    }
}

impl Ended {
    fn with(&self, message: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["message"] == message).collect()
    }

    fn metric(&self, series: &str) -> u64 {
        let value = self.metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {series} in {}", self.metrics)).parse().unwrap()
    }
}

// Mutations caught: a `shutdown` that does not wait; a drop of the last telemetry that does not.
#[test]
fn nothing_of_it_is_lost_however_it_ends() {
    for end in ["shutdown", "return", "panic"] {
        // More than once: what is lost is lost now and then.
        for _ in 0..5 {
            let ended = run(end);
            assert_eq!(ended.is_success, end != "panic", "{end}");
            let rows: Vec<_> =
                ended.with("looked at").iter().map(|line| line["row"].as_u64().unwrap()).collect();
            assert_eq!(rows, (0..300).collect::<Vec<_>>(), "{end}");
            assert_eq!(ended.with("skipped").len(), 100, "{end}");
            let last = ended.with("report written");
            assert_eq!(last.len(), 1, "{end}");
            assert_eq!(last[0]["rows"], 300, "{end}");
            let traces: std::collections::BTreeSet<_> =
                ended.with("looked at").iter().map(|line| line["trace_id"].as_str().unwrap()).collect();
            assert_eq!(traces.len(), 1, "{end}: one job, one trace");
            assert_eq!(
                ended.with("panicked: the report is wrong").len(),
                usize::from(end == "panic"),
                "{end}"
            );

            let counted =
                ["kept", "skipped"].map(|kind| ended.metric(&format!("rows_total{{kind=\"{kind}\"}}")));
            assert_eq!(counted.iter().sum::<u64>(), 300, "{end}");
            let done = "operation_duration_seconds_count{operation=\"nightly report\",outcome=\"ok\"}";
            assert_eq!(ended.metric(done), 1, "{end}");
        }
    }
}
