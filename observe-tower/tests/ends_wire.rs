//! Every way a request can end over TCP, behind axum and behind plain hyper, over HTTP/1 and HTTP/2, with clients that
//! vanish at every point: one count, with the same labels but for the version, and one line.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use observe_core::label::LabelValue;
use observe_tower::{Failure, ObserveLayer};
use std::collections::BTreeMap;
use std::future::{Future, pending, ready};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::Pin;
use std::sync::LazyLock;
use std::time::Duration;
use support::{Observed, Step, Steps, labels_of};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::{Layer, service_fn};

#[derive(Clone, Copy)]
struct Declined;

impl LabelValue for Declined {
    const CARDINALITY: u32 = 1;
    fn code(self) -> u32 {
        0
    }
    fn text(_: u32) -> &'static str {
        "declined"
    }
}

type Answer = Pin<Box<dyn Future<Output = io::Result<Response<Steps>>> + Send>>;
type Handler = fn(Body) -> Answer;

fn answer<const N: usize>(status: u16, steps: [Step; N]) -> Answer {
    with(status, Steps::new(steps), &[])
}

fn with(status: u16, body: Steps, headers: &[(&'static str, &'static str)]) -> Answer {
    let response = Response::builder().status(status);
    let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
    Box::pin(ready(Ok(response.body(body).unwrap())))
}

fn events<const N: usize>(steps: [Step; N]) -> Answer {
    with(200, Steps::new(steps), &[("content-type", "text/event-stream")])
}

/// Far more of it than the buffers of a connection take.
static LARGE: LazyLock<String> = LazyLock::new(|| "x".repeat(65_536));

fn large(chunks: usize) -> Answer {
    with(200, Steps::new((0..chunks).map(|_| Step::Data(&LARGE))), &[])
}

/// Takes what the client sends.
fn upload(body: Body) -> Answer {
    Box::pin(async {
        let status = if body.collect().await.is_ok() { 200 } else { 400 };
        answer(status, [Step::Data("a")]).await
    })
}

/// How the client behaves.
#[derive(Clone, Copy, PartialEq)]
enum Client {
    /// Reads to the end, or to the error.
    Reads,
    /// Reads so many frames, then goes.
    Leaves(usize),
    /// Goes while the server works on the head.
    LeavesEarly,
}

/// How the client goes, and over what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wire {
    /// Closes the connection.
    Http1,
    /// The same.
    Http2,
    /// Resets its stream; the connection stays.
    Http2Reset,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Server {
    Axum,
    Hyper,
}

struct Case {
    name: &'static str,
    method: Method,
    handler: Handler,
    client: Client,
    status: &'static str,
    error_type: &'static str,
    outcome: &'static str,
    /// How the stream ends that the request began.
    stream: Option<&'static str>,
    where_it_can_be: fn(Server, Wire) -> bool,
}

fn anywhere(_: Server, _: Wire) -> bool {
    true
}

fn plain(server: Server, _: Wire) -> bool {
    server == Server::Hyper
}

fn http1(_: Server, wire: Wire) -> bool {
    wire == Wire::Http1
}

