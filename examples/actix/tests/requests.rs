//! The service as a process, asked over the wire, in every way that a request can end.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Killed when dropped.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn send(to: &str, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// What comes back; nothing where the connection was cut.
fn get(to: &str, path: &str, headers: &str) -> String {
    let mut text = String::new();
    let _ = send(to, path, headers).read_to_string(&mut text);
    text
}

fn wait_for(what: &str, to: &str, line: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let page = get(to, "/metrics", "");
        if page.lines().any(|found| found.starts_with(line)) {
            return page;
        }
        assert!(Instant::now() < until, "waited too long for {what}: {page}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

// Mutations caught, in the middleware: the future not polled inside; a body's end that is not told, or is waited for
// where there is no body; the path for the route; headers that are not read. In the service: half-closed connections.
#[test]
fn every_request_is_counted_once_and_told_in_its_callers_trace() {
    let mut service = Service(
        Command::new(env!("CARGO_BIN_EXE_actix"))
            .arg("127.0.0.1:0")
            .env_remove("RUST_LOG")
            .env_remove("OBSERVE_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut lines = BufReader::new(service.0.stdout.take().unwrap()).lines().map(|line| {
        let line = line.unwrap();
        serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    let listening = lines.by_ref().find(|line| line["message"] == "listening").unwrap();
    let to = listening["addresses"].as_str().unwrap().trim_matches(['[', ']']).to_owned();
    let lines = std::thread::spawn(move || lines.collect::<Vec<_>>());

    let headers = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\nx-correlation-id: order-17\r\n");
    let answer = get(&to, "/orders/17", &headers);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("order 17\n"), "{answer}");
    assert!(answer.contains("x-correlation-id: order-17\r\n"), "{answer}");
    assert!(get(&to, "/orders/0", "").ends_with("there is no such order"));
    assert!(get(&to, "/orders/500", "").starts_with("HTTP/1.1 503"));
    assert_eq!(get(&to, "/orders/13", ""), "");
    assert!(get(&to, "/nowhere/at/all", "").starts_with("HTTP/1.1 404"));
    assert!(get(&to, "/orders", "").contains("\r\n19\n"), "the rows");
    assert!(get(&to, "/events", "").contains("data: placed"));
    let slow = send(&to, "/orders/4711", "");
    let active = r#"http_server_active_requests{http_request_method="GET",url_scheme="http"} "#;
    wait_for("the slow request", &to, &format!("{active}2"));
    drop(slow);
    // The one that asks.
    let page = wait_for("its end", &to, &format!("{active}1"));

    let counted = |labels: &[&str]| -> u32 {
        let series =
            page.lines().filter(|line| line.starts_with("http_server_request_duration_seconds_count"));
        let fitting = series.filter(|line| labels.iter().all(|label| line.contains(label)));
        fitting.map(|line| line.rsplit_once(' ').unwrap().1.parse::<u32>().unwrap()).sum()
    };
    let order = r#"http_route="/orders/{id}""#;
    for (labels, count) in [
        (vec![order, r#"status_code="200""#], 1),
        (vec![order, r#"status_code="404""#], 1),
        (vec![order, r#"status_code="503""#, r#"error_type="503""#], 1),
        (vec![order, r#"error_type="panicked""#], 1),
        (vec![order, r#"error_type="cancelled""#], 1),
        (vec![order], 5),
        (vec![r#"status_code="404",network"#], 2),
        (vec![r#"http_route="/orders""#, r#"status_code="200",network"#], 1),
        (vec![r#"http_route="/events""#, r#"status_code="200",network"#], 1),
        (vec![r#"network_protocol_version="1.1""#], 8),
        (vec!["http_route"], 7),
    ] {
        assert_eq!(counted(&labels), count, "{labels:?}: {page}");
    }
    let stream =
        r#"http_server_stream_duration_seconds_count{http_route="/events",stream="sse",outcome="ok"} 1"#;
    assert!(page.contains(stream), "{page}");

    kill_process(Pid::from_child(&service.0), Signal::TERM).unwrap();
    assert!(service.0.wait().unwrap().success());
    let lines = lines.join().unwrap();
    let of = |message: &str| {
        lines
            .iter()
            .find(|line| line["message"] == *message)
            .unwrap_or_else(|| panic!("no {message}: {lines:#?}"))
    };
    for message in ["GET /orders/{id} 200", "read by another thread"] {
        assert_eq!(of(message)["trace_id"], TRACE);
    }
    assert_eq!(of("GET /orders/{id} 200")["url.path"], "/orders/17");
    assert_eq!(of("GET /orders/{id} 404")["error.message"], "there is no such order");
    assert_eq!(of("GET /orders/{id} 503")["error.message"], "the store does not answer");
    assert_eq!(of("GET /orders/{id} panicked")["error.message"], "nobody thought of order 13");
    assert_eq!(of("GET /orders/{id} cancelled")["level"], "INFO");
}
