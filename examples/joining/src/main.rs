//! There is a `tracing_subscriber` registry already: how is it joined, and which lines then appear where?
//!
//! | | `fmt`, on standard error | ours, on standard output |
//! | --- | --- | --- |
//! | an event that the `EnvFilter` lets through | yes | yes, with `trace_id` and `span_id` |
//! | one that it stops | no | no: a filter of the registry counts for all its layers |
//! | one that a layer's own filter stops | no | yes |
//! | the line of an operation that failed, or of a request | no: it is no event of `tracing` | yes |
//! | the spans of `#[observed]`, operations, requests | around its lines | their fields on its lines |
//!
//! `RUST_LOG` is read by the `EnvFilter` and by the telemetry: `RUST_LOG=debug` shows more in both.

use observe_core::{Telemetry, observed};
use std::time::Duration;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Without a subscriber: there is one. All else that `install` does is done.
    let telemetry = Telemetry::builder("joining").install_without_subscriber()?;
    let for_people = fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .with_filter(filter_fn(|metadata| metadata.target() != "audit"));
    tracing_subscriber::registry()
        .with(EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env()?)
        .with(for_people)
        .with(telemetry.layer())
        .try_init()?;

    let _ = telemetry.operation("close the day").start().run_result(|| {
        tracing::info!("counting");
        tracing::debug!("by the till's roll");
        tracing::info!(target: "audit", till = 4, "opened");
        count(4)
    });
    telemetry.shutdown(Duration::from_secs(5))?;
    Ok(())
}

#[observed(fields(till))]
fn count(till: u32) -> Result<u64, &'static str> {
    tracing::warn!("a coin is missing");
    if till == 4 { Err("it does not add up") } else { Ok(0) }
}
