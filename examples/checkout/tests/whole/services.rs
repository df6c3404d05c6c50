//! The three services together, as somebody sees them who runs them.

use crate::support::{Answer, Metrics, Running, ask, charge, get, json, order, send, wait_for};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const DURATION: &str = "http_server_request_duration_seconds_count";
const IN_FLIGHT: &str = "http_server_active_requests";

// Caught by it: `client.rs` without its layer; a receipt worker without its message's context; a spawned order
// without `in_current_operation`.
#[test]
fn one_trace_goes_through_all_three() {
    let running = Running::start(&["--load", "0"]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let headers = format!("traceparent: 00-{trace}-b7ad6b7169203331-01\r\nx-correlation-id: order-77\r\n");
    let answer = charge(running.checkout, "", &headers).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.header("x-correlation-id"), Some("order-77"));

    let ended = running.end();
    let services: BTreeSet<_> =
        ended.with("trace_id", trace).filter_map(|line| line["service.name"].as_str()).collect();
    assert_eq!(services, BTreeSet::from(["checkout", "inventory", "payment"]));
    let messages: Vec<_> =
        ended.with("trace_id", trace).filter_map(|line| line["message"].as_str()).collect();
    assert!(messages.contains(&"order placed"), "{messages:?}");
    assert!(messages.contains(&"receipt written"), "{messages:?}");
    for line in ended.with("trace_id", trace) {
        assert_eq!(line["correlation_id"], "order-77", "{line}");
    }
}

// Caught by it: an end that is recorded twice, or never; a panic that is taken for an error; a worker that is
// not awaited at the end.
#[test]
fn every_way_to_end_is_counted_once() {
    let running = Running::start(&["--load", "0"]);
    let checkout = running.checkout;
    let status = |answer: Option<Answer>| answer.unwrap().status;
    assert_eq!(status(charge(checkout, "", "")), 201);
    assert_eq!(status(charge(checkout, "decline", "")), 402);
    assert_eq!(status(charge(checkout, "fail", "")), 502);
    assert_eq!(status(charge(checkout, "panic", "")), 502);
    assert_eq!(status(ask(checkout, "POST", "/charge", "", "{\"item\":")), 400);
    assert_eq!(get(checkout, "/orders/1").status, 200);
    assert_eq!(get(checkout, "/orders/99").status, 404);
    assert_eq!(get(checkout, "/fail?how=error").status, 500);
    assert_eq!(get(checkout, "/fail?how=declared").status, 200);
    assert_eq!(get(checkout, "/panic?now=true").status, 500);
    assert_eq!(get(checkout, "/wp-admin/1").status, 404);
    assert_eq!(get(checkout, "/health").status, 200);
    let impatient: Vec<_> =
        (0..5).map(|_| send(checkout, "POST", "/charge", "", &order("slow")).unwrap()).collect();
    wait_for("five in flight", || (Metrics::of(checkout).sum(IN_FLIGHT, &[]) == 5.0).then_some(()));
    drop(impatient);
    wait_for("none in flight", || (Metrics::of(checkout).sum(IN_FLIGHT, &[]) == 0.0).then_some(()));

    let metrics = Metrics::of(checkout);
    for (route, status, error, count) in [
        ("/charge", "201", "", 1.0),
        ("/charge", "402", "", 1.0),
        ("/charge", "502", "unavailable", 2.0),
        ("/charge", "400", "", 1.0),
        ("/charge", "", "cancelled", 5.0),
        ("/orders/{id}", "200", "", 1.0),
        ("/orders/{id}", "404", "", 1.0),
        ("/fail", "500", "simulated", 1.0),
        ("/fail", "200", "simulated", 1.0),
        ("/panic", "", "panicked", 1.0),
        ("", "404", "", 1.0),
    ] {
        let labels = [("http_route", route), ("http_response_status_code", status), ("error_type", error)];
        assert_eq!(metrics.sum(DURATION, &labels), count, "{labels:?}");
    }
    assert_eq!(metrics.sum(DURATION, &[]), 16.0, "something else was counted");
    assert_eq!(Metrics::of(running.payment).sum(DURATION, &[("error_type", "panicked")]), 1.0);

    // What was begun is finished, though nobody waited for it.
    let ended = running.end();
    assert_eq!(ended.with("message", "order placed").count(), 6);
    assert_eq!(ended.with("message", "receipt written").count(), 6);
    assert_eq!(
        ended.with("target", "observe::request").filter(|line| line["service.name"] == "checkout").count(),
        16
    );
    // Told once, and by the request that it ended.
    for (service, text) in
        [("checkout", "it was asked to panic"), ("payment", "the bank's answer was not understood")]
    {
        let said = |key: &str, value: &str| {
            let lines = ended.with("service.name", service);
            lines.filter(|line| line[key] == value && line["trace_id"].is_string()).count()
        };
        assert_eq!(said("message", &format!("panicked: {text}")), 1);
        assert_eq!(said("error.message", text), 1);
    }
}

