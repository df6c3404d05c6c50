//! As many requests as the machine can make, from clients that break off.

use crate::support::{Metrics, Running, charge, installed, order, send, wait_for};
use std::process::Command;
use std::thread;

const CONNECTIONS: u64 = 64;
const BATCHES: u64 = 8;
const BATCH: u64 = 25;
const BROKEN_OFF: u64 = BATCHES * BATCH;
const IN_FLIGHT: &str = "http_server_active_requests";
const COUNT: &str = "http_server_request_duration_seconds_count";

// Caught by it: a count at the head and another at the body's end; an in-flight gauge that forgets the cancelled.
#[test]
fn what_is_counted_is_what_was_served() {
    if !installed("wrk") {
        return;
    }
    let running = Running::start(&["--load", "0"]);
    let checkout = running.checkout;
    assert_eq!(charge(checkout, "", "").map(|answer| answer.status), Some(201));

    // wrk breaks off whatever is under way when its time is over.
    let wrk = thread::spawn(move || {
        let url = format!("http://{checkout}/orders/1");
        let connections = CONNECTIONS.to_string();
        let run = Command::new("wrk").args(["-t2", "-d3s", "-c", &connections, &url]).output().unwrap();
        String::from_utf8(run.stdout).unwrap()
    });
    // These break off in the middle, while payment still ponders.
    let pondering = |count: f64| {
        let found = || Metrics::of(checkout).sum(IN_FLIGHT, &[("http_request_method", "POST")]);
        wait_for("those who break off", || (found() == count).then_some(()));
    };
    for _ in 0..BATCHES {
        let batch: Vec<_> =
            (0..BATCH).map(|_| send(checkout, "POST", "/charge", "", &order("slow")).unwrap()).collect();
        pondering(BATCH as f64);
        drop(batch);
        pondering(0.0);
    }
    let said = wrk.join().unwrap();
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    let answered = number_before(&said, " requests in");

    wait_for("none in flight", || (Metrics::of(checkout).sum(IN_FLIGHT, &[]) == 0.0).then_some(()));
    let metrics = Metrics::of(checkout);
    let count = |labels: &[(&str, &str)]| metrics.sum(COUNT, labels) as u64;
    let served = count(&[("http_route", "/orders/{id}")]);
    assert!(
        (answered..=answered + CONNECTIONS).contains(&served),
        "served {served}, answered {answered}\n{said}"
    );
    assert_eq!(count(&[("http_route", "/charge"), ("error_type", "cancelled")]), BROKEN_OFF);
    assert_eq!(count(&[]), served + BROKEN_OFF + 1);

    // A line for each, or a count of those that found no room.
    let ended = running.end();
    let own = |line: &&serde_json::Value| line["service.name"] == "checkout";
    let lines = ended.with("target", "observe::request").filter(own).count() as u64;
    let dropped = metrics.sum("observe_dropped_total", &[("signal", "log")]) as u64;
    let counted = served + BROKEN_OFF + 1;
    assert!(
        lines <= counted && counted <= lines + dropped,
        "{lines} lines, {dropped} dropped, {counted} counted"
    );
}

fn number_before(text: &str, what: &str) -> u64 {
    let before = text.split(what).next().unwrap_or_default();
    before
        .rsplit(char::is_whitespace)
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{text}"))
}
