//! What the layer does to a request and its answer, and what it leaves alone.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
use observe_core::context::Context;
use observe_core::http_server::Scheme;
use observe_tower::{ObserveLayer, RequestHead, ResponseHead};
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use support::{Observed, Step, Steps, get, labels};
use tower::{Layer, Service, ServiceExt, service_fn};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn empty() -> Response<Steps> {
    Response::new(Steps::new([]).knows_end())
}

/// Answers, and keeps the context that it had.
fn keeping(
    kept: &Arc<Mutex<Context>>,
) -> impl Service<Request<()>, Response = Response<Steps>, Error = Infallible> + Clone {
    let kept = Arc::clone(kept);
    service_fn(move |_: Request<()>| {
        let kept = Arc::clone(&kept);
        async move {
            *kept.lock().unwrap() = Context::current();
            Ok(empty())
        }
    })
}

fn span(context: &Context) -> (String, String) {
    let span = context.span().unwrap();
    (span.trace_id.to_string(), span.span_id.to_string())
}

// Mutation caught: a trace of its own in the place of the caller's; the line stamped with another span.
#[tokio::test]
async fn the_caller_s_trace_goes_on() {
    let observed = Observed::new();
    let kept = Arc::default();
    let service = ObserveLayer::new(&observed.telemetry).echo_trace_id(true).layer(keeping(&kept));
    let mut request = get("/");
    request.headers_mut().insert("traceparent", TRACEPARENT.parse().unwrap());
    request.headers_mut().insert("x-correlation-id", "order-4711".parse().unwrap());
    let response = service.clone().oneshot(request).await.unwrap();

    let (trace_id, span_id) = span(&kept.lock().unwrap());
    assert_eq!(trace_id, TRACE);
    assert_ne!(span_id, "00f067aa0ba902b7");
    assert_eq!(response.headers()["x-correlation-id"], "order-4711");
    assert_eq!(response.headers()["x-trace-id"], TRACE);
    let line = &observed.requests()[0];
    assert_eq!(line["trace_id"], TRACE);
    assert_eq!(line["span_id"], span_id);
    assert_eq!(line["correlation_id"], "order-4711");

    // Another request, another trace, which is its correlation id.
    let response = service.oneshot(get("/")).await.unwrap();
    let (trace_id, _) = span(&kept.lock().unwrap());
    assert_ne!(trace_id, TRACE);
    assert_eq!(response.headers()["x-correlation-id"], trace_id);
    assert_eq!(response.headers()["x-trace-id"], trace_id);
}

// Mutations caught: headers that are added to those of the service; a trace id that nobody asked for.
#[tokio::test]
async fn what_the_client_sees_is_what_the_lines_say() {
    let observed = Observed::new();
    let service = service_fn(|_: Request<()>| {
        let mut response = empty();
        response.headers_mut().append("x-correlation-id", "its own".parse().unwrap());
        response.headers_mut().append("x-trace-id", "its own".parse().unwrap());
        ready(Ok::<_, Infallible>(response))
    });
    for echo in [false, true] {
        let layer = ObserveLayer::new(&observed.telemetry).echo_trace_id(echo);
        let response = layer.layer(service).oneshot(get("/")).await.unwrap();
        let line = observed.requests().pop().unwrap();
        let ids = |name: &str| response.headers().get_all(name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(ids("x-correlation-id"), [line["correlation_id"].as_str().unwrap()]);
        assert_eq!(ids("x-trace-id"), [if echo { line["trace_id"].as_str().unwrap() } else { "its own" }]);
    }
}

// Mutation caught: a header taken as it came; a rejection not counted.
#[tokio::test]
async fn what_is_malformed_is_replaced_and_counted() {
    let observed = Observed::new();
    let service = ObserveLayer::new(&observed.telemetry)
        .layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty()))));
    let mut request = get("/");
    request.headers_mut().insert("traceparent", "00-zzz".parse().unwrap());
    request.headers_mut().insert("x-correlation-id", "two words".parse().unwrap());
    let response = service.oneshot(request).await.unwrap();
    let id = response.headers()["x-correlation-id"].to_str().unwrap();
    assert_eq!(id.len(), 32);
    assert!(!response.headers().contains_key("x-trace-id"));
    assert_eq!(
        observed.series("observe_context_rejected_total"),
        [
            (r#"header="traceparent",reason="length""#.to_owned(), 1),
            (r#"header="correlation_id",reason="value""#.to_owned(), 1)
        ]
        .into()
    );
}

#[tokio::test]
async fn a_hostile_path_is_one_bounded_field() {
    let observed = Observed::new();
    let service = ObserveLayer::new(&observed.telemetry)
        .layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty()))));
    let path = format!("/{}", "%22\\\"x".replace('\\', "%5C").repeat(2_000));
    let path = path.replace('"', "%22");
    service.oneshot(get(&format!("{path}?token=secret"))).await.unwrap();
    let lines = observed.requests();
    assert_eq!(lines[0]["url.path"], path[..1024]);
    assert_eq!(lines[0]["message"], "GET 200");
    assert!(!lines[0].to_string().contains("secret"));
}

