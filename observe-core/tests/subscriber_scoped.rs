//! A telemetry that is nowhere global, alone in its process: `tracing` takes shortcuts then. One test: another's
//! telemetry would hide them.

mod subscriber_support;

use std::time::Duration;
use subscriber_support::captured;
use tracing::{error, info, info_span};

fn code(text: &str) {
    info_span!("span").in_scope(|| info!(text));
}

// Mutation caught: our subscriber registered alone: whoever asks outside of the scope is told that nobody listens.
#[test]
fn code_that_ran_outside_of_the_scope_first_is_heard_in_it() {
    let (builder, lines) = captured();
    let telemetry = builder.build().unwrap();
    telemetry.run(|| info!("first"));
    code("outside");
    telemetry.run(|| code("inside"));

    std::thread::scope(|scope| {
        scope.spawn(|| telemetry.set_filter("debug".parse().unwrap()));
    });
    telemetry.run(|| {
        code("still heard");
        tracing::debug!("heard now");
    });
    telemetry.set_filter("off".parse().unwrap());
    telemetry.run(|| {
        code("off");
        error!("off");
    });
    telemetry.set_filter("info".parse().unwrap());
    telemetry.run(|| code("on"));
    telemetry.shutdown(Duration::from_secs(10)).unwrap();

    // Each change of the levels is a line, too.
    let mut lines = lines.read();
    lines.retain(|line| line["target"] != "observe");
    let said: Vec<_> = lines.iter().map(|line| line["text"].as_str().or(line["message"].as_str())).collect();
    assert_eq!(said, ["first", "inside", "still heard", "heard now", "on"].map(Some));
    assert!(lines[4].get("trace_id").is_some());
}
