//! A stream's request ends with the answer's head; the stream has a count, a line and a trace of its own, and ends
//! once, in each of the four ways.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;
#[path = "support/wire.rs"]
mod wire;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use observe_core::{Outcome, StreamGuard};
use observe_tower::ObserveLayer;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use support::{Observed, Step, Steps, labels};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};

fn events(body: Steps) -> Response<Steps> {
    http::Response::builder().header("content-type", "Text/Event-Stream; charset=utf-8").body(body).unwrap()
}

fn kinds(route: &str, kind: &str, outcome: &str) -> String {
    let route = if route.is_empty() { String::new() } else { format!("http_route=\"{route}\",") };
    format!("{route}stream=\"{kind}\",outcome=\"{outcome}\"")
}

// Mutations caught: a request that ends with its stream; a stream that is counted as the request; a failed body that
// ends well.
#[tokio::test]
async fn every_way_an_event_stream_ends() {
    use Step::{Data, Error, Panic, Pending, Trailers};
    support::expect_planned_panics();
    type Make = fn() -> Steps;
    let cases: [(&str, Make, usize, &str, u64); 7] = [
        ("whole", || Steps::new([Data("data: 1\n\n"), Pending, Data("data: 2\n\n")]), 9, "ok", 18),
        ("trailers", || Steps::new([Data("data: 1\n\n"), Trailers]), 2, "ok", 9),
        ("knows its end", || Steps::new([Data("data: 1\n\n")]).knows_end(), 1, "ok", 9),
        ("body error", || Steps::new([Data("data: 1\n\n"), Error]), 9, "error", 9),
        ("body panic", || Steps::new([Data("data: 1\n\n"), Panic]), 9, "panicked", 9),
        ("the client leaves", || Steps::new([Data("data: 1\n\n"), Data("data: 2\n\n")]), 1, "cancelled", 9),
        ("the client leaves at once", || Steps::new([Data("data: 1\n\n")]), 0, "cancelled", 0),
    ];
    for (name, make, frames, outcome, sent) in cases {
        let observed = Observed::new();
        let service = ObserveLayer::new(&observed.telemetry)
            .route(|_: &observe_tower::RequestHead<'_>| Some("/events"))
            .layer(service_fn(move |_: Request<()>| ready(Ok::<_, Infallible>(events(make())))));
        let request = Request::get("/events?a=b").header("x-correlation-id", "order-17").body(()).unwrap();
        let mut body = service.oneshot(request).await.unwrap().into_body();

        // The head is there: the request is over, and the stream is not.
        assert_eq!(observed.in_flight(), 0, "{name}");
        assert_eq!(observed.counted(), BTreeMap::from([(labels("GET", "/events", "200", ""), 1)]), "{name}");
        assert_eq!(observed.open_streams(), 1, "{name}");
        assert_eq!(observed.counted_streams(), BTreeMap::new(), "{name}");

        for _ in 0..frames {
            let frame = AssertUnwindSafe(body.frame()).catch_unwind().await;
            if !matches!(frame, Ok(Some(Ok(_)))) {
                break;
            }
        }
        drop(body);
        assert_eq!(observed.open_streams(), 0, "{name}");
        assert_eq!(
            observed.counted_streams(),
            BTreeMap::from([(kinds("/events", "sse", outcome), 1)]),
            "{name}"
        );
        assert_eq!(observed.counted().values().sum::<u64>(), 1, "{name}");

        let (requests, streams) = (observed.requests(), observed.streams());
        let ([request], [stream]) = (&requests[..], &streams[..]) else {
            panic!("{name}: {requests:?} {streams:?}")
        };
        assert_eq!(request["message"], "GET /events 200", "{name}");
        assert_eq!(request["outcome"], "ok", "{name}");
        assert_eq!(stream["message"], format!("GET /events sse {outcome}"), "{name}");
        assert_eq!(stream["outcome"], outcome, "{name}");
        assert_eq!(stream["stream"], "sse");
        assert_eq!(stream["http.route"], "/events");
        assert_eq!(stream["url.path"], "/events");
        assert_eq!(stream["stream.sent_bytes"], sent, "{name}");
        assert!(stream["duration_ms"].is_number(), "{stream}");
        let failed = matches!(outcome, "error" | "panicked");
        assert_eq!(stream["level"], if failed { "ERROR" } else { "INFO" }, "{name}");
        let error_type = match outcome {
            "error" => "body_error".into(),
            "panicked" => "panicked".into(),
            _ => serde_json::Value::Null,
        };
        assert_eq!(stream["error.type"], error_type, "{name}");
        // Another trace, linked to the request; known by the same correlation id.
        assert_eq!(stream["link.trace_id"], request["trace_id"], "{name}");
        assert_eq!(stream["link.span_id"], request["span_id"], "{name}");
        assert_ne!(stream["trace_id"], request["trace_id"], "{name}");
        assert_ne!(stream["span_id"], request["span_id"], "{name}");
        assert_eq!(stream["correlation_id"], "order-17", "{name}");
    }
}

// Mutations caught: a text of known length, a failure or a HEAD taken as a stream; a stream of a request that is in
// no record.
#[tokio::test]
async fn what_is_no_stream() {
    let answer = |status, body| {
        let mut answer = events(body);
        *answer.status_mut() = status;
        answer
    };
    type Make = Box<dyn Fn() -> Response<Steps>>;
    let text = || Steps::new([Step::Data("data: 1\n\n")]);
    let cases: [(&str, Method, &str, Make); 6] = [
        ("known length", Method::GET, "/events", Box::new(move || events(text().declared(9)))),
        (
            "declared length",
            Method::GET,
            "/events",
            Box::new(move || {
                let mut answer = events(text());
                answer.headers_mut().insert("content-length", "9".parse().unwrap());
                answer
            }),
        ),
        ("a failure", Method::GET, "/events", Box::new(move || answer(StatusCode::BAD_GATEWAY, text()))),
        ("another type", Method::GET, "/events", Box::new(move || Response::new(text()))),
        ("no body", Method::HEAD, "/events", Box::new(move || events(Steps::default()))),
        ("excluded", Method::GET, "/health", Box::new(move || events(text()))),
    ];
    for (name, method, path, make) in cases {
        let observed = Observed::new();
        let service = ObserveLayer::new(&observed.telemetry)
            .exclude("/health")
            .layer(service_fn(move |_: Request<()>| ready(Ok::<_, Infallible>(make()))));
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        let body = service.oneshot(request).await.unwrap().into_body();
        assert_eq!(observed.open_streams(), 0, "{name}");
        body.collect().await.unwrap();
        assert_eq!(observed.counted_streams(), BTreeMap::new(), "{name}");
        assert_eq!(observed.streams(), [] as [serde_json::Value; 0], "{name}");
        assert_eq!(observed.requests().len(), usize::from(name != "excluded"), "{name}");
        assert_eq!(observed.in_flight(), 0, "{name}");
    }
}

// Mutations caught: a guard that begins a stream although the answer was no upgrade; two guards of one request that
// both count; a gauge that stays up when the guard went first.
#[tokio::test]
async fn a_guard_and_its_answer_in_any_order() {
    support::expect_planned_panics();
    type End = fn(StreamGuard);
    let cases: [(&str, u16, End, Option<&str>); 7] = [
        ("ends well", 101, |guard| later(move || guard.end(Outcome::Ok)), Some("ok")),
        ("fails", 101, |guard| later(move || guard.end(Outcome::Error)), Some("error")),
        ("is dropped", 101, |guard| later(move || drop(guard)), Some("cancelled")),
        (
            "unwinds",
            101,
            |guard| {
                later(move || {
                    let _guard = guard;
                    panic!("planned")
                });
            },
            Some("panicked"),
        ),
        ("is dropped before the answer", 101, drop, None),
        ("was not needed", 400, |guard| later(move || guard.end(Outcome::Ok)), None),
        (
            "a second one",
            101,
            |guard| {
                let second = StreamGuard::take();
                later(move || {
                    second.end(Outcome::Error);
                    guard.end(Outcome::Ok);
                });
            },
            Some("ok"),
        ),
    ];
    for (name, status, handle, outcome) in cases {
        let observed = Observed::new();
        let service = ObserveLayer::new(&observed.telemetry).layer(service_fn(move |_: Request<()>| {
            handle(StreamGuard::take());
            let answer = http::Response::builder().status(status).header("upgrade", "echo");
            ready(Ok::<_, Infallible>(answer.body(Steps::default()).unwrap()))
        }));
        drop(service.oneshot(support::get("/")).await.unwrap());
        assert_eq!(observed.open_streams(), u64::from(outcome.is_some()), "{name}");
        let _ = LATER.with_borrow_mut(Option::take).map(|later| {
            // A panic that unwinds through the guard.
            std::panic::catch_unwind(AssertUnwindSafe(later))
        });
        assert_eq!(observed.open_streams(), 0, "{name}");
        let expected = outcome.map(|outcome| (kinds("", "upgrade", outcome), 1));
        assert_eq!(observed.counted_streams(), expected.into_iter().collect(), "{name}");
        let streams = observed.streams();
        assert_eq!(streams.len(), usize::from(outcome.is_some()), "{name}: {streams:?}");
        assert_eq!(observed.requests().len(), 1, "{name}");
        assert_eq!(observed.in_flight(), 0, "{name}");
    }
    // Where nothing runs, it is nobody's.
    StreamGuard::take().end(Outcome::Ok);
}

type Later = Box<dyn FnOnce()>;
thread_local! {
    static LATER: std::cell::RefCell<Option<Later>> = const { std::cell::RefCell::new(None) };
}

fn later(f: impl FnOnce() + 'static) {
    LATER.set(Some(Box::new(f)));
}

async fn serve(observed: &Observed) -> SocketAddr {
    let app = Router::new()
        .route("/events/{kind}", get(sse))
        .route("/ws", any(ws))
        .layer(ObserveLayer::new(&observed.telemetry));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn sse(Path(kind): Path<String>) -> Response {
    let event = || Ok::<_, std::io::Error>(Bytes::from_static(b"data: tick\n\n"));
    let ticks = stream::unfold(0_u32, move |n| async move {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Some((event(), n + 1))
    });
    let body = match kind.as_str() {
        "three" => Body::from_stream(ticks.take(3)),
        "endless" => Body::from_stream(ticks),
        "broken" => Body::from_stream(
            ticks.take(3).chain(stream::once(async { Err(std::io::Error::other("the source broke")) })),
        ),
        "panicking" => Body::from_stream(ticks.take(3).chain(stream::once(async { panic!("planned") }))),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    http::Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}

async fn ws(upgrade: WebSocketUpgrade) -> Response {
    let guard = StreamGuard::take();
    let meter = guard.meter();
    upgrade.on_upgrade(|socket| guard.instrument(talk(socket, meter)))
}

/// Echoes; ends, fails and panics when it is told to.
async fn talk(mut socket: WebSocket, meter: observe_core::StreamMeter) -> Outcome {
    while let Some(Ok(Message::Text(text))) = socket.recv().await {
        meter.received(text.len() as u64);
        tracing::info!(%text, "said");
        match text.as_str() {
            "end" => {
                let _ = socket.send(Message::Close(None)).await;
                return Outcome::Ok;
            }
            "fail" => return Outcome::Error,
            "panic" => panic!("planned"),
            _ => {
                meter.sent(text.len() as u64);
                if socket.send(Message::Text(text)).await.is_err() {
                    return Outcome::Cancelled;
                }
            }
        }
    }
    Outcome::Cancelled
}

/// Reads events over a connection of its own until `text` has come `times`, then goes; `true`: the server was first.
async fn read_events(server: SocketAddr, path: &str, times: usize) -> bool {
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: here\r\n\r\n").as_bytes()).await.unwrap();
    let (mut seen, mut buffer) = (Vec::new(), [0; 1024]);
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return true,
            Ok(read) => seen.extend_from_slice(&buffer[..read]),
        }
        let text = String::from_utf8_lossy(&seen);
        if text.ends_with("0\r\n\r\n") {
            return true;
        }
        if text.matches("tick").count() >= times {
            return false;
        }
    }
}

fn random(below: usize) -> usize {
    (RandomState::new().hash_one(0) % below as u64) as usize
}

// Mutations caught: streams in flight as requests; an end that is told twice, or not at all; a client that left taken
// for a server that ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_event_streams_dropped_at_random() {
    const EACH: u64 = 50;
    support::expect_planned_panics();
    let observed = Observed::new();
    let server = serve(&observed).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..4 * EACH {
        clients.spawn(async move {
            match n % 4 {
                0 => assert!(read_events(server, "/events/three", usize::MAX).await),
                1 => assert!(read_events(server, "/events/broken", usize::MAX).await),
                2 => assert!(read_events(server, "/events/panicking", usize::MAX).await),
                _ => assert!(!read_events(server, "/events/endless", 1 + random(23)).await),
            }
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let route = "/events/{kind}";
    let expected: BTreeMap<_, _> = ["ok", "error", "panicked", "cancelled"]
        .map(|outcome| (kinds(route, "sse", outcome), EACH))
        .into_iter()
        .collect();
    assert_eq!(observed.until_streamed(4 * EACH).await, expected);
    assert_eq!(observed.counted(), BTreeMap::from([(labels("GET", route, "200", ""), 4 * EACH)]));
    assert_eq!((observed.open_streams(), observed.in_flight()), (0, 0));

    let (streams, requests) = (observed.streams(), observed.requests());
    assert_eq!((streams.len() as u64, requests.len() as u64), (4 * EACH, 4 * EACH));
    // Each belongs to one request.
    let mut of: Vec<_> = streams.iter().map(|line| line["link.span_id"].as_str().unwrap()).collect();
    let mut spans: Vec<_> = requests.iter().map(|line| line["span_id"].as_str().unwrap()).collect();
    of.sort_unstable();
    spans.sort_unstable();
    assert_eq!(of, spans);
    for outcome in ["ok", "error", "panicked", "cancelled"] {
        let told = streams.iter().filter(|line| line["outcome"] == outcome).count() as u64;
        assert_eq!(told, EACH, "{outcome}");
    }
}

// Mutations caught: a WebSocket whose life is the request's; one that ends without its task.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websockets_dropped_at_random() {
    const EACH: u64 = 25;
    support::expect_planned_panics();
    let observed = Observed::new();
    let server = serve(&observed).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..6 * EACH {
        clients.spawn(async move {
            let (mut socket, answer) =
                tokio_tungstenite::connect_async(format!("ws://{server}/ws")).await.unwrap();
            assert_eq!(answer.status(), 101);
            for word in 0..random(7) {
                socket.send(format!("word {word}").into()).await.unwrap();
                assert_eq!(
                    socket.next().await.unwrap().unwrap().into_text().unwrap(),
                    format!("word {word}")
                );
            }
            match n % 6 {
                0 => {
                    socket.send("end".into()).await.unwrap();
                    while let Some(Ok(_)) = socket.next().await {}
                }
                1 => {
                    socket.send("fail".into()).await.unwrap();
                    while let Some(Ok(_)) = socket.next().await {}
                }
                2 => {
                    socket.send("panic".into()).await.unwrap();
                    while let Some(Ok(_)) = socket.next().await {}
                }
                // With a close frame, and without a word.
                3 => socket.close(None).await.unwrap(),
                4 => drop(socket),
                // In the middle of what it says.
                _ => {
                    let _ = socket.feed("half a word".into()).await;
                }
            }
        });
    }
    // One that is no WebSocket: it is a request, and no stream.
    assert!(wire::ask(server, "GET", "/ws").await.starts_with("HTTP/1.1 400"));
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    let expected: BTreeMap<_, _> =
        [("ok", EACH), ("error", EACH), ("panicked", EACH), ("cancelled", 3 * EACH)]
            .map(|(outcome, n)| (kinds("/ws", "websocket", outcome), n))
            .into_iter()
            .collect();
    assert_eq!(observed.until_streamed(6 * EACH).await, expected);
    assert_eq!(
        observed.counted(),
        BTreeMap::from([(labels("GET", "/ws", "101", ""), 6 * EACH), (labels("GET", "/ws", "400", ""), 1)])
    );
    assert_eq!((observed.open_streams(), observed.in_flight()), (0, 0));

    let streams = observed.streams();
    assert_eq!(streams.len() as u64, 6 * EACH);
    let requests = observed.requests();
    let ended = streams.iter().filter(|line| line["outcome"] == "ok");
    for line in ended {
        assert_eq!(line["message"], "GET /ws websocket ok");
        // What it echoed, and "end".
        let sent = line["stream.sent_bytes"].as_u64().unwrap_or(0);
        assert_eq!(line["stream.received_bytes"], sent + 3);
        assert!(requests.iter().any(|request| request["span_id"] == line["link.span_id"]), "{line}");
    }
}

/// A proxy for `CONNECT` and an echo behind an upgrade, as plain hyper has them.
async fn tunnel(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let status = match (request.method(), request.uri().path()) {
        (&Method::CONNECT, _) if request.uri().port_u16() == Some(443) => StatusCode::OK,
        (&Method::CONNECT, _) => StatusCode::FORBIDDEN,
        _ => StatusCode::SWITCHING_PROTOCOLS,
    };
    let task = StreamGuard::take().instrument(async move {
        let Ok(connection) = hyper::upgrade::on(request).await else { return Outcome::Error };
        let (mut from, mut to) = tokio::io::split(TokioIo::new(connection));
        match tokio::io::copy(&mut from, &mut to).await {
            Ok(_) => Outcome::Cancelled,
            Err(_) => Outcome::Error,
        }
    });
    tokio::spawn(task);
    let answer = http::Response::builder().status(status).header("connection", "upgrade");
    Ok(answer.header("upgrade", "echo").body(Empty::new()).unwrap())
}

// Mutations caught: a tunnel that was refused taken for one; a task that is there before the answer taken for the end.
#[tokio::test]
async fn tunnels_behind_hyper() {
    let observed = Observed::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let service = TowerToHyperService::new(ObserveLayer::new(&observed.telemetry).layer(service_fn(tunnel)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service.clone()).with_upgrades());
        }
    });
    for (ask, granted) in [
        ("CONNECT there:443 HTTP/1.1\r\nhost: there:443", true),
        ("CONNECT there:25 HTTP/1.1\r\nhost: there:25", false),
        ("GET / HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: echo", true),
    ] {
        let mut client = TcpStream::connect(server).await.unwrap();
        client.write_all(format!("{ask}\r\n\r\n").as_bytes()).await.unwrap();
        let mut buffer = [0; 1024];
        let read = client.read(&mut buffer).await.unwrap();
        let head = String::from_utf8_lossy(&buffer[..read]).into_owned();
        if granted {
            assert!(head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 101"), "{head}");
            client.write_all(b"ping").await.unwrap();
            let mut echo = [0; 4];
            client.read_exact(&mut echo).await.unwrap();
            assert_eq!((&echo, observed.open_streams()), (b"ping", 1));
        } else {
            assert!(head.starts_with("HTTP/1.1 403"), "{head}");
        }
        drop(client);
    }
    let expected = ["connect", "upgrade"].map(|kind| (kinds("", kind, "cancelled"), 1));
    assert_eq!(observed.until_streamed(2).await, BTreeMap::from(expected));
    assert_eq!((observed.open_streams(), observed.in_flight()), (0, 0));
    assert_eq!(
        observed.until_counted(3).await,
        BTreeMap::from([
            (labels("CONNECT", "", "200", ""), 1),
            (labels("CONNECT", "", "403", ""), 1),
            (labels("GET", "", "101", ""), 1),
        ])
    );
    assert_eq!(observed.streams().len(), 2);
}