// Mutation caught: the exclusion asked after the start; a new span in the place of the caller's.
#[tokio::test]
async fn excluded_requests_leave_nothing_but_hand_the_context_on() {
    let observed = Observed::new();
    let kept = Arc::default();
    let layer = ObserveLayer::new(&observed.telemetry)
        .exclude("/health")
        .exclude("/routed/{x}")
        .exclude_if(|head| head.headers.contains_key("x-probe"))
        .route(|head: &RequestHead<'_>| head.uri.path().starts_with("/routed/").then_some("/routed/{x}"));
    let service = layer.layer(keeping(&kept));
    for (path, probe) in [("/health", false), ("/routed/7", false), ("/other", true)] {
        *kept.lock().unwrap() = Context::new();
        let mut request = get(path);
        request.headers_mut().insert("traceparent", TRACEPARENT.parse().unwrap());
        if probe {
            request.headers_mut().insert("x-probe", "1".parse().unwrap());
        }
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-correlation-id"], TRACE);
        let mut sent = HeaderMap::new();
        observed.telemetry.inject(&kept.lock().unwrap(), &mut sent);
        assert_eq!(sent["traceparent"].to_str().unwrap()[..52], TRACEPARENT[..52]);
    }
    assert_eq!(observed.counted(), [].into());
    assert_eq!(observed.exposition().matches("http_server_active_requests{").count(), 0);
    assert!(observed.requests().is_empty());

    service.oneshot(get("/health/more")).await.unwrap();
    assert_eq!(observed.counted(), [(labels("GET", "", "200", ""), 1)].into());
}

#[tokio::test]
async fn a_discarded_request_is_in_no_record() {
    let observed = Observed::new();
    let service = ObserveLayer::new(&observed.telemetry).layer(service_fn(|_: Request<()>| async {
        observe_core::discard();
        Ok::<_, Infallible>(empty())
    }));
    service.oneshot(get("/metrics")).await.unwrap();
    assert_eq!(observed.counted(), [].into());
    assert_eq!(observed.in_flight(), 0);
    assert!(observed.requests().is_empty());
}

#[tokio::test]
async fn a_handler_can_name_its_route_annotate_and_tell_the_cause() {
    let observed = Observed::new();
    let service = ObserveLayer::new(&observed.telemetry).layer(service_fn(|_: Request<()>| async {
        observe_core::route("/orders/{id}");
        observe_core::annotate("order.id", 17_u64);
        observe_core::cause(&std::io::Error::other("disk full"));
        let mut response = empty();
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        Ok::<_, Infallible>(response)
    }));
    service.oneshot(get("/orders/17")).await.unwrap();
    assert_eq!(observed.counted(), [(labels("GET", "/orders/{id}", "500", "500"), 1)].into());
    let line = &observed.requests()[0];
    assert_eq!(line["message"], "GET /orders/{id} 500");
    assert_eq!(line["http.route"], "/orders/{id}");
    assert_eq!(line["order.id"], 17);
    assert_eq!(line["error.message"], "disk full");
    assert_eq!(line["error.type"], "500");
}

// Mutation caught: a path that is left out because the method is CONNECT: that of a WebSocket over HTTP/2 has one.
#[tokio::test]
async fn a_tunnel_has_the_path_that_it_was_asked_for_with() {
    let observed = Observed::new();
    let kept = Arc::default();
    let service = ObserveLayer::new(&observed.telemetry).layer(keeping(&kept));
    for uri in ["example.org:443", "https://example.org/chat"] {
        service.clone().oneshot(Request::connect(uri).body(()).unwrap()).await.unwrap();
    }
    let paths: Vec<_> = observed.requests().iter().map(|line| line["url.path"].clone()).collect();
    assert_eq!(paths, ["", "/chat"]);
}

#[tokio::test]
async fn scheme_and_version_are_labels() {
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry);
    let inner = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty())));
    let request = |uri: &str, version| Request::get(uri).version(version).body(()).unwrap();
    layer.layer(inner).oneshot(request("https://a/", http::Version::HTTP_2)).await.unwrap();
    layer.layer(inner).oneshot(request("ftp://a/", http::Version::HTTP_09)).await.unwrap();
    layer.scheme(Scheme::Https).layer(inner).oneshot(request("/", http::Version::HTTP_10)).await.unwrap();
    let expected = [
        r#"http_request_method="GET",url_scheme="https",http_response_status_code="200",network_protocol_version="2""#,
        r#"http_request_method="GET",url_scheme="http",http_response_status_code="200""#,
        r#"http_request_method="GET",url_scheme="https",http_response_status_code="200",network_protocol_version="1.0""#,
    ];
    assert_eq!(observed.counted(), expected.map(|labels| (labels.to_owned(), 1)).into());
}

