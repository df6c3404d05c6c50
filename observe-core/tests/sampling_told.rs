//! What processes that trust each other say of their traces, and what is made of it.
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::clock::{Clock, ManualClock};
use observe_core::http_client::OutgoingRequest;
use observe_core::http_server::HttpRequest;
use observe_core::{Format, Sampling, Telemetry};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

fn telemetry(path: &Path, sampling: Sampling) -> Telemetry {
    Telemetry::builder("orders").without_log().sampling(sampling).traces_to_file(path).build().unwrap()
}

/// With which probability a trace like that of the only span in the file is kept, as its attributes say.
fn probability(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).unwrap();
    let (_, after) = text.split_once(r#""sampling.probability","value":{"doubleValue":"#).unwrap();
    after.split_once('}').unwrap().0.parse().unwrap()
}

// Mutation caught: a trace that the caller's threshold kept taken for one that is always kept, so that whoever counts
// traces by it counts too few.
#[test]
fn what_the_caller_s_threshold_kept_stands_for_as_many_here() {
    for (share, here) in [(0.5, 0.5), (1.0, 0.01)] {
        let folder = tempfile::tempdir().unwrap();
        let (front_path, back_path) = (folder.path().join("front"), folder.path().join("back"));
        let front = telemetry(&front_path, Sampling::ratio(share).unwrap());
        let back = telemetry(&back_path, Sampling::tail(here).unwrap());
        let mut headers = HashMap::new();
        while headers.get("traceparent").is_none_or(|value: &String| !value.ends_with("03")) {
            let mut request = front.http_server().start(&HttpRequest::new("GET", "/"), &Default::default());
            request.within(|| observe_core::inject(&mut headers));
            request.finish();
        }
        let server = back.http_server();
        server.start(&HttpRequest::new("GET", "/").trusted(true), &server.extract(&headers)).finish();
        front.shutdown(PATIENCE).unwrap();
        back.shutdown(PATIENCE).unwrap();
        assert_eq!((probability(&front_path), probability(&back_path)), (share, share));
    }
}

// Mutation caught: a trace that the threshold keeps marked by a callee that keeps it by the same: it would stand for itself
// alone.
#[test]
fn what_a_callee_keeps_as_well_stands_for_as_many() {
    let folder = tempfile::tempdir().unwrap();
    let (mut baseline, mut marked) = (0, 0);
    for turn in 0..64 {
        let path = folder.path().join(turn.to_string());
        let telemetry = telemetry(&path, Sampling::ratio(0.5).unwrap());
        let mut request = telemetry.http_server().start(&HttpRequest::new("GET", "/"), &Default::default());
        let is_baseline = request.context().span().unwrap().flags.is_sampled();
        request.within(|| {
            let client = telemetry.http_client().trust_response(true);
            let mut call = client.start(&OutgoingRequest::new("GET", "http", "stock", "/"));
            let mut said = call.context().span().unwrap().write();
            said[54] = b'3';
            call.trace_response(&said);
            call.status(200);
            call.finish();
        });
        request.finish();
        telemetry.shutdown(PATIENCE).unwrap();
        assert_eq!(probability(&path), if is_baseline { 0.5 } else { 1.0 });
        *(if is_baseline { &mut baseline } else { &mut marked }) += 1;
    }
    assert!(baseline > 0 && marked > 0, "{baseline}, {marked}");
}

// Mutation caught: callers told that what is beyond the rate is kept: they would keep their part of an outage without
// a limit.
#[test]
fn callers_are_told_of_what_the_rate_lets_through() {
    let telemetry = Telemetry::builder("orders")
        .without_log()
        .clock(Clock::from(ManualClock::new()))
        .sampling(Sampling::tail(0.0).unwrap())
        .keep_rate(2)
        .build()
        .unwrap();
    let server = telemetry.http_server();
    let mut told = 0;
    for _ in 0..10 {
        let mut request = server.start(&HttpRequest::new("GET", "/"), &Default::default());
        request.status(500);
        told += usize::from(request.trace_response().unwrap().ends_with(b"3"));
        request.finish();
    }
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    let page = String::from_utf8(page).unwrap();
    for line in
        [r#"observe_traces_total{decision="failure"} 2"#, r#"observe_traces_total{decision="limited"} 8"#]
    {
        assert!(page.contains(&format!("\n{line}\n")), "{line} in {page}");
    }
    assert_eq!(told, 2);
}
