//! Spans in one trace.

use super::{nanos, table};
use crate::alloc;
use crate::plot::Plot;
use crate::telemetry;
use observe_core::Telemetry;
use std::hint::black_box;

const SIZES: [usize; 7] = [1, 10, 100, 1_000, 3_000, 5_000, 10_000];

/// One operation, in it so many spans with three fields; the trace is decided on with its end.
pub(super) fn spans() {
    let telemetry = telemetry::installed();
    // What the flight recorder remembers is not counted: it takes its memory once.
    (0..20).for_each(|_| trace(telemetry, 1_000, || ()));
    let before = alloc::bytes();
    let mut rows = Vec::new();
    for spans in SIZES {
        let repeat = (20_000 / spans).max(1);
        let mut taken = 0;
        let cost = nanos(repeat * spans, || {
            for _ in 0..repeat {
                trace(telemetry, spans, || taken = alloc::bytes() - before);
            }
        });
        rows.push([spans as f64, cost.round(), taken as f64, (taken as f64 / spans as f64).round()]);
    }
    table("spans in one trace", ["spans", "ns a span", "bytes", "bytes a span"], &rows);
    let column = |at: usize| rows.iter().map(|row| (row[0], row[at])).collect();
    let plot = Plot::new("What a span costs", "spans in one trace", "nanoseconds a span");
    plot.line("span with three fields", column(1)).save("spans");
    let plot = Plot::new("What a trace takes", "spans in one trace", "bytes").logarithmic();
    plot.line("held until its end", column(2)).save("spans-bytes");
}

fn trace(telemetry: &Telemetry, spans: usize, mut at_its_end: impl FnMut()) {
    telemetry.operation("trace").start().run(|| {
        for at in 0..spans {
            tracing::info_span!("step", at = black_box(at), tenant = "acme", retried = false)
                .in_scope(|| black_box(0));
        }
        at_its_end();
    });
}
