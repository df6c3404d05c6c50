//! Lines are to be in files, a new one each minute, and the last five of them kept: how? (`cargo run -p log-files -- FOLDER`)
//!
//! `log_make_writer` takes whatever makes writers for `tracing_subscriber`: here the rolling files of `tracing-appender`.
//!
//! **Two queues, and which one matters.** The telemetry has a queue and a thread of its own: who logs never waits for the
//! file. When it is full the newest line is dropped, counted in `observe_dropped_total{signal="log"}`, and the log says how
//! many. `tracing_appender::non_blocking` is a queue and a thread, too. Behind it the file is never slow, so that our queue
//! is always empty, and the losses are those of the other, which tells nobody unless its `error_counter` is asked. So give
//! the appender itself, as here, and not a `NonBlocking` around it: then there is one queue, and it is the one that counts.
//! `log_queue` says how long it is.
//!
//! `telemetry.shutdown` waits until every accepted line is in the file.

use observe_core::Telemetry;
use std::path::PathBuf;
use std::time::Duration;
use tracing_appender::rolling::{RollingFileAppender, Rotation};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("logs"), PathBuf::from);
    let files = RollingFileAppender::builder()
        .rotation(Rotation::MINUTELY)
        .filename_prefix("orders")
        .filename_suffix("jsonl")
        .max_log_files(5)
        .build(&folder)?;
    let telemetry = Telemetry::builder("log-files").log_make_writer(files).install()?;

    let orders: Vec<u64> = (1..=1_000).collect();
    telemetry.operation("fill the day's orders").start().run(|| {
        for order in &orders {
            tracing::info!(order.id = order, "order filled");
        }
    });
    telemetry.shutdown(Duration::from_secs(5))?;
    Ok(())
}
