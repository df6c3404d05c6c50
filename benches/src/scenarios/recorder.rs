//! What it costs that the flight recorder remembers every trace, kept or not.

use crate::harness::{Contender, compare};
use observe_core::{RecorderLimits, Sampling, Telemetry};
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::Duration;

fn telemetry(limits: RecorderLimits, folder: &Path) -> Telemetry {
    let builder = Telemetry::builder("bench").log_writer(io::sink()).sampling(Sampling::never());
    builder.recorder(limits).snapshots(folder).build().expect("its settings are valid")
}

/// A job with a span and two lines, about a kilobyte as it is remembered.
fn work(telemetry: &Telemetry) {
    telemetry.run(|| {
        telemetry.operation("bench").start().run(|| {
            tracing::info_span!("step", order.id = black_box(17), tenant = "acme", retried = false).in_scope(
                || {
                    tracing::info!(amount = 12.5, currency = "EUR", "{}", black_box(MESSAGE));
                    tracing::info!(provider = "paypal", attempt = 1, "{}", black_box(MESSAGE));
                },
            );
        });
    });
}

const MESSAGE: &str =
    "the payment was authorised by the provider, and the receipt is on its way to the customer";

/// The floor holds nothing back: no exporter, no recorder.
pub(super) fn recorder() {
    let folder = std::env::temp_dir().join(format!("observe-bench-{}", std::process::id()));
    let mut off = RecorderLimits::default();
    off.bytes = 0;
    let without = telemetry(off, &folder);
    let with = telemetry(RecorderLimits::default(), &folder);
    compare(
        "flight recorder",
        2_000,
        &mut [
            Contender::new("floor: recorder off", || work(&without)),
            Contender::new("recorder on", || work(&with)),
        ],
    );
    let snapshot = with.snapshot().expect("the first");
    with.flush(Duration::from_secs(60)).expect("it is written");
    let traces = std::fs::read_to_string(snapshot.join("traces.jsonl")).expect("it is there");
    assert!(traces.lines().count() > 1_000, "nothing was recorded");
    std::fs::remove_dir_all(folder).expect("it is there");
}
