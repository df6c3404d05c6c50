//! Spans in one trace.

use super::{column, nanos, table};
use crate::telemetry;
use observe_core::{Format, Telemetry};
use plot::Plot;
use std::hint::black_box;

const SIZES: [usize; 8] = [1, 10, 100, 1_000, 3_000, 5_000, 7_000, 10_000];

/// One operation, in it so many spans with three fields; the trace is decided on with its end.
pub(super) fn spans() {
    let telemetry = telemetry::installed();
    let mut rows = Vec::new();
    for spans in SIZES {
        let repeat = (20_000 / spans).max(1);
        let (mut taken, before) = (0.0, scraped(telemetry, DROPPED));
        trace(telemetry, spans, || taken = scraped(telemetry, "observe_trace_memory_bytes "));
        let left_out = scraped(telemetry, DROPPED) - before;
        let cost = nanos(repeat * spans, || {
            for _ in 0..repeat {
                trace(telemetry, spans, || ());
            }
        });
        rows.push([spans as f64, cost, taken, taken / spans as f64, left_out]);
    }
    let heads = ["spans", "ns a span", "bytes", "bytes a span", "spans left out"];
    table("spans in one trace", heads, &rows);
    let plot = Plot::new("What a span costs", "spans in one trace", "nanoseconds a span");
    plot.line("span, three fields", column(&rows, 1)).save("spans");
    let plot = Plot::new("What a trace takes until its end", "spans in one trace", "bytes").logarithmic();
    plot.line("trace", column(&rows, 2)).save("spans-bytes");
}

fn trace(telemetry: &Telemetry, spans: usize, at_its_end: impl FnOnce()) {
    telemetry.operation("trace").start().run(|| {
        for at in 0..spans {
            tracing::info_span!("step", at = black_box(at), tenant = "acme", retried = false)
                .in_scope(|| black_box(0));
        }
        at_its_end();
    });
}

const DROPPED: &str = "observe_dropped_total{signal=\"span\"";

/// The sum of the series that begin so: here the library says itself what it holds, and what found no room.
fn scraped(telemetry: &Telemetry, series: &str) -> f64 {
    let mut text = Vec::new();
    telemetry.registry().encode(Format::Text, &mut text);
    let text = String::from_utf8(text).expect("it is text");
    let lines = text.lines().filter(|line| line.starts_with(series));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}
