//! The worker, with messages of every kind.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn every_message_is_counted_and_told_in_its_senders_trace() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("worker.prom");
    let mut worker = Command::new(env!("CARGO_BIN_EXE_worker"))
        .arg(&page)
        .env_remove("RUST_LOG")
        .env_remove("OBSERVE_LOG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut messages = worker.stdin.take().unwrap();
    writeln!(messages, r#"{{"order":17,"headers":{{"traceparent":"00-{TRACE}-00f067aa0ba902b7-01"}}}}"#)
        .unwrap();
    for order in [0, 13, 18, 19] {
        writeln!(messages, r#"{{"order":{order}}}"#).unwrap();
    }
    writeln!(messages, "what?").unwrap();
    drop(messages);
    let output = worker.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with =
        |key: &'static str, value: &str| lines.iter().filter(|line| line[key] == *value).collect::<Vec<_>>();
    let written = with("message", "receipt written");
    assert_eq!(written.len(), 3, "{text}");
    assert_eq!(written.iter().find(|line| line["order.id"] == 17).unwrap()["trace_id"], TRACE);
    assert_eq!(with("message", "not a message").len(), 1);
    assert_eq!(with("error.message", "there is no order 0").len(), 1, "{text}");
    assert!(text.contains("nobody thought of order 13"), "{text}");

    let page = fs::read_to_string(&page).unwrap();
    for line in [
        r#"operation_duration_seconds_count{operation="receive message",outcome="ok"} 3"#,
        r#"operation_duration_seconds_count{operation="receive message",outcome="error"} 1"#,
        r#"operation_duration_seconds_count{operation="receive message",outcome="panicked"} 1"#,
        r#"function_duration_seconds_count{function="worker::write_receipt",outcome="ok"} 3"#,
        r#"queue_wait_duration_seconds_count{queue="messages"} 5"#,
        r#"queue_depth{queue="messages"} 0"#,
        r#"resource_capacity{resource="worker_threads"} 2"#,
        r#"resource_use_duration_seconds_count{resource="worker_threads"} 5"#,
    ] {
        assert!(page.lines().any(|found| found == line), "not there: {line}\n{page}");
    }
    let last = page.lines().find_map(|line| line.strip_prefix("receipts_last_run_timestamp_seconds "));
    assert!(last.unwrap().parse::<u64>().unwrap() > 1_700_000_000);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a file is left");
}
