//! Routes are bounded, in a process of their own: the limit is one for the process.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use http::{Request, Response};
use observe_tower::{ObserveLayer, RequestHead, RouteOf};
use std::convert::Infallible;
use std::future::ready;
use support::{Observed, Steps, get, labels};
use tower::{Layer, ServiceExt, service_fn};

/// The path, which is what no route should be.
struct Paths;

impl RouteOf for Paths {
    fn route<'a>(&self, head: &RequestHead<'a>) -> Option<&'a str> {
        Some(head.uri.path())
    }
}

// Mutation caught: `Route::of` past its limit; totals that are wrong then; a limit that changes later.
#[tokio::test]
async fn routes_past_the_limit_are_other_and_counted() {
    let observed = Observed::new();
    let layer = ObserveLayer::new(&observed.telemetry).max_routes(3).max_routes(1_000).route(Paths);
    let inner =
        service_fn(|_: Request<()>| ready(Ok::<_, Infallible>(Response::new(Steps::new([]).knows_end()))));
    for round in 0..2 {
        for n in 0..10 {
            layer.layer(inner).oneshot(get(&format!("/{n}"))).await.unwrap();
            assert_eq!(observed.in_flight(), 0, "{round} {n}");
        }
    }
    let expected = [("/0", 2), ("/1", 2), ("/2", 2), ("_OTHER", 14)];
    assert_eq!(observed.counted(), expected.map(|(route, n)| (labels("GET", route, "200", ""), n)).into());
    assert_eq!(
        observed.series("observe_label_overflow_total"),
        [(r#"metric="http_server_request_duration_seconds",label="http_route""#.to_owned(), 14)].into()
    );
    let warnings: Vec<_> = observed.lines().into_iter().filter(|line| line["level"] == "WARN").collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(observed.requests()[19]["message"], "GET _OTHER 200");
}
