//! Every way a request can end is one count, with one set of labels, and one line; and nothing stays in flight.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use futures_util::FutureExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use observe_core::label::LabelValue;
use observe_tower::{Failure, ObserveLayer, ResponseHead};
use std::future::{Future, pending, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use support::{Observed, Step, Steps, get, labels};
use tower::{Layer, Service, ServiceExt, service_fn};

#[derive(Clone, Copy)]
enum Kind {
    Declined,
}

impl LabelValue for Kind {
    const CARDINALITY: u32 = 1;
    fn code(self) -> u32 {
        0
    }
    fn text(_: u32) -> &'static str {
        "declined"
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Steps>, std::io::Error>> + Send>>;
type Handler = fn(Request<()>) -> Answer;

fn answer(status: u16, body: Steps) -> Answer {
    Box::pin(ready(Ok(Response::builder().status(status).body(body).unwrap())))
}

fn steps(steps: impl IntoIterator<Item = Step>) -> Steps {
    Steps::new(steps)
}

/// How the client behaves.
#[derive(Clone, Copy)]
enum Client {
    /// Reads to the end, or to the error.
    Reads,
    /// Reads so many frames, then goes.
    Leaves(usize),
    /// Goes before the head.
    LeavesEarly,
    /// Goes before the first poll.
    LeavesAtOnce,
}

struct Case {
    name: &'static str,
    method: Method,
    handler: Handler,
    client: Client,
    status: &'static str,
    error_type: &'static str,
    outcome: &'static str,
}

const GET: Method = Method::GET;

#[allow(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    use Client::{Leaves, LeavesAtOnce, LeavesEarly, Reads};
    use Step::{Data, Error, Panic, Pending, Trailers};
    let case = |name, method, handler, client, status, error_type, outcome| Case {
        name,
        method,
        handler,
        client,
        status,
        error_type,
        outcome,
    };
    vec![
        case("whole", GET, |_| answer(200, steps([Data("a"), Pending, Data("b")])), Reads, "200", "", "ok"),
        case("not found", GET, |_| answer(404, steps([Data("a")])), Reads, "404", "", "ok"),
        case("server error", GET, |_| answer(503, steps([Data("a")])), Reads, "503", "503", "error"),
        case("empty", GET, |_| answer(200, steps([]).knows_end()), Leaves(0), "200", "", "ok"),
        case("trailers", GET, |_| answer(200, steps([Data("a"), Trailers])), Leaves(2), "200", "", "ok"),
        case(
            "body error",
            GET,
            |_| answer(200, steps([Data("a"), Error])),
            Reads,
            "200",
            "body_error",
            "error",
        ),
        case(
            "body panic",
            GET,
            |_| answer(200, steps([Data("a"), Panic])),
            Reads,
            "200",
            "panicked",
            "panicked",
        ),
        case(
            "client gone while the body streams",
            GET,
            |_| answer(200, steps([Data("a"), Data("b")])),
            Leaves(1),
            "200",
            "cancelled",
            "cancelled",
        ),
        case(
            "client gone before the body",
            GET,
            |_| answer(200, steps([Data("a")])),
            Leaves(0),
            "200",
            "cancelled",
            "cancelled",
        ),
        case(
            "a failed answer not read",
            GET,
            |_| answer(500, steps([Data("a")])),
            Leaves(0),
            "500",
            "500",
            "error",
        ),
        case(
            "client gone before the head",
            GET,
            |_| Box::pin(pending()),
            LeavesEarly,
            "",
            "cancelled",
            "cancelled",
        ),
        case("never polled", GET, |_| answer(200, steps([])), LeavesAtOnce, "", "cancelled", "cancelled"),
        case(
            "panic in the handler",
            GET,
            |_| Box::pin(async { panic!("planned") }),
            Reads,
            "",
            "panicked",
            "panicked",
        ),
        case(
            "panic after a declared failure",
            GET,
            |_| {
                Box::pin(async {
                    observe_core::fail(Kind::Declined);
                    panic!("planned")
                })
            },
            Reads,
            "",
            "panicked",
            "panicked",
        ),
        case("panic in the call", GET, |_| panic!("planned"), Reads, "", "panicked", "panicked"),
        case(
            "service error",
            GET,
            |_| Box::pin(ready(Err(std::io::Error::other("no")))),
            Reads,
            "",
            "_OTHER",
            "error",
        ),
        case("head", Method::HEAD, |_| answer(200, steps([Data("never")])), Leaves(0), "200", "", "ok"),
        case("no content", GET, |_| answer(204, steps([Data("never")])), Leaves(0), "204", "", "ok"),
        case("not modified", GET, |_| answer(304, steps([Data("never")])), Leaves(0), "304", "", "ok"),
        case("upgrade", GET, |_| answer(101, steps([])), Leaves(0), "101", "", "ok"),
        case("tunnel", Method::CONNECT, |_| answer(200, steps([Data("never")])), Leaves(0), "200", "", "ok"),
        case(
            "tunnel refused",
            Method::CONNECT,
            |_| answer(403, steps([Data("a")])),
            Leaves(0),
            "403",
            "cancelled",
            "cancelled",
        ),
        case(
            "declared length delivered",
            GET,
            |_| answer(200, steps([Data("ab"), Data("c")]).declared(3)),
            Leaves(2),
            "200",
            "",
            "ok",
        ),
        case(
            "declared length not delivered",
            GET,
            |_| answer(200, steps([Data("ab"), Data("c")]).declared(3)),
            Leaves(1),
            "200",
            "cancelled",
            "cancelled",
        ),
        case(
            "shorter than declared",
            GET,
            |_| answer(200, steps([Data("ab")]).declared(3)),
            Reads,
            "200",
            "body_error",
            "error",
        ),
        case(
            "length declared by a header",
            GET,
            |_| {
                let response = Response::builder().header("content-length", "3");
                Box::pin(ready(Ok(response.body(steps([Data("abc")])).unwrap())))
            },
            Leaves(1),
            "200",
            "",
            "ok",
        ),
        case(
            "end known after a frame",
            GET,
            |_| answer(200, steps([Data("a"), Data("b")]).knows_end()),
            Leaves(2),
            "200",
            "",
            "ok",
        ),
        case(
            "declared in the handler",
            GET,
            |_| {
                Box::pin(async {
                    observe_core::fail(Kind::Declined);
                    Ok(Response::new(steps([Data("a")])))
                })
            },
            Reads,
            "200",
            "declined",
            "error",
        ),
        case(
            "declared on the response",
            GET,
            |_| {
                let failure = Failure::new(Kind::Declined).cause(&std::io::Error::other("no funds"));
                Box::pin(ready(Ok(Response::builder()
                    .status(502)
                    .extension(failure)
                    .body(steps([Data("a")]))
                    .unwrap())))
            },
            Reads,
            "502",
            "declined",
            "error",
        ),
        case(
            "declared in the body",
            GET,
            |_| answer(200, steps([Data("a")]).on_drop(|| observe_core::fail(Kind::Declined))),
            Leaves(0),
            "200",
            "declined",
            "error",
        ),
        case(
            "odd method",
            Method::from_bytes(b"BREW").unwrap(),
            |_| answer(418, steps([])),
            Reads,
            "418",
            "",
            "ok",
        ),
        case("odd status", GET, |_| answer(799, steps([])), Reads, "", "_OTHER", "error"),
    ]
}

async fn behave<S>(mut service: S, request: Request<()>, client: Client)
where
    S: Service<Request<()>, Response = Response<observe_tower::ObserveBody<Steps>>, Error = std::io::Error>,
{
    let future = service.ready().await.unwrap().call(request);
    match client {
        Client::LeavesAtOnce => drop(future),
        Client::LeavesEarly => assert!(future.now_or_never().is_none()),
        Client::Reads | Client::Leaves(_) => {
            let Ok(response) = future.await else { return };
            let frames = match client {
                Client::Leaves(frames) => frames,
                _ => usize::MAX,
            };
            let mut body = response.into_body();
            for _ in 0..frames {
                match body.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break,
                }
            }
        }
    }
}

