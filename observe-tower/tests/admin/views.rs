//! What the views show, of requests that were there.

use crate::support::{Shown, shown, shown_with};
use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::slo::Slo;
use observe_tower::AdminBuilder;
use serde_json::Value;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn names(view: &Value, list: &str, member: &str) -> Vec<String> {
    view[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one[member].as_str().unwrap_or_default().to_owned())
        .collect()
}

// Mutations caught: a member that is another's; a capability that is said to be there.
#[test]
fn about_says_what_this_is_and_what_may_be_done() {
    let shown = shown_with(
        |telemetry| telemetry.version("1.2.3").revision("ab12"),
        AdminBuilder::allow_level_changes,
    );
    shown.clock.advance(Duration::from_secs(90));
    let about = shown.view("about");
    assert_eq!(
        (&about["service"], &about["version"], &about["revision"]),
        (&"test".into(), &"1.2.3".into(), &"ab12".into())
    );
    assert_eq!(about["capabilities"], serde_json::json!({"levels": true, "snapshots": false}));
    assert_eq!((&about["uptime_s"], &about["ready"]), (&90.0.into(), &true.into()));
    assert_eq!(about["recorder"]["max_bytes"], 32 * 1024 * 1024);
    assert!(about["now"].as_str().unwrap() > about["started"].as_str().unwrap());
    // Each of them answers.
    for path in about["views"].as_array().unwrap() {
        assert_eq!(shown.get(path.as_str().unwrap()).status, 200, "{path}");
    }
    shown.telemetry().drain(Duration::ZERO);
    assert_eq!(shown.view("about")["ready"], false);
    let off = shown_with(
        |telemetry| {
            let mut limits = observe_core::RecorderLimits::default();
            limits.bytes = 0;
            telemetry.recorder(limits)
        },
        |admin| admin,
    );
    assert_eq!(
        (off.view("about")["recorder"].clone(), off.view("traces")["searched"].clone()),
        (Value::Null, 0.into())
    );
}

// Mutations caught: the youngest first; the time in a span taken for that of the request; a limit that is passed over.
#[test]
fn requests_in_flight_with_the_span_that_each_is_in() {
    let shown = shown();
    let telemetry = shown.telemetry();
    telemetry.run(|| {
        let begin = |route: &'static str| {
            let request = HttpRequest::new("GET", route).route(route);
            telemetry.http_server().start(&request, &Context::new())
        };
        let mut old = begin("/old");
        shown.clock.advance(5 * MS);
        let young = begin("/young");
        let span = old.within(|| tracing::info_span!("select"));
        shown.clock.advance(2 * MS);
        let view = shown.view("in-flight");
        assert_eq!(view["count"], 2);
        assert_eq!(names(&view, "requests", "route"), ["/old", "/young"]);
        let (first, second) = (&view["requests"][0], &view["requests"][1]);
        assert_eq!((&first["method"], &first["running_ms"]), (&"GET".into(), &7.0.into()));
        assert_eq!(first["running_in"], serde_json::json!({"span": "select", "for_ms": 2.0}));
        assert_eq!((&second["running_ms"], &second["running_in"]), (&2.0.into(), &Value::Null));
        assert_eq!(first["trace_id"], old.trace_id().unwrap().to_string());
        let one = shown.view("in-flight?limit=1");
        assert_eq!((names(&one, "requests", "route"), &one["count"]), (vec!["/old".to_owned()], &2.into()));
        drop(span);
        old.finish();
        young.finish();
    });
    assert_eq!(shown.view("in-flight")["count"], 0);
}

fn some_requests(shown: &Shown) {
    shown.request("/charge", 200, 10 * MS, || tracing::info!(order.id = 1, "placed"));
    shown.request("/charge", 503, 40 * MS, || {
        observe_core::annotate("region", "eu");
        tracing::info_span!("authorize", card = "visa").in_scope(|| tracing::warn!(order.id = 2, "refused"));
    });
    shown.request("/orders", 200, 20 * MS, || observe_core::annotate("region", "us"));
}

