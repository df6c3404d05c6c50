//! A service as the environment has it: so many requests, each with a span and a line in it, and the end. Its log goes to
//! standard output.
//!
//! `service [layer] COUNT`: with `layer` behind a registry of `tracing-subscriber`.

use std::error::Error;
use std::time::Duration;

use observe_core::{Sampling, Telemetry};
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: u32 = arguments.pop().ok_or("how many?")?.parse()?;
    let builder = Telemetry::builder("").version("1.2.3").sampling(Sampling::always());
    let telemetry = match arguments.pop() {
        None => builder.install()?,
        Some(_) => {
            let telemetry = builder.install_without_subscriber()?;
            tracing_subscriber::registry().with(telemetry.layer()).init();
            telemetry
        }
    };
    for number in 0..count {
        let operation = telemetry.operation("request").start();
        let entered = operation.enter();
        info_span!("step", number).in_scope(|| info!("half way"));
        drop(entered);
        operation.finish(observe_core::Outcome::Ok);
    }
    telemetry.shutdown(Duration::from_secs(20))?;
    Ok(())
}