// Caught by it: children that end before their parent has drained.
#[test]
fn ending_loses_nothing_that_was_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&["--load", "0", "--data", folder.path().to_str().unwrap()]);
    let checkout = running.checkout;
    let ending = AtomicBool::new(false);
    let (ended, placed) = thread::scope(|scope| {
        let customers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut placed = Vec::new();
                    while let Some(answer) = charge(checkout, "", "") {
                        match answer.status {
                            201 => placed.push(json(&answer)["id"].as_i64().unwrap()),
                            // Sold out: more are delivered.
                            409 => {}
                            _ => break,
                        }
                    }
                    assert!(ending.load(Ordering::SeqCst), "a request failed before the end was asked for");
                    placed
                })
            })
            .collect();
        thread::sleep(Duration::from_secs(1));
        ending.store(true, Ordering::SeqCst);
        let ended = running.end();
        let placed: BTreeSet<_> =
            customers.into_iter().flat_map(|customer| customer.join().unwrap()).collect();
        (ended, placed)
    });
    assert!(placed.len() > 20, "only {} orders: that proves little", placed.len());

    let database = rusqlite::Connection::open(folder.path().join("orders.db")).unwrap();
    let column = |sql: &str| -> BTreeSet<i64> {
        let mut statement = database.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let stored = column("select id from orders");
    assert!(stored.is_superset(&placed));
    assert_eq!(column("select order_id from receipts"), stored);

    let mut told = BTreeMap::new();
    for line in ended.with("message", "order placed") {
        *told.entry(line["order.id"].as_i64().unwrap()).or_insert(0) += 1;
    }
    let paid = ended.with("message", "POST /authorize 200").count();
    assert_eq!(paid, stored.len(), "lines of payment");
    assert_eq!(told, stored.into_iter().map(|id| (id, 1)).collect());
}

#[test]
fn the_load_shows_every_kind_of_end() {
    let running = Running::start(&["--load", "80", "--duration", "4"]);
    let checkout = running.checkout;
    for (name, label, value) in [
        (DURATION, "http_response_status_code", "201"),
        (DURATION, "http_response_status_code", "402"),
        (DURATION, "http_response_status_code", "400"),
        (DURATION, "error_type", "unavailable"),
        (DURATION, "error_type", "simulated"),
        (DURATION, "error_type", "cancelled"),
        (DURATION, "error_type", "panicked"),
        ("observe_context_rejected_total", "header", "traceparent"),
        ("http_server_stream_duration_seconds_count", "stream", "sse"),
        ("http_server_stream_duration_seconds_count", "stream", "websocket"),
    ] {
        wait_for(value, || (Metrics::of(checkout).sum(name, &[(label, value)]) > 0.0).then_some(()));
    }
    let ended = running.ended();
    assert!(ended.lines.len() > 100, "{} lines", ended.lines.len());
    // Panics went to the log: here is the banner, and nothing else.
    let is_to_try = |line: &&str| line.starts_with("curl ") || line.starts_with("http://");
    let (to_try, rest): (Vec<_>, Vec<_>) =
        ended.errors.lines().filter(|line| !line.is_empty()).partition(is_to_try);
    assert_eq!(to_try.len(), 4, "{to_try:?}");
    assert_eq!(rest, ["Ctrl-C ends all three."]);
}

// Caught by it: a child that does not end with its standard input.
#[test]
fn children_do_not_outlive_a_parent_that_is_killed() {
    let running = Running::start(&["--load", "0"]);
    let payment = running.payment;
    assert_eq!(get(payment, "/health").status, 200);
    drop(running);
    wait_for("the child's end", || TcpStream::connect(payment).is_err().then_some(()));
}
