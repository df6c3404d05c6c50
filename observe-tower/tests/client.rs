//! Requests to others, over TCP: what goes with them, and every way they can end.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{HttpConnector, dns::GaiResolver};
use hyper_util::rt::{TokioExecutor, TokioIo};
use observe_core::testing::Span;
use observe_core::{Operation, Outcome, Sampling};
use observe_tower::{
    AttemptsLayer, Failure, ObserveClientLayer, ObserveClientService, ObserveConnector, ObserveLayer,
    ResponseHead, UrlTemplate,
};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, Ready, pending, ready};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use support::{Observed, Step, Steps, expect_planned_panics};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tower::retry::{Policy, RetryLayer};
use tower::timeout::TimeoutLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

type Http = Client<HttpConnector, Full<Bytes>>;
type Received = Arc<Mutex<Vec<HeaderMap>>>;

fn http() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

fn observed_client(observed: &Observed) -> ObserveClientService<Http> {
    ObserveClientLayer::new(&observed.telemetry).layer(http())
}

/// A server that answers so, and the headers of what it was asked.
async fn serve<F>(answer: F) -> (SocketAddr, Received)
where
    F: Fn(Request<Incoming>) -> Response<Steps> + Clone + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = Received::default();
    let there = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (answer, received) = (answer.clone(), Arc::clone(&there));
            let service = service_fn(move |request: Request<Incoming>| {
                received.lock().unwrap().push(request.headers().clone());
                ready(Ok::<_, Infallible>(answer(request)))
            });
            tokio::spawn(
                http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades(),
            );
        }
    });
    (address, received)
}

/// A server that says so to every connection, and closes it, by a reset if it says so.
async fn say(text: &'static str, reset: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(text.as_bytes()).await;
            if reset {
                // What was said has to arrive before.
                tokio::time::sleep(Duration::from_millis(50)).await;
                stream.set_zero_linger().unwrap();
            }
        }
    });
    address
}

fn answer(status: u16, steps: impl IntoIterator<Item = Step>) -> Response<Steps> {
    Response::builder().status(status).body(Steps::new(steps)).unwrap()
}

fn request(method: Method, server: SocketAddr, path: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(format!("http://{server}{path}")).body(Full::default()).unwrap()
}

fn get(server: SocketAddr, path: &str) -> Request<Full<Bytes>> {
    request(Method::GET, server, path)
}

/// The labels of a request to a server, as the exposition has them.
fn labels(method: &str, server: SocketAddr, status: &str, error_type: &str) -> String {
    let (address, port) = (server.ip(), server.port());
    let mut text =
        format!("http_request_method=\"{method}\",server_address=\"{address}\",server_port=\"{port}\"");
    for (name, value) in [("http_response_status_code", status), ("error_type", error_type)] {
        if !value.is_empty() {
            text += &format!(",{name}=\"{value}\"");
        }
    }
    text
}

fn one(labels: String) -> BTreeMap<String, u64> {
    BTreeMap::from([(labels, 1)])
}

fn the_span(observed: &Observed, name: &str) -> Span {
    observed.spans().named(name).one().clone()
}

