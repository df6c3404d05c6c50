//! Outputs that fail, and that stand still: real pipes, a device that is full. Nobody waits for them, and what they lose is
//! counted and told.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::{Builder, Format, QueueLimits, Registry, Telemetry};
use serde_json::Value;
use std::io::Read;
use std::thread;
use std::time::Duration;
use tracing::info;

const PATIENCE: Duration = Duration::from_secs(60);

fn service(settings: impl FnOnce(Builder) -> Builder) -> Telemetry {
    settings(Telemetry::builder("test").registry(Registry::new())).build().unwrap()
}

fn dropped(telemetry: &Telemetry, reason: &str) -> u64 {
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page).unwrap();
    let series = format!("observe_dropped_total{{signal=\"log\",reason=\"{reason}\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
}

/// Lines that were logged, and what the lines about losses add up to. Each line must be one object.
fn count(text: &str) -> (u64, u64) {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is torn");
    let (mut written, mut lost) = (0, 0);
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        match line["dropped"].as_u64() {
            Some(count) => lost += count,
            None => written += 1,
        }
    }
    (written, lost)
}

// Mutation caught: a worker that ends with the pipe.
#[test]
fn a_pipe_whose_reader_is_gone_loses_counted_lines_and_nothing_else() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let telemetry = service(|builder| builder.log_writer(writer));
    telemetry.run(|| (0..500).for_each(|n| info!(n, "nobody reads this")));
    assert!(telemetry.flush(PATIENCE).unwrap_err().is_io());
    telemetry.run(|| info!("nor this"));
    assert!(telemetry.shutdown(PATIENCE).unwrap_err().is_io());
    assert_eq!(dropped(&telemetry, "write_error"), 501);
}

#[cfg(target_os = "linux")]
#[test]
fn a_device_that_is_full_loses_counted_lines_and_nothing_else() {
    let telemetry = service(|builder| builder.log_file("/dev/full"));
    telemetry.run(|| (0..500).for_each(|n| info!(n, "there is no room for this")));
    assert!(telemetry.shutdown(PATIENCE).unwrap_err().is_io());
    assert_eq!(dropped(&telemetry, "write_error"), 500);
}

// That it ends says that nobody waited: nobody reads until all is said. Mutation caught: a push that waits for room; a loss
// that is counted twice, or not told.
#[test]
fn a_pipe_that_nobody_reads_blocks_nobody() {
    const EACH: u64 = 20_000;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut limits = QueueLimits::default();
    limits.lines = 256;
    let telemetry = service(|builder| builder.log_writer(writer).log_queue(limits));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| telemetry.run(|| (0..EACH).for_each(|n| info!(n, "a storm"))));
        }
    });
    let full = dropped(&telemetry, "queue_full");
    assert!(full > 0, "the storm did not fill the queue");
    let reading = thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    telemetry.shutdown(PATIENCE).unwrap();
    let (written, lost) = count(&reading.join().unwrap().unwrap());
    assert_eq!((written + lost, lost), (2 * EACH, full));
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_that_names_it() {
    let error = Telemetry::builder("test").log_file("/nowhere/log").build().err().unwrap();
    assert!(error.is_io() && error.to_string().contains("`/nowhere/log`"), "{error}");
}
