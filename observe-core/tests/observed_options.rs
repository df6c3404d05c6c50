//! The options of `#[observed]`: what each changes in metrics, spans and lines.
#![deny(warnings, missing_docs, clippy::pedantic, unused_qualifications)]
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "macros")]

use futures_util::FutureExt;
use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::metric::Buckets;
use observe_core::testing::Captured;
use observe_core::{Filter, Operation, Telemetry, observed};
use serde_json::Value;
use std::fmt::{self, Debug, Display};
use std::pin::Pin;
use std::time::Duration;
use tracing::{Level, info};

/// A telemetry of its own, and its clock.
struct Seen {
    captured: Captured,
    telemetry: Telemetry,
    clock: ManualClock,
}

impl Seen {
    fn new(filter: &str) -> Self {
        let clock = ManualClock::new();
        let captured = Captured::with(|builder| builder.clock(clock.clone()).filter(Filter::parse(filter).0));
        Self { telemetry: captured.telemetry().clone(), captured, clock }
    }

    fn lines(&self) -> Vec<Value> {
        self.captured.lines().to_vec()
    }

    /// What stands behind a series on `/metrics`.
    fn figure(&self, series: &str) -> Option<f64> {
        self.captured.metrics().get(series)
    }

    fn count(&self, function: &str, outcome: &str) -> Option<f64> {
        self.figure(&format!(
            r#"function_duration_seconds_count{{function="{function}",outcome="{outcome}"}}"#
        ))
    }
}

struct Order {
    id: u64,
    total: f64,
}

#[observed]
fn never_called() {}

#[observed(lazy)]
fn lazy() {}

// Catches: a static that the linker does not gather; `lazy` gathered all the same.
#[test]
fn series_are_there_at_0_before_the_first_call() {
    let seen = Seen::new("off");
    for outcome in ["ok", "error", "cancelled", "panicked"] {
        assert_eq!(seen.count("observed_options::never_called", outcome), Some(0.0));
        assert_eq!(seen.count("observed_options::lazy", outcome), None);
    }
    seen.telemetry.run(lazy);
    assert_eq!(seen.count("observed_options::lazy", "ok"), Some(1.0));
    assert_eq!(seen.count("observed_options::lazy", "panicked"), Some(0.0));
    seen.telemetry.run(never_called);
}

#[observed(name = "named", buckets = [0.001, 0.5])]
fn named(clock: &ManualClock) {
    clock.advance(Duration::from_millis(20));
}

const SLOW: Buckets = Buckets::new(&[60.0]);

#[observed(dependency = "payment", buckets = SLOW, fields(otel.kind = "producer"))]
async fn pay(clock: &ManualClock, fails: bool) -> Result<(), &'static str> {
    clock.advance(Duration::from_millis(20));
    if fails { Err("declined") } else { Ok(()) }
}

