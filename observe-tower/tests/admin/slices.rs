//! Requests grouped by any attribute, and what the bad ones have in common.

use crate::support::{Shown, shown};
use serde_json::Value;
use std::time::Duration;

/// A hundred requests: those from the north by `paypal` fail, and are slow.
fn some(shown: &Shown) {
    for number in 0..100_u64 {
        let (region, method) = (
            if number % 2 == 0 { "north" } else { "south" },
            if number % 5 == 0 { "paypal" } else { "card" },
        );
        let is_bad = number % 10 == 0;
        let time = Duration::from_millis(if is_bad { 500 + number } else { 1 + number });
        shown.request("/charge", if is_bad { 503 } else { 200 }, time, || {
            observe_core::annotate("region", region);
            observe_core::annotate("payment.method", method);
            observe_core::annotate("customer", number.to_string().as_str());
        });
    }
    shown
        .telemetry()
        .run(|| shown.telemetry().operation("rebuild").start().finish(observe_core::Outcome::Ok));
}

// Mutations caught: a group's figures of all; quantiles that are interpolated; an example that did not fail; the smallest
// first; requests without the attribute lost.
#[test]
fn groups_by_an_attribute_that_nobody_declared() {
    let shown = shown();
    some(&shown);
    let view = shown.view("slice?by=region");
    assert_eq!(
        (&view["searched"], &view["requests"], &view["failed"], &view["without"]),
        (&101.into(), &101.into(), &10.into(), &1.into())
    );
    let groups = view["groups"].as_array().unwrap();
    assert_eq!(groups.len(), 2);
    let north = groups.iter().find(|group| group["value"] == "north").unwrap();
    assert_eq!(
        (&north["requests"], &north["errors"], &north["error_share"]),
        (&50.into(), &10.into(), &0.2.into())
    );
    // In their order: 3, 5, …, 99 of those that are fast, and ten of 500 and more.
    assert_eq!((&north["p50_ms"], &north["max_ms"]), (&63.0.into(), &590.0.into()));
    let worst = shown.view("traces?order=slowest&limit=1")["traces"][0]["trace_id"].clone();
    assert_eq!(north["trace_id"], worst);
    assert_eq!(shown.view("slice")["groups"], serde_json::json!([]));

    let view = shown.view("slice?by=customer&limit=3");
    assert_eq!((view["groups"].as_array().unwrap().len(), &view["groups_left_out"]), (3, &97.into()));
    let view = shown.view("slice?by=span.name&attribute=region=north");
    assert_eq!((&view["groups"][0]["value"], &view["requests"]), (&"POST /charge".into(), &50.into()));
    let names: Vec<&str> =
        view["attributes"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in ["region", "payment.method", "customer", "http.route", "span.name", "outcome"] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    let customer =
        view["attributes"].as_array().unwrap().iter().find(|one| one["name"] == "customer").unwrap();
    assert_eq!((&customer["values"], &customer["requests"]), (&50.into(), &50.into()));
}

// Mutations caught: slow ones taken for failed ones; what all have told; the weaker first; what says the same told.
#[test]
fn what_bad_ones_have_in_common_is_found() {
    let shown = shown();
    some(&shown);
    let told = |view: &Value| -> Vec<(String, String)> {
        let common = view["common"].as_array().unwrap().iter();
        let text = |one: &Value, member: &str| one[member].as_str().unwrap().to_owned();
        common.map(|one| (text(one, "attribute"), text(one, "value"))).collect()
    };
    let view = shown.view("slice?method=POST");
    let expected =
        [("payment.method", "paypal"), ("region", "north")].map(|(a, v)| (a.to_owned(), v.to_owned()));
    assert_eq!(told(&view), expected);
    // 10 of 100 are bad, all of them among the 20 by `paypal`: 2 were to be expected.
    let paypal = &view["common"][0];
    assert_eq!(
        (&paypal["requests"], &paypal["bad"], &paypal["bad_share"]),
        (&20.into(), &10.into(), &0.5.into())
    );
    let number = |member: &str| paypal[member].as_f64().unwrap();
    assert!((number("expected") - 2.0).abs() < 1e-9 && (number("lift") - 5.0).abs() < 1e-9, "{paypal}");
    assert!((number("score") - 8.0 / 1.8_f64.sqrt()).abs() < 1e-9, "{paypal}");
    assert!(paypal["trace_id"].is_string());

    let slow = shown.view("slice?method=POST&bad=slow&slow_ms=500");
    assert_eq!((&slow["bad"], &slow["slow"], &slow["slow_ms"]), (&"slow".into(), &10.into(), &500.0.into()));
    assert_eq!(told(&slow), expected);
    // Those of 80 ms and more: the ten, and nineteen that were well, two of them by `paypal`.
    let slower = shown.view("slice?method=POST&bad=slow&slow_ms=80");
    assert_eq!((&slower["slow"], &slower["failed"]), (&29.into(), &10.into()));
    let paypal = slower["common"].as_array().unwrap().iter().find(|one| one["value"] == "paypal").unwrap();
    assert_eq!(paypal["bad"], 12);
    let usual = shown.view("slice?method=POST&bad=slow");
    assert_eq!((&usual["slow"], &usual["slow_ms"]), (&11.into(), &100.0.into()));
    assert_eq!(shown.view("slice?outcome=ok")["common"], serde_json::json!([]));
    for wrong in ["bad=ugly", "slow_ms=x", "limit=201", "by=a&by=b"] {
        assert_eq!(shown.get(&format!("/api/v1/slice?{wrong}")).rule(), "parameter", "{wrong}");
    }
}
