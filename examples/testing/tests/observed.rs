//! One test of each kind. They run beside each other, each with a telemetry of its own.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use observe_core::Outcome;
use observe_core::clock::ManualClock;
use observe_core::testing::Captured;
use std::time::Duration;
use testing::{Rest, app};
use tower::ServiceExt;

/// Asks the service for an order, without a network.
async fn order(captured: &Captured, id: u64) -> StatusCode {
    let request = Request::post(format!("/orders/{id}")).body(Body::empty()).expect("a path");
    let answered = async {
        let response = app(captured.telemetry()).oneshot(request).await.unwrap();
        // A request ends with the body of its answer.
        let status = response.status();
        axum::body::to_bytes(response.into_body(), 1_000).await.expect("a short answer");
        status
    };
    captured.scope(answered).await
}

#[tokio::test]
async fn lines() {
    let captured = Captured::new();
    assert_eq!(order(&captured, 7).await, StatusCode::OK);

    let placed = captured.line("order placed");
    assert_eq!(placed["order.id"], 7);
    let request = captured.lines().with("target", "observe::request").one().clone();
    assert_eq!(request["message"], "POST /orders/{id} 200");
    assert_eq!(request["trace_id"], placed["trace_id"]);
    captured.lines().with("level", "WARN").none();
}

#[tokio::test]
async fn spans() {
    let captured = Captured::new();
    assert_eq!(order(&captured, 0).await, StatusCode::PAYMENT_REQUIRED);

    assert_eq!(captured.spans().to_string(), "POST /orders/{id} ok\n  testing::charge error\n");
    let charge = captured.span("testing::charge");
    assert_eq!(charge.outcome(), Some(Outcome::Error));
    assert_eq!(charge.parent(), Some(captured.span("POST /orders/{id}").span_id()));
    assert_eq!(charge.field("url.path").unwrap(), "/orders/0");
}

#[tokio::test]
async fn metrics() {
    let captured = Captured::new();
    for id in [0, 1, 3] {
        let _ = order(&captured, id).await;
    }
    // This telemetry's own, whatever other labels they have.
    let requests = captured.metrics();
    requests.expect("http_server_request_duration_seconds_count", 3.0);
    requests.expect("http_server_request_duration_seconds_count{http_response_status_code=\"402\"}", 1.0);
    requests.expect("http_server_active_requests", 0.0);
}

#[tokio::test]
async fn metrics_that_are_statics() {
    let captured = Captured::new();
    let before = captured.metrics();
    let _ = (order(&captured, 2).await, order(&captured, 4).await);
    // The only test that pays by invoice: the others of this process count into the same family.
    captured.metrics().since(&before).expect("shop_orders_total{payment=\"invoice\"}", 2.0);
}

#[test]
fn time() {
    let clock = ManualClock::new();
    let captured = Captured::with(|builder| builder.clock(clock.clone()));
    captured.run(|| {
        let rest = Rest::new(clock.clone());
        assert!(!rest.is_on());
        rest.begin();
        clock.advance(Duration::from_secs(59));
        assert!(rest.is_on());
        clock.advance(Duration::from_secs(1));
        assert!(!rest.is_on());
    });
    assert_eq!(captured.line("the bank is overloaded")["timestamp"], "1970-01-01T00:00:00.000000Z");
}