// Mutations caught: `finish` left out after a frame, trailers or an error; `owed` not counted down; the mark of a
// poll that unwound dropped; `dec` left out, or done twice; `status` after `Failure`; an end on `poll_ready`.
#[tokio::test]
async fn every_way_to_end_is_one_count_and_one_line() {
    support::expect_planned_panics();
    for case in cases() {
        let name = case.name;
        let observed = Observed::new();
        let service = ObserveLayer::new(&observed.telemetry).layer(service_fn(case.handler));
        let uri = if case.method == Method::CONNECT { "example.org:443" } else { "/some/path?secret=1" };
        let request = Request::builder().method(case.method.clone()).uri(uri).body(()).unwrap();
        let _ = AssertUnwindSafe(behave(service, request, case.client)).catch_unwind().await;

        let method = if name == "odd method" { "_OTHER" } else { case.method.as_str() };
        let expected = labels(method, "", case.status, case.error_type);
        assert_eq!(observed.counted(), [(expected, 1)].into(), "{name}");
        assert_eq!(observed.in_flight(), 0, "{name}");

        let lines = observed.requests();
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        let line = &lines[0];
        assert_eq!(line["outcome"], case.outcome, "{name}");
        let level = if matches!(case.outcome, "error" | "panicked") { "ERROR" } else { "INFO" };
        assert_eq!(line["level"], level, "{name}");
        assert_eq!(line["http.response.status_code"].as_u64(), case.status.parse().ok(), "{name}");
        assert_eq!(line["error.type"].as_str().unwrap_or_default(), case.error_type, "{name}");
        assert!(line["duration_ms"].is_f64(), "{name}");
        assert!(!line.to_string().contains("secret"), "{name}");
        let end = if case.status.is_empty() { case.outcome } else { case.status };
        let said = if name == "odd method" { "HTTP" } else { method };
        assert_eq!(line["message"], format!("{said} {end}"), "{name}");
        if name == "declared on the response" {
            assert_eq!(line["error.message"], "no funds");
        }
        if name == "odd method" {
            assert_eq!(line["http.request.method_original"], "BREW");
        }
    }
}

