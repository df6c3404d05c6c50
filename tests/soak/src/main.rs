//! Half an hour of `checkout` under load, with failures and reconnects: what its processes take meanwhile, as plots.
//!
//! `cargo build --release -p checkout -p soak && target/release/soak --plots docs/soak`; the table that it prints is in
//! `docs/soak.md`.
//!
//! Customers come as `checkout` has them: some buy, some are declined, go away, send nonsense, watch, meet failures and panics.
//! Beside them this program buys on a connection of its own each time, and takes the times. Payment is ended and started
//! again, and so is the collector of spans: both are then asked again by those that had connections to them.

#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "the table is what it is for")]
#![allow(clippy::unwrap_used, reason = "without its processes there is nothing to measure")]

mod customers;
mod sample;
mod services;

use self::customers::Customers;
use self::sample::{Sample, plots, table};
use self::services::Services;
use lexopt::prelude::*;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

const HELP: &str = "\
Half an hour of checkout under load, with failures and reconnects.

Usage: cargo build --release -p checkout -p soak && target/release/soak [OPTIONS]

  --duration SECS    how long [1800]
  --load RPS         requests a second of checkout's own customers [100]
  --every SECS       between two samples [5]
  --restart SECS     payment, and in between the collector, is ended and started again so often [180]
  --plots FOLDER     where the plots go [nowhere]";

/// How long payment and the collector are away, as a part of the time until the next time.
const AWAY: u32 = 12;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let (mut duration, mut load, mut every) = (Duration::from_secs(1800), 100_u32, Duration::from_secs(5));
    let mut turns = Turns { every: Duration::from_secs(180), turn: 0, is_away: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("duration") => duration = Duration::from_secs(parser.value()?.parse()?),
            Long("load") => load = parser.value()?.parse()?,
            Long("every") => every = Duration::from_secs(parser.value()?.parse()?),
            Long("restart") => turns.every = Duration::from_secs(parser.value()?.parse()?),
            Long("plots") => plot::into(parser.value()?.string()?),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            other => return Err(other.unexpected().into()),
        }
    }

    let mut services = Services::start(load)?;
    let customers = Customers::start(services.checkout);
    let (start, mut samples) = (Instant::now(), Vec::<Sample>::new());
    let mut next = start + every;
    while start.elapsed() < duration {
        thread::sleep(next.saturating_duration_since(Instant::now()));
        next += every;
        turns.take(start.elapsed(), &mut services);
        let sample = Sample::take(start.elapsed(), &services, customers.times(), samples.last());
        println!("{sample}");
        samples.push(sample);
    }
    customers.end();
    plots(&samples);
    println!("\n{}", table(&samples));
    services.end();
    Ok(ExitCode::SUCCESS)
}

/// Who is to be away now.
struct Turns {
    every: Duration,
    turn: u32,
    is_away: bool,
}

impl Turns {
    /// Payment at each whole turn, the collector at each half.
    fn take(&mut self, elapsed: Duration, services: &mut Services) {
        let due = self.every / 2 * (self.turn + 1);
        let of_payment = self.turn % 2 == 1;
        if !self.is_away && elapsed >= due {
            self.is_away = true;
            if of_payment { services.end_payment() } else { services.end_collector() }
        } else if self.is_away && elapsed >= due + self.every / AWAY {
            self.is_away = false;
            self.turn += 1;
            if of_payment { services.start_payment() } else { services.start_collector() }
        }
    }
}