// Mutations caught: each filter passed over; `and` taken for `or`; the oldest first; what is left out not counted.
#[test]
fn traces_are_found_by_each_of_their_properties() {
    let shown = shown();
    some_requests(&shown);
    let find = |query: &str| names(&shown.view(&format!("traces?{query}")), "traces", "name");
    let all = ["POST /orders", "POST /charge", "POST /charge"];
    assert_eq!(find(""), all);
    assert_eq!(find("order=slowest"), ["POST /charge", "POST /orders", "POST /charge"]);
    for (query, count) in [
        ("route=/charge", 2),
        ("route=/none", 0),
        ("method=POST", 3),
        ("method=GET", 0),
        ("name=POST+/orders", 1),
        ("kind=server", 3),
        ("kind=internal", 0),
        ("outcome=error", 1),
        ("failed=true", 1),
        ("failed=false", 2),
        ("pinned=true", 1),
        ("kept=true", 1),
        ("kept=false", 2),
        ("min_ms=20", 2),
        ("min_ms=20.001", 1),
        ("max_ms=20", 2),
        ("attribute=region", 2),
        ("attribute=region=eu", 1),
        ("attribute=region=e", 0),
        ("attribute=card=visa", 1),
        ("attribute=order.id=2", 1),
        ("attribute=order.id=2&attribute=region=us", 0),
        ("attribute=order.id=1&outcome=error", 0),
        ("attribute=http.response.status_code=503", 1),
    ] {
        assert_eq!(find(query).len(), count, "{query}");
    }
    let view = shown.view("traces?limit=2&method=POST");
    assert_eq!((&view["searched"], &view["matched"], &view["left_out"]), (&3.into(), &3.into(), &1.into()));
    let failed = &shown.view("traces?outcome=error")["traces"][0];
    assert_eq!(find(&format!("trace_id={}", failed["trace_id"].as_str().unwrap())).len(), 1);
    for (member, value) in [
        ("kind", Value::from("server")),
        ("method", "POST".into()),
        ("route", "/charge".into()),
        ("status", 503.into()),
        ("outcome", "error".into()),
        ("error_type", "503".into()),
        ("duration_ms", 40.0.into()),
        ("spans", 2.into()),
        ("lines", 1.into()),
        ("kept", "failure".into()),
        ("pinned", true.into()),
        ("started", "2026-11-18T11:06:40.010000Z".into()),
    ] {
        assert_eq!(failed[member], value, "{member}");
    }
}

