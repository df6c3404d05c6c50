//! Which lines appear where.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use serde_json::Value;
use std::process::Command;

/// What a person reads, and what a machine does.
fn run(rust_log: Option<&str>) -> (String, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_joining"));
    command.env_remove("RUST_LOG").env_remove("OBSERVE_LOG");
    if let Some(rust_log) = rust_log {
        command.env("RUST_LOG", rust_log);
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    let lines = String::from_utf8(output.stdout).unwrap();
    (errors, lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn has(lines: &[Value], message: &str) -> bool {
    lines.iter().any(|line| line["message"] == *message)
}

#[test]
fn each_line_is_where_the_table_says() {
    let (text, lines) = run(None);
    for (message, of_fmt, ours) in [
        ("counting", true, true),
        ("by the till's roll", false, false),
        ("opened", false, true),
        ("close the day failed", false, true),
        ("a coin is missing", true, true),
    ] {
        assert_eq!(text.contains(message), of_fmt, "{message}: {text}");
        assert_eq!(has(&lines, message), ours, "{message}: {lines:#?}");
    }
    let of = |message: &str| lines.iter().find(|line| line["message"] == *message).unwrap();
    let (failed, missing) = (of("close the day failed"), of("a coin is missing"));
    assert_eq!(failed["error.message"], "it does not add up");
    assert_eq!(missing["trace_id"], failed["trace_id"]);
    assert_eq!(missing["till"], 4);
    assert!(text.lines().any(|line| line.contains("till=4") && line.contains("a coin is missing")), "{text}");
}

#[test]
fn rust_log_opens_both() {
    let (text, lines) = run(Some("debug"));
    assert!(text.contains("by the till's roll"), "{text}");
    assert!(has(&lines, "by the till's roll"), "{lines:#?}");
    let (text, lines) = run(Some("warn"));
    assert!(!text.contains("counting") && !has(&lines, "counting"), "{text}{lines:#?}");
}
