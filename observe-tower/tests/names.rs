//! The classic names of the metrics of requests, and the segment.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use observe_core::http_server::HttpNames;
use observe_core::label::{LabelId, LabelValue};
use observe_core::metric::{Buckets, View};
use observe_tower::{ObserveLayer, RequestHead};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::{pending, ready};
use support::{Observed, Step, Steps};
use tower::{Layer, Service, ServiceExt, service_fn};

fn classic() -> Observed {
    Observed::with(|builder| builder.http_names(HttpNames::Classic))
}

fn request(method: &str, path: &str) -> Request<()> {
    Request::builder().method(method).uri(path).body(()).unwrap()
}

/// One route for all that is below `/orders`.
fn layer(observed: &Observed) -> ObserveLayer {
    let route = |head: &RequestHead<'_>| head.path().starts_with("/orders").then_some("/orders/{id}");
    ObserveLayer::new(&observed.telemetry).route(route)
}

/// Answers `status` with `body`, and reads it to its end.
async fn answer(layer: &ObserveLayer, request: Request<()>, status: u16, body: Steps) {
    let mut answer = Some(Response::builder().status(status).body(body).unwrap());
    let service =
        layer.layer(service_fn(move |_: Request<()>| ready(Ok::<_, Infallible>(answer.take().unwrap()))));
    let _ = service.oneshot(request).await.unwrap().into_body().collect().await;
}

fn whole() -> Steps {
    Steps::new([Step::Data("an order")])
}

fn texts<const N: usize>(rows: [(&str, u64); N]) -> BTreeMap<String, u64> {
    rows.into_iter().map(|(labels, count)| (labels.to_owned(), count)).collect()
}

// Mutations caught: both sets of names at once; a request without a status that has none, or the wrong one; the counter
// split by `error_type`, or one series in the place of their sum; an in-flight count that is never given back.
#[tokio::test]
async fn dashboards_with_classic_names_find_what_they_know() {
    let observed = classic();
    let layer = layer(&observed);
    for _ in 0..2 {
        answer(&layer, request("GET", "/orders/17"), 200, whole()).await;
    }
    answer(&layer, request("GET", "/orders/17"), 200, Steps::new([Step::Data("an"), Step::Error])).await;
    answer(&layer, request("GET", "/nowhere"), 404, whole()).await;
    answer(&layer, request("BREW", "/orders/17"), 503, whole()).await;
    let failing = layer.layer(service_fn(|_: Request<()>| ready(Err::<Response<Steps>, _>("no"))));
    failing.oneshot(request("PUT", "/orders/17")).await.map(drop).unwrap_err();
    let mut waiting =
        layer.layer(service_fn(|_: Request<()>| pending::<Result<Response<Steps>, Infallible>>()));
    let left = waiting.call(request("PUT", "/orders/17"));
    let in_progress = "service=\"test\",method=\"PUT\",endpoint=\"/orders/{id}\"";
    assert_eq!(observed.series("http_requests_in_progress"), texts([(in_progress, 1)]));
    drop(left);
    assert_eq!(observed.series("http_requests_in_progress"), texts([]));

    let of = |method: &str, end: &str| {
        format!("service=\"test\",method=\"{method}\",endpoint=\"/orders/{{id}}\",{end}")
    };
    let found = "service=\"test\",method=\"GET\",status=\"404\"";
    let rows = [
        (&*of("GET", "status=\"200\""), 3),
        (found, 1),
        (&of("_OTHER", "status=\"503\""), 1),
        (&of("PUT", "status=\"500\""), 1),
        (&of("PUT", "status=\"499\""), 1),
    ];
    assert_eq!(observed.series("http_requests_total"), texts(rows));
    let rows = [
        (&*of("GET", "status=\"200\""), 2),
        (&of("GET", "status=\"200\",error_type=\"body_error\""), 1),
        (found, 1),
        (&of("_OTHER", "status=\"503\",error_type=\"503\""), 1),
        (&of("PUT", "status=\"500\",error_type=\"_OTHER\""), 1),
        (&of("PUT", "status=\"499\",error_type=\"cancelled\""), 1),
    ];
    assert_eq!(observed.series("http_request_duration_seconds_count"), texts(rows));

    let page = observed.exposition();
    for line in [
        "# TYPE http_requests_total counter",
        "# TYPE http_request_duration_seconds histogram",
        "# TYPE http_requests_in_progress gauge",
        "observe_series{metric=\"http_requests_in_progress\"} 4",
        "observe_label_overflow_total{metric=\"http_requests_total\",label=\"endpoint\"} 0",
    ] {
        assert!(page.lines().any(|is| is == line), "{line}\n{page}");
    }
    for gone in ["http_server_request_duration", "http_server_active_requests"] {
        assert!(!page.contains(gone), "{gone}\n{page}");
    }
}

