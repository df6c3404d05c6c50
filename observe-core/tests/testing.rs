//! The tools for tests of users: what they see, what they print.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::label::{LabelSet, LabelValue};
use observe_core::metric::{Counter, Family};
use observe_core::testing::{Captured, Metrics};
use observe_core::{ObserveFuture as _, Operation, Outcome, Registry, metric, observed};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tracing::{info, info_span};

/// What a failed assertion says.
fn refusal<R>(assertion: impl FnOnce() -> R) -> String {
    match catch_unwind(AssertUnwindSafe(assertion)) {
        Ok(_) => panic!("it held"),
        Err(payload) => *payload.downcast::<String>().unwrap(),
    }
}

// Mutations caught: `one` that takes the first; a filter of a filter that forgets the first.
#[test]
fn lines_are_chosen_and_shown() {
    let captured = Captured::with(|builder| builder.filter("debug".parse().unwrap()));
    captured.run(|| {
        info!(order = 7, kind = "card", "placed");
        info!(order = 8, kind = "card", "placed");
        tracing::debug!("asked");
    });
    tracing::error!("not in it");
    let lines = captured.lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines.with("kind", "card").with("order", 8).one()["level"], "INFO");
    assert_eq!(lines.without("order").one()["message"], "asked");
    assert_eq!(captured.line("asked")["level"], "DEBUG");
    lines.with("order", 9).none();
    let text = refusal(|| lines.with("kind", "card").with("order", 9).one().clone());
    assert!(
        text.starts_with("0 lines with kind = \"card\" and order = 9, not one; there are 3 in all:\n{"),
        "{text}"
    );
    assert!(text.contains("\"order\":7") && text.contains("asked"), "{text}");
    assert!(refusal(|| captured.line("placed")).starts_with("2 lines"));
    assert!(refusal(|| lines.with("order", 7).none()).starts_with("1 lines with order = 7, not none"));
    // Also after the end.
    captured.telemetry().shutdown(std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(captured.text().lines().count(), 3);
}

#[observed(name = "charge")]
async fn charge(amount: u64) -> Result<u64, String> {
    info_span!("bank", bank.name = "first").in_scope(|| info!("asked"));
    if amount > 10 { Err("too much".into()) } else { Ok(amount) }
}

// Mutations caught: an operation shown twice, or by the name of its `tracing` span; an end that is not shown; a parent
// that is not the operation's.
#[test]
fn spans_are_a_tree_of_what_ran() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let captured = Captured::new();
    let open = runtime.block_on(captured.scope(async {
        let order = Operation::builder("place order").start();
        order
            .instrument(async {
                assert!(charge(10).await.is_ok());
                assert!(tokio::spawn(charge(11).in_current_operation()).await.unwrap().is_err());
                let span = info_span!("left", late = tracing::field::Empty);
                span.record("late", 3);
                drop(span);
            })
            .await;
        let refund = Operation::builder("refund").start();
        assert!(catch_unwind(AssertUnwindSafe(|| refund.run(|| panic!("refunds are not made")))).is_err());
        let quiet = Operation::builder("scrape").start();
        let guard = quiet.enter();
        Operation::builder("below a scrape").start().run(|| info_span!("deeper").in_scope(|| ()));
        observe_core::discard();
        drop(guard);
        quiet.finish(Outcome::Ok);
        (Operation::builder("open").start(), info_span!("opened", n = 1))
    }));
    let spans = captured.spans();
    assert_eq!(
        spans.to_string(),
        "place order ok\n  charge ok\n    bank closed\n  charge error\n    bank closed\n  left closed\n\
         refund panicked\nopen open\nopened open\n"
    );
    assert_eq!(spans.len(), 9);
    assert_eq!(spans.roots().len(), 4);
    let order = captured.span("place order");
    assert!(order.is_operation() && order.parent().is_none() && order.duration().is_some());
    let charges = spans.named("charge").below(&order);
    assert!(charges.len() == 2 && charges.iter().all(|charge| charge.trace_id() == order.trace_id()));
    let bank = spans.below(&charges[1]).one().clone();
    assert_eq!(
        (bank.field("bank.name").unwrap(), bank.outcome(), bank.is_open()),
        (&"first".into(), None, false)
    );
    assert_eq!(captured.span("left").field("late").unwrap(), 3);
    assert!(captured.span("opened").is_open() && !captured.span("opened").is_operation());
    let asked = captured.lines().with("message", "asked");
    assert_eq!(asked[0]["span_id"], spans.below(&charges[0]).one().span_id().to_string());

    let text = refusal(|| captured.span("charge"));
    assert!(
        text.starts_with("2 spans named \"charge\", not one; there are 9 in all:\nplace order ok\n  charge"),
        "{text}"
    );
    let text = refusal(|| spans.named("charge").below(&order).none());
    assert!(text.starts_with("2 spans named \"charge\" below \"place order\", not none"), "{text}");
    drop(open);
    assert_eq!(captured.span("open").outcome(), Some(Outcome::Cancelled));
    assert!(!captured.span("opened").is_open());
}

