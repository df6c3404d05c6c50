//! Behind plain hyper, over TCP, without a router.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;
#[path = "support/wire.rs"]
mod wire;

use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use observe_tower::ObserveLayer;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use support::{Observed, Step, Steps, labels};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use wire::{ask, leave_after};

async fn answer(request: Request<Incoming>) -> io::Result<Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let full = |text: &'static str| {
        Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed_unsync()
    };
    match request.uri().path() {
        "/full" => Ok(Response::new(full("all of it"))),
        "/empty" => Ok(Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync())),
        "/declared" => Ok(Response::new(
            Steps::new([Step::Data("ab"), Step::Pending, Step::Data("c")]).declared(3).boxed_unsync(),
        )),
        "/trailers" => Ok(Response::new(Steps::new([Step::Data("ab"), Step::Trailers]).boxed_unsync())),
        "/stuck" => {
            let steps = [Step::Data("ab")].into_iter().chain((0..1_000_000).map(|_| Step::Pending));
            Ok(Response::new(Steps::new(steps).boxed_unsync()))
        }
        "/upgrade" => Ok(Response::builder()
            .status(101)
            .header("connection", "upgrade")
            .header("upgrade", "echo")
            .body(full(""))
            .unwrap()),
        "/order" => {
            observe_core::route("/order");
            Ok(Response::new(full("an order")))
        }
        _ => Err(io::Error::other("the service failed")),
    }
}

async fn serve(observed: &Observed) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = TowerToHyperService::new(ObserveLayer::new(&observed.telemetry).layer(service_fn(answer)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service.clone()).with_upgrades());
        }
    });
    address
}

// Mutation caught: a body of declared length that hyper drops without asking for its end taken as cancelled.
#[tokio::test]
async fn every_way_to_end_over_tcp() {
    let observed = Observed::new();
    let server = serve(&observed).await;
    let mut expected = BTreeMap::new();
    for (method, path, route, status, error_type) in [
        ("GET", "/full", "", "200", ""),
        ("HEAD", "/full", "", "200", ""),
        ("GET", "/empty", "", "200", ""),
        ("GET", "/declared", "", "200", ""),
        ("GET", "/trailers", "", "200", ""),
        ("GET", "/order", "/order", "200", ""),
        ("GET", "/else", "", "", "_OTHER"),
        ("BREW", "/full", "", "200", ""),
    ] {
        ask(server, method, path).await;
        let method = if method == "BREW" { "_OTHER" } else { method };
        expected.insert(labels(method, route, status, error_type), 0);
        *expected.entry(labels(method, route, status, error_type)).or_insert(0) += 1;
    }
    *expected.get_mut(&labels("GET", "", "200", "")).unwrap() = 4;
    leave_after(server, "/stuck", 1).await;
    expected.insert(labels("GET", "", "200", "cancelled"), 1);
    leave_after(server, "/upgrade", 1).await;
    expected.insert(labels("GET", "", "101", ""), 1);

    assert_eq!(observed.until_counted(expected.values().sum()).await, expected);
    assert_eq!(observed.in_flight(), 0);
    assert_eq!(observed.requests().len() as u64, expected.values().sum::<u64>());
}
