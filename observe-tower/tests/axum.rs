//! Behind axum, over TCP: which route a request matched.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;
#[path = "support/wire.rs"]
mod wire;

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, get_service, post};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use observe_tower::ObserveLayer;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use support::{Observed, labels};
use tokio::net::TcpListener;
use wire::ask;

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn inner() -> Router {
    Router::new().route("/users/{id}", get(|| async { "a user" }))
}

// Mutation caught: the raw path as the route; a fallback's path as a route.
#[tokio::test]
async fn the_route_is_the_template_that_matched() {
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry);
    // The router that matches inside of itself has the layer on it; all others have it around them.
    let app = {
        let service = Router::new().nest_service("/service", inner().layer(layer.clone()));
        let rest = Router::new()
            .route("/", get(|| async { "root" }))
            .route("/files/{*rest}", get(|| async { "a file" }))
            .nest("/api/{version}", inner())
            .nest("/deep", Router::new().nest("/er", inner()))
            .merge(Router::new().route("/merged/{id}", post(|| async { "merged" })))
            .route_service(
                "/plain",
                get_service(tower::service_fn(|_| async {
                    Ok::<_, Infallible>(Response::new(Body::empty()))
                })),
            )
            .fallback(|| async { (StatusCode::NOT_FOUND, "nothing here") })
            .layer(layer);
        rest.merge(service)
    };
    let server = serve(app).await;
    let asked = [
        ("GET", "/", "/", "200"),
        ("GET", "/files/a/b/c?x=1", "/files/{*rest}", "200"),
        ("GET", "/api/v2/users/17", "/api/{version}/users/{id}", "200"),
        ("GET", "/deep/er/users/17", "/deep/er/users/{id}", "200"),
        ("POST", "/merged/1", "/merged/{id}", "200"),
        ("GET", "/merged/1", "/merged/{id}", "405"),
        ("GET", "/service/users/17", "/service/users/{id}", "200"),
        ("GET", "/plain", "/plain", "200"),
        ("GET", "/.env", "", "404"),
        ("GET", "/api/v2/nothing", "", "404"),
    ];
    let mut expected = BTreeMap::new();
    for (method, path, route, status) in asked {
        let answer = ask(server, method, path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        assert!(answer.contains("\r\nx-correlation-id: "), "{answer}");
        *expected.entry(labels(method, route, status, "")).or_insert(0) += 1;
    }
    assert_eq!(observed.until_counted(asked.len() as u64).await, expected);
    assert_eq!(observed.in_flight(), 0);
    let lines = observed.requests();
    assert_eq!(lines.len(), asked.len());
    for (line, (method, path, route, status)) in lines.iter().zip(asked) {
        assert_eq!(line["url.path"], path.split('?').next().unwrap());
        let message = if route.is_empty() {
            format!("{method} {status}")
        } else {
            format!("{method} {route} {status}")
        };
        assert_eq!(line["message"], message);
    }
}

fn answers() -> Router {
    Router::new().route("/whole", get(|| async { "whole" }))
}

// Mutations caught: the count of good answers compared with `>`; a warning for each answer after; a good place that is
// forgotten; bad answers counted.
#[tokio::test]
async fn a_layer_in_the_wrong_place_says_so_once() {
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry);
    let outside = tower::ServiceBuilder::new().layer(layer).service(answers());
    let warnings = || observed.lines().iter().filter(|line| line["level"] == "WARN").count();
    for asked in 1..=250 {
        let request = axum::http::Request::get("/whole").body(Body::empty()).unwrap();
        tower::ServiceExt::oneshot(outside.clone(), request).await.unwrap();
        if asked == 99 {
            assert_eq!(warnings(), 0);
        }
    }
    assert_eq!(warnings(), 1);

    // Answers that no route has: good ones after one that had a route, and bad ones.
    for (first, app) in [("/whole", answers().fallback(|| async { "found" })), ("/nothing", answers())] {
        let observed = Observed::new();
        let app = app.layer(ObserveLayer::new(&observed.telemetry));
        for path in std::iter::once(first).chain(std::iter::repeat_n("/nothing", 250)) {
            let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
            tower::ServiceExt::oneshot(app.clone(), request).await.unwrap();
        }
        assert!(observed.lines().iter().all(|line| line["level"] != "WARN"), "{first}");
    }
}

// Mutation caught: an in-flight count that is not given back; a request counted twice, or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_that_leave_when_they_like() {
    const CLIENTS: u64 = 200;
    let observed = Observed::new();
    let started = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let count = std::sync::Arc::clone(&started);
    let app = Router::new()
        .route(
            "/{size}",
            get(move |axum::extract::Path(size): axum::extract::Path<usize>| {
                let count = std::sync::Arc::clone(&count);
                async move {
                    count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(size as u64 % 20)).await;
                    let chunks = stream::iter(0..size % 40).then(|_| async {
                        tokio::task::yield_now().await;
                        Ok::<_, Infallible>(Bytes::from(vec![b'x'; 10_000]))
                    });
                    Body::from_stream(chunks)
                }
            }),
        )
        .layer(ObserveLayer::new(&observed.telemetry));
    let server = serve(app).await;
    let clients = (0..CLIENTS).map(|n| {
        tokio::spawn(async move {
            // Every fourth stays to the end, however busy the machine is.
            let micros = if n % 4 == 0 { 60_000_000 } else { n.wrapping_mul(7_919) % 40_000 };
            let patience = Duration::from_micros(micros);
            let path = format!("/{}", n * 13 % 97);
            let asked = tokio::time::timeout(patience, ask(server, "GET", &path)).await;
            asked.is_ok()
        })
    });
    let mut served = 0;
    for client in clients.collect::<Vec<_>>() {
        served += u64::from(client.await.unwrap());
    }
    // Some left before the server had read their request.
    for _ in 0..2_000 {
        if observed.in_flight() == 0
            && observed.counted().values().sum::<u64>() == started.load(std::sync::atomic::Ordering::SeqCst)
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let counted = observed.counted();
    let sum: u64 = counted.values().sum();
    assert_eq!(observed.in_flight(), 0);
    assert!(sum <= CLIENTS && sum >= served, "{counted:?}, {served} served");
    assert_eq!(observed.requests().len() as u64, sum);
    let ok = counted.get(&labels("GET", "/{size}", "200", "")).copied().unwrap_or(0);
    let cancelled: u64 =
        counted.iter().filter(|(labels, _)| labels.contains("cancelled")).map(|(_, n)| n).sum();
    assert_eq!(ok + cancelled, sum);
    assert!(ok >= served && served >= CLIENTS / 4, "{ok} answered, {served} served");
}
