//! SIGTERM while requests come, and an end that a request asks for.

use crate::processes::{Place, Running, count, lines, service};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const REQUESTS: &str = "http_server_request_duration_seconds_count";

/// Where the process listens, once it does.
fn address(place: &Place) -> SocketAddr {
    let begun = Instant::now();
    loop {
        let said = std::fs::read_to_string(&place.path).unwrap_or_default();
        match said.strip_suffix('\n').map(str::parse) {
            Some(Ok(address)) => return address,
            _ => assert!(begun.elapsed() < PATIENCE, "it does not listen"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The answer to one request of its own connection: `None` if there is none, or only a part of it.
fn ask(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned()).filter(|body| !body.is_empty())
}

// Mutations caught: a request that was accepted and is cut; one without its count or its line; a process that does not end.
#[test]
fn sigterm_under_load_costs_no_request_its_count_or_its_line() {
    let place = Place::new();
    let process = Running::start(service("serve", &place));
    let address = address(&place);
    let answered = AtomicU64::new(0);
    let output = thread::scope(|scope| {
        for customer in 0..8 {
            let answered = &answered;
            scope.spawn(move || {
                while ask(address, &format!("/hello/{customer}")).is_some() {
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let started = Instant::now();
        while answered.load(Ordering::SeqCst) < 100 {
            assert!(started.elapsed() < Duration::from_secs(60), "{answered:?} answers");
            thread::sleep(Duration::from_millis(1));
        }
        let begun = Instant::now();
        process.terminate();
        let output = process.ended();
        // Requests take 20 ms; five seconds is what it may wait for its log.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        output
    });
    assert!(output.status.success(), "{output:?}");
    let (lines, report) = (lines(&output.stdout), place.report());
    let answered = answered.into_inner();
    assert_eq!((report.sum(REQUESTS), report.ended.as_str()), (answered, "ok"));
    assert_eq!(count(&lines, "GET /hello/{name} 200"), answered);
    assert_eq!(count(&lines, "greeting"), answered);
    assert_eq!(report.sum("http_server_active_requests") + report.sum("observe_dropped_total"), 0);
}

// Mutation caught: a shutdown that waits for the request that asks for it, or that keeps the runtime.
#[test]
fn a_request_may_ask_for_the_end_of_the_log() {
    let place = Place::new();
    let process = Running::start(service("serve", &place));
    let address = address(&place);
    assert_eq!(ask(address, "/end").as_deref(), Some("ended"));
    // It is answered as before, and what it would have logged is counted.
    assert!(ask(address, "/hello/after").is_some());
    process.terminate();
    let output = process.ended();
    assert!(output.status.success(), "{output:?}");
    let (lines, report) = (lines(&output.stdout), place.report());
    assert_eq!((report.sum(REQUESTS), report.ended.as_str()), (2, "ok"));
    assert_eq!(count(&lines, "GET /end still running at shutdown"), 1);
    // Its own line, and two of the other.
    assert_eq!(report.dropped("shutdown"), 3);
}