// Catches: bounds of one function that are another's; a dependency that counts as a function too.
#[test]
fn a_function_has_its_name_its_buckets_and_its_family() {
    let seen = Seen::new("off");
    seen.telemetry.run(|| named(&seen.clock));
    let bucket = |le: &str| {
        seen.figure(&format!(
            r#"function_duration_seconds_bucket{{function="named",outcome="ok",le="{le}"}}"#
        ))
    };
    assert_eq!((bucket("0.001"), bucket("0.5"), bucket("+Inf")), (Some(0.0), Some(1.0), Some(1.0)));
    assert_eq!(bucket("0.01"), None);
    assert_eq!(seen.figure(r#"function_duration_seconds_sum{function="named",outcome="ok"}"#), Some(0.02));
    let other = r#"function_duration_seconds_bucket{function="observed_options::never_called",outcome="ok",le="7.5"}"#;
    assert!(seen.figure(other).is_some());

    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for fails in [true, false] {
        let _ = runtime.block_on(seen.telemetry.scope(pay(&seen.clock, fails)));
    }
    for outcome in ["ok", "error"] {
        let labels = format!(r#"dependency="payment",operation="observed_options::pay",outcome="{outcome}""#);
        assert_eq!(
            seen.figure(&format!("dependency_duration_seconds_bucket{{{labels},le=\"60.0\"}}")),
            Some(1.0)
        );
        assert_eq!(seen.count("observed_options::pay", outcome), None);
    }
}

#[observed(fields(order.id, ?kind, %order.total, "a-b" = order.id + 1, late = tracing::field::Empty))]
fn records(order: &Order, kind: Option<u8>, secret: &str) -> usize {
    tracing::Span::current().record("late", true);
    info!("inside");
    secret.len()
}

struct Shop {
    shop: usize,
}

impl Shop {
    #[observed(fields(self.shop, order.id))]
    fn sells(&self, order: &Order) {
        info!("sold");
    }
}

// Catches: arguments that are recorded unasked; a name without its value.
#[test]
fn fields_are_those_that_are_named() {
    let seen = Seen::new("trace");
    seen.telemetry.run(|| {
        let order = Order { id: u64::MAX - 1, total: 9.5 };
        assert_eq!(records(&order, Some(1), "secret"), 6);
        Shop { shop: 7 }.sells(&order);
    });
    let lines = seen.lines();
    let [inside, sold] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(inside["order.id"], u64::MAX - 1);
    assert_eq!(inside["kind"], "Some(1)");
    assert_eq!(inside["order.total"], "9.5");
    assert_eq!(inside["a-b"], u64::MAX);
    assert_eq!(inside["late"], true);
    assert!(!inside.to_string().contains("secret"));
    assert_eq!((&sold["shop"], &sold["order.id"]), (&Value::from(7), &Value::from(u64::MAX - 1)));
}

#[observed(level = "debug", target = "elsewhere")]
fn quiet() -> Option<&'static str> {
    tracing::Span::current().metadata().map(tracing::Metadata::name)
}

#[observed(level = 4)]
fn loud() -> Option<&'static str> {
    tracing::Span::current().metadata().map(tracing::Metadata::name)
}

#[observed(level = Level::TRACE)]
fn quietest() -> Context {
    Context::current()
}

// Catches: a level or target that is not the span's; a filtered span that breaks the trace.
#[test]
fn a_level_filters_the_span_and_never_the_trace() {
    let seen = Seen::new("info");
    let (quieter, louder, outer, inner) = seen.telemetry.run(|| {
        let operation = Operation::builder("outer").start();
        let outer = operation.context();
        operation.run(|| (quiet(), loud(), outer, quietest()))
    });
    assert_eq!(louder, Some("observed_options::loud"));
    assert_eq!(quieter, Some("operation"));
    let (outer, inner) = (outer.span().unwrap(), inner.span().unwrap());
    assert_eq!(outer.trace_id, inner.trace_id);
    assert_ne!(outer.span_id, inner.span_id);
    let seen = Seen::new("info,elsewhere=debug");
    assert_eq!(seen.telemetry.run(quiet), Some("observed_options::quiet"));
}

#[observed(fields(id), level = "info", parent = parent)]
fn below_context(parent: &Context, id: u8) -> Context {
    Context::current()
}

#[observed(target = "t", parent = parent)]
fn below_span(parent: &tracing::Span) -> Context {
    Context::current()
}

#[observed(parent = None)]
fn apart() -> Context {
    Context::current()
}

// Catches: `parent` that is not heard after another option; a parent that is ignored.
#[test]
fn a_parent_is_the_one_that_is_named() {
    let seen = Seen::new("trace");
    seen.telemetry.run(|| {
        let far = Operation::builder("far").start().context();
        let span = tracing::info_span!("span");
        let of_span = span.in_scope(Context::current);
        Operation::builder("here").start().run(|| {
            let here = Context::current().span().unwrap().trace_id;
            let trace_id = |context: Context| context.span().unwrap().trace_id;
            let far_id = far.span().unwrap().trace_id;
            assert_eq!(trace_id(below_context(&far, 1)), far_id);
            assert_eq!(trace_id(below_span(&span)), trace_id(of_span));
            let apart = trace_id(apart());
            assert!(apart != here && apart != far_id);
        });
    });
}

#[derive(Debug)]
struct Declined(Cause);
#[derive(Debug)]
struct Cause;

impl Display for Declined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("declined")
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no money")
    }
}

impl std::error::Error for Cause {}

impl std::error::Error for Declined {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[observed]
fn by_sources() -> Result<(), Declined> {
    Err(Declined(Cause))
}

#[observed]
fn by_boxed_sources() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(Declined(Cause).into())
}

#[observed]
fn by_display() -> Result<(), &'static str> {
    Err("text")
}

#[observed]
fn by_debug() -> Result<(), Option<u8>> {
    Err(Some(1))
}

struct Silent;