// Mutation caught: `call`, a destructor (of an answer, of a request that was given up) or the classifier outside of
// `within`.
#[tokio::test]
async fn everything_the_service_does_is_done_in_the_request() {
    struct Seen(Arc<Mutex<Vec<Context>>>);
    impl Seen {
        fn note(&self) {
            self.0.lock().unwrap().push(Context::current());
        }
    }
    impl Drop for Seen {
        fn drop(&mut self) {
            self.note();
        }
    }
    /// A future that keeps what it has until it is dropped.
    struct Answering {
        seen: Seen,
        response: Option<Response<Steps>>,
    }
    impl Future for Answering {
        type Output = Result<Response<Steps>, Infallible>;
        fn poll(mut self: Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<Self::Output> {
            self.seen.note(); // in the poll; and when it is dropped
            self.response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
        }
    }
    let observed = Observed::new();
    let seen: Arc<Mutex<Vec<Context>>> = Arc::default();
    let (shared, classifying) = (Arc::clone(&seen), Seen(Arc::clone(&seen)));
    let layer = ObserveLayer::new(&observed.telemetry).classify(move |_: &ResponseHead<'_>| {
        classifying.note();
        None
    });
    let service = layer.layer(service_fn(move |request: Request<()>| {
        let seen = Seen(Arc::clone(&shared));
        seen.note(); // in the call
        let is_answered = request.uri().path() == "/";
        let on_drop = Seen(Arc::clone(&shared));
        let response =
            is_answered.then(|| Response::new(Steps::new([Step::Data("a")]).on_drop(|| drop(on_drop))));
        Answering { seen, response }
    }));
    drop(service.clone().oneshot(get("/")).await.unwrap());
    let check = |times: usize| {
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen.len(), times);
        assert!(seen.iter().all(|context| context.span().is_some() && *context == seen[0]));
    };
    // The call, the poll, two destructors, the classifier.
    check(5);
    assert!(service.oneshot(get("/given/up")).now_or_never().is_none());
    // `on_drop` is gone with the call.
    check(4);
    assert_eq!(Context::current(), Context::new());
}

// One limit for the process: the only test here that sees many routes is this one, and it asks for the default.
#[tokio::test]
async fn methods_and_paths_that_a_client_invents_make_no_series() {
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry);
    let inner = service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty())));
    for n in 0..300 {
        let request =
            Request::builder().method(format!("M{n}").as_str()).uri(format!("/{n}")).body(()).unwrap();
        layer.layer(inner).oneshot(request).await.unwrap();
    }
    assert_eq!(observed.counted(), [(labels("_OTHER", "", "200", ""), 300)].into());
}

/// A service need not be `Clone`, nor anything of it `Send`; and what is `Send` stays it.
#[tokio::test]
async fn nothing_is_asked_of_the_service() {
    struct Lonely(Rc<RefCell<u32>>);
    impl Service<Request<Rc<()>>> for Lonely {
        type Response = Response<http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, Infallible>>;
        type Error = Rc<str>;
        type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Rc<str>>>>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Rc<str>>> {
            Poll::Ready(Ok(()))
        }
        fn call(&mut self, request: Request<Rc<()>>) -> Self::Future {
            *self.0.borrow_mut() += 1;
            Box::pin(async move {
                drop(request);
                Err(Rc::from("no"))
            })
        }
    }
    let observed = Observed::new();
    let calls = Rc::default();
    let mut service = ObserveLayer::new(&observed.telemetry).layer(Lonely(Rc::clone(&calls)));
    let error = service.ready().await.unwrap().call(Request::new(Rc::new(()))).await.unwrap_err();
    assert_eq!((&*error, *calls.borrow()), ("no", 1));

    fn send<T: Send>(_: T) {}
    fn sync<T: Sync>(_: T) {}
    let service = ObserveLayer::new(&observed.telemetry)
        .layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty()))));
    sync(service.clone());
    send(service.clone().call(get("/")));
    send(service.oneshot(get("/")).await.unwrap().into_body());
}

// Mutation caught: a route, or an exclusion, that is asked for before the request has begun.
#[tokio::test]
async fn a_function_of_the_layer_that_panics_ends_a_request() {
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry);
    let broken = [
        layer.clone().route(|_: &RequestHead<'_>| -> Option<&'static str> { panic!("planned") }),
        layer.exclude_if(|_: &RequestHead<'_>| panic!("planned")),
    ];
    for (requests, layer) in (1..).zip(broken) {
        let mut service = layer.layer(service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(empty()))));
        let call = std::panic::AssertUnwindSafe(|| drop(service.call(get("/"))));
        assert!(std::panic::catch_unwind(call).is_err());
        assert_eq!(observed.counted()[&labels("GET", "", "", "panicked")], requests);
        assert_eq!(observed.in_flight(), 0);
    }
    assert_eq!(observed.requests().len(), 2);
}
