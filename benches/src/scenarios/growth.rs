//! What an operation costs, and what it takes, when there are many: tables, and with `--plots` pictures of them.
//!
//! What it costs is the time that the thread has had a processor, with the defaults. What it takes is what this thread has
//! asked the allocator for.

mod concurrent;
mod routes;
mod series;
mod spans;
mod threads;

use crate::by_hand::ByHand;
use crate::http::{Answer, Asked, ROUTE};
use crate::{processor_time, telemetry};
use observe_core::{RecorderLimits, Telemetry};
use observe_tower::{ObserveLayer, ObserveService, RequestHead};
use plot::number;
use std::convert::Infallible;
use std::time::Duration;
use tower::{Layer as _, Service};

/// One after the other; the sizes ascend, so that pools have grown to what the size at hand needs.
pub(super) fn growth() {
    routes::routes();
    series::series();
    spans::spans();
    concurrent::concurrent();
    threads::threads();
}

/// How often a size is measured, after once that is not counted. The median stands in the tables.
const ROUNDS: usize = 15;

/// Around `service`: this library with its defaults, and the floor.
fn observed<S>(service: S) -> ObserveService<S>
where
    S: Service<Asked, Response = Answer, Error = Infallible>,
{
    observed_by(telemetry::installed(), service)
}

fn observed_by<S>(telemetry: &Telemetry, service: S) -> ObserveService<S>
where
    S: Service<Asked, Response = Answer, Error = Infallible>,
{
    ObserveLayer::new(telemetry).route(|_: &RequestHead<'_>| Some(ROUTE)).layer(service)
}

/// One whose bytes can be told: it holds traces back until their end, as all do, but remembers none of them, and has no
/// lines, whose memory is free again when another thread has written them.
fn quiet() -> Telemetry {
    let mut off = RecorderLimits::default();
    off.bytes = 0;
    let quiet = Telemetry::builder("quiet").without_log().recorder(off).traces_to_file("/dev/null");
    quiet.build().expect("its settings are valid")
}

fn by_hand<S>(service: S) -> crate::by_hand::Handmade<S> {
    ByHand.layer(service)
}

/// Waits until all lines are written: none is left out for want of room.
fn settle() {
    telemetry::installed().flush(Duration::from_secs(60)).expect("nothing blocks");
}

/// Nanoseconds for one of `times` pieces of work.
fn nanos(times: usize, mut work: impl FnMut()) -> f64 {
    work();
    let round = |_| {
        settle();
        let start = processor_time::thread();
        work();
        (processor_time::thread() - start) / times as f64
    };
    crate::harness::median((0..ROUNDS).map(round).collect())
}

/// Prints a table: its heads, and its rows of numbers.
fn table<const N: usize>(title: &str, heads: [&str; N], rows: &[[f64; N]]) {
    println!("\n**{title}**\n\n| {} |\n|{}", heads.join(" | "), " ---: |".repeat(N));
    for row in rows {
        // Small ones to a tenth.
        let rounded =
            row.map(|value| if value < 100.0 { (value * 10.0).round() / 10.0 } else { value.round() });
        println!("| {} |", rounded.map(number).join(" | "));
    }
}

/// A column by the first one: a line of a plot.
fn column<const N: usize>(rows: &[[f64; N]], at: usize) -> Vec<(f64, f64)> {
    rows.iter().map(|row| (row[0], row[at])).collect()
}