#[observed]
fn by_nothing() -> Result<(), Silent> {
    Err(Silent)
}

#[observed(err(Debug))]
fn forced_debug() -> Result<(), &'static str> {
    Err("text")
}

#[observed(err(Display))]
fn forced_display() -> Result<(), Declined> {
    Err(Declined(Cause))
}

#[observed(err(off))]
fn untold() -> Result<(), &'static str> {
    Err("secret")
}

// Catches: a tier taken for another; `off` that is told, or that counts as ok.
#[test]
fn an_error_is_told_by_the_best_text_it_has() {
    let told = |name: &str, fails: &dyn Fn()| {
        let seen = Seen::new("info");
        seen.telemetry.run(fails);
        let lines = seen.lines();
        let [line] = lines.as_slice() else { panic!("one line for one failure: {lines:?}") };
        assert_eq!((&line["level"], &line["outcome"]), (&Value::from("ERROR"), &Value::from("error")));
        assert_eq!(line["message"], format!("observed_options::{name} failed"));
        line["error.message"].as_str().map(ToOwned::to_owned)
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(told("by_sources", &|| _ = by_sources()), text("declined: no money"));
    assert_eq!(told("by_boxed_sources", &|| _ = by_boxed_sources()), text("declined: no money"));
    assert_eq!(told("by_display", &|| _ = by_display()), text("text"));
    assert_eq!(told("by_debug", &|| _ = by_debug()), text("Some(1)"));
    assert_eq!(told("by_nothing", &|| drop(by_nothing())), None);
    assert_eq!(told("forced_debug", &|| _ = forced_debug()), text("\"text\""));
    assert_eq!(told("forced_display", &|| _ = forced_display()), text("declined"));
    assert_eq!(told("untold", &|| _ = untold()), None);
}

#[observed]
fn layered() -> Result<(), String> {
    by_display().map_err(|error| format!("outer: {error}"))
}

#[observed(span = off)]
fn layered_without_span() -> Result<(), String> {
    Err("innermost".to_owned())
}

// Catches: one line for each layer; the outermost text, which is the poorest, in place of the innermost.
#[test]
fn a_failure_is_one_line_with_the_innermost_cause() {
    let seen = Seen::new("info");
    seen.telemetry.run(|| Operation::builder("request").start().run(|| layered().unwrap_or_default()));
    assert_eq!(seen.lines(), Vec::<Value>::new());
    seen.telemetry.run(|| _ = layered());
    let operation = || Operation::builder("request").start();
    seen.telemetry.run(|| {
        let operation = operation();
        let entered = operation.enter();
        let error = layered_without_span().unwrap_err();
        drop(entered);
        operation.fail(format!("outer: {error}"));
    });
    let causes: Vec<_> = seen.lines().iter().map(|line| line["error.message"].clone()).collect();
    assert_eq!(causes, ["text", "innermost"]);
}

#[derive(Debug)]
enum Refusal {
    Declined,
    Broken,
}

impl Refusal {
    fn is_failure(&self) -> bool {
        matches!(self, Refusal::Broken)
    }
}

#[observed(failure = Refusal::is_failure)]
fn refused(refusal: Refusal) -> Result<(), Refusal> {
    Err(refusal)
}

#[observed(failure = |code: &u8| *code > 1, err(off))]
async fn refused_later(code: u8) -> Result<(), u8> {
    if code == 0 { Ok(()) } else { Err(code) }
}

#[observed(failure = |_: &u8| panic!("in the predicate"))]
fn refused_rudely() -> Result<(), u8> {
    Err(1)
}

// Mutations caught: `is_excused` that is not asked, or asked of what went well; a predicate's panic that goes on.
#[tokio::test]
async fn an_error_that_is_no_failure_is_an_answer() {
    let seen = Seen::new("info");
    let ends = |function: &str| {
        ["ok", "error"].map(|outcome| seen.count(&format!("observed_options::{function}"), outcome))
    };
    seen.telemetry.run(|| {
        refused(Refusal::Declined).unwrap_err();
        refused(Refusal::Broken).unwrap_err();
        refused_rudely().unwrap_err();
    });
    for code in [0, 1, 2] {
        let _ = seen.telemetry.scope(refused_later(code)).await;
    }
    assert_eq!(ends("refused"), [Some(1.0), Some(1.0)]);
    assert_eq!(ends("refused_later"), [Some(2.0), Some(1.0)]);
    assert_eq!(ends("refused_rudely"), [Some(0.0), Some(1.0)]);
}

#[observed(ok_level = "info")]
fn told_when_ok(fails: bool) -> Result<(), u8> {
    if fails { Err(1) } else { Ok(()) }
}

#[test]
fn a_good_end_is_told_when_asked_for() {
    let seen = Seen::new("info");
    seen.telemetry
        .run(|| Operation::builder("request").start().run(|| _ = (told_when_ok(false), told_when_ok(true))));
    let lines = seen.lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!((&line["level"], &line["outcome"]), (&Value::from("INFO"), &Value::from("ok")));
}

#[observed(metrics = off)]
fn unmeasured() -> Context {
    Context::current()
}

#[observed(span = off)]
fn spanless(clock: &ManualClock) -> Context {
    clock.advance(Duration::from_millis(5));
    Context::current()
}

#[observed(span = off)]
async fn spanless_future(clock: &ManualClock) -> Result<(), ()> {
    clock.advance(Duration::from_millis(5));
    Err(())
}

#[observed]
#[allow(unsafe_code, reason = "a form of function like others")]
unsafe extern "C" fn dangerous(pointer: *const u8) -> u8 {
    // SAFETY: the caller says so.
    unsafe { *pointer }
}

#[test]
#[allow(unsafe_code, reason = "it calls an unsafe function")]
fn unsafe_stays_unsafe() {
    // SAFETY: the pointer is to a value that lives.
    let value = 7;
    assert_eq!(unsafe { dangerous(&raw const value) }, 7);
}

// Catches: a span in spite of `span = off`; the system's time in place of the telemetry's.
#[test]
fn either_half_can_be_off() {
    let seen = Seen::new("trace");
    seen.telemetry.run(|| assert!(unmeasured().span().is_some()));
    assert_eq!(seen.count("observed_options::unmeasured", "ok"), None);
    seen.telemetry.run(|| assert!(spanless(&seen.clock).span().is_none()));
    let sum = r#"function_duration_seconds_sum{function="observed_options::spanless",outcome="ok"}"#;
    assert_eq!(seen.figure(sum), Some(0.005));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(seen.telemetry.scope(spanless_future(&seen.clock))).unwrap_err();
    assert_eq!(seen.count("observed_options::spanless_future", "error"), Some(1.0));
    assert_eq!(seen.lines(), Vec::<Value>::new());
}

#[observed(name = "late")]
fn late(clock: ManualClock) -> impl Future<Output = ()> {
    async move { clock.advance(Duration::from_millis(5)) }
}

#[observed(name = "late_box")]
fn late_box(clock: &ManualClock) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    let waits = std::future::ready(());
    Box::pin(waits.map(|()| clock.advance(Duration::from_millis(5))))
}