// Mutation caught: a future that runs outside of its stream, or whose stream begins with the first poll only.
#[tokio::test]
async fn what_runs_in_a_stream_is_stamped_with_its_trace() {
    let observed = Observed::new();
    let (tell, told) = tokio::sync::oneshot::channel();
    let slot = std::sync::Mutex::new(Some((tell, told)));
    let service = ObserveLayer::new(&observed.telemetry).layer(service_fn(move |_: Request<()>| {
        // As hyper's users do it: the task is there before the answer, and waits for the connection.
        let (tell, told) = slot.lock().unwrap().take().unwrap();
        let task = StreamGuard::take().instrument(async move {
            let _: Result<(), _> = told.await;
            tokio::task::yield_now().await;
            LOOKED.set(observe_core::context::Context::current().span());
            Outcome::Ok
        });
        let task = tokio::task::spawn_local(task);
        let answer = http::Response::builder().status(101).header("upgrade", "WebSocket");
        let mut answer = answer.body(Steps::default()).unwrap();
        answer.extensions_mut().insert(std::sync::Arc::new(std::sync::Mutex::new(Some((tell, task)))));
        ready(Ok::<_, Infallible>(answer))
    }));
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let answer = service.oneshot(support::get("/")).await.unwrap();
            type Task = (tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>);
            let task = answer.extensions().get::<std::sync::Arc<std::sync::Mutex<Option<Task>>>>();
            let (tell, task) = task.unwrap().lock().unwrap().take().unwrap();
            // It has been polled, and waits.
            tokio::task::yield_now().await;
            tell.send(()).unwrap();
            task.await.unwrap();
        })
        .await;
    let streams = observed.streams();
    let [stream] = &streams[..] else { panic!("{streams:?}") };
    let seen = LOOKED.get().unwrap();
    assert_eq!(stream["trace_id"], seen.trace_id.to_string());
    assert_eq!(stream["span_id"], seen.span_id.to_string());
    assert_eq!(stream["message"], "GET websocket ok");
}

thread_local! {
    static LOOKED: std::cell::Cell<Option<observe_core::context::SpanContext>> = const { std::cell::Cell::new(None) };
}
