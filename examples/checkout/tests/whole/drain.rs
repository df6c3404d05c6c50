//! SIGTERM with requests in flight: in which order things end, and what is there of them.

use crate::support::{Metrics, PATIENCE, Running, Signal, ask, charge, get, order, send, wait_for};
use std::io::Read as _;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const NOTICE: Duration = Duration::from_millis(1600);
const IN_FLIGHT: &str = "http_server_active_requests";
const REQUESTS: &str = "http_server_request_duration_seconds_count";

fn read(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn message(line: &serde_json::Value) -> &str {
    line["message"].as_str().unwrap_or_default()
}

// Mutations caught: readiness that is turned off with the listener, or after it; requests that are cut; a log that is
// closed before the last of them; `/metrics` that is gone before them; a request that is not told of, or twice.
#[test]
fn sigterm_finishes_what_was_accepted_in_its_order() {
    let running = Running::start(&[
        "--load",
        "0",
        "--notice",
        "1.6",
        "--still-running",
        "0.4",
        "--metrics",
        "127.0.0.1:0",
        "--last-scrape",
        "20",
    ]);
    let (checkout, metrics) = (running.checkout, running.metrics.unwrap());
    assert_eq!(get(checkout, "/ready").status, 200);
    let terminated = AtomicBool::new(false);
    let (placed, slow) = thread::scope(|scope| {
        let customers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut placed = 0;
                    while let Some(answer) = charge(checkout, "", "") {
                        placed += usize::from(answer.status == 201);
                    }
                    assert!(
                        terminated.load(Ordering::SeqCst),
                        "a request failed before the end was asked for"
                    );
                    placed
                })
            })
            .collect();
        wait_for("orders", || (Metrics::of(checkout).sum("orders_total", &[]) > 5.0).then_some(()));
        let early = send(checkout, "POST", "/charge", "", &order("slow")).unwrap();
        wait_for("the slow one", || (Metrics::of(checkout).sum(IN_FLIGHT, &[]) >= 1.0).then_some(()));

        let start = Instant::now();
        terminated.store(true, Ordering::SeqCst);
        running.signal(Signal::TERM);
        // First it is not ready any more, and takes requests all the same.
        let not_ready = wait_for("not to be ready", || {
            Some(get(checkout, "/ready")).filter(|answer| answer.status == 503)
        });
        assert_eq!(not_ready.body, "draining\n");
        assert_eq!(charge(checkout, "decline", "").unwrap().status, 402);
        // It is answered though the listener closes meanwhile: it takes 1.2 seconds.
        thread::sleep((NOTICE - Duration::from_millis(900)).saturating_sub(start.elapsed()));
        let late = send(checkout, "POST", "/charge", "", &order("slow")).unwrap();
        assert!(start.elapsed() < NOTICE, "the machine is too slow for this test");
        wait_for("the listener's end", || TcpStream::connect(checkout).is_err().then_some(()));
        assert!(start.elapsed() >= NOTICE);
        // The metrics are still there, and the late one is in flight in them.
        assert!(Metrics::of(metrics).sum(IN_FLIGHT, &[]) >= 1.0);

        let slow: Vec<_> = [early, late].into_iter().map(read).collect();
        let placed: usize = customers.into_iter().map(|customer| customer.join().unwrap()).sum();
        (placed, slow)
    });
    assert!(slow.iter().all(|answer| answer.starts_with("HTTP/1.0 201")), "{slow:?}");

    // It waits for one more scrape, which has all that was done, the end of the log included.
    let mut last = None;
    while let Some(page) = ask(metrics, "GET", "/metrics", "", "") {
        last = Some(Metrics::read(&page.body));
        thread::sleep(Duration::from_millis(10));
    }
    let last = last.unwrap();
    assert_eq!(last.sum(REQUESTS, &[("http_response_status_code", "201")]) as usize, placed + 2);
    assert_eq!(
        (last.sum(IN_FLIGHT, &[]), last.sum("observe_queue_length", &[("signal", "log")])),
        (0.0, 0.0)
    );
    let ended = running.ended();

    let lines: Vec<_> = ended.with("service.name", "checkout").collect();
    let at = |wanted: &str| {
        let found: Vec<_> = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| message(line).starts_with(wanted))
            .map(|(at, _)| at)
            .collect();
        assert!(!found.is_empty(), "no line {wanted}");
        found
    };
    let draining = at("draining: not ready any more");
    let still_running = at("POST /charge still running");
    assert_eq!((draining.len(), still_running.len()), (1, 2));
    for place in still_running {
        let line = lines[place];
        assert_eq!((&line["level"], &line["target"]), (&"WARN".into(), &"observe::in_flight".into()));
        assert!(line["running_ms"].as_f64().is_some_and(|running| running >= 400.0), "{line}");
        // The request to payment, below `authorize`.
        assert_eq!(line["running_in"], "call", "{line}");
        let of_it: Vec<_> = ended.with("trace_id", line["trace_id"].as_str().unwrap()).map(message).collect();
        for wanted in ["POST /charge 201", "POST /authorize 200", "order placed", "receipt written"] {
            assert!(of_it.contains(&wanted), "no {wanted} in {of_it:?}");
        }
    }
    assert!(at("POST /charge 402").last() > draining.last());
    assert_eq!(at("POST /charge 201").len(), placed + 2);
}