// Catches: the time between the making of a future and its first poll taken for its own.
#[test]
fn a_future_s_time_begins_with_its_first_poll() {
    let seen = Seen::new("off");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(seen.telemetry.scope(async {
        let (one, two) = (late(seen.clock.clone()), late_box(&seen.clock));
        seen.clock.advance(Duration::from_secs(100));
        one.await;
        two.await;
    }));
    for name in ["late", "late_box"] {
        let sum = format!(r#"function_duration_seconds_sum{{function="{name}",outcome="ok"}}"#);
        assert_eq!(seen.figure(&sum), Some(0.005));
    }
}

struct LogsWhenDropped;

impl Drop for LogsWhenDropped {
    fn drop(&mut self) {
        info!("dropped");
    }
}

#[observed(fields(id))]
async fn held(id: u8) {
    let _held = LogsWhenDropped;
    std::future::pending::<()>().await;
}

// Catches: a future that is dropped after its operation ended, or outside of it.
#[test]
fn destructors_run_inside() {
    let seen = Seen::new("info");
    seen.telemetry.run(|| {
        let mut future = Box::pin(held(3));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
    });
    let lines = seen.lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(line["id"], 3);
    assert!(line["span_id"].is_string());
}

mod renamed {
    pub(crate) mod inner {
        pub(crate) use observe_core::__private;
    }
    #[observe_core::observed(crate = crate::renamed::inner, fields(id), name = NAME)]
    fn elsewhere(id: u8) -> u8 {
        id
    }
    const NAME: &str = "renamed";

    #[test]
    fn the_crate_can_be_reached_by_another_path() {
        assert_eq!(elsewhere(1), 1);
    }
}