// Mutation caught: `Ending::of` or the frames' bookkeeping changing what the body within says.
#[tokio::test]
async fn the_body_says_what_the_body_within_says() {
    use http_body::Body as _;
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry);
    let handler =
        |_: Request<()>| answer(200, steps([Step::Data("a"), Step::Trailers]).declared(7).knows_end());
    let response = layer.layer(service_fn(handler)).oneshot(get("/")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.size_hint().exact(), Some(7));
    assert!(!body.is_end_stream());
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "a");
    assert!(!body.is_end_stream());
    assert!(body.frame().await.unwrap().unwrap().is_trailers());
    assert!(body.is_end_stream());
    assert!(body.frame().await.is_none());
}

// Mutation caught: `forgive` left out; a classifier asked where the handler spoke.
#[tokio::test]
async fn a_classifier_decides_where_the_handler_does_not() {
    let handler = |request: Request<()>| {
        let (status, failure) = match request.uri().path() {
            "/busy" => (503, None),
            "/broken" => (500, None),
            "/teapot" => (418, None),
            _ => (503, Some(Failure::new(Kind::Declined))),
        };
        let mut response = Response::new(steps([]).knows_end());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.extensions_mut().extend(
            failure
                .map(|failure| {
                    let mut extensions = http::Extensions::new();
                    extensions.insert(failure);
                    extensions
                })
                .unwrap_or_default(),
        );
        ready(Ok::<_, std::io::Error>(response))
    };
    for (path, status, error_type) in [
        ("/busy", "503", ""),
        ("/broken", "500", "500"),
        ("/teapot", "418", "_OTHER"),
        ("/declared", "503", "declined"),
    ] {
        let observed = Observed::new();
        let layer = ObserveLayer::new(&observed.telemetry).classify(|head: &ResponseHead<'_>| {
            matches!(head.status.as_u16(), 500 | 418).then(Failure::unnamed)
        });
        layer.layer(service_fn(handler)).oneshot(get(path)).await.unwrap();
        assert_eq!(observed.counted(), [(labels("GET", "", status, error_type), 1)].into(), "{path}");
    }
}
