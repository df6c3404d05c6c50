//! What the three services write of requests whose lines are sampled with their traces.

use crate::support::{Ended, Running, charge};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const REQUESTS: u64 = 800;
/// One of so many has a bank that cannot be reached, two services below.
const FAILS: u64 = 20;
const CALLER: &str = "b7ad6b7169203331";
const SHARE: &str = "0.25";
const STANDS_FOR: u64 = 4;
/// From here on the last 56 bits of a trace id are in that share.
const THRESHOLD: u64 = 3 << 54;

/// The trace that the caller of a request began: spread evenly, and the same in each run.
fn trace_id(request: u64) -> (u64, u64) {
    let mixed = (request + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (request + 1, (mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9))
}

fn hex((high, low): (u64, u64)) -> String {
    format!("{high:016x}{low:016x}")
}

fn is_in_share((_, low): (u64, u64)) -> bool {
    low & ((1 << 56) - 1) >= THRESHOLD
}

fn ask(running: &Running, request: u64) -> u16 {
    let simulate = if request.is_multiple_of(FAILS) { "fail" } else { "" };
    let headers = format!("traceparent: 00-{}-{CALLER}-00\r\n", hex(trace_id(request)));
    charge(running.checkout, simulate, &headers).unwrap().status
}

/// The lines of each trace, in the order of their times.
fn by_trace(ended: &Ended) -> BTreeMap<&str, Vec<&Value>> {
    let mut traces = BTreeMap::<&str, Vec<&Value>>::new();
    for line in &ended.lines {
        if let Some(trace) = line["trace_id"].as_str() {
            traces.entry(trace).or_default().push(line);
        }
    }
    for lines in traces.values_mut() {
        lines.sort_by_key(|line| line["timestamp"].as_str());
    }
    traces
}

/// What lines say of a request: which service, and what.
fn told<'a>(lines: &[&'a Value], services: &[&str]) -> Vec<(&'a str, &'a str)> {
    let told = lines.iter().map(|line| (line["service.name"].as_str(), line["message"].as_str()));
    told.filter_map(|(service, message)| service.zip(message))
        .filter(|(service, _)| services.contains(service))
        .collect()
}

/// The request's own line.
fn of_checkout<'a>(lines: &[&'a Value]) -> Option<&'a Value> {
    let of_checkout =
        |line: &Value| line["target"] == "observe::request" && line["service.name"] == "checkout";
    lines.iter().copied().find(|line| of_checkout(line))
}

// Caught by it: a service that decides by another share, or by no trace id; a line of a failure that goes the way of the
// rest; a line that stands for others and does not say so.
#[test]
fn failures_are_told_whole_and_of_the_rest_a_share_in_all_three_services() {
    const ALL: [&str; 3] = ["checkout", "inventory", "payment"];
    // What there is to tell of a charge that fails, and of one that does not.
    let unsampled = Running::start(&["--load", "0"]);
    let statuses = [0, 1].map(|request| ask(&unsampled, request));
    let unsampled = unsampled.end();
    let whole = by_trace(&unsampled);
    let [failure, success] = [0, 1].map(|request| &whole[hex(trace_id(request)).as_str()]);
    assert_eq!(statuses, [502, 201]);

    let running = Running::start(&["--load", "0", "--log-sampling", SHARE]);
    let next = AtomicU64::new(0);
    let mut statuses = BTreeMap::new();
    thread::scope(|scope| {
        let asking: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let requests = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < REQUESTS);
                    std::iter::from_fn(requests).map(|n| (n, ask(&running, n))).collect::<Vec<_>>()
                })
            })
            .collect();
        statuses.extend(asking.into_iter().flat_map(|thread| thread.join().unwrap()));
    });
    let ended = running.end();
    let traces = by_trace(&ended);

    let (mut in_share, mut good, mut counted) = (0, 0, 0);
    for (request, status) in statuses {
        let id = trace_id(request);
        let lines = traces.get(hex(id).as_str()).map_or(&[][..], Vec::as_slice);
        let own = of_checkout(lines);
        let stands_for = own.map(|line| line.get("sampled").map_or(1, |sampled| sampled.as_u64().unwrap()));
        if request.is_multiple_of(FAILS) {
            // Those of the two whose request failed, whatever the share.
            let of = ["checkout", "payment"];
            assert_eq!(status, 502);
            let sorted = |lines| BTreeSet::from_iter(told(lines, &of));
            assert_eq!(sorted(lines), sorted(failure), "failure {request}");
            assert_eq!(stands_for, Some(1), "failure {request}");
            continue;
        }
        good += 1;
        counted += stands_for.unwrap_or(0);
        if is_in_share(id) {
            in_share += 1;
            // A machine that is busy is slow: then it is kept, and stands for itself alone.
            assert!(stands_for == Some(STANDS_FOR) || stands_for == Some(1), "request {request}: {lines:#?}");
            // That there is no tea any more is told by other lines.
            if status == 201 {
                let sorted = |lines| BTreeSet::from_iter(told(lines, &ALL));
                assert_eq!(sorted(lines), sorted(success), "request {request}");
            }
        } else {
            assert!(stands_for.is_none_or(|others| others == 1), "request {request}: {lines:#?}");
            // The others leave theirs out as well, but for what was slow.
            for line in lines.iter().filter(|line| line["target"] == "observe::request") {
                let is_slow = line["duration_ms"].as_f64().is_some_and(|time| time >= 1_000.0);
                assert!(is_slow || own.is_some(), "request {request}: {line:#?}");
            }
        }
    }
    // About as many as were asked for; and whoever adds up what lines stand for has about as many as there were.
    assert!((good / 5..=good * 3 / 10).contains(&in_share), "{in_share} of {good}");
    assert!((good * 3 / 4..=good * 5 / 4).contains(&counted), "{counted} for {good}");
}

// Caught by it: a call that does not carry its trace on; a time that is not when it happened.
#[test]
fn one_trace_id_tells_the_whole_story() {
    let running = Running::start(&["--load", "0", "--log-sampling", SHARE]);
    let request = (1..).find(|request| is_in_share(trace_id(*request))).unwrap();
    assert!(!request.is_multiple_of(FAILS));
    assert_eq!(ask(&running, request), 201);
    let ended = running.end();
    let trace = hex(trace_id(request));
    let traces = by_trace(&ended);
    let story = told(&traces[trace.as_str()], &["checkout", "inventory", "payment"]);
    // The receipt is written by a worker, when it comes to it.
    let story: Vec<_> = story.into_iter().filter(|(_, message)| *message != "receipt written").collect();
    assert_eq!(
        story,
        [
            ("inventory", "POST /reserve 200"),
            ("payment", "POST /authorize 200"),
            ("checkout", "order placed"),
            ("checkout", "POST /charge 201"),
        ]
    );
}