#[tokio::test]
async fn the_server_gets_the_calls_own_place_in_the_trace_and_nothing_else() {
    let (server, received) = serve(|_| answer(200, [Step::Data("a")])).await;
    let observed = Observed::new();
    let client = observed_client(&observed);
    let mut asked = get(server, "/items/17?a=b&sig=secret");
    // What the caller put there is not the call's: not once, and not twice.
    for stale in ["00-11111111111111111111111111111111-2222222222222222-01", "nonsense"] {
        asked.headers_mut().append("traceparent", stale.parse().unwrap());
        asked.headers_mut().append("tracestate", "stale=1".parse().unwrap());
        asked.headers_mut().append("baggage", "stale=1".parse().unwrap());
        asked.headers_mut().append("x-correlation-id", "stale".parse().unwrap());
    }
    let work = observed.telemetry.operation("work").start();
    let trace_id = work.context().span().unwrap().trace_id;
    work.instrument(async {
        let answer = client.oneshot(asked).await.unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "a");
    })
    .await;

    let span = the_span(&observed, "GET");
    let [headers] = &received.lock().unwrap()[..] else { panic!("one request") };
    let sent: Vec<_> = headers.get_all("traceparent").iter().map(|value| value.to_str().unwrap()).collect();
    let flags = observed.spans().named("work").one().trace_id();
    assert_eq!(flags, trace_id);
    let [sent] = sent[..] else { panic!("{sent:?}") };
    assert!(sent.starts_with(&format!("00-{trace_id}-{}-", span.span_id())), "{sent}");
    for gone in ["tracestate", "baggage", "x-correlation-id"] {
        assert_eq!(headers.get(gone), None, "{gone}");
    }

    assert_eq!(span.parent(), Some(the_span(&observed, "work").span_id()));
    assert_eq!(span.outcome(), Some(Outcome::Ok));
    assert_eq!(span.field("server.address").unwrap(), "127.0.0.1");
    assert_eq!(span.field("server.port").unwrap(), server.port());
    let url = format!("http://{server}/items/17?a=b&sig=REDACTED");
    assert_eq!(span.field("url.full").unwrap(), url.as_str());
    assert_eq!(observed.calls(), one(labels("GET", server, "200", "")));
    assert_eq!(observed.calls_in_flight(), 0);
}

#[tokio::test]
async fn a_template_names_the_span_and_is_a_label() {
    let (server, _) = serve(|_| answer(200, [])).await;
    let observed = Observed::new();
    let mut asked = get(server, "/items/17");
    asked.extensions_mut().insert(UrlTemplate("/items/{id}"));
    observed_client(&observed).oneshot(asked).await.unwrap().into_body().collect().await.unwrap();
    let span = the_span(&observed, "GET /items/{id}");
    assert_eq!(span.field("url.template").unwrap(), "/items/{id}");
    let [labels] = &Vec::from_iter(observed.calls())[..] else { panic!("one series") };
    assert!(labels.0.contains("url_template=\"/items/{id}\""), "{labels:?}");
}

/// How a client behaves.
#[derive(Clone, Copy)]
enum Reads {
    All,
    /// So many frames.
    Frames(usize),
}

struct Case {
    name: &'static str,
    method: Method,
    server: fn(Request<Incoming>) -> Response<Steps>,
    reads: Reads,
    ends: (&'static str, &'static str, Outcome),
}

fn length(length: u64, step: Step) -> Response<Steps> {
    Response::new(Steps::new([step]).declared(length))
}

fn cases() -> Vec<Case> {
    use Reads::{All, Frames};
    use Step::{Data, Stuck};
    let case = |name, server, reads, status, error_type, outcome| Case {
        name,
        method: Method::GET,
        server,
        reads,
        ends: (status, error_type, outcome),
    };
    vec![
        case("whole", |_| answer(200, [Data("a"), Step::Pending, Data("b")]), All, "200", "", Outcome::Ok),
        case("moved", |_| answer(302, []), All, "302", "", Outcome::Ok),
        case("not found", |_| answer(404, [Data("a")]), All, "404", "404", Outcome::Error),
        case("unavailable", |_| answer(503, [Data("a")]), All, "503", "503", Outcome::Error),
        case("unavailable, not read", |_| answer(503, [Stuck]), Frames(0), "503", "503", Outcome::Error),
        case("no content", |_| answer(204, []), Frames(0), "204", "", Outcome::Ok),
        case("not modified", |_| answer(304, []), Frames(0), "304", "", Outcome::Ok),
        case(
            "left before the body",
            |_| answer(200, [Stuck]),
            Frames(0),
            "200",
            "cancelled",
            Outcome::Cancelled,
        ),
        case(
            "left in the body",
            |_| answer(200, [Data("a"), Stuck]),
            Frames(1),
            "200",
            "cancelled",
            Outcome::Cancelled,
        ),
        case("read to its length", |_| length(3, Data("abc")), Frames(1), "200", "", Outcome::Ok),
        case(
            "not read to its length",
            |_| length(3, Data("abc")),
            Frames(0),
            "200",
            "cancelled",
            Outcome::Cancelled,
        ),
        case(
            "broken off",
            |_| answer(200, [Data("a"), Step::Pending, Step::Pending, Step::Error]),
            All,
            "200",
            "body_error",
            Outcome::Error,
        ),
        case(
            "events: they are no part of it",
            |_| {
                let answer = Response::builder().header("content-type", "text/event-stream");
                answer.body(Steps::new([Data("a"), Stuck])).unwrap()
            },
            Frames(1),
            "200",
            "",
            Outcome::Ok,
        ),
        Case {
            method: Method::HEAD,
            ..case("head", |_| length(3, Data("abc")), Frames(0), "200", "", Outcome::Ok)
        },
        Case {
            method: Method::from_bytes(b"BREW").unwrap(),
            ..case("an odd method", |_| answer(200, []), All, "200", "", Outcome::Ok)
        },
        case(
            "an upgrade",
            |_| {
                let answer =
                    Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
                answer.body(Steps::default()).unwrap()
            },
            Frames(0),
            "101",
            "",
            Outcome::Ok,
        ),
    ]
}

