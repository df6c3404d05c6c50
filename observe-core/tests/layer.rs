//! The same by way of a registry that others use, too.

#![cfg(feature = "subscriber")]

mod subscriber_support;

use observe_core::http_server::HttpRequest;
use observe_core::{Builder, Operation, Telemetry};
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use subscriber_support::{captured, ids};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;
use tracing::{Level, Span, debug, info, info_span};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, registry};

fn lines_with(settings: impl FnOnce(Builder) -> Builder, f: impl FnOnce(&Telemetry)) -> Vec<Value> {
    let (builder, lines) = captured();
    let telemetry = settings(builder).build().expect("a telemetry");
    f(&telemetry);
    telemetry.shutdown(Duration::from_secs(10)).expect("the lines are written");
    lines.read()
}

fn lines_of(f: impl FnOnce(&Telemetry)) -> Vec<Value> {
    lines_with(|builder| builder, f)
}

/// What another layer saw.
#[derive(Clone, Default)]
struct Other(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Other {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        _: &tracing::span::Id,
        _: Context<'_, S>,
    ) {
        self.0.lock().expect("no panic").push(attributes.metadata().name().to_owned());
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        self.0.lock().expect("no panic").push(event.metadata().level().to_string());
    }
}

// Mutations caught: `on_new_span` that takes no offer; `on_exit` without the door.
#[test]
fn spans_and_operations_are_stamped_as_without_a_registry() {
    let other = Other::default();
    let seen = other.clone();
    let lines = lines_of(|telemetry| {
        with_default(registry().with(telemetry.layer()).with(other), || {
            let outer = info_span!("outer", order = 7_u64, who = "a", late = tracing::field::Empty).entered();
            outer.record("late", 3);
            info!("in outer");
            let operation = telemetry.operation("charge").start();
            let span = operation.context().span().unwrap();
            operation.run(|| {
                info!(trace = %span.trace_id, id = %span.span_id, "operation");
                info_span!("inner", who = "b").in_scope(|| info!("in inner"));
                Span::current().in_scope(|| info!("operation again"));
            });
            info!("outer again");
            drop(outer);
            info!("outside");
        });
    });
    assert_eq!((&lines[0]["order"], &lines[0]["late"]), (&7.into(), &3.into()));
    assert_eq!((&lines[1]["trace"], &lines[1]["id"]), (&lines[1]["trace_id"], &lines[1]["span_id"]));
    assert_eq!((&lines[1]["trace_id"], &lines[1]["who"]), (&lines[0]["trace_id"], &"a".into()));
    assert_eq!((&lines[2]["trace_id"], &lines[2]["who"]), (&lines[0]["trace_id"], &"b".into()));
    assert_eq!(ids(&lines[3]), ids(&lines[1]));
    assert_eq!(ids(&lines[4]), ids(&lines[0]));
    assert_eq!(ids(&lines[5]), "");
    assert_eq!(lines.iter().map(ids).collect::<HashSet<_>>().len(), 4);
    let seen = seen.0.lock().unwrap();
    assert_eq!(*seen, ["outer", "INFO", "operation", "INFO", "inner", "INFO", "INFO", "INFO", "INFO"]);
}

// Mutation caught: `nearest` that looks at the given span only.
#[test]
fn a_filter_of_its_own_breaks_no_trace() {
    let other = Other::default();
    let seen = other.clone();
    let lines = lines_of(|telemetry| {
        let unless_hidden = filter_fn(|metadata| metadata.name() != "hidden");
        with_default(registry().with(telemetry.layer().with_filter(unless_hidden)).with(other), || {
            let outer = info_span!("outer", outer = 1);
            outer.in_scope(|| {
                info!("outer");
                let hidden = info_span!("hidden", hidden = 1);
                hidden.in_scope(|| {
                    info!("in hidden");
                    info_span!("contextual").in_scope(|| info!("contextual"));
                });
                info_span!(parent: &hidden, "explicit").in_scope(|| info!("explicit"));
                info!(parent: &hidden, "event");
                hidden.record("hidden", 2);
            });
            let lonely = info_span!("hidden");
            info_span!(parent: &lonely, "root").in_scope(|| info!("root"));
        });
    });
    assert_eq!(lines.len(), 6);
    assert!(lines[..5].iter().all(|line| line["trace_id"] == lines[0]["trace_id"] && line["outer"] == 1));
    assert!(lines.iter().all(|line| line.get("hidden").is_none()));
    assert_eq!((ids(&lines[1]), ids(&lines[4])), (ids(&lines[0]), ids(&lines[0])));
    assert_ne!(lines[2]["span_id"], lines[3]["span_id"]);
    assert_ne!(lines[5]["trace_id"], lines[0]["trace_id"]);
    assert_eq!(seen.0.lock().unwrap().iter().filter(|name| *name == "hidden").count(), 2);
}

#[test]
fn filters_of_all_kinds_count_and_ours_binds_nobody_else() {
    let other = Other::default();
    let seen = other.clone();
    let lines = lines_with(
        |builder| builder.filter("info,layer::quiet=off".parse().unwrap()),
        |telemetry| {
            with_default(registry().with(telemetry.layer()).with(other), || {
                debug!("only others");
                tracing::debug_span!("only others").in_scope(|| info!("no span of ours"));
                info!(target: "layer::quiet", "only others");
                tracing::event!(target: "log", Level::INFO, log.target = "layer::quiet", "only others");
                tracing::event!(target: "log", Level::INFO, log.target = "layer::loud", log.line = 3_u32, "taken in");
            });
            with_default(registry().with(telemetry.layer()).with(LevelFilter::WARN), || info!("nobody"));
            let targets = Targets::new().with_target("layer", LevelFilter::ERROR);
            with_default(registry().with(telemetry.layer().with_filter(targets)), || info!("nobody"));
        },
    );
    let messages: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["no span of ours", "taken in"]);
    assert_eq!(ids(&lines[0]), "");
    assert_eq!((&lines[1]["target"], lines[1].get("log.line")), (&"layer::loud".into(), None));
    assert_eq!(seen.0.lock().unwrap().len(), 6);
}

