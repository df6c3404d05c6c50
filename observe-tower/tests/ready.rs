//! Readiness as a load balancer sees it, and the last scrape.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use axum::Router;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use observe_core::Telemetry;
use observe_tower::{ObserveLayer, ReadyService, ScrapeService};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;
use support::Observed;
use tower::ServiceExt as _;

async fn ask(app: &Router, method: &str, path: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(path).body(axum::body::Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

// Mutations caught: an end that is taken back; 200 while somebody holds it back; being asked counted as traffic.
#[tokio::test]
async fn it_answers_what_the_service_wants() {
    let observed = Observed::new();
    let app = Router::new()
        .route_service("/ready", ReadyService::new(&observed.telemetry))
        .layer(ObserveLayer::new(&observed.telemetry));
    let said = |status: u16, text: &str| (StatusCode::from_u16(status).unwrap(), text.to_owned());

    assert_eq!(ask(&app, "GET", "/ready").await, said(200, "ready\n"));
    assert_eq!(ask(&app, "HEAD", "/ready").await, said(200, ""));
    assert_eq!(ask(&app, "POST", "/ready").await, said(405, ""));
    let held = observed.telemetry.readiness().hold();
    assert_eq!(ask(&app, "GET", "/ready").await, said(503, "not ready\n"));
    drop(held);
    assert_eq!(ask(&app, "GET", "/ready").await, said(200, "ready\n"));
    observed.telemetry.drain_async(Duration::ZERO).await;
    assert_eq!(ask(&app, "GET", "/ready").await, said(503, "draining\n"));
    assert_eq!(ask(&app, "HEAD", "/ready").await, said(503, ""));

    assert!(observed.requests().is_empty());
    assert!(observed.series("http_server_request_duration_seconds_count").is_empty());
}

// Mutations caught: a page that was begun before taken for the next; one that nobody has read; `HEAD` taken for a
// scrape; a future that is not woken.
#[tokio::test]
async fn the_next_scrape_is_one_that_begins_now_and_was_read() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let scrape = ScrapeService::new(&telemetry);
    let app = Router::new().route_service("/metrics", scrape.clone());
    let page = |method: &str| {
        let request = Request::builder().method(method).uri("/metrics").body(()).unwrap();
        scrape.clone().oneshot(request)
    };
    ask(&app, "GET", "/metrics").await;
    let early = page("GET").await.unwrap();
    let mut next = pin!(scrape.next_scrape());
    let mut is_there = || next.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    early.into_body().collect().await.unwrap();
    assert!(!is_there());
    page("HEAD").await.unwrap().into_body().collect().await.unwrap();
    let unread = page("GET").await.unwrap();
    assert!(!is_there());
    unread.into_body().collect().await.unwrap();
    assert!(is_there());

    let waiting = tokio::spawn(scrape.next_scrape());
    tokio::task::yield_now().await;
    ask(&app, "GET", "/metrics").await;
    tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
}
