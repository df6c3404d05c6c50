//! One line for a request: what is on it, that a failure is told there and nowhere else, and that it has begun.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use observe_core::{LogFormat, ObserveFuture, Outcome, Sampling, Telemetry, annotate, observed};
use observe_tower::{ObserveClientLayer, ObserveLayer, RequestHead, RequestSizeLayer};
use serde_json::Value;
use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io::{self, sink};
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use support::{Observed, Step, Steps, expect_planned_panics};
use tower::{Layer, ServiceExt, service_fn};

#[derive(Debug)]
struct Unavailable;

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("payment is unavailable")
    }
}

impl std::error::Error for Unavailable {}

/// A call that fails, three times.
#[observed(dependency = "payment")]
async fn authorize(telemetry: &Telemetry) -> Result<(), Unavailable> {
    for _ in 0..3 {
        let payment = ObserveClientLayer::new(telemetry).layer(service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, io::Error>(
                Response::builder().status(503).body(Steps::new([Step::Data("busy")])).unwrap(),
            )
        }));
        let request = Request::get("http://payment/charge").body(Full::default()).unwrap();
        payment.oneshot(request).await.unwrap().into_body().collect().await.unwrap();
    }
    annotate("from.depth", "three");
    Err(Unavailable)
}

#[observed]
async fn check_stock() -> Result<(), Unavailable> {
    annotate("from.task", true);
    Err(Unavailable)
}

#[observed]
async fn place(telemetry: &Telemetry) -> Result<(), Unavailable> {
    tracing::info!("placing it");
    let task = tokio::spawn(check_stock().in_current_operation());
    assert!(task.await.unwrap().is_err());
    authorize(telemetry).await
}

fn errors(observed: &Observed) -> Vec<Value> {
    observed.lines().into_iter().filter(|line| line["level"] == "ERROR").collect()
}

/// A service whose requests end so.
async fn ask(observed: &Observed, layer: &ObserveLayer, request: Request<Steps>, status: u16) {
    let telemetry = observed.telemetry.clone();
    let service = RequestSizeLayer::new().layer(service_fn(move |request: Request<_>| {
        let telemetry = telemetry.clone();
        async move {
            BodyExt::collect(request.into_body()).await.unwrap();
            if status >= 500 {
                assert!(place(&telemetry).await.is_err());
            }
            tracing::info!("answered");
            let body = Steps::new([Step::Data("sorry")]);
            Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
        }
    }));
    let asked =
        async { layer.layer(service).oneshot(request).await.unwrap().into_body().collect().await.unwrap() };
    observed.telemetry.scope(asked).await;
}

fn charge() -> Request<Steps> {
    Request::post("/charge?a=b").body(Steps::new([Step::Data("12345"), Step::Data("678")])).unwrap()
}

fn layer(observed: &Observed) -> ObserveLayer {
    ObserveLayer::new(&observed.telemetry).route(|_: &RequestHead<'_>| Some("/charge"))
}

// Mutations caught: a line of a failed function, call or attempt whose request tells the failure; annotations of a depth,
// or of a task, that get lost; the outermost reason told instead of the innermost.
#[tokio::test]
async fn a_failure_is_told_once() {
    let observed = Observed::with(|builder| builder.filter("trace".parse().unwrap()));
    ask(&observed, &layer(&observed).response_sizes(true), charge(), 502).await;
    let told = errors(&observed);
    let [line] = &told[..] else { panic!("{told:#?}") };
    let says = |key: &str, value: Value| assert_eq!(line[key], value, "{key}: {line:#}");
    says("target", "observe::request".into());
    says("message", "POST /charge 502".into());
    says("error.message", "payment is unavailable".into());
    says("error.type", "502".into());
    says("from.depth", "three".into());
    says("from.task", true.into());
    says("http.request.body.size", 8.into());
    says("http.response.body.size", 5.into());
    let lines = observed.lines();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["request_started", "placing it", "answered", "POST /charge 502"]);
    assert!(lines.iter().all(|one| one["trace_id"] == line["trace_id"]));
    // Each of the others is a span that says so.
    let failed = ["place", "authorize", "check_stock"].map(|name| {
        let spans = observed.spans();
        let span = spans.iter().find(|span| span.name().ends_with(name)).unwrap();
        span.outcome()
    });
    assert!(failed.iter().all(|outcome| outcome.is_some_and(Outcome::is_failure)), "{failed:?}");
}

// A panic has a line of its own, as it may be the last; nothing else repeats it. Mutation caught: a function that is
// told beside it.
#[tokio::test]
async fn a_panic_is_told_where_it_was_and_by_its_request() {
    #[observed]
    async fn inner(refused: bool) -> Result<(), Unavailable> {
        if refused { panic!("planned") } else { Ok(()) }
    }
    #[observed]
    async fn outer() -> Result<(), Unavailable> {
        inner(true).await
    }
    expect_planned_panics();
    let _hook = Telemetry::builder("hook").log_writer(sink()).install().unwrap();
    let observed = Observed::new();
    let service = layer(&observed).layer(service_fn(|_: Request<()>| async {
        outer().await.unwrap();
        Ok::<_, Infallible>(Response::new(Steps::default()))
    }));
    let unwound = AssertUnwindSafe(observed.telemetry.scope(service.oneshot(support::get("/charge"))));
    assert!(unwound.catch_unwind().await.is_err());
    let told = errors(&observed);
    let targets: Vec<_> = told.iter().map(|line| line["target"].as_str().unwrap()).collect();
    assert_eq!(targets, ["observe::panic", "observe::request"]);
    assert_eq!((&told[1]["outcome"], &told[1]["error.message"]), (&"panicked".into(), &"planned".into()));
}

