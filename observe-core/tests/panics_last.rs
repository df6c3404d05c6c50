//! Panics that end the process: the line about them is written all the same. Each is a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "it is a test, without the harness that says so"
)]

use observe_core::Telemetry;
use std::io::{self, Write};
use std::process::{Command, ExitCode, Output};
use std::time::Duration;

/// How a process ends.
const ENDS: [(&str, fn()); 3] = [
    ("main", || panic!("the last word")),
    ("cleanup", || {
        struct Rude;
        impl Drop for Rude {
            fn drop(&mut self) {
                panic!("while it unwound");
            }
        }
        let _ = std::thread::spawn(|| {
            let _rude = Rude;
            panic!("the last word");
        })
        .join();
    }),
    ("unhooked", || panic!("the last word")),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, word, end] = &arguments[..]
        && word == "end"
    {
        end_by(end);
        return ExitCode::SUCCESS;
    }
    // What the harness would do.
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    main_thread();
    cleanup();
    unhooked();
    println!("panics that end the process: ok");
    ExitCode::SUCCESS
}

fn end_by(name: &str) {
    let builder = Telemetry::builder("test");
    let builder = if name == "unhooked" { builder.without_panic_hook() } else { builder };
    let telemetry = builder.log_writer(Slow).install().unwrap();
    telemetry.flush(Duration::from_secs(10)).unwrap();
    // As one that is held by another thread: nothing is flushed as this thread unwinds.
    std::mem::forget(telemetry);
    ENDS.iter().find(|(known, _)| *known == name).unwrap().1();
}

/// Standard output, so slow that whoever does not wait for it comes too early.
struct Slow;

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        std::thread::sleep(Duration::from_millis(40));
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

fn run(end: &str) -> (Output, Vec<serde_json::Value>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command
        .args(["end", end])
        .env_remove("RUST_LOG")
        .env_remove("OBSERVE_LOG")
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    let told = lines.filter(|line: &serde_json::Value| line["target"] == "observe::panic");
    (output, told.collect())
}

// Mutation caught: no flush. The previous hook is the standard library's here, and wrote to standard error.
fn main_thread() {
    let (output, told) = run("main");
    let [line] = &told[..] else { panic!("{output:?}") };
    assert_eq!((&line["message"], &line["thread.name"]), (&"panicked: the last word".into(), &"main".into()));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the last word"));
}

// Mutation caught: a flush on the main thread alone.
fn cleanup() {
    let (output, told) = run("cleanup");
    let texts: Vec<_> = told.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "panicked: the last word",
            "panicked: while it unwound",
            "panicked: panic in a destructor during cleanup"
        ],
        "{output:?}"
    );
}

fn unhooked() {
    let (output, told) = run("unhooked");
    assert!(told.is_empty() && String::from_utf8(output.stderr).unwrap().contains("the last word"));
}