// Mutations caught: the end not with the body; a 4xx that is no failure; a cancellation that is one, or that loses the
// status; a declared length or a body that cannot be waited for in vain.
#[tokio::test]
async fn every_way_an_answer_can_end() {
    for case in cases() {
        let (server, _) = serve(case.server).await;
        let observed = Observed::new();
        let client = observed_client(&observed);
        let mut asked = request(case.method.clone(), server, "/");
        if case.name == "an upgrade" {
            asked.headers_mut().insert("connection", "upgrade".parse().unwrap());
            asked.headers_mut().insert("upgrade", "echo".parse().unwrap());
        }
        let mut body = client.oneshot(asked).await.unwrap().into_body();
        let ended = matches!(case.ends.0, "204" | "304" | "101") || case.method == Method::HEAD;
        if !ended && !case.name.starts_with("events") {
            assert_eq!(observed.calls_in_flight(), 1, "{}: before the body was read", case.name);
        }
        match case.reads {
            Reads::All => while let Some(Ok(_)) = body.frame().await {},
            Reads::Frames(frames) => {
                for _ in 0..frames {
                    body.frame().await.unwrap().unwrap();
                }
            }
        }
        drop(body);
        let method = if case.name == "an odd method" { "_OTHER" } else { case.method.as_str() };
        let (status, error_type, outcome) = case.ends;
        assert_eq!(observed.calls(), one(labels(method, server, status, error_type)), "{}", case.name);
        assert_eq!(observed.calls_in_flight(), 0, "{}", case.name);
        let name = if method == "_OTHER" { "HTTP" } else { method };
        assert_eq!(the_span(&observed, name).outcome(), Some(outcome), "{}", case.name);
        // It begins its trace: so its own line tells of it, and only when it failed.
        let lines: Vec<_> = observed.lines();
        let expected = usize::from(outcome == Outcome::Error);
        assert_eq!(lines.len(), expected, "{}: {lines:?}", case.name);
        if let [line] = &lines[..] {
            assert_eq!(line["message"], format!("GET {status}"), "{}", case.name);
            assert_eq!((&line["level"], &line["error.type"]), (&"ERROR".into(), &error_type.into()));
            assert_eq!(line["http.response.status_code"], status.parse::<u64>().unwrap());
            assert_eq!(line["server.port"], server.port());
        }
    }
}