#[derive(Clone, Copy, LabelValue)]
enum Method {
    Card,
    Paypal,
}

#[derive(Clone, Copy, LabelSet)]
struct OrderLabels {
    method: Method,
}

#[metric]
static ORDERS: Family<OrderLabels, Counter> = Family::counter("testing_orders_total", "Orders placed.");

// Mutations caught: a difference that forgets what was there before; series that are not there taken for 0 everywhere.
#[test]
fn metrics_are_found_and_statics_are_differences() {
    ORDERS.with(OrderLabels { method: Method::Card }).add(41);
    let captured = Captured::new();
    let before = captured.metrics();
    ORDERS.with(OrderLabels { method: Method::Card }).add(2);
    ORDERS.with(OrderLabels { method: Method::Paypal }).inc();
    captured.run(|| Operation::builder("metrics are found").start().finish(Outcome::Ok));
    assert!(captured.metric("testing_orders_total{method=\"card\"}") >= 43.0);
    let since = captured.metrics().since(&before);
    since.expect("testing_orders_total", 3.0);
    since.expect("testing_orders_total{method=\"paypal\"}", 1.0);
    since.expect("testing_orders_total{method=\"cash\"}", 0.0);
    since.expect("operation_duration_seconds_count{operation=\"metrics are found\",outcome=\"ok\"}", 1.0);
    assert_eq!(since.get("testing_orders_total{method=\"cash\"}"), None);
    assert!(since.to_string().contains("testing_orders_total{method=\"card\"} 2\n"), "{since}");

    let series = "testing_orders_total{method=\"card\"} 2\ntesting_orders_total{method=\"paypal\"} 1";
    for (text, start) in [
        (refusal(|| since.expect("testing_orders_total", 4.0)), "testing_orders_total is 3, not 4"),
        (
            refusal(|| since.value("testing_orders_total{method=\"cash\"}")),
            "no series testing_orders_total{method=\"cash\"}",
        ),
        (refusal(|| since.expect("testing_orders", 3.0)), "no series testing_orders"),
    ] {
        assert_eq!(text, format!("{start}; there are\n{series}"));
    }
    assert!(refusal(|| since.value("nothing")).contains("build_info, "));
    assert!(refusal(|| since.value("x{")).starts_with("no selector"));
}

#[test]
fn a_registry_alone_is_read_as_well() {
    let registry = Registry::new();
    registry.counter::<()>("lines_total", "Lines.").unwrap().add(3);
    let mut page = Vec::new();
    registry.encode(observe_core::Format::Text, &mut page);
    assert_eq!(Metrics::read(&String::from_utf8(page).unwrap()).value("lines_total"), 3.0);
    // In a telemetry of its own: without the program's statics.
    let captured = Captured::with(|builder| builder.registry(registry));
    assert_eq!((captured.metric("lines_total"), captured.metrics().get("testing_orders_total")), (3.0, None));
}

// Mutation caught: spans kept for the process, not for the telemetry.
#[test]
fn tests_beside_each_other_see_their_own() {
    std::thread::scope(|scope| {
        for n in 0..4_u64 {
            scope.spawn(move || {
                let captured = Captured::new();
                for _ in 0..100 {
                    captured.run(|| Operation::builder("beside").start().run(|| info!(n, "beside")));
                }
                assert_eq!(captured.lines().with("n", n).len(), 100);
                assert_eq!((captured.lines().len(), captured.spans().len()), (100, 100));
            });
        }
    });
}