// Catches: a panic without a status; a panic after the head that takes the status away.
#[tokio::test]
async fn a_panic_counts_as_a_failure_by_its_status() {
    let observed = classic();
    let layer = layer(&observed);
    let service = layer.layer(service_fn(|_: Request<()>| async {
        if true {
            std::panic::resume_unwind(Box::new("no"));
        }
        Ok::<_, Infallible>(Response::new(whole()))
    }));
    assert!(tokio::spawn(service.oneshot(request("GET", "/orders/1"))).await.is_err());
    let labels = "service=\"test\",method=\"GET\",endpoint=\"/orders/{id}\",status=\"500\"";
    assert_eq!(observed.series("http_requests_total"), texts([(labels, 1)]));
    let labels = format!("{labels},error_type=\"panicked\"");
    assert_eq!(observed.series("http_request_duration_seconds_count"), texts([(&labels, 1)]));
}

#[tokio::test]
async fn views_go_by_the_classic_names() {
    let observed = Observed::with(|builder| {
        builder
            .http_names(HttpNames::Classic)
            .view(View::of("http_requests_total").rename("shop_requests_total").drop_label("service"))
            .view(
                View::of("http_request_duration_seconds")
                    .drop_label("error_type")
                    .buckets(Buckets::new(&[3.0])),
            )
            .view(View::of("http_requests_in_progress").drop_family())
    });
    let layer = layer(&observed);
    answer(&layer, request("GET", "/orders/1"), 200, whole()).await;
    answer(&layer, request("GET", "/orders/1"), 200, Steps::new([Step::Error])).await;
    let labels = "method=\"GET\",endpoint=\"/orders/{id}\",status=\"200\"";
    assert_eq!(observed.series("shop_requests_total"), texts([(labels, 2)]));
    let labels = format!("service=\"test\",{labels},le=");
    let rows = [(&*format!("{labels}\"3.0\""), 2), (&format!("{labels}\"+Inf\""), 2)];
    assert_eq!(observed.series("http_request_duration_seconds_bucket"), texts(rows));
    assert!(!observed.exposition().contains("in_progress"));
    let wrong =
        observe_core::Telemetry::builder("shop").view(View::of("http_requests_total").drop_label("status"));
    let telemetry = wrong.build().unwrap();
    // By the standard names nothing of the library's is called so: the view waits for what comes.
    let refused = telemetry.registry().counter::<()>("http_requests_total", "Mine.").unwrap_err().to_string();
    assert!(refused.contains("no label `status`"), "{refused}");
}

#[derive(Clone, Copy, LabelValue)]
enum Tier {
    Free,
    Paid,
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 2)]
struct Tenant(LabelId);

