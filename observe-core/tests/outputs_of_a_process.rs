//! Standard output as processes have it: shared with `println!`, a pipe whose reader went away, a disk that is full and has
//! room again. Each is a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a test, without the harness that says so"
)]

use observe_core::{Format, Registry, Telemetry};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::Duration;
use tracing::info;

const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, what, rest @ ..] = &arguments[..]
        && word == "child"
    {
        match what.as_str() {
            "shared" => share(),
            "pipe" => write_to_nobody(),
            "full" => fill(),
            _ => fill_and_make_room(Path::new(&rest[0])),
        }
        return ExitCode::SUCCESS;
    }
    // What the harness would do.
    if cfg!(not(unix)) || arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    println_and_lines_are_never_mixed();
    a_reader_that_goes_away_ends_no_process();
    a_full_disk_costs_what_is_counted();
    a_log_goes_on_when_there_is_room_and_says_what_it_lost();
    println!("standard output of processes: ok");
    ExitCode::SUCCESS
}

fn child(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("child").args(arguments).env_remove("RUST_LOG").env_remove("OBSERVE_LOG");
    command
}

/// What of a log is whole lines, half ones, and told to be lost.
fn count(text: &str) -> (u64, Vec<&str>, u64) {
    let (mut written, mut torn, mut lost) = (0, Vec::new(), 0);
    for line in text.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(line) if line["dropped"].is_u64() => lost += line["dropped"].as_u64().unwrap(),
            Ok(_) => written += 1,
            Err(_) => torn.push(line),
        }
    }
    (written, torn, lost)
}

const SAID: &str = "said by println, and longer than a buffer: ";

fn share() {
    let telemetry = Telemetry::builder("test").install().unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..1_000).for_each(|n| info!(n, "a line")));
            scope.spawn(|| (0..1_000).for_each(|_| println!("{}", SAID.repeat(50))));
        }
    });
    telemetry.shutdown(PATIENCE).unwrap();
}

// Mutation caught: writing past standard output's lock (a pipe that is full takes a batch of lines in pieces).
fn println_and_lines_are_never_mixed() {
    let mut process = child(&["shared"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = process.stdout.take().unwrap();
    // In small pieces: the pipe is full most of the time.
    let (mut text, mut piece) = (Vec::new(), [0; 256]);
    loop {
        match output.read(&mut piece).unwrap() {
            0 => break,
            count => text.extend_from_slice(&piece[..count]),
        }
    }
    assert!(process.wait().unwrap().success());
    let text = String::from_utf8(text).unwrap();
    let (said, lines): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with("said"));
    assert!(said.len() == 2_000 && said.iter().all(|line| *line == SAID.repeat(50)));
    for line in &lines {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    // And the one of the start.
    assert_eq!(lines.len(), 2_001);
}

fn write_to_nobody() {
    let telemetry = Telemetry::builder("test").install().unwrap();
    // Its reader is gone when its standard input ends.
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    (0..500).for_each(|n| info!(n, "a line"));
    eprintln!("{}", telemetry.shutdown(PATIENCE).unwrap_err().is_io());
}

// Mutation caught: a process that a broken pipe ends.
fn a_reader_that_goes_away_ends_no_process() {
    let mut process =
        child(&["pipe"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(process.stdout.take());
    drop(process.stdin.take());
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "true\n");
}

const BEFORE: u64 = 2_000;
const AFTER: u64 = 10;

/// Logs into a disk until it is full, and says how many lines that cost.
fn fill() {
    let telemetry = Telemetry::builder("test").registry(Registry::new()).build().unwrap();
    telemetry.run(|| (0..BEFORE).for_each(|n| info!(n, "before")));
    assert!(telemetry.shutdown(PATIENCE).unwrap_err().is_io());
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page).unwrap();
    let dropped = "observe_dropped_total{signal=\"log\",reason=\"write_error\"} ";
    eprintln!("{}", page.lines().find_map(|line| line.strip_prefix(dropped)).unwrap());
}

/// Logs into a disk until it is full, makes room, and logs again.
fn fill_and_make_room(disk: &Path) {
    let telemetry = Telemetry::builder("test").build().unwrap();
    telemetry.run(|| (0..BEFORE).for_each(|n| info!(n, "before")));
    assert!(telemetry.flush(PATIENCE).unwrap_err().is_io());
    fs::remove_file(disk.join("ballast")).unwrap();
    telemetry.run(|| (0..AFTER).for_each(|n| info!(n, "after")));
    telemetry.shutdown(PATIENCE).unwrap();
}

/// Runs a child whose standard output is a file on a small disk of its own; answers what is in it, if there can be one.
fn on_a_small_disk(what: &str) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=128k none "$1" && cd "$1" || exit 77
        head -c 40000 /dev/zero > ballast
        "$2" child "$3" "$1" >> log || exit 1
        cat log"#;
    let started = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([folder.path().as_os_str(), std::env::current_exe().unwrap().as_os_str(), what.as_ref()])
        .env_remove("OBSERVE_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    match started.and_then(Child::wait_with_output) {
        Ok(output) if output.status.code() != Some(77) => {
            assert!(output.status.success(), "{output:?}");
            Some(output)
        }
        refused => {
            assert!(std::env::var_os("CI").is_none(), "no small disk can be made: {refused:?}");
            println!("not tested: a disk that is full: {refused:?}");
            None
        }
    }
}

// Mutation caught: lines that the standard library's buffer took, counted as written, and lost with the process.
fn a_full_disk_costs_what_is_counted() {
    let Some(output) = on_a_small_disk("full") else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    let (written, torn, _) = count(&text);
    let dropped: u64 = String::from_utf8(output.stderr).unwrap().trim().parse().unwrap();
    assert!(dropped > 0, "the disk was not full");
    assert_eq!(written + dropped, BEFORE, "{torn:?}");
}

// Mutation caught: a torn line that the next one is glued to.
fn a_log_goes_on_when_there_is_room_and_says_what_it_lost() {
    let Some(output) = on_a_small_disk("disk") else { return };
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.ends_with('\n'));
    let (written, torn, lost) = count(&text);
    assert_eq!(written + lost, BEFORE + AFTER, "{torn:?}");
    assert!(lost > 0, "the disk was not full");
    // Half lines stay half, on a line of their own.
    assert!(torn.len() <= 1 && torn.iter().all(|line| line.starts_with("{\"timestamp\":")), "{torn:?}");
    assert_eq!(text.matches("\"message\":\"after\"").count() as u64, AFTER);
}