/// As a server puts it there.
#[derive(Clone)]
struct Peer(SocketAddr);

const PROXY: &str = "10.0.0.7:4711";
const FACTS: [&str; 3] = ["client.address", "network.peer.address", "user_agent.original"];

fn from(peer: &str) -> Request<Steps> {
    let mut request = charge();
    request.extensions_mut().insert(Peer(peer.parse().unwrap()));
    let headers = request.headers_mut();
    headers.insert("x-forwarded-for", "6.6.6.6, 203.0.113.7".parse().unwrap());
    headers.insert("user-agent", format!("curl/8 \"{}", "x".repeat(300)).parse().unwrap());
    request
}

fn curious(observed: &Observed) -> ObserveLayer {
    let peer = |head: &RequestHead<'_>| Some(head.extensions.get::<Peer>()?.0.ip());
    layer(observed)
        .trust_if(move |head: &RequestHead<'_>| {
            peer(head) == PROXY.parse().ok().map(|peer: SocketAddr| peer.ip())
        })
        .peer_address(peer)
        .client_address(true)
        .user_agent(true)
}

// Mutations caught: a stranger's `X-Forwarded-For` believed; facts that nobody asked for; facts on the other lines.
#[tokio::test]
async fn peer_facts_are_told_where_they_are_asked_for() {
    for (peer, client) in [(PROXY, "203.0.113.7"), ("[::ffff:198.51.100.9]:80", "198.51.100.9")] {
        let observed = Observed::with(|builder| builder.sampling(Sampling::always()));
        ask(&observed, &curious(&observed), from(peer), 200).await;
        let line = observed.requests().pop().unwrap();
        let ip = peer.parse::<SocketAddr>().unwrap().ip().to_canonical();
        assert_eq!(
            (&line["client.address"], &line["network.peer.address"]),
            (&client.into(), &ip.to_string().into())
        );
        let agent = line["user_agent.original"].as_str().unwrap();
        assert!(agent.starts_with("curl/8 \"x") && agent.len() == 256, "{agent}");
        let inside = observed.lines().into_iter().find(|line| line["message"] == "answered").unwrap();
        assert!(FACTS.iter().all(|fact| inside.get(fact).is_none()), "{inside}");
    }
    // Of nobody that is known, and where nobody asked.
    let observed = Observed::new();
    let unknown = layer(&observed).client_address(true);
    ask(&observed, &unknown, from(PROXY), 200).await;
    ask(&observed, &layer(&observed), from(PROXY), 200).await;
    for line in observed.requests() {
        assert!(FACTS.iter().all(|fact| line.get(fact).is_none()), "{line}");
        assert!(
            line.get("http.response.body.size").is_none() && line["http.request.body.size"] == 8,
            "{line}"
        );
    }
}

// Mutation caught: a function of the user's that takes the request along.
#[tokio::test]
async fn a_panic_of_the_function_is_the_request_s() {
    expect_planned_panics();
    let observed = Observed::new();
    let layer = layer(&observed).peer_address(|_: &RequestHead<'_>| -> Option<IpAddr> { panic!("planned") });
    assert!(AssertUnwindSafe(ask(&observed, &layer, charge(), 200)).catch_unwind().await.is_err());
    assert_eq!(observed.requests()[0]["outcome"], "panicked");
}

// Mutation caught: a start that is told at `info`, or without what finds the request.
#[tokio::test]
async fn a_request_that_never_ends_has_begun() {
    for (filter, told) in [("info", 0), ("debug", 1), ("info,observe::request=debug", 1)] {
        let observed =
            Observed::with(|builder| builder.filter(filter.parse().unwrap()).log_format(LogFormat::Json));
        let service = layer(&observed)
            .layer(service_fn(|_: Request<()>| pending::<Result<Response<Steps>, Infallible>>()));
        let mut stuck = Box::pin(service.oneshot(support::get("/charge?a=b")));
        assert!((&mut stuck).now_or_never().is_none());
        let lines = observed.requests();
        assert_eq!(lines.len(), told, "{filter}");
        for line in lines {
            let says = |key: &str| line[key].as_str().unwrap();
            assert_eq!((says("message"), says("level")), ("request_started", "DEBUG"));
            assert_eq!((says("http.request.method"), says("http.route")), ("GET", "/charge"));
            assert_eq!((says("url.path"), says("trace_id").len()), ("/charge", 32));
        }
    }
}

// Mutation caught: a start that does not wait with the other lines.
#[tokio::test]
async fn the_start_is_held_back_like_other_lines() {
    let observed = Observed::with(|builder| {
        builder.hold_back("debug".parse().unwrap()).sampling(Sampling::tail(0.0).unwrap())
    });
    ask(&observed, &layer(&observed), charge(), 200).await;
    ask(&observed, &layer(&observed), charge(), 502).await;
    let lines = observed.lines();
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    let kept = ["request_started", "placing it", "answered", "POST /charge 502"];
    assert_eq!(messages.iter().filter(|message| **message == "request_started").count(), 1, "{messages:?}");
    assert!(kept.iter().all(|message| messages.contains(message)), "{messages:?}");
}