fn http2(server: Server, wire: Wire) -> bool {
    !http1(server, wire)
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    use Client::{Leaves, LeavesEarly, Reads};
    use Step::{Data, Error, Panic, Pending, Stuck, Trailers};
    const GET: Method = Method::GET;
    let case =
        |name, method, handler: Handler, client, ends: (&'static str, &'static str, &'static str)| Case {
            name,
            method,
            handler,
            client,
            status: ends.0,
            error_type: ends.1,
            outcome: ends.2,
            stream: None,
            where_it_can_be: anywhere,
        };
    let ok = ("200", "", "ok");
    let cancelled = ("200", "cancelled", "cancelled");
    let unanswered = ("", "cancelled", "cancelled");
    let panicked = ("", "panicked", "panicked");
    vec![
        case("whole", GET, |_| answer(200, [Data("a"), Pending, Data("b")]), Reads, ok),
        case("much", GET, |_| large(100), Reads, ok),
        case("not found", GET, |_| answer(404, [Data("a")]), Reads, ("404", "", "ok")),
        case("server error", GET, |_| answer(503, [Data("a")]), Reads, ("503", "503", "error")),
        case("empty", GET, |_| with(200, Steps::default().knows_end(), &[]), Reads, ok),
        case("ends with its second poll", GET, |_| answer(200, []), Reads, ok),
        case("end known", GET, |_| with(200, Steps::new([Data("a")]).knows_end(), &[]), Reads, ok),
        case("trailers", GET, |_| answer(200, [Data("a"), Trailers]), Reads, ok),
        case("trailers only", GET, |_| answer(200, [Trailers]), Reads, ok),
        case("odd method", Method::from_bytes(b"BREW").unwrap(), |_| answer(200, []), Reads, ok),
        // Without a body, whatever the handler gave.
        case("head", Method::HEAD, |_| answer(200, [Data("never")]), Reads, ok),
        case("head of what breaks", Method::HEAD, |_| answer(200, [Error]), Reads, ok),
        case("no content", GET, |_| answer(204, [Data("never")]), Reads, ("204", "", "ok")),
        case("not modified", GET, |_| answer(304, [Data("never")]), Reads, ("304", "", "ok")),
        // Declared lengths.
        case(
            "delivered",
            GET,
            |_| with(200, Steps::new([Data("ab"), Pending, Data("c")]).declared(3), &[]),
            Reads,
            ok,
        ),
        case(
            "delivered, by a header",
            GET,
            |_| with(200, Steps::new([Data("abc")]), &[("content-length", "3")]),
            Reads,
            ok,
        ),
        case(
            "shorter than declared",
            GET,
            |_| with(200, Steps::new([Data("ab")]).declared(3), &[]),
            Reads,
            ("200", "body_error", "error"),
        ),
        case(
            "shorter than a header says",
            GET,
            |_| with(200, Steps::new([Data("ab")]), &[("content-length", "3")]),
            Reads,
            ("200", "body_error", "error"),
        ),
        case(
            "the client does not wait for the declared rest",
            GET,
            |_| with(200, Steps::new([Data("ab"), Stuck]).declared(3), &[]),
            Leaves(1),
            cancelled,
        ),
        // What fails.
        case("body error", GET, |_| answer(200, [Data("a"), Error]), Reads, ("200", "body_error", "error")),
        case("body error at once", GET, |_| answer(200, [Error]), Reads, ("200", "body_error", "error")),
        case(
            "body error after a wait",
            GET,
            |_| answer(200, [Data("a"), Pending, Error]),
            Reads,
            ("200", "body_error", "error"),
        ),
        case("body panic", GET, |_| answer(200, [Data("a"), Panic]), Reads, ("200", "panicked", "panicked")),
        case("body panic at once", GET, |_| answer(200, [Panic]), Reads, ("200", "panicked", "panicked")),
        case("panic in the handler", GET, |_| Box::pin(async { panic!("planned") }), Reads, panicked),
        case(
            "panic in the handler after a wait",
            GET,
            |_| {
                Box::pin(async {
                    tokio::task::yield_now().await;
                    panic!("planned")
                })
            },
            Reads,
            panicked,
        ),
        case("panic in the call", GET, |_| panic!("planned"), Reads, panicked),
        Case {
            where_it_can_be: plain,
            ..case(
                "service error",
                GET,
                |_| Box::pin(ready(Err(io::Error::other("no")))),
                Reads,
                ("", "_OTHER", "error"),
            )
        },
        case(
            "declared in the handler",
            GET,
            |_| {
                Box::pin(async {
                    observe_core::fail(Declined);
                    Ok(Response::new(Steps::new([Data("a")])))
                })
            },
            Reads,
            ("200", "declined", "error"),
        ),
        case(
            "declared on the response",
            GET,
            |_| {
                let failure = Failure::new(Declined).cause(&io::Error::other("no funds"));
                Box::pin(ready(Ok(Response::builder()
                    .extension(failure)
                    .body(Steps::new([Data("a")]))
                    .unwrap())))
            },
            Reads,
            ("200", "declined", "error"),
        ),
        // Clients that go.
        case("gone before the head", GET, |_| Box::pin(pending()), LeavesEarly, unanswered),
        case(
            "gone after a declared failure",
            GET,
            |_| {
                observe_core::fail(Declined);
                Box::pin(pending())
            },
            LeavesEarly,
            ("", "declined", "error"),
        ),
        // A server of HTTP/1 leaves the handler to find that out, and one of HTTP/2 drops it.
        Case {
            where_it_can_be: http1,
            ..case(
                "gone in the middle of what it sends",
                Method::POST,
                upload,
                LeavesEarly,
                ("400", "", "ok"),
            )
        },
        Case {
            where_it_can_be: http2,
            ..case(
                "gone in the middle of what it sends",
                Method::POST,
                |body| {
                    Box::pin(async {
                        let _ = upload(body).await;
                        pending().await
                    })
                },
                LeavesEarly,
                unanswered,
            )
        },
        case("gone before the body", GET, |_| answer(200, [Stuck]), Leaves(0), cancelled),
        case("gone in the body", GET, |_| answer(200, [Data("a"), Stuck]), Leaves(1), cancelled),
        case("gone while much is sent", GET, |_| large(2_000), Leaves(1), cancelled),
        case("gone while much waits", GET, |_| large(2_000), Leaves(0), cancelled),
        case(
            "gone before the trailers",
            GET,
            |_| answer(200, [Data("a"), Stuck, Trailers]),
            Leaves(1),
            cancelled,
        ),
        case("a failed answer, not read", GET, |_| answer(500, [Stuck]), Leaves(0), ("500", "500", "error")),
        case("an answer that nobody reads", GET, |_| answer(200, [Data("a")]), Leaves(0), ok),
        // Streams: their request ends with the head.
        Case { stream: Some("ok"), ..case("events", GET, |_| events([Data("data: 1\n\n")]), Reads, ok) },
        Case {
            stream: Some("error"),
            ..case("events that break", GET, |_| events([Data("data: 1\n\n"), Error]), Reads, ok)
        },
        Case {
            stream: Some("panicked"),
            ..case("events that panic", GET, |_| events([Data("data: 1\n\n"), Panic]), Reads, ok)
        },
        Case {
            stream: Some("cancelled"),
            ..case("events that are left", GET, |_| events([Data("data: 1\n\n"), Stuck]), Leaves(1), ok)
        },
        Case {
            stream: Some("cancelled"),
            ..case("events before the first", GET, |_| events([Stuck]), Leaves(0), ok)
        },
        // What is no longer HTTP.
        Case {
            where_it_can_be: http1,
            ..case(
                "upgrade",
                GET,
                |_| with(101, Steps::default(), &[("connection", "upgrade"), ("upgrade", "echo")]),
                Leaves(0),
                ("101", "", "ok"),
            )
        },
        case("tunnel", Method::CONNECT, |_| with(200, Steps::default().knows_end(), &[]), Leaves(0), ok),
        case(
            "tunnel refused",
            Method::CONNECT,
            |_| with(403, Steps::default().knows_end(), &[]),
            Reads,
            ("403", "", "ok"),
        ),
    ]
}

