//! What a service says of the trace in its answer, and who believes it.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::clock::ManualClock;
use observe_core::http_client::OutgoingRequest;
use observe_core::http_server::HttpRequest;
use observe_core::{Format, Outcome, Sampling, Telemetry};
use std::collections::HashMap;
use std::io::sink;

const RATE: u32 = 5;

fn telemetry(name: &str) -> Telemetry {
    let clock = ManualClock::new();
    let builder = Telemetry::builder(name).log_writer(sink()).clock(clock).keep_rate(RATE);
    builder.sampling(Sampling::tail(0.0).unwrap()).build().unwrap()
}

fn traces(telemetry: &Telemetry, decision: &str) -> u32 {
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page).unwrap();
    let name = format!("observe_traces_total{{decision=\"{decision}\"}} ");
    page.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
}

// Mutation caught: an answer that says of each failure that it is kept, though there are too many: every caller up to the
// root keeps all of an outage then.
#[test]
fn an_answer_promises_what_the_rate_lets_through() {
    let (leaf, root) = (telemetry("leaf"), telemetry("root"));
    let (server, client) = (leaf.http_server(), root.http_client().trust_response(true));
    let mut promised = 0;
    for _ in 0..100 {
        let operation = root.operation("job").start();
        let mut call = {
            let _inside = operation.enter();
            client.start(&OutgoingRequest::new("GET", "http", "leaf", "/"))
        };
        let mut headers = HashMap::new();
        call.inject(&mut headers);
        let mut request = server.start(&HttpRequest::new("GET", "/"), &server.extract(&headers));
        request.status(500);
        let answer = request.trace_response().unwrap();
        promised += u32::from(answer.ends_with(b"-03"));
        request.finish();
        call.trace_response(&answer);
        // It has a fallback.
        call.finish();
        operation.finish(Outcome::Ok);
    }
    assert_eq!((traces(&leaf, "failure"), traces(&leaf, "limited")), (RATE, 100 - RATE));
    assert_eq!((promised, traces(&root, "marked")), (RATE, RATE));
}
