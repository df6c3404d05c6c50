//! What it costs to hold a trace back until its end: with the flight recorder, with an exporter, with both, and kept or not.

use crate::harness::{Contender, compare};
use observe_core::{RecorderLimits, Sampling, Telemetry};
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::Duration;

/// One that remembers so much, and exports what is kept into a file.
fn telemetry(limits: RecorderLimits, folder: &Path, export: Option<(&str, Sampling)>) -> Telemetry {
    let builder = Telemetry::builder("bench").log_writer(io::sink()).recorder(limits).snapshots(folder);
    let builder = match export {
        Some((name, sampling)) => builder.sampling(sampling).traces_to_file(folder.join(name)),
        None => builder.sampling(Sampling::never()),
    };
    builder.build().expect("its settings are valid")
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
    std::fs::create_dir_all(&folder).expect("there is room");
    let mut off = RecorderLimits::default();
    off.bytes = 0;
    let on = RecorderLimits::default();
    let one_percent = Sampling::tail(0.01).expect("a share");
    let nothing = telemetry(off, &folder, None);
    let recorded = telemetry(on, &folder, None);
    let sampled = telemetry(off, &folder, Some(("sampled", one_percent)));
    let both = telemetry(on, &folder, Some(("both", one_percent)));
    let all = telemetry(off, &folder, Some(("all", Sampling::always())));
    // The memory of the recorders is there.
    (0..60_000).for_each(|_| [&recorded, &both].into_iter().for_each(work));
    compare(
        "traces: a span, an operation, two lines",
        2_000,
        &mut [
            Contender::floor("no recorder, no exporter", || work(&nothing)),
            Contender::ours("recorder", || work(&recorded)),
            Contender::ours("exporter, tail 1 %", || work(&sampled)),
            Contender::ours("recorder and exporter, tail 1 %", || work(&both)),
            Contender::ours("exporter, always: most is dropped, the file being slower", || work(&all)),
        ],
        &[],
    );
    let snapshot = recorded.snapshot().expect("the first");
    recorded.flush(Duration::from_secs(60)).expect("it is written");
    let traces = std::fs::read_to_string(snapshot.join("traces.jsonl")).expect("it is there");
    assert!(traces.lines().count() > 1_000, "nothing was recorded");
    for (telemetry, name) in [(&sampled, "sampled"), (&both, "both"), (&all, "all")] {
        telemetry.flush(Duration::from_secs(60)).expect("it is written");
        let text = std::fs::read_to_string(folder.join(name)).expect("it is there");
        assert!(text.lines().count() > 100, "nothing was exported to {name}");
    }
    std::fs::remove_dir_all(folder).expect("it is there");
}
