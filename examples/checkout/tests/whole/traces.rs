//! What a collector gets of the three services at the usual sampling: one in a hundred, failures, slow ones.

use crate::support::{Ended, Running, charge, get};
use opentelemetry_proto::tonic::trace::v1::Span;
use otlp_tests::{Collector, attribute};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const REQUESTS: u64 = 1_500;
/// One of so many has a bank that cannot be reached, two services below.
const FAILS: u64 = 30;
const CALLER: &str = "b7ad6b7169203331";
/// From here on the last 56 bits of a trace id are in the baseline of 1 %.
const THRESHOLD: u64 = (1 << 56) - ((1_u64 << 56) as f64 * 0.01) as u64;

/// The trace that the caller of a request began: spread evenly, and the same in each run.
fn trace_id(request: u64) -> (u64, u64) {
    let mixed = (request + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (request + 1, (mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

fn hex((high, low): (u64, u64)) -> String {
    format!("{high:016x}{low:016x}")
}

fn is_baseline((_, low): (u64, u64)) -> bool {
    low & ((1 << 56) - 1) >= THRESHOLD
}

/// The spans of a trace, each with its service, by their ids.
type Trace = BTreeMap<Vec<u8>, (String, Span)>;

fn traces(collector: &Collector) -> BTreeMap<String, Trace> {
    let mut traces = BTreeMap::<String, Trace>::new();
    for resource in collector.desk.taken().into_iter().flat_map(|request| request.resource_spans) {
        let attributes = resource.resource.unwrap().attributes;
        let service = attribute(&attributes, "service.name").unwrap();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            let digits = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let trace = traces.entry(digits(&span.trace_id)).or_default();
            let known = trace.insert(span.span_id.clone(), (service.clone(), span));
            assert!(known.is_none(), "a span that came twice: {known:?}");
        }
    }
    traces
}

/// From a span to the caller: each one's parent is there.
fn path<'a>(trace: &'a Trace, from: &'a Span) -> Vec<(&'a str, &'a str)> {
    let mut path = Vec::new();
    let mut id = &from.span_id;
    loop {
        if id.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == CALLER {
            return path;
        }
        let (service, span) =
            trace.get(id).unwrap_or_else(|| panic!("no parent above {path:?} in {trace:#?}"));
        path.push((service.as_str(), span.name.as_str()));
        id = &span.parent_span_id;
    }
}

fn reasons(trace: &Trace) -> BTreeSet<String> {
    let spans = trace.values();
    spans.filter_map(|(_, span)| attribute(&span.attributes, "sampling.reason")).collect()
}

// Caught by it: a recorder that remembers only what is kept; a snapshot that nobody asks for.
#[test]
fn what_happened_before_a_panic_can_be_looked_back_at() {
    let folder = tempfile::tempdir().unwrap();
    let environment = [("OTEL_TRACES_SAMPLER", "always_off")];
    let args = ["--load", "0", "--snapshots", folder.path().to_str().unwrap()];
    let running = Running::start_with(&args, &environment);
    assert_eq!(charge(running.checkout, "", "").unwrap().status, 201);
    assert_eq!(get(running.checkout, "/panic?now=true").status, 500);
    running.end();
    let snapshots: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [snapshot] = &snapshots[..] else { panic!("{snapshots:?}") };
    let read = |name: &str| std::fs::read_to_string(snapshot.join(name)).unwrap();
    let traces = read("traces.jsonl");
    for name in ["GET /panic", "POST /charge", "checkout::shop::place"] {
        assert!(traces.contains(&format!(r#""name":"{name}""#)), "{name} in {traces}");
    }
    assert!(read("about.json").contains("it was asked to panic"));
    assert!(read("metrics.prom").contains("http_server_request_duration_seconds_count"));
}

fn lines_name_their_spans(ended: &Ended, traces: &BTreeMap<String, Trace>) {
    let mut told = 0;
    for line in &ended.lines {
        let Some(trace) = line["trace_id"].as_str().and_then(|id| traces.get(id)) else { continue };
        // An earlier call of a failure that went well itself was not kept by the service that was called.
        if !trace.values().any(|(service, _)| line["service.name"] == service.as_str()) {
            continue;
        }
        let id = line["span_id"].as_str().unwrap();
        let found = trace.values().find(|(_, span)| {
            span.span_id.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == id
        });
        // A receipt is written on its own behalf, and does not know that its order was slow.
        if found.is_none() && line["target"] == "checkout::receipts" && line["trace_flags"] == "00" {
            continue;
        }
        let (service, span) = found.unwrap_or_else(|| panic!("a line of a span that is not there: {line}"));
        assert_eq!(line["service.name"], service.as_str(), "{line}");
        if line["target"] == "observe::request" {
            let name = format!(
                "{} {}",
                line["http.request.method"].as_str().unwrap(),
                line["http.route"].as_str().unwrap()
            );
            assert_eq!(span.name, name, "{line}");
            let status = line["http.response.status_code"].to_string();
            assert_eq!(
                attribute(&span.attributes, "http.response.status_code"),
                Some(format!("int {status}"))
            );
        }
        told += 1;
    }
    assert!(told > 100, "{told} lines say little");
}

// Caught by it: a service that keeps by another threshold; a client that hangs its callee below another span; a verdict
// made without what failed below; a span that is handed over twice; a batch that is lost at the end.
#[test]
fn failures_are_kept_from_the_root_to_the_leaf_and_one_in_a_hundred_of_the_rest() {
    let collector = Collector::http();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint.as_str())];
    let running = Running::start_with(&["--load", "0"], &environment);
    let next = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let request = next.fetch_add(1, Ordering::Relaxed);
                    if request >= REQUESTS {
                        break;
                    }
                    let simulate = if request.is_multiple_of(FAILS) { "fail" } else { "" };
                    let headers = format!("traceparent: 00-{}-{CALLER}-00\r\n", hex(trace_id(request)));
                    let status = charge(running.checkout, simulate, &headers).unwrap().status;
                    assert!([201, 409, 502].contains(&status), "{status}");
                }
            });
        }
    });
    let ended = running.end();
    let traces = traces(&collector);

    let mut baseline = 0;
    for request in 0..REQUESTS {
        let id = trace_id(request);
        let trace = traces.get(&hex(id));
        if request.is_multiple_of(FAILS) {
            let trace = trace.unwrap_or_else(|| panic!("the trace of failure {request} is not there"));
            let bank = trace.values().find(|(_, span)| span.name.ends_with("ask_the_bank"));
            let path = path(trace, &bank.unwrap_or_else(|| panic!("no leaf in {trace:#?}")).1);
            let expected = [
                ("payment", "checkout::roles::payment::ask_the_bank"),
                ("payment", "POST /authorize"),
                ("checkout", "POST"),
                ("checkout", "checkout::shop::authorize"),
                ("checkout", "checkout::shop::place"),
                ("checkout", "POST /charge"),
            ];
            assert_eq!(path, expected);
            assert!(reasons(trace).contains("failure"));
        } else if is_baseline(id) {
            let trace =
                trace.unwrap_or_else(|| panic!("request {request} is in the baseline, and not there"));
            baseline += 1;
            let services: BTreeSet<_> = trace.values().map(|(service, _)| service.as_str()).collect();
            assert!(services.contains("inventory"), "{services:?}");
            // What a callee keeps by the same threshold is no mark: all of the trace stands for as many.
            assert!(!reasons(trace).contains("marked"), "request {request}: {:?}", reasons(trace));
            for (_, span) in trace.values() {
                path(trace, span);
            }
        } else if let Some(trace) = trace {
            // A machine that is busy is slow; a customer whose order could not be placed was told so by an error.
            let reasons = reasons(trace);
            assert!(!reasons.contains("baseline"), "request {request}: {reasons:?}");
        }
    }
    assert!((5..=40).contains(&baseline), "{baseline} of {REQUESTS} in the baseline");
    lines_name_their_spans(&ended, &traces);
}