fn with_header(name: &str, value: &str) -> Request<()> {
    let mut request = request("GET", "/orders/1");
    request.headers_mut().insert(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
    request
}

// Mutations caught: a segment on what has none by the conventions; one that is left out, or of the request before.
#[tokio::test]
async fn a_segment_is_a_label_of_requests() {
    let observed = Observed::new();
    let plain = layer(&observed).response_sizes(true);
    let tiered =
        plain.clone().segment::<Option<Tier>>(|head: &RequestHead<'_>| match head.headers.get("x-tier") {
            Some(tier) if tier == "paid" => Some(Tier::Paid),
            Some(_) => Some(Tier::Free),
            None => None,
        });
    answer(&plain, with_header("x-tier", "paid"), 200, whole()).await;
    for tier in ["paid", "free", "paid"] {
        answer(&tiered, with_header("x-tier", tier), 200, whole()).await;
    }
    answer(&tiered, request("GET", "/orders/1"), 200, whole()).await;
    let labels = support::labels("GET", "/orders/{id}", "200", "");
    let paid = format!("{labels},segment=\"paid\"");
    let free = format!("{labels},segment=\"free\"");
    let rows = [(&*labels, 2), (&paid, 2), (&free, 1)];
    assert_eq!(observed.counted(), texts(rows));
    assert_eq!(observed.series("http_server_response_body_size_bytes_count"), texts(rows));
    let active = observed.exposition();
    assert!(
        !active.lines().any(|line| line.contains("active_requests") && line.contains("segment")),
        "{active}"
    );
}

// Mutations caught: a segment without a limit; what is past it not counted, or lost.
#[tokio::test]
async fn an_open_segment_is_bounded() {
    let observed = Observed::new();
    let layer = layer(&observed).segment::<Tenant>(|head: &RequestHead<'_>| {
        head.headers.get("x-tenant").and_then(|tenant| tenant.to_str().ok()).unwrap_or_default().into()
    });
    for tenant in ["a", "b", "c", "d", "a", ""] {
        answer(&layer, with_header("x-tenant", tenant), 200, whole()).await;
    }
    let labels = support::labels("GET", "/orders/{id}", "200", "");
    let of = |segment: &str| format!("{labels},segment=\"{segment}\"");
    assert_eq!(observed.counted(), texts([(&of("a"), 2), (&of("b"), 1), (&of("_OTHER"), 2), (&labels, 1)]));
    let overflow = observed.series("observe_label_overflow_total");
    let label = "metric=\"http_server_request_duration_seconds\",label=\"segment\"";
    assert_eq!(overflow.get(label), Some(&2), "{overflow:?}");
}

// Mutations caught: a panic in the user's function that ends the request; one whose request is not counted.
#[tokio::test]
async fn a_segment_that_panics_costs_nobody_an_answer() {
    struct Rude;
    impl Drop for Rude {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("again"));
        }
    }
    let observed = Observed::new();
    let layer = layer(&observed).segment::<Tier>(|head: &RequestHead<'_>| {
        if head.headers.contains_key("x-rude") {
            std::panic::resume_unwind(Box::new(Rude));
        }
        std::panic::resume_unwind(Box::new("no segment"))
    });
    answer(&layer, request("GET", "/orders/1"), StatusCode::OK.as_u16(), whole()).await;
    answer(&layer, with_header("x-rude", "1"), 200, whole()).await;
    let labels = format!("{},segment=\"_OTHER\"", support::labels("GET", "/orders/{id}", "200", ""));
    assert_eq!(observed.counted(), texts([(&labels, 2)]));
    assert_eq!(observed.in_flight(), 0);
}

#[tokio::test]
async fn a_segment_is_on_the_classic_families_too() {
    let observed = classic();
    let layer = layer(&observed).segment::<Tier>(|_: &RequestHead<'_>| Tier::Paid);
    answer(&layer, request("GET", "/orders/1"), 200, whole()).await;
    let labels = "service=\"test\",method=\"GET\",endpoint=\"/orders/{id}\",status=\"200\",segment=\"paid\"";
    for sample in ["http_requests_total", "http_request_duration_seconds_count"] {
        let names: BTreeSet<_> = observed.series(sample).into_keys().collect();
        assert_eq!(names, [labels.to_owned()].into(), "{sample}");
    }
}