async fn serve(server: Server, observed: &Observed, handler: Handler) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let layer = ObserveLayer::new(&observed.telemetry);
    match server {
        Server::Axum => {
            let answer = move |body: Body| {
                let answer = handler(body);
                async move { answer.await.unwrap().map(Body::new) }
            };
            // What a tunnel asks for has no path.
            let app = Router::new().route("/{case}", any(answer)).fallback(answer).layer(layer);
            tokio::spawn(async move { axum::serve(listener, app).await });
        }
        Server::Hyper => {
            let answer = move |request: Request<Incoming>| handler(Body::new(request.into_body()));
            let service = TowerToHyperService::new(layer.layer(service_fn(answer)));
            tokio::spawn(async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let service = service.clone();
                    tokio::spawn(async move {
                        let http = auto::Builder::new(TokioExecutor::new());
                        let _ = http.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                    });
                }
            });
        }
    }
    address
}

type Responding = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

/// Sends the request on a connection of its own, which stays until it is cut.
async fn send(server: SocketAddr, wire: Wire, request: Request<Body>) -> (Cut, Responding) {
    let stream = std::net::TcpStream::connect(server).unwrap();
    let cut = stream.try_clone().unwrap();
    stream.set_nonblocking(true).unwrap();
    let stream = TokioIo::new(TcpStream::from_std(stream).unwrap());
    if wire == Wire::Http1 {
        let (mut sender, connection) = conn::http1::handshake(stream).await.unwrap();
        let connection = tokio::spawn(async move { drop(connection.await) });
        return (Cut(cut, connection), Box::pin(async move { sender.send_request(request).await }));
    }
    let (mut sender, connection) = conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    // Without a sender it would close.
    let kept = sender.clone();
    let connection = tokio::spawn(async move {
        let _ = connection.await;
        drop(kept);
    });
    (Cut(cut, connection), Box::pin(async move { sender.send_request(request).await }))
}

