//! Lines of requests: written, held back until it is known whether their trace is kept, or left out.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::{Context, SpanContext};
use observe_core::http_server::{HttpRequest, HttpServerOperation};
use observe_core::testing::Captured;
use observe_core::{Builder, LogSampling, Operation, Outcome, Sampling};
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use tracing::{debug, error, info, warn};
use tracing_core::Level;

/// A service of which no trace is kept but what fails, unless its settings say otherwise.
fn service(settings: impl FnOnce(Builder) -> Builder) -> Captured {
    Captured::with(|builder| settings(builder.sampling(Sampling::tail(0.0).unwrap())))
}

fn start(captured: &Captured, route: &str, context: &Context) -> HttpServerOperation {
    captured.telemetry().http_server().start(&HttpRequest::new("GET", route).route(route), context)
}

/// A request that answers so, with what it says meanwhile.
fn answer(captured: &Captured, route: &str, status: u16, say: impl FnOnce()) {
    answer_in(captured, &Context::new(), route, status, say);
}

fn answer_in(captured: &Captured, context: &Context, route: &str, status: u16, say: impl FnOnce()) {
    captured.run(|| {
        let mut operation = start(captured, route, context);
        operation.within(say);
        operation.status(status);
        operation.finish();
    });
}

/// A caller whose trace has this randomness, of 2^56.
fn caller(randomness: u64) -> Context {
    static SPANS: AtomicU64 = AtomicU64::new(1);
    let span = SPANS.fetch_add(1, Ordering::Relaxed);
    let parent = format!("00-{:018x}{randomness:014x}-{span:016x}-00", 7);
    let mut context = Context::new();
    context.set_span(Some(SpanContext::parse(parent.as_bytes()).unwrap()));
    context
}

const ALL: u64 = 1 << 56;

fn messages(captured: &Captured) -> Vec<String> {
    let lines = captured.text();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| match line.get("sampled") {
            Some(sampled) => format!("{} x{sampled}", line["message"].as_str().unwrap()),
            None => line["message"].as_str().unwrap().to_owned(),
        })
        .collect()
}

// Mutations caught: lines of what is not kept that are written; warnings that wait; an order that is not theirs; lines
// outside requests, and of an operation that is no request, that are sampled.
#[test]
fn a_request_that_is_kept_tells_all_and_another_what_matters() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    captured.run(|| info!("outside"));
    answer(&captured, "/charge", 200, || {
        info!("left out");
        info!(target: "audit", "audited");
        warn!("warned");
    });
    answer(&captured, "/charge", 503, || {
        info!("first");
        info!(n = u64::MAX, "second");
    });
    captured.run(|| Operation::builder("job").start().run(|| info!("in a job")));
    let expected = ["outside", "audited", "warned", "first", "second", "GET /charge 503", "in a job"];
    assert_eq!(messages(&captured), expected);
    assert_eq!(captured.line("second")["n"], u64::MAX);
    // The line, and that of the request.
    assert_eq!(captured.metric("observe_log_sampled_out_total"), 2.0);
    assert_eq!(captured.metric("observe_log_held_bytes"), 0.0);
}

// Mutations caught: a setting that undoes another without a word; a word where nothing is undone.
#[test]
fn sampling_of_traces_that_leaves_nothing_to_that_of_lines_is_told() {
    let ask = |sampling, sampled: bool| {
        let captured = Captured::with(|builder| {
            let builder = builder.sampling(sampling);
            if sampled { builder.hold_back("debug".parse().unwrap()) } else { builder }
        });
        answer(&captured, "/charge", 200, || debug!("detail"));
        answer(&captured, "/charge", 503, || debug!("of the failure"));
        let told = messages(&captured);
        let found = |text: &str| told.iter().any(|message| message.contains(text));
        [found("every trace is kept"), found("because it failed"), found("detail"), found("of the failure")]
    };
    assert_eq!(ask(Sampling::collector(0.01).unwrap(), true), [true, false, true, true]);
    assert_eq!(ask(Sampling::always(), true), [true, false, true, true]);
    assert_eq!(ask(Sampling::never(), true), [false, true, false, false]);
    assert_eq!(ask(Sampling::tail(0.0).unwrap(), true), [false, false, false, true]);
    assert_eq!(ask(Sampling::always(), false), [false; 4]);
}

// Mutation caught: a failure told late whose lines were thrown away.
#[test]
fn an_error_in_the_middle_keeps_what_was_said_before_it() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    answer(&captured, "/charge", 200, || {
        info!("before");
        error!("wrong");
        info!("after");
    });
    // An error is written at once, the rest when the request has ended.
    assert_eq!(messages(&captured), ["wrong", "before", "after", "GET /charge 200"]);
}