#[tokio::test]
async fn an_upgraded_connection_is_the_clients() {
    let (server, _) = serve(|mut request| {
        tokio::spawn(async move {
            let mut stream = TokioIo::new(hyper::upgrade::on(&mut request).await.unwrap());
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let answer =
            Response::builder().status(101).header("connection", "upgrade").header("upgrade", "echo");
        answer.body(Steps::default()).unwrap()
    })
    .await;
    let observed = Observed::new();
    let mut asked = get(server, "/");
    asked.headers_mut().insert("connection", "upgrade".parse().unwrap());
    asked.headers_mut().insert("upgrade", "echo".parse().unwrap());
    let answer = observed_client(&observed).oneshot(asked).await.unwrap();
    assert_eq!(observed.calls(), one(labels("GET", server, "101", "")));
    let mut said = String::new();
    TokioIo::new(hyper::upgrade::on(answer).await.unwrap()).read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello");
}

#[tokio::test]
async fn a_connection_that_breaks_is_a_failure_with_a_name() {
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let partly = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc";
    let cases = [
        ("refused", gone, "", "connection_refused"),
        ("closed without a word", say("", false).await, "", "connection_closed"),
        ("closed in the head", say("HTTP/1.1 200 OK\r\n", false).await, "", "connection_closed"),
        ("reset before the head", say("", true).await, "", "connection_reset"),
        ("closed in the body", say(partly, false).await, "200", "body_error"),
        ("reset in the body", say(partly, true).await, "200", "body_error"),
        ("no HTTP", say("SSH-2.0-OpenSSH_9.6\r\n\r\n", false).await, "", "_OTHER"),
    ];
    for (name, server, status, error_type) in cases {
        let observed = Observed::new();
        let answer = observed_client(&observed).oneshot(get(server, "/")).await;
        match answer {
            Ok(answer) => assert!(answer.into_body().collect().await.is_err(), "{name}"),
            // The client's own error, as it is without the layer.
            Err(error) => assert_eq!(error.is_connect(), name == "refused", "{name}"),
        }
        assert_eq!(observed.calls(), one(labels("GET", server, status, error_type)), "{name}");
        assert_eq!(observed.calls_in_flight(), 0, "{name}");
        let lines = observed.lines();
        let [line] = &lines[..] else { panic!("{name}: {lines:?}") };
        assert_eq!(line["error.type"], error_type, "{name}");
        if name == "refused" {
            assert!(line["error.message"].as_str().unwrap().contains("Connection refused"), "{line}");
        }
    }
}

// Mutation caught: a patience that is over taken for a cancellation, or the other way round.
#[tokio::test]
async fn a_timeout_inside_is_a_failure_and_one_around_is_a_cancellation() {
    let (server, _) = serve(|_| answer(200, [Step::Stuck])).await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let quiet = silent.local_addr().unwrap();
    let observed = Observed::new();
    let layer = ObserveClientLayer::new(&observed.telemetry);
    let patience = TimeoutLayer::new(Duration::from_millis(50));

    let inside = ServiceBuilder::new().layer(layer.clone()).layer(patience.clone()).service(http());
    let error: Box<dyn Error + Send + Sync> = inside.oneshot(get(quiet, "/")).await.unwrap_err();
    assert!(error.is::<tower::timeout::error::Elapsed>());
    assert_eq!(observed.calls(), one(labels("GET", quiet, "", "timeout")));

    let observed = Observed::new();
    let layer = ObserveClientLayer::new(&observed.telemetry);
    let around = |patience| ServiceBuilder::new().layer(patience).layer(layer.clone()).service(http());
    around(patience).oneshot(get(quiet, "/")).await.unwrap_err();
    assert_eq!(observed.calls(), one(labels("GET", quiet, "", "cancelled")));
    assert_eq!(the_span(&observed, "GET").outcome(), Some(Outcome::Cancelled));
    // It is no failure: nothing is told.
    assert!(observed.lines().is_empty());
    // The body is read after the patience has ended.
    let answer = around(TimeoutLayer::new(Duration::from_secs(30))).oneshot(get(server, "/")).await.unwrap();
    assert_eq!(observed.calls_in_flight(), 1);
    drop(answer);
    assert_eq!(observed.calls_in_flight(), 0);
}

#[tokio::test]
async fn a_request_that_is_dropped_or_panics_ends_once() {
    expect_planned_panics();
    let observed = Observed::new();
    let layer = ObserveClientLayer::new(&observed.telemetry).server("stock", 80);
    let ask = |path: &str| Request::get(path).body(()).unwrap();
    let counted = |status: &str, error_type: &str| {
        let mut text =
            String::from("http_request_method=\"GET\",server_address=\"stock\",server_port=\"80\"");
        if !status.is_empty() {
            text += &format!(",http_response_status_code=\"{status}\"");
        }
        (text + &format!(",error_type=\"{error_type}\""), 1)
    };

    let mut stuck = layer.layer(tower::service_fn(|_: Request<()>| pending::<io::Result<Response<Steps>>>()));
    // Before its first poll, and after it.
    drop(stuck.call(ask("/")));
    let mut call = Box::pin(stuck.call(ask("/")));
    assert_eq!(observed.calls_in_flight(), 1);
    std::future::poll_fn(|cx| {
        assert!(call.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    drop(call);
    assert_eq!(observed.calls(), BTreeMap::from([(counted("", "cancelled").0, 2)]));

    let mut panics = layer.layer(tower::service_fn(|_: Request<()>| async {
        let now = true;
        assert!(!now, "planned");
        Ok::<_, io::Error>(answer(200, []))
    }));
    let call = panics.call(ask("/"));
    assert!(tokio::spawn(call).await.unwrap_err().is_panic());
    let mut late = layer.layer(tower::service_fn(|_: Request<()>| {
        ready(Ok::<_, io::Error>(answer(200, [Step::Data("a"), Step::Panic])))
    }));
    let body = late.call(ask("/")).await.unwrap().into_body();
    assert!(tokio::spawn(body.collect()).await.unwrap_err().is_panic());
    let expected = [(counted("", "cancelled").0, 2), counted("", "panicked"), counted("200", "panicked")];
    assert_eq!(observed.calls(), BTreeMap::from(expected));
    assert_eq!(observed.calls_in_flight(), 0);
}

#[tokio::test]
async fn what_is_a_failure_can_be_said() {
    let (server, _) = serve(|request| answer(request.uri().path()[1..].parse().unwrap(), [])).await;
    let observed = Observed::new();
    let layer = ObserveClientLayer::new(&observed.telemetry).classify(|head: &ResponseHead<'_>| {
        (head.status.as_u16() >= 400 && head.status != 404 || head.status == 202).then(Failure::unnamed)
    });
    let client = layer.layer(http());
    for path in ["/404", "/409", "/202"] {
        client.clone().oneshot(get(server, path)).await.unwrap().into_body().collect().await.unwrap();
    }
    let expected = [("404", ""), ("409", "409"), ("202", "_OTHER")];
    let expected = expected.map(|(status, error_type)| (labels("GET", server, status, error_type), 1));
    assert_eq!(observed.calls(), BTreeMap::from(expected));
}

/// Again, so often, whatever went wrong.
#[derive(Clone)]
struct Again(u8);

impl<R, E> Policy<Request<Full<Bytes>>, Response<R>, E> for Again {
    type Future = Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<Full<Bytes>>,
        answer: &mut Result<Response<R>, E>,
    ) -> Option<Ready<()>> {
        let failed = answer.as_ref().map_or(true, |answer| answer.status().is_server_error());
        self.0 = self.0.checked_sub(1).filter(|_| failed)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &Request<Full<Bytes>>) -> Option<Request<Full<Bytes>>> {
        Some(request.clone())
    }
}

// Mutation caught: a count of its own for each copy of the request.
#[tokio::test]
async fn each_attempt_is_a_span_with_its_number() {
    let tries = Arc::new(Mutex::new(0));
    let (server, received) = serve(move |_| {
        *tries.lock().unwrap() += 1;
        answer(if *tries.lock().unwrap() % 3 == 0 { 200 } else { 503 }, [])
    })
    .await;
    let observed = Observed::new();
    let client = ServiceBuilder::new()
        .layer(AttemptsLayer::new())
        .layer(RetryLayer::new(Again(5)))
        .layer(ObserveClientLayer::new(&observed.telemetry))
        .service(http());
    let work = observed.telemetry.operation("work").start();
    work.instrument(async {
        // The next one counts from the beginning.
        for _ in 0..2 {
            let answer = client.clone().oneshot(get(server, "/")).await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.into_body().collect().await.unwrap();
        }
    })
    .await;
    let spans = observed.spans().named("GET");
    let counts: Vec<_> = spans
        .iter()
        .map(|span| span.field("http.request.resend_count").and_then(serde_json::Value::as_u64))
        .collect();
    assert_eq!(counts, [None, Some(1), Some(2), None, Some(1), Some(2)]);
    let work = the_span(&observed, "work").span_id();
    assert!(spans.iter().all(|span| span.parent() == Some(work)));
    // Each tells its own id to the server.
    let received = received.lock().unwrap();
    for (span, headers) in spans.iter().zip(received.iter()) {
        assert!(headers["traceparent"].to_str().unwrap().contains(&span.span_id().to_string()));
    }
}

#[tokio::test]
async fn the_steps_to_a_connection_are_seen_and_one_that_is_there_has_none() {
    let (server, _) = serve(|_| answer(200, [Step::Data("a")])).await;
    let observed = Observed::new();
    let tcp = HttpConnector::new_with_resolver(ObserveConnector::dns(GaiResolver::new()));
    let connector = ObserveConnector::tls(ObserveConnector::connect(tcp));
    let client = ObserveClientLayer::new(&observed.telemetry)
        .layer(Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(connector));
    let url = format!("http://localhost:{}/", server.port());
    for _ in 0..2 {
        let asked = Request::get(&url).body(Full::default()).unwrap();
        client.clone().oneshot(asked).await.unwrap().into_body().collect().await.unwrap();
    }
    let spans = observed.spans();
    let calls = spans.named("GET");
    assert_eq!(calls.len(), 2);
    let (tls, connect, dns) = (spans.named("tls"), spans.named("connect"), spans.named("dns"));
    assert_eq!(tls.one().parent(), Some(calls[0].span_id()));
    assert_eq!(connect.one().parent(), Some(tls.one().span_id()));
    assert_eq!(dns.one().parent(), Some(connect.one().span_id()));
    assert_eq!([tls, connect, dns].map(|step| step.one().outcome()), [Some(Outcome::Ok); 3]);
}

/// What a caller learns of a server's answer with these headers: whether its own trace is kept then.
async fn is_kept(trust: bool, traceresponse: fn(&str) -> Vec<String>) -> (bool, Observed) {
    let (server, _) = serve(move |request: Request<Incoming>| {
        let mut answer = answer(200, []);
        for value in traceresponse(request.headers()["traceparent"].to_str().unwrap()) {
            answer.headers_mut().append("traceresponse", value.parse().unwrap());
        }
        answer
    })
    .await;
    let observed = Observed::with(|builder| builder.sampling(Sampling::tail(0.0).unwrap()));
    let client = ObserveClientLayer::new(&observed.telemetry).trust_response(trust).layer(http());
    let work = observed.telemetry.operation("work").start();
    let kept = async {
        client.oneshot(get(server, "/")).await.unwrap().into_body().collect().await.unwrap();
        observe_core::context::Context::current().span().unwrap().flags.is_sampled()
    };
    let kept = work.instrument(kept).await;
    (kept, observed)
}

// Mutations caught: any server believed; another trace's word; an unset flag; two headers.
#[tokio::test]
async fn a_trusted_servers_word_keeps_the_trace() {
    fn sampled(traceparent: &str) -> String {
        format!("{}-b7ad6b7169203331-01", &traceparent[..35])
    }
    assert!(is_kept(true, |sent| vec![sampled(sent)]).await.0);
    assert!(!is_kept(false, |sent| vec![sampled(sent)]).await.0);
    assert!(!is_kept(true, |sent| vec![sampled(sent), sampled(sent)]).await.0);
    assert!(!is_kept(true, |sent| vec![format!("{}0", sampled(sent).strip_suffix('1').unwrap())]).await.0);
    let others = |_: &str| vec!["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()];
    assert!(!is_kept(true, others).await.0);
    assert!(!is_kept(true, |_| Vec::new()).await.0);
    let (kept, observed) = is_kept(true, |_| vec!["00-nonsense".to_owned()]).await;
    assert!(!kept);
    let rejected = observed.series("observe_context_rejected_total");
    assert_eq!(rejected, one("header=\"traceresponse\",reason=\"length\"".to_owned()));
}

// Mutations caught: the header written without being asked for, or with the flag of the trace's beginning.
#[tokio::test]
async fn a_server_says_what_it_keeps_when_its_head_goes_out() {
    async fn told(tell: bool, handler: fn()) -> Option<String> {
        let observed = Observed::with(|builder| builder.sampling(Sampling::tail(0.0).unwrap()));
        let layer = ObserveLayer::new(&observed.telemetry).trace_response(tell);
        let service = layer.layer(tower::service_fn(move |request: Request<()>| {
            handler();
            let status = request.uri().path()[1..].parse().unwrap();
            ready(Ok::<_, Infallible>(answer(status, [])))
        }));
        let path = if handler as usize == fails as fn() as usize { "/500" } else { "/200" };
        let answer = service.oneshot(support::get(path)).await.unwrap();
        let told = answer.headers().get("traceresponse")?.to_str().unwrap().to_owned();
        let line = &observed.requests();
        drop(answer);
        let span = observed.spans()[0].clone();
        assert!(told.starts_with(&format!("00-{}-{}-", span.trace_id(), span.span_id())), "{told} {line:?}");
        Some(told[53..].to_owned())
    }
    fn fails() {}
    assert_eq!(told(false, observe_core::keep).await, None);
    assert_eq!(told(true, observe_core::keep).await.as_deref(), Some("03"));
    assert_eq!(told(true, || ()).await.as_deref(), Some("02"));
    assert_eq!(told(true, fails).await.as_deref(), Some("03"));
}

// Mutation caught: a trace that is marked by a callee, and not told so to the caller.
#[tokio::test]
async fn what_a_leaf_keeps_is_kept_up_to_the_root() {
    let telemetry = || Observed::with(|builder| builder.sampling(Sampling::tail(0.0).unwrap()));
    let (leaf, middle) = (telemetry(), telemetry());
    let leaf =
        ObserveLayer::new(&leaf.telemetry).trace_response(true).layer(tower::service_fn(|_: Request<()>| {
            observe_core::keep();
            ready(Ok::<_, Infallible>(answer(200, [])))
        }));
    for (trusted, flags) in [(false, "02"), (true, "03")] {
        let client = ObserveClientLayer::new(&middle.telemetry).trust_response(trusted).layer(leaf.clone());
        let service = ObserveLayer::new(&middle.telemetry).trace_response(true).layer(tower::service_fn(
            move |_: Request<()>| {
                let client = client.clone();
                async move {
                    let body = client.oneshot(support::get("/")).await?.into_body();
                    let _ = body.collect().await;
                    Ok::<_, Infallible>(answer(200, []))
                }
            },
        ));
        let answer = service.oneshot(support::get("/")).await.unwrap();
        assert_eq!(&answer.headers()["traceresponse"].to_str().unwrap()[53..], flags);
    }
}

#[tokio::test]
async fn reqwests_client_is_observed_as_it_is() {
    let (server, received) = serve(|_| answer(200, [Step::Data("a"), Step::Data("b")])).await;
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let observed = Observed::new();
    let plain = reqwest::Client::new();
    let client = ObserveClientLayer::new(&observed.telemetry).layer(plain.clone());
    let url = format!("http://ada:secret@{server}/a?b=c#d");
    let answer = client.clone().oneshot(plain.get(&url).build().unwrap()).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.url().path()), (200, "/a"));
    assert_eq!(observed.calls_in_flight(), 1);
    assert_eq!(answer.text().await.unwrap(), "ab");
    let span = the_span(&observed, "GET");
    let traceparent = received.lock().unwrap()[0]["traceparent"].to_str().unwrap().to_owned();
    assert!(traceparent.contains(&span.span_id().to_string()));
    assert_eq!(span.field("url.full").unwrap(), format!("http://{server}/a?b=c").as_str());
    assert_eq!(observed.calls(), one(labels("GET", server, "200", "")));

    let observed = Observed::new();
    let client = ObserveClientLayer::new(&observed.telemetry).layer(plain.clone());
    let url = format!("http://{gone}/?token=secret");
    let error = client.oneshot(plain.get(&url).build().unwrap()).await.unwrap_err();
    assert!(error.is_connect());
    assert_eq!(observed.calls(), one(labels("GET", gone, "", "connection_refused")));
    let lines = observed.lines();
    let message = lines[0]["error.message"].as_str().unwrap();
    assert!(message.contains("refused") && !message.contains("secret"), "{message}");
}

// Mutation caught: the layer's template is not asked for by the one, or goes before the request's own in the other.
#[tokio::test]
async fn a_template_is_the_requests_own_else_the_layers() {
    let (server, _) = serve(|_| answer(200, [])).await;
    let observed = Observed::new();
    let layer = ObserveClientLayer::new(&observed.telemetry).url_template("/items/{id}");
    let plain = reqwest::Client::new();
    let asked = plain.get(format!("http://{server}/items/1")).build().unwrap();
    layer.layer(plain).oneshot(asked).await.unwrap().bytes().await.unwrap();
    the_span(&observed, "GET /items/{id}");

    let inner = tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(answer(204, []))));
    for (own, name) in [(None, "GET /items/{id}"), (Some(UrlTemplate("/prices/{id}")), "GET /prices/{id}")] {
        let observed = Observed::new();
        let layer = ObserveClientLayer::new(&observed.telemetry).url_template("/items/{id}");
        let mut request = Request::get("http://stock/items/1").body(()).unwrap();
        if let Some(own) = own {
            request.extensions_mut().insert(own);
        }
        layer.layer(inner).oneshot(request).await.unwrap();
        the_span(&observed, name);
        let template = name.trim_start_matches("GET ");
        let calls: Vec<_> = observed.calls().into_keys().collect();
        assert!(calls[0].contains(&format!("url_template=\"{template}\"")), "{calls:?}");
    }
}