// Mutations caught: children before their parents, or by their end; a gap that is covered, or that is not there; lines of
// another span; attributes without their types.
#[test]
fn a_trace_is_a_waterfall_with_lines_and_gaps() {
    let shown = shown();
    shown.request("/charge", 500, 5 * MS, || {
        tracing::info!(order.id = 7, total = 1.5, paid = false, "begun");
        shown.clock.advance(3 * MS);
        tracing::info_span!("first").in_scope(|| {
            shown.clock.advance(2 * MS);
            tracing::info_span!("inner").in_scope(|| shown.clock.advance(4 * MS));
        });
        shown.clock.advance(1 * MS);
        tracing::info_span!("second", row = 3).in_scope(|| {
            tracing::error!("it \"broke\"\n");
            shown.clock.advance(6 * MS);
        });
    });
    let id = shown.view("traces")["traces"][0]["trace_id"].as_str().unwrap().to_owned();
    let trace = shown.view(&format!("traces/{id}"));
    assert_eq!(
        (&trace["trace_id"], &trace["kept"], &trace["pinned"]),
        (&id.into(), &"failure".into(), &true.into())
    );
    assert_eq!((&trace["duration_ms"], &trace["lines"]), (&21.0.into(), &serde_json::json!([])));
    assert_eq!(names(&trace, "spans", "name"), ["POST /charge", "first", "inner", "second"]);
    let spans = trace["spans"].as_array().unwrap();
    let numbers = |member: &str| spans.iter().map(|span| span[member].as_f64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers("depth"), [0.0, 1.0, 2.0, 1.0]);
    assert_eq!(numbers("offset_ms"), [0.0, 3.0, 5.0, 10.0]);
    assert_eq!(numbers("duration_ms"), [21.0, 6.0, 4.0, 6.0]);
    assert_eq!(
        (&spans[2]["parent_id"], &spans[1]["parent_id"]),
        (&spans[1]["span_id"], &spans[0]["span_id"])
    );
    let gaps = |of: usize| {
        let gaps = spans[of]["gaps"].as_array().unwrap().iter();
        gaps.map(|gap| (gap["offset_ms"].as_f64().unwrap(), gap["duration_ms"].as_f64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(gaps(0), [(0.0, 3.0), (9.0, 1.0), (16.0, 5.0)]);
    assert_eq!((gaps(1), gaps(2)), (vec![(3.0, 2.0)], vec![]));
    let line = &spans[0]["lines"][0];
    assert_eq!(line["fields"], serde_json::json!({"order.id": 7, "total": 1.5, "paid": false}));
    assert_eq!(
        (&line["message"], &line["offset_ms"], &line["level"]),
        (&"begun".into(), &0.0.into(), &"INFO".into())
    );
    assert_eq!(spans[3]["lines"][0]["message"], "it \"broke\"\n");
    assert_eq!(
        (&spans[3]["attributes"]["row"], &spans[0]["attributes"]["http.route"]),
        (&3.into(), &"/charge".into())
    );
    assert_eq!(spans[3]["lines"][0]["span_id"], spans[3]["span_id"]);
}

// Mutations caught: a history that is not filled; figures of the start taken for those of the window; a heat map of all where
// one row is asked for; an objective's budget.
#[test]
fn the_overview_has_objectives_routes_and_the_last_minutes() {
    let shown = shown_with(
        |telemetry| telemetry.slo(Slo::availability("charge", 99.0).route("/charge")),
        |admin| admin,
    );
    // Before any reading nothing is known, and nothing is a 0.
    some_requests(&shown);
    let slots = |view: &Value| view["history"]["starts"].as_array().unwrap().len();
    let until = |most: usize| {
        let found = (0..2_000).find_map(|_| {
            std::thread::sleep(5 * MS);
            shown.clock.advance(MS);
            Some(shown.view("overview")).filter(|view| slots(view) >= most)
        });
        found.unwrap_or_else(|| panic!("not {most} slots"))
    };
    until(1);
    some_requests(&shown);
    let view = until(2);
    let slo = &view["slos"][0];
    assert_eq!((&slo["name"], &slo["objective"]), (&"charge".into(), &99.0.into()));
    assert_eq!((&slo["events"], &slo["bad"], &slo["burning"]), (&4.into(), &2.into(), &false.into()));
    assert!((slo["budget_left"].as_f64().unwrap() - -49.0).abs() < 1e-6, "{slo}");
    let rows = view["routes"].as_array().unwrap();
    let charge = rows.iter().find(|row| row["route"] == "/charge").unwrap();
    assert_eq!((&charge["kind"], &charge["method"]), (&"http".into(), &"POST".into()));
    assert_eq!(charge["since_start"]["requests"], 4);
    assert_eq!(charge["since_start"]["errors"], 2);
    let of_slots: u64 =
        charge["history"]["requests"].as_array().unwrap().iter().map(|slot| slot.as_u64().unwrap()).sum();
    assert_eq!(charge["requests"], of_slots);
    assert!((2..=4).contains(&of_slots) && charge["errors"].as_u64().unwrap() >= 1, "{charge}");
    assert!(charge["exemplar"]["trace_id"].is_string(), "{charge}");
    assert!((charge["exemplar"]["value_ms"].as_f64().unwrap() - 40.0).abs() < 1e-6, "{charge}");
    let window = view["history"]["window_s"].as_f64().unwrap();
    assert!((charge["rate_per_s"].as_f64().unwrap() - of_slots as f64 / window).abs() < 1e-6);
    let heat = |view: &Value| {
        let counts =
            view["heat"]["counts"].as_array().unwrap().iter().flat_map(|slot| slot.as_array().unwrap());
        counts.map(|count| count.as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(heat(&view), view["total"]["requests"].as_u64().unwrap());
    let bounds = view["heat"]["bounds_ms"].as_array().unwrap();
    assert!(view["heat"]["counts"][0].as_array().unwrap().len() == bounds.len() + 1);
    let one = shown.view("overview?route=/orders&method=POST");
    assert_eq!(heat(&one) * 2, of_slots, "{}", one["heat"]);
}

// Mutation caught: a service on the runtime of whom it is asked about.
#[test]
fn it_answers_while_the_applications_runtime_is_stuck() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let shown = runtime.block_on(async {
        let shown = shown();
        // The only thread of the runtime is here, and does nothing else.
        assert_eq!(shown.view("in-flight")["count"], 0);
        assert_eq!(shown.view("traces")["searched"], 0);
        shown
    });
    shown.admin.stop();
}
