//! The admin service of a checkout under load: from a failed request to its lines, to what the failed ones have in common,
//! and a level that is changed and told.

use crate::support::{Answer, Running, ask, charge, get, wait_for};
use serde_json::Value;
use std::net::SocketAddr;

fn view(admin: SocketAddr, path: &str) -> Value {
    let answer = get(admin, &format!("/api/v1/{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    json(&answer)
}

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap()
}

fn rows<'a>(view: &'a Value, list: &str) -> &'a Vec<Value> {
    view[list].as_array().unwrap_or_else(|| panic!("no {list} in {view:#}"))
}

// Mutations caught: an admin service without a telemetry's own figures, of another process, or without its changes.
#[test]
fn the_admin_service_shows_what_checkout_knows() {
    let running = Running::start(&["--load", "60"]);
    let admin = running.admin;
    assert_eq!(view(admin, "about")["service"], "checkout");

    // A failed one, its waterfall, its lines.
    assert_eq!(charge(running.checkout, "fail", "").unwrap().status, 502);
    let failed = wait_for("a failed charge", || {
        let found = view(admin, "traces?failed=true&route=/charge&attribute=error.type=unavailable");
        rows(&found, "traces").first().cloned()
    });
    assert_eq!((&failed["status"], &failed["pinned"]), (&502.into(), &true.into()));
    assert!(failed["kept"].is_string(), "{failed}");
    let trace = view(admin, &format!("traces/{}", failed["trace_id"].as_str().unwrap()));
    let spans = rows(&trace, "spans");
    assert_eq!((&spans[0]["name"], &spans[0]["depth"]), (&"POST /charge".into(), &0.into()));
    let names: Vec<&str> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"checkout::shop::place"), "{names:?}");
    let placed = view(admin, "traces?route=/charge&outcome=ok&attribute=order.customer&limit=1");
    let id = rows(&placed, "traces")[0]["trace_id"].as_str().unwrap().to_owned();
    let lines: Vec<Value> = rows(&view(admin, &format!("traces/{id}")), "spans")
        .iter()
        .flat_map(|span| rows(span, "lines").clone())
        .collect();
    assert!(lines.iter().any(|line| line["message"] == "order placed"), "{lines:#?}");

    // What failed ones have in common, and whom they called.
    wait_for("a pattern", || {
        let slice = view(admin, "slice?by=http.route&bad=failed");
        let routes = rows(&slice, "groups").iter().any(|group| group["value"] == "/charge");
        let common = rows(&slice, "common").iter().any(|common| common["attribute"] == "http.route");
        (routes && common).then_some(())
    });
    let calls = view(admin, "dependencies");
    let payment = running.payment.to_string();
    assert!(rows(&calls, "dependencies").iter().any(|row| row["name"] == payment.as_str()), "{calls:#}");
    let functions = view(admin, "functions");
    assert!(
        rows(&functions, "functions").iter().any(|row| row["name"] == "checkout::shop::place"),
        "{functions:#}"
    );
    let resources = view(admin, "resources");
    assert!(rows(&resources, "resources").iter().any(|row| row["name"] == "orders_db"), "{resources:#}");
    assert!(rows(&resources, "queues").iter().any(|row| row["name"] == "receipts"), "{resources:#}");
    assert!(rows(&resources, "platform").iter().any(|row| row["metric"] == "process_resident_memory_bytes"));

    // Objectives, and the last minutes of each route.
    let charges = wait_for("two slots", || {
        let overview = view(admin, "overview");
        assert!(rows(&overview, "slos").iter().any(|slo| slo["name"] == "charge"), "{overview:#}");
        let charges = rows(&overview, "routes").iter().find(|row| row["route"] == "/charge").cloned();
        charges.filter(|row| {
            rows(&row["history"], "requests").len() >= 2 && row["rate_per_s"].as_f64() > Some(0.0)
        })
    });
    assert!(charges["exemplar"]["trace_id"].is_string(), "{charges:#}");

    // A level is changed, and reverted.
    let post = |body: &str| ask(admin, "POST", "/api/v1/levels", "", body).unwrap();
    let raised = post(r#"{"filter":"checkout=debug","for_s":60}"#);
    assert_eq!((raised.status, &json(&raised)["filter"]), (200, &"info,checkout=debug".into()));
    assert_eq!(json(&post(r#"{"revert":true}"#))["filter"], "info");
    let refused = ask(admin, "GET", "/api/v1/about", "origin: http://example.org\r\n", "").unwrap();
    assert_eq!(refused.status, 403);

    let ended = running.end();
    let audited: Vec<_> = ended.with("target", "audit").map(|line| line["change"].clone()).collect();
    assert_eq!(audited, ["raise", "revert"]);
}
