//! How many bytes of bodies are transferred.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use axum::Router;
use axum::body::Body as AxumBody;
use axum::routing::{get as on_get, post};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, StreamBody};
use observe_tower::{ObserveLayer, RequestHead, RequestSizeLayer};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;
use support::{Observed, Step, Steps, labels};
use tower::{Layer, ServiceExt, service_fn};

const RESPONSE: &str = "http_server_response_body_size_bytes";
const REQUEST: &str = "http_server_request_body_size_bytes";

/// What was counted: by labels, how many bodies and their bytes.
fn sizes(observed: &Observed, metric: &str) -> BTreeMap<String, (u64, u64)> {
    let text = observed.exposition();
    let read = |end: &str| -> BTreeMap<String, u64> {
        let rows = text.lines().filter_map(|line| {
            line.strip_prefix(metric)?.strip_prefix(end)?.strip_prefix('{')?.rsplit_once("} ")
        });
        rows.map(|(labels, value)| (labels.to_owned(), value.trim_end_matches(".0").parse().unwrap()))
            .collect()
    };
    let sums = read("_sum");
    read("_count").into_iter().map(|(labels, count)| (labels.clone(), (count, sums[&labels]))).collect()
}

fn request(method: &str) -> Request<()> {
    Request::builder().method(method).uri("/").body(()).unwrap()
}

// Mutations caught: the declared length in the place of what was sent; a body that was left, or broke, that has no
// size, or the one of another; a HEAD's body counted; a size where no head was sent, or where nobody asked.
#[tokio::test]
async fn an_answer_s_size_is_what_was_sent() {
    use Step::{Data, Error, Pending, Trailers};
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry).route(|_: &RequestHead<'_>| Some("/"));
    let answer = |layer: &ObserveLayer, method, body: Steps| {
        let mut body = Some(body);
        let service = layer.layer(service_fn(move |_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::new(body.take().unwrap())))
        }));
        async move { service.oneshot(request(method)).await.unwrap().into_body() }
    };
    let plain = answer(&layer, "GET", Steps::new([Data("12345")])).await;
    plain.collect().await.unwrap();
    assert!(!observed.exposition().contains(RESPONSE));

    let layer = layer.response_sizes(true);
    let whole = answer(&layer, "GET", Steps::new([Data("12345"), Data("678"), Trailers])).await;
    whole.collect().await.unwrap();
    let mut declared = answer(&layer, "GET", Steps::new([Data("12345")]).declared(5)).await;
    declared.frame().await.unwrap().unwrap();
    drop(declared);
    assert_eq!(sizes(&observed, RESPONSE), [(labels("GET", "/", "200", ""), (2, 13))].into());

    let mut left = answer(&layer, "PUT", Steps::new([Data("1234"), Pending, Data("5")]).declared(100)).await;
    left.frame().await.unwrap().unwrap();
    drop(left);
    let broken = answer(&layer, "POST", Steps::new([Data("12"), Error])).await;
    assert!(broken.collect().await.is_err());
    drop(answer(&layer, "HEAD", Steps::new([Data("12345")]).declared(5)).await);
    let failing = layer.layer(service_fn(|_: Request<()>| ready(Err::<Response<Steps>, _>("no"))));
    failing.oneshot(request("DELETE")).await.map(drop).unwrap_err();
    let expected = [
        (labels("GET", "/", "200", ""), (2, 13)),
        (labels("PUT", "/", "200", "cancelled"), (1, 4)),
        (labels("POST", "/", "200", "body_error"), (1, 2)),
        (labels("HEAD", "/", "200", ""), (1, 0)),
    ];
    assert_eq!(sizes(&observed, RESPONSE), expected.into());
    assert_eq!(observed.counted().values().sum::<u64>(), 7);
    assert!(!observed.exposition().contains(REQUEST));
}

/// A body of several frames, that says nothing of its length.
fn streamed(parts: &'static [&'static str]) -> AxumBody {
    let frame = |part: &&'static str| {
        Ok::<_, Infallible>(http_body::Frame::data(Bytes::from_static(part.as_bytes())))
    };
    AxumBody::new(StreamBody::new(futures_util::stream::iter(parts.iter().map(frame))))
}

// Mutations caught: a body counted though nobody read it; one frame of many; a wrapper that hides what the body says of
// its length; a request's count that another request begins with.
#[tokio::test]
async fn a_request_s_size_is_what_was_read() {
    let observed = Observed::new();
    async fn first_frame(mut body: AxumBody) -> StatusCode {
        drop(body.frame().await);
        StatusCode::ACCEPTED
    }
    async fn hint(body: AxumBody) -> String {
        format!("{:?} {}", body.size_hint().exact(), body.is_end_stream())
    }
    let app = Router::new()
        .route("/all", post(|body: String| async move { body }))
        .route("/first", post(first_frame))
        .route("/none", post(|| async {}))
        .route("/hint", on_get(hint))
        .layer(RequestSizeLayer::new())
        .layer(ObserveLayer::new(&observed.telemetry));
    let send = |method: &str, path: &str, body: AxumBody| {
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        let app = app.clone();
        async move { app.oneshot(request).await.unwrap().into_body().collect().await.unwrap().to_bytes() }
    };
    for _ in 0..3 {
        assert_eq!(send("POST", "/all", streamed(&["12345", "678"])).await, "12345678");
    }
    send("POST", "/all", AxumBody::empty()).await;
    send("POST", "/first", streamed(&["12345", "678"])).await;
    send("POST", "/none", streamed(&["12345", "678"])).await;
    assert_eq!(send("GET", "/hint", AxumBody::from("123")).await, "Some(3) false");
    assert_eq!(send("GET", "/hint", AxumBody::empty()).await, "Some(0) true");
    let expected = [
        (labels("POST", "/all", "200", ""), (4, 24)),
        (labels("POST", "/first", "202", ""), (1, 5)),
        (labels("POST", "/none", "200", ""), (1, 0)),
        (labels("GET", "/hint", "200", ""), (2, 0)),
    ];
    assert_eq!(sizes(&observed, REQUEST), expected.into());
    assert!(!observed.exposition().contains(RESPONSE));
}

// Mutation caught: a count that is asked for where there is no request.
#[test]
fn without_a_request_nothing_is_counted() {
    let service = RequestSizeLayer::new().layer(service_fn(|request: Request<_>| async move {
        Ok::<_, Infallible>(BodyExt::collect(request.into_body()).await.unwrap().to_bytes())
    }));
    let request = Request::new(Steps::new([Step::Data("12")]));
    assert_eq!(service.oneshot(request).now_or_never().unwrap().unwrap(), "12");
}