// Mutations caught: each line by a draw of its own; a share by another number than the trace's; one that says nothing, or
// the wrong number, of what it stands for.
#[test]
fn all_lines_of_a_request_go_one_way() {
    let captured = service(|builder| {
        builder
            .log_sampling(LogSampling::rest(0.25).level(Level::DEBUG, 0.125))
            .filter("debug".parse().unwrap())
    });
    let (inside, between, outside) = (ALL - ALL / 16, ALL - ALL / 6, ALL - ALL / 3);
    for randomness in [inside, between, outside] {
        answer_in(&captured, &caller(randomness), "/charge", 200, || {
            info!("one of {randomness}");
            debug!("two of {randomness}");
        });
    }
    let expected = [
        "request_started x8".to_owned(),
        format!("one of {inside} x4"),
        format!("two of {inside} x8"),
        "GET /charge 200 x4".to_owned(),
        format!("one of {between} x4"),
        "GET /charge 200 x4".to_owned(),
    ];
    assert_eq!(messages(&captured), expected);
}

// Mutations caught: lines of a baseline trace that stand for themselves; of a failure that stand for others.
#[test]
fn lines_of_the_baseline_stand_for_others() {
    let captured = Captured::with(|builder| {
        builder
            .sampling(Sampling::tail(0.01).unwrap())
            .log_sampling(LogSampling::rest(0.0).target("log_sampling::chatty", 0.1))
    });
    let context = caller(ALL - 1);
    answer_in(&captured, &context, "/charge", 200, || {
        info!("quiet");
        info!(target: "log_sampling::chatty", "chatty");
    });
    answer_in(&captured, &caller(ALL - 1), "/charge", 500, || info!("failed"));
    let expected = ["quiet x100", "chatty x10", "GET /charge 200 x100", "failed", "GET /charge 500"];
    assert_eq!(messages(&captured), expected);
}

// Mutation caught: lines of a long request, which are written before its end, by the share of the rest.
#[test]
fn a_route_has_its_share_before_the_end_too() {
    let captured = Captured::with(|builder| {
        builder
            .sampling(Sampling::tail(0.01).unwrap())
            .log_sampling(LogSampling::rest(1.0).route("/health", 0.0))
    });
    let text = "x".repeat(1_000);
    answer_in(&captured, &caller(ALL - 1), "/health", 200, || (0..1_000).for_each(|_| info!(text, "long")));
    let messages = messages(&captured);
    assert_eq!(messages.len(), 1_001);
    assert!(messages.iter().all(|line| line.ends_with(" x100")), "{messages:?}");
}

#[test]
fn a_route_has_a_share_of_its_own() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(1.0).route("/health", 0.0)));
    answer(&captured, "/health", 200, || info!("well"));
    answer(&captured, "/charge", 200, || info!("charged"));
    answer(&captured, "/health", 500, || info!("not well"));
    assert_eq!(messages(&captured), ["charged", "GET /charge 200", "not well", "GET /health 500"]);
}

// Mutation caught: what a call site left out that nobody hears of.
#[test]
fn a_call_site_has_a_rate() {
    let clock = observe_core::clock::ManualClock::new();
    let captured =
        service(|builder| builder.clock(clock.clone()).log_sampling(LogSampling::rest(1.0).per_callsite(2)));
    let say = || (0..5).for_each(|n| info!("chatter {n}"));
    answer(&captured, "/", 200, say);
    clock.advance(std::time::Duration::from_secs(1));
    answer(&captured, "/", 200, say);
    let chatter: Vec<_> =
        messages(&captured).into_iter().filter(|line| line.starts_with("chatter")).collect();
    assert_eq!(chatter, ["chatter 0", "chatter 1", "chatter 0 x4", "chatter 1"]);
    // A request that is kept has no rate.
    answer(&captured, "/", 500, say);
    assert_eq!(messages(&captured).iter().filter(|line| line.starts_with("chatter")).count(), 9);
}

// Mutation caught: request lines of all routes that share one rate.
#[test]
fn the_request_lines_of_a_route_have_a_rate() {
    let clock = observe_core::clock::ManualClock::new();
    let captured =
        service(|builder| builder.clock(clock.clone()).log_sampling(LogSampling::rest(1.0).per_callsite(1)));
    for route in ["/a", "/a", "/b", "/a"] {
        answer(&captured, route, 200, || {});
    }
    clock.advance(std::time::Duration::from_secs(1));
    answer(&captured, "/a", 200, || {});
    assert_eq!(messages(&captured), ["GET /a 200", "GET /b 200", "GET /a 200 x3"]);
}

// Mutation caught: lines of functions that take the request line's rate, and stand for it.
#[test]
fn the_lines_of_functions_have_rates_of_their_own() {
    #[observe_core::observed(ok_level = "info")]
    fn one() {}
    #[observe_core::observed(ok_level = "info")]
    fn two() {}
    let clock = observe_core::clock::ManualClock::new();
    let captured =
        service(|builder| builder.clock(clock.clone()).log_sampling(LogSampling::rest(1.0).per_callsite(1)));
    for _ in 0..2 {
        answer(&captured, "/", 200, || {
            one();
            two();
            one();
        });
        clock.advance(std::time::Duration::from_secs(1));
    }
    let names = ["log_sampling::one", "log_sampling::two", "GET / 200"];
    let again = ["log_sampling::one x2", "log_sampling::two", "GET / 200"];
    assert_eq!(messages(&captured), names.into_iter().chain(again).collect::<Vec<_>>());
}