/// A connection: its socket once more, and what drives it.
struct Cut(std::net::TcpStream, JoinHandle<()>);

impl Cut {
    /// As if the client's machine had gone: without a word about the streams.
    fn now(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
        self.1.abort();
    }
}

/// Asks, behaves as it does, waits for the count.
async fn run(case: &Case, observed: &Observed, server: Server, wire: Wire) {
    let address = serve(server, observed, case.handler).await;
    let uri = match (case.method == Method::CONNECT, wire) {
        (true, _) => "example.org:443".to_owned(),
        (false, Wire::Http1) => "/case?secret=1".to_owned(),
        (false, _) => format!("http://{address}/case?secret=1"),
    };
    let body = if case.method == Method::POST {
        let parts = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"a part"))]);
        Body::from_stream(parts.chain(stream::pending()))
    } else {
        Body::empty()
    };
    let request = Request::builder().method(case.method.clone()).uri(uri).header("host", "here");
    let (connection, responding) = send(address, wire, request.body(body).unwrap()).await;
    let mut responding = tokio::spawn(responding);
    let mut body = None;
    if case.client == Client::LeavesEarly {
        until(|| observed.in_flight() == 1).await;
    } else if let Ok(response) = (&mut responding).await.unwrap() {
        // A server that fails answers nothing.
        let frames = if let Client::Leaves(frames) = case.client { frames } else { usize::MAX };
        let body = body.insert(response.into_body());
        for _ in 0..frames {
            if !matches!(body.frame().await, Some(Ok(_))) {
                break;
            }
        }
    }
    if wire != Wire::Http2Reset {
        connection.now();
    }
    responding.abort();
    drop(body);
    until(|| !observed.counted().is_empty() && observed.open_streams() == 0).await;
}

/// Waits for what a server does some time later, a while.
async fn until(condition: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

// Mutations caught: a body of declared length that the server drops without asking for its end taken as cancelled;
// trailers that do not end it; a body's error that is an end like any other; HEAD waiting for a body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_end_is_one_count_and_one_line() {
    support::expect_planned_panics();
    let mut ran = Vec::new();
    for server in [Server::Axum, Server::Hyper] {
        for wire in [Wire::Http1, Wire::Http2, Wire::Http2Reset] {
            for case in cases() {
                if (case.where_it_can_be)(server, wire) {
                    let observed = Observed::new();
                    let name = format!("{} ({server:?}, {wire:?})", case.name);
                    run(&case, &observed, server, wire).await;
                    ran.push((name, case, observed, server, wire));
                }
            }
        }
    }
    // After all of them: what is counted twice, is so some time later.
    let mut wrong = Vec::new();
    for (name, case, observed, server, wire) in ran {
        let version = if wire == Wire::Http1 { "1.1" } else { "2" };
        let method = if case.method.as_str() == "BREW" { "_OTHER" } else { case.method.as_str() };
        let routed = server == Server::Axum && case.method != Method::CONNECT;
        let route = if routed { "/{case}" } else { "" };
        let expected = labels_of(version, method, route, case.status, case.error_type);
        let (lines, streams) = (observed.requests(), observed.streams());
        let failed = matches!(case.outcome, "error" | "panicked");
        let right = observed.counted() == BTreeMap::from([(expected, 1)])
            && (observed.in_flight(), observed.open_streams()) == (0, 0)
            && observed.counted_streams().values().sum::<u64>() == u64::from(case.stream.is_some())
            && streams.iter().map(|line| line["outcome"].as_str()).eq(case.stream.map(Some))
            && matches!(&lines[..], [line] if line["outcome"] == case.outcome
                && line["http.response.status_code"].as_u64() == case.status.parse().ok()
                && line["error.type"].as_str().unwrap_or_default() == case.error_type
                && line["level"] == if failed { "ERROR" } else { "INFO" }
                && !line.to_string().contains("secret"));
        if !right {
            let (counted, in_flight) = (observed.counted(), observed.in_flight());
            wrong.push(format!("{name}: {counted:?}, {in_flight} in flight, {lines:?} {streams:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
