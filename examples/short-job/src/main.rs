//! A job that lives 50 ms: nothing of it is lost. A cron job, a step of a pipeline, a command.
//!
//! `short-job [--metrics FILE] [--end shutdown|return|panic]`: what ends by itself, and how, is what its test compares.

use observe_core::label::{LabelSet, LabelValue};
use observe_core::metric::{Counter, Family};
use observe_core::{Format, Telemetry, metric, observed};
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// They take about 50 ms together.
const ROWS_IN_ALL: u64 = 300;

#[metric]
static ROWS: Family<RowLabels, Counter> = Family::counter("rows_total", "Rows that were looked at.");

#[derive(Clone, Copy, LabelSet)]
struct RowLabels {
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, LabelValue)]
enum Kind {
    Kept,
    Skipped,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut end, mut metrics) = (String::from("shutdown"), None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--end" => end = args.next().unwrap_or_default(),
            "--metrics" => metrics = args.next(),
            _ => return Err(format!("what is {arg}?").into()),
        }
    }

    // Kept in a variable: `let _ = …` would drop it here, and with it the promise to write what comes later.
    let telemetry = Telemetry::builder("short-job").version(env!("CARGO_PKG_VERSION")).install()?;

    let job = telemetry.operation("nightly report").start();
    let skipped = job.run(report);
    // There is nobody to be scraped by: the page is left where the node exporter's textfile collector finds it.
    if let Some(file) = metrics {
        hand_over(&telemetry, Path::new(&file))?;
    }
    for row in skipped {
        tracing::warn!(row, "skipped");
    }
    tracing::info!(rows = ROWS_IN_ALL, "report written");

    match end.as_str() {
        // The way to end: it waits for the log, and says when that did not work.
        "shutdown" => telemetry.shutdown(Duration::from_secs(5))?,
        // The drop of the last clone waits too, up to a second, and says nothing.
        "return" => {}
        "panic" => panic!("the report is wrong"),
        other => return Err(format!("an end by {other}?").into()),
    }
    Ok(())
}

/// The rows that were skipped.
fn report() -> Vec<u64> {
    let is_skipped = |row: &u64| {
        std::thread::sleep(Duration::from_micros(100));
        look_at(*row) == Kind::Skipped
    };
    (0..ROWS_IN_ALL).filter(is_skipped).collect()
}

#[observed]
fn look_at(row: u64) -> Kind {
    let kind = if row.is_multiple_of(3) { Kind::Skipped } else { Kind::Kept };
    ROWS.with(RowLabels { kind }).inc();
    tracing::info!(row, "looked at");
    kind
}

/// Whole or not at all: a scrape may come while it is written.
fn hand_over(telemetry: &Telemetry, file: &Path) -> std::io::Result<()> {
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, page)?;
    fs::rename(unfinished, file)
}
