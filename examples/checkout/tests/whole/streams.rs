//! What outlives its request: `/events` and `/ws`, with clients that leave when it suits them.

use crate::support::{Ended, Metrics, PATIENCE, Running, charge, send, wait_for};
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::net::{SocketAddr, TcpStream};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

const REQUESTS: &str = "http_server_request_duration_seconds_count";
const IN_FLIGHT: &str = "http_server_active_requests";
const OPEN: &str = "http_server_open_streams";
const STREAMS: &str = "http_server_stream_duration_seconds_count";

type Socket = WebSocket<TcpStream>;

fn talk_to(checkout: SocketAddr) -> Socket {
    let stream = TcpStream::connect(checkout).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    tungstenite::client(format!("ws://{checkout}/ws"), stream).unwrap().0
}

fn ask(socket: &mut Socket, question: &str) -> serde_json::Value {
    socket.send(question.into()).unwrap();
    serde_json::from_str(socket.read().unwrap().to_text().unwrap()).unwrap()
}

fn read_until(stream: &mut TcpStream, end: &str) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut seen, mut buffer) = (String::new(), [0; 4096]);
    while !seen.contains(end) {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "it ended without {end:?}: {seen}");
        seen += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    seen
}

/// Splits them at random.
fn some<T>(of: Vec<T>) -> (Vec<T>, Vec<T>) {
    of.into_iter().partition(|_| RandomState::new().hash_one(0).is_multiple_of(2))
}

fn told(ended: &Ended, kind: &str, outcome: &str) -> usize {
    ended
        .with("target", "observe::stream")
        .filter(|line| line["stream"] == kind && line["outcome"] == outcome)
        .count()
}

// Caught by it: streams that hold up the end; a WebSocket without its guard; requests that end with their streams.
#[test]
fn streams_are_told_apart_from_their_requests() {
    const EACH: usize = 40;
    let running = Running::start(&["--load", "0"]);
    let checkout = running.checkout;
    let mut watchers: Vec<_> = (0..EACH).map(|_| send(checkout, "GET", "/events", "", "").unwrap()).collect();
    for watcher in &mut watchers {
        assert!(read_until(watcher, "\r\n\r\n").starts_with("HTTP/1.0 200"));
    }
    let mut talkers: Vec<_> = (0..EACH).map(|_| talk_to(checkout)).collect();

    let metrics = Metrics::of(checkout);
    for (route, stream, status) in [("/events", "sse", "200"), ("/ws", "websocket", "101")] {
        assert_eq!(metrics.sum(OPEN, &[("http_route", route), ("stream", stream)]), EACH as f64);
        // The requests are over.
        let labels = [("http_route", route), ("http_response_status_code", status)];
        assert_eq!(metrics.sum(REQUESTS, &labels), EACH as f64);
    }
    assert_eq!(metrics.sum(IN_FLIGHT, &[]), 0.0);

    assert_eq!(charge(checkout, "", "").unwrap().status, 201);
    for watcher in &mut watchers {
        assert!(read_until(watcher, "\n\n").contains("\"id\":1,"));
    }
    for talker in &mut talkers {
        assert_eq!(ask(talker, "1")["order"]["customer"], "ada");
        assert_eq!(ask(talker, "99"), serde_json::json!({ "order": null }));
        assert!(ask(talker, "what?")["error"].is_string());
    }

    let (left, watchers) = some(watchers);
    let (dropped, talkers) = some(talkers);
    let (mut polite, talkers) = some(talkers);
    let gone = left.len() + dropped.len();
    let (sse, websockets, polite_ones) = (left.len(), dropped.len(), polite.len());
    drop((left, dropped));
    for talker in &mut polite {
        talker.send("bye".into()).unwrap();
        assert!(matches!(talker.read().unwrap(), Message::Close(_)));
    }
    let rest = watchers.len() + talkers.len();
    wait_for("the end of those who left", || {
        (Metrics::of(checkout).sum(OPEN, &[]) == rest as f64).then_some(())
    });
    let metrics = Metrics::of(checkout);
    assert_eq!(metrics.sum(STREAMS, &[("outcome", "cancelled")]), gone as f64);
    assert_eq!(metrics.sum(STREAMS, &[("outcome", "ok")]), polite_ones as f64);

    // Those who stay do not hold up the end: the service ends them.
    let ended = running.end();
    assert_eq!(told(&ended, "sse", "cancelled"), sse);
    assert_eq!(told(&ended, "sse", "ok"), EACH - sse);
    assert_eq!(told(&ended, "websocket", "cancelled"), websockets);
    assert_eq!(told(&ended, "websocket", "ok"), EACH - websockets);
    assert_eq!(ended.with("target", "observe::stream").count(), 2 * EACH);
    for stream in ended.with("target", "observe::stream") {
        assert!(stream["stream.sent_bytes"].as_u64() > Some(0), "{stream}");
        let mut requests = ended.with("target", "observe::request");
        assert!(requests.any(|request| request["span_id"] == stream["link.span_id"]), "{stream}");
    }
}