#[tokio::test]
async fn without_an_authority_the_server_is_the_layers_else_the_hosts() {
    let observed = Observed::new();
    let inner = tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(answer(204, []))));
    let layer = ObserveClientLayer::new(&observed.telemetry);
    let asked = || Request::get("/a").header("host", "Example.com:81").body(()).unwrap();
    layer.layer(inner).oneshot(asked()).await.unwrap();
    layer.server("stock", 50051).layer(inner).oneshot(asked()).await.unwrap();
    let servers: Vec<_> = observed.calls().into_keys().collect();
    assert!(servers[0].contains("server_address=\"example.com\",server_port=\"81\""), "{servers:?}");
    assert!(servers[1].contains("server_address=\"stock\",server_port=\"50051\""), "{servers:?}");
}

// Mutation caught: a body that was read to its declared length, and not asked for an end, taken for one that was left.
#[tokio::test]
async fn a_body_that_does_not_know_its_end_is_whole_at_its_length() {
    for (length, error_type) in [(3, ""), (4, "cancelled")] {
        let observed = Observed::new();
        let inner = tower::service_fn(move |_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::new(Steps::new([Step::Data("abc")]).declared(length))))
        });
        let client = ObserveClientLayer::new(&observed.telemetry).layer(inner);
        let mut body = client.oneshot(support::get("/")).await.unwrap().into_body();
        assert!(body.frame().await.unwrap().unwrap().is_data());
        drop(body);
        let [(labels, 1)] = &Vec::from_iter(observed.calls())[..] else { panic!("one request") };
        assert_eq!(labels.contains("cancelled"), !error_type.is_empty(), "{labels}");
    }
}

#[tokio::test]
async fn bodies_are_what_they_were() {
    let observed = Observed::new();
    let layer = ObserveClientLayer::new(&observed.telemetry);
    let inner = tower::service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(Steps::new([Step::Data("a"), Step::Trailers]).declared(1))))
    });
    let mut body = pin!(layer.layer(inner).oneshot(support::get("/")).await.unwrap().into_body());
    assert_eq!(http_body::Body::size_hint(&*body).exact(), Some(1));
    assert!(body.frame().await.unwrap().unwrap().is_data());
    assert!(body.frame().await.unwrap().unwrap().is_trailers());
    assert!(body.frame().await.is_none());
    let empty =
        tower::service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))));
    let answer = layer.layer(empty).oneshot(support::get("/")).await.unwrap();
    assert!(http_body::Body::is_end_stream(answer.body()));
    drop(Operation::builder("unused"));
}