// Mutations caught: debug lines that are written though nobody asked; that come of a request that is not kept; lines
// outside requests that are held for ever.
#[test]
fn debug_lines_are_held_back_and_written_if_the_request_is_kept() {
    let captured = service(|builder| builder.hold_back("debug".parse().unwrap()));
    captured.run(|| {
        debug!("outside");
        info!("outside, at info");
    });
    answer(&captured, "/charge", 200, || debug!("nobody asked"));
    answer(&captured, "/charge", 500, || {
        debug!("one");
        info!("at once");
        debug!("two");
    });
    let started = "request_started";
    let expected =
        ["outside, at info", "GET /charge 200", "at once", started, "one", "two", "GET /charge 500"];
    assert_eq!(messages(&captured), expected);
    // What was not to be written is not left out.
    assert_eq!(captured.metric("observe_log_sampled_out_total"), 0.0);
}

// Mutation caught: a filter that is changed, and with it what is held back.
#[test]
fn what_is_held_back_stays_when_the_filter_changes() {
    let captured = service(|builder| builder.hold_back("debug".parse().unwrap()));
    captured.telemetry().set_filter("warn".parse().unwrap());
    answer(&captured, "/charge", 200, || info!("not heard"));
    answer(&captured, "/charge", 500, || {
        debug!("one");
        info!("two");
    });
    let expected = ["levels are now warn", "request_started", "one", "two", "GET /charge 500"];
    assert_eq!(messages(&captured), expected);
}

// Mutations caught: memory without a bound; a line that finds no room and is not counted.
#[test]
fn what_waits_is_bounded_and_what_finds_no_room_is_counted() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    let text = "x".repeat(1_000);
    answer(&captured, "/charge", 500, || (0..1_000).for_each(|_| info!(text, "long")));
    let lost = captured.metric("observe_dropped_total{signal=\"log\",reason=\"held_full\"}");
    let written = messages(&captured).iter().filter(|line| *line == "long").count();
    assert!((100..400).contains(&written), "{written}");
    assert_eq!(written as f64 + lost, 1_000.0);
    assert_eq!(captured.metric("observe_log_held_bytes"), 0.0);
}

// Mutation caught: what is kept in any case that waits until there is no room.
#[test]
fn what_is_kept_in_any_case_loses_nothing() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    let text = "x".repeat(1_000);
    answer(&captured, "/charge", 200, || {
        observe_core::keep();
        (0..1_000).for_each(|_| info!(text, "long"));
    });
    assert_eq!(messages(&captured).iter().filter(|line| *line == "long").count(), 1_000);
}

// Mutations caught: lines of requests that never end, or that come late, lost or written against the verdict.
#[test]
fn late_lines_go_the_way_of_the_others() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    captured.run(|| {
        for status in [200, 500] {
            let mut operation = start(&captured, "/charge", &Context::new());
            let span = operation.within(|| tracing::info_span!("late"));
            operation.status(status);
            operation.finish();
            span.in_scope(|| info!("late of {status}"));
        }
    });
    assert_eq!(messages(&captured), ["GET /charge 500", "late of 500"]);
}

// Mutation caught: a panic that takes what waits with it.
#[test]
fn a_request_that_panics_tells_all() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    captured.run(|| {
        let mut operation = start(&captured, "/charge", &Context::new());
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            operation.within(|| {
                info!("before");
                panic!("planned");
            });
        }));
        assert!(unwound.is_err());
        drop(operation);
    });
    assert_eq!(messages(&captured), ["before", "GET /charge panicked"]);
}

#[test]
fn a_job_by_hand_is_no_request() {
    let captured =
        service(|builder| builder.log_sampling(LogSampling::rest(0.0)).hold_back("debug".parse().unwrap()));
    captured.run(|| {
        let job = Operation::builder("job").start();
        job.run(|| {
            info!("written at once");
        });
        Operation::builder("other").start().finish(Outcome::Ok);
    });
    assert_eq!(messages(&captured), ["written at once"]);
}

// Mutation caught: what a request said that hangs, and that is lost with the process, though it ends in good order.
#[test]
fn a_request_that_is_cut_off_by_shutdown_has_told_all() {
    let captured = service(|builder| builder.log_sampling(LogSampling::rest(0.0)));
    captured.run(|| {
        let mut operation = start(&captured, "/charge", &Context::new());
        operation.within(|| info!("waiting for the bank"));
        captured.telemetry().shutdown(std::time::Duration::from_secs(10)).unwrap();
        let expected = ["waiting for the bank", "GET /charge still running at shutdown"];
        assert_eq!(messages(&captured), expected);
        assert_eq!(captured.metric("observe_log_held_bytes"), 0.0);
        operation.finish();
    });
}
