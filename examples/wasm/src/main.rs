//! How is it used where there are no threads and no clocks: in `wasm32-unknown-unknown`?
//!
//! `getrandom` asks whoever builds for that target where random bytes come from: in a browser it is the program that
//! depends on it with the feature `wasm_js`. With `RUSTFLAGS='--cfg getrandom_backend="unsupported"'` this builds for any
//! host; the ids of traces are then alike in each run.

use observe_core::clock::ManualClock;
use observe_core::label::{LabelSet, LabelValue};
use observe_core::metric::{Counter, Family};
use observe_core::{Format, Telemetry, metric, observed};
use std::time::Duration;

#[derive(Clone, Copy, LabelValue)]
enum Shape {
    Circle,
    Square,
}

#[derive(Clone, Copy, LabelSet)]
struct DrawingLabels {
    shape: Shape,
}

#[metric]
static DRAWINGS: Family<DrawingLabels, Counter> = Family::counter("drawings_total", "Drawings made.");

#[observed(name = "draw")]
fn draw(shape: Shape, clock: &ManualClock) {
    DRAWINGS.with(DrawingLabels { shape }).inc();
    clock.advance(Duration::from_millis(30)); // by what the host's clock says: `performance.now()`
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = ManualClock::new(); // the system's would stand still
    let telemetry = Telemetry::builder("wasm")
        .clock(clock.clone())
        .without_log() // it is written by a thread
        .install()?;
    draw(Shape::Circle, &clock);
    draw(Shape::Square, &clock);

    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page)?;
    // Nobody reads what is written to standard output there: what it returns is what it says.
    for line in [
        "drawings_total{shape=\"circle\"} 1\n",
        "function_duration_seconds_count{function=\"draw\",outcome=\"ok\"} 2\n",
        "function_duration_seconds_sum{function=\"draw\",outcome=\"ok\"} 0.06\n",
    ] {
        page.contains(line).then_some(()).ok_or_else(|| format!("not there: {line}{page}"))?;
    }
    telemetry.shutdown(Duration::ZERO)?;
    Ok(())
}