#[test]
fn an_operation_that_others_filter_out_is_the_context_all_the_same() {
    let lines = lines_of(|telemetry| {
        let no_operations = filter_fn(|metadata| metadata.target() != "observe");
        with_default(registry().with(telemetry.layer()).with(no_operations), || {
            let outer = info_span!("outer", outer = 1).entered();
            info!("outer");
            Operation::builder("filtered out").start().run(|| {
                info!("operation");
                info_span!("child").in_scope(|| info!("child"));
            });
            drop(outer);
        });
    });
    assert!(lines.iter().all(|line| line["trace_id"] == lines[0]["trace_id"] && line["outer"] == 1));
    assert_eq!(lines.iter().map(ids).collect::<HashSet<_>>().len(), 3);
}

// Mutation caught: a map that keeps what is closed; `exit` that goes by the number alone.
#[test]
fn two_registries_with_the_same_ids_do_not_disturb_each_other() {
    let lines = lines_of(|telemetry| {
        let one = tracing::Dispatch::new(registry().with(telemetry.layer()));
        let two = tracing::Dispatch::new(registry().with(telemetry.layer()));
        let span = |dispatch, number: u64| {
            tracing::dispatcher::with_default(dispatch, || info_span!("span", number))
        };
        for round in 0..100 {
            let (a, b) = (span(&one, 2 * round), span(&two, 2 * round + 1));
            let in_a = a.enter();
            let in_b = b.enter();
            drop(in_a);
            tracing::dispatcher::with_default(&one, || info!(expected = 2 * round + 1));
            drop(in_b);
            tracing::dispatcher::with_default(&two, || info!("none"));
        }
    });
    assert_eq!(lines.len(), 200);
    for pair in lines.chunks(2) {
        assert_eq!(pair[0]["number"], pair[0]["expected"]);
        assert_eq!(ids(&pair[1]), "");
    }
}

#[test]
fn a_guard_held_across_an_await_leaks_into_no_other_task() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines = lines_of(|telemetry| {
        with_default(registry().with(telemetry.layer()), || {
            let careless = telemetry.operation("careless").start().instrument(async {
                let _held = info_span!("held", held = 1).entered();
                tokio::task::yield_now().await;
                info!("careless");
            });
            let careful = telemetry.operation("careful").start().instrument(async {
                info!("careful");
                tokio::task::yield_now().await;
                info!("careful");
            });
            runtime.block_on(async { tokio::join!(careless, careful) });
        });
    });
    let careful: Vec<_> = lines.iter().filter(|line| line["message"] == "careful").collect();
    assert_eq!((careful.len(), ids(careful[0])), (2, ids(careful[1])));
    assert!(careful.iter().all(|line| line.get("held").is_none()));
}

/// What another layer was told of spans after they were made.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

struct Pairs<'a>(&'a mut Vec<String>);

impl tracing::field::Visit for Pairs<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.push(format!("{field}={value:?}"));
    }
}

impl<S: tracing::Subscriber> Layer<S> for Told {
    fn on_record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>, _: Context<'_, S>) {
        values.record(&mut Pairs(&mut self.0.lock().expect("no panic")));
    }
}

// Mutations caught: status, error type or `otel.status_code` that only our own lines have.
#[test]
fn others_learn_how_a_request_ended() {
    let told = Told::default();
    let other = told.clone();
    let lines = lines_of(|telemetry| {
        with_default(registry().with(telemetry.layer()).with(other), || {
            let server = telemetry.http_server();
            let start =
                || server.start(&HttpRequest::new("GET", "/"), &observe_core::context::Context::new());
            for status in [200, 503] {
                let mut operation = start();
                operation.status(status);
                operation.finish();
            }
            drop(start());
        });
    });
    assert_eq!(lines.len(), 3);
    let expected = [
        "http.response.status_code=200",
        "http.response.status_code=503",
        "otel.status_code=\"ERROR\"",
        "error.type=\"503\"",
        "error.type=\"cancelled\"",
    ];
    assert_eq!(*told.0.lock().unwrap(), expected);
}

/// What another layer was told of spans when they were made.
#[cfg(feature = "macros")]
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<String>>>);

#[cfg(feature = "macros")]
impl<S: tracing::Subscriber> Layer<S> for Made {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        _: &tracing::span::Id,
        _: Context<'_, S>,
    ) {
        let mut made = self.0.lock().expect("no panic");
        made.push(attributes.metadata().name().to_owned());
        attributes.record(&mut Pairs(&mut made));
    }
}

// Mutations caught: a dependency whose span is no client's; our fields in the place of those that are given; a raw name.
#[cfg(feature = "macros")]
#[test]
fn others_learn_what_an_observed_function_is() {
    #[observe_core::observed(dependency = "bank")]
    fn r#yield() {}
    #[observe_core::observed(dependency = "queue", fields(otel.kind = "producer"), name = "send")]
    fn send() {}
    let made = Made::default();
    let other = made.clone();
    lines_of(|telemetry| {
        with_default(registry().with(telemetry.layer()).with(other), || {
            r#yield();
            send();
        });
    });
    let expected = ["layer::yield", "otel.kind=\"client\"", "send", "otel.kind=\"producer\""];
    assert_eq!(*made.0.lock().unwrap(), expected);
}
