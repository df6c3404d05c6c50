//! Spans and lines by way of `tracing`, with our own subscriber.

mod subscriber_support;

use observe_core::context::Context;
use observe_core::{Current, Filter, ObserveFuture, Operation, Outcome, Telemetry};
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::mpsc;
use std::time::Duration;
use subscriber_support::{captured, ids, lines_of};
use tracing::{Level, Span, dispatcher, error, info, info_span, span};

#[test]
fn a_line_has_the_ids_and_the_fields_of_its_spans() {
    let lines = lines_of(|_| {
        info!("outside");
        let outer = info_span!("outer", order = 7_u64, who = "a", otel.kind = "server").entered();
        info!("in outer");
        info_span!("inner", who = "b").in_scope(|| info!(answer = 42, "in inner"));
        drop(outer);
        info!("outside again");
    });
    assert_eq!(lines.len(), 4);
    assert_eq!(ids(&lines[0]), "");
    assert_eq!((&lines[1]["order"], &lines[1]["who"]), (&7.into(), &"a".into()));
    assert!(lines[1].get("otel.kind").is_none());
    assert_eq!(lines[2]["trace_id"], lines[1]["trace_id"]);
    assert_ne!(lines[2]["span_id"], lines[1]["span_id"]);
    assert_eq!(
        (&lines[2]["order"], &lines[2]["who"], &lines[2]["answer"]),
        (&7.into(), &"b".into(), &42.into())
    );
    assert_eq!(ids(&lines[3]), "");
}

// Mutation caught: `new_span` that takes no offer (the operation's span has other ids than the operation).
#[test]
fn an_operation_is_the_span_of_its_lines() {
    let lines = lines_of(|telemetry| {
        let operation = telemetry.operation("charge").start();
        let span = operation.context().span().unwrap();
        let handle = operation.run(|| {
            info!("in");
            Operation::builder("inner").start().run(|| info!("deeper"));
            info!("in");
            Span::current()
        });
        assert!(!handle.is_disabled());
        handle.in_scope(|| info!("late"));
        info!(trace = %span.trace_id, id = %span.span_id, "outside");
    });
    let operation = format!("{}/{}", lines[4]["trace"].as_str().unwrap(), lines[4]["id"].as_str().unwrap());
    assert_eq!(ids(&lines[0]), operation);
    assert_eq!(lines[1]["trace_id"], lines[4]["trace"]);
    assert_ne!(lines[1]["span_id"], lines[4]["id"]);
    assert_eq!(ids(&lines[2]), operation);
    assert_eq!(ids(&lines[3]), operation, "a handle outlives the operation");
    assert_eq!(ids(&lines[4]), "");
}

// Mutation caught: fields copied only by spans that `tracing` sees; `current_span` that answers only for the top.
#[test]
fn an_operation_that_is_filtered_out_breaks_nothing() {
    let (builder, lines) = captured();
    let telemetry = builder.filter("subscriber=info".parse().unwrap()).build().unwrap();
    telemetry.run(|| {
        let outer = info_span!("outer", order = 1).entered();
        let outer_id = outer.id();
        info!("outer");
        Operation::builder("filtered out").start().run(|| {
            info!("in");
            assert_eq!(Span::current().id(), outer_id);
            info_span!("child", item = 2).in_scope(|| info!("child"));
        });
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line["trace_id"] == lines[0]["trace_id"] && line["order"] == 1));
    assert_eq!(lines.iter().map(ids).collect::<HashSet<_>>().len(), 3);
    assert_eq!(lines[2]["item"], 2);
}

#[test]
fn explicit_parents_count_and_roots_have_none() {
    let lines = lines_of(|_| {
        let other = info_span!("other", other = 1);
        other.in_scope(|| info!("other"));
        let here = info_span!("here", here = 1).entered();
        info!("here");
        info_span!(parent: &other, "below other").in_scope(|| info!("below other"));
        info_span!(parent: None, "root").in_scope(|| info!("root"));
        info!(parent: &other, "in other");
        info!(parent: None, "in none");
        drop(here);
    });
    assert_eq!(lines.len(), 6);
    assert_eq!((&lines[2]["trace_id"], &lines[2]["other"]), (&lines[0]["trace_id"], &1.into()));
    assert!(lines[2].get("here").is_none());
    assert_ne!(lines[3]["trace_id"], lines[0]["trace_id"]);
    assert_ne!(lines[3]["trace_id"], lines[1]["trace_id"]);
    assert_eq!(ids(&lines[4]), ids(&lines[0]));
    assert_eq!(ids(&lines[5]), "");
}

// Mutation caught: a slot that is found by its index alone.
#[test]
fn stale_and_forged_ids_do_nothing() {
    let lines = lines_of(|_| {
        let gone = info_span!("gone", gone = true);
        let stale = gone.id().unwrap();
        drop(gone);
        // None of these can be a span of a test that runs beside this one.
        let forged = [1, 2, 255, u64::from(u32::MAX), 1 << 60, u64::MAX, u64::MAX - 1];
        let ids = forged.into_iter().map(span::Id::from_u64).chain([stale.clone()]);
        let open = info_span!("open", open = true).entered();
        dispatcher::get_default(|dispatch| {
            for id in ids.clone() {
                dispatch.enter(&id);
                dispatch.exit(&id);
                dispatch.record_follows_from(&id, &stale);
                assert_eq!(dispatch.clone_span(&id), id);
                assert!(!dispatch.try_close(id.clone()));
                assert!(!dispatch.try_close(id));
            }
        });
        for id in ids {
            info!(parent: Some(id.clone()), "no parent");
            info_span!(parent: Some(id), "root").in_scope(|| info!("a trace of its own"));
        }
        info!("open");
        drop(open);
    });
    let open = lines.last().unwrap();
    assert_eq!(open["open"], true);
    let mut traces = HashSet::new();
    for pair in lines[..lines.len() - 1].chunks(2) {
        assert_eq!(ids(&pair[0]), "");
        assert!(traces.insert(pair[1]["trace_id"].to_string()));
        assert!(pair[1].get("open").is_none() && pair[1].get("gone").is_none());
    }
    assert_eq!(traces.len(), 8);
}

// Mutation caught: `exit` that takes off the top instead of the frame of its span.
#[test]
fn exits_out_of_order_leave_the_right_spans() {
    let lines = lines_of(|_| {
        let (a, b) = (info_span!("a", a = 1), info_span!("b", b = 1));
        let in_a = a.enter();
        let in_b = b.enter();
        let in_a_again = a.enter();
        info!("a");
        drop(in_a);
        info!("b: the inner stay in a ended first");
        drop(in_b);
        info!("a");
        drop(in_a_again);
        info!("none");
        let in_a = a.enter();
        let in_b = b.enter();
        drop(in_a);
        info!("b");
        drop(in_b);
        info!("none");
        Span::none().in_scope(|| info!("none"));
        a.in_scope(|| a.in_scope(|| b.follows_from(&a)));
        info!("none");
    });
    let seen: Vec<_> = lines.iter().map(|line| (line.get("a").is_some(), line.get("b").is_some())).collect();
    let (a, b, none) = ((true, false), (false, true), (false, false));
    assert_eq!(seen, [a, b, a, none, b, none, none, none]);
}

#[test]
fn a_span_is_entered_on_several_threads() {
    let lines = lines_of(|telemetry| {
        let span = info_span!("shared", shared = 1);
        let inside = span.enter();
        let (arrived, has_arrived) = mpsc::channel();
        let (leave, may_leave) = mpsc::channel();
        std::thread::scope(|scope| {
            let handle = span.clone();
            scope.spawn(move || {
                telemetry.run(|| {
                    let inside = handle.enter();
                    info!("there");
                    arrived.send(()).unwrap();
                    may_leave.recv().unwrap();
                    info!("there still");
                    drop(inside);
                    info!("there no more");
                });
            });
            has_arrived.recv().unwrap();
            info!("here");
            drop(inside);
            leave.send(()).unwrap();
        });
        info!("here no more");
    });
    let of = |message: &str| lines.iter().find(|line| line["message"] == message).map(ids).unwrap();
    assert!(!of("here").is_empty());
    assert_eq!((of("there"), of("there still")), (of("here"), of("here")));
    assert_eq!((of("there no more"), of("here no more")), (String::new(), String::new()));
}

// Mutation caught: frames that are never stale.
#[test]
fn a_forgotten_guard_is_forgotten_with_its_span() {
    let lines = lines_of(|telemetry| {
        let outer = info_span!("outer", outer = 1).entered();
        for _ in 0..3_000 {
            let span = info_span!("forgotten", forgotten = 1);
            std::mem::forget(span.enter());
        }
        info!("outer");
        let span = info_span!("forgotten", forgotten = 1);
        std::mem::forget(span.enter());
        info!("forgotten");
        drop(span);
        info!("outer");
        let operation = telemetry.operation("forgotten").start();
        std::mem::forget(operation.enter());
        info!("operation");
        operation.finish(Outcome::Ok);
        info!("outer");
        drop(outer);
        info!("none");
    });
    assert_eq!((&lines[0]["outer"], lines[0].get("forgotten")), (&1.into(), None));
    assert_eq!(lines[1]["forgotten"], 1);
    assert_eq!(ids(&lines[2]), ids(&lines[0]));
    assert_eq!(lines[3]["trace_id"], lines[0]["trace_id"]);
    assert_ne!(lines[3]["span_id"], lines[0]["span_id"]);
    assert_eq!(ids(&lines[4]), ids(&lines[0]));
    assert_eq!(ids(&lines[5]), "");
}

/// Awaits once.
async fn yield_once() {
    tokio::task::yield_now().await;
}

// Mutation caught: `pop` that does not cut what lies above the operation.
#[test]
fn a_guard_held_across_an_await_leaks_into_no_other_task() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines = lines_of(|telemetry| {
        let careless = |name: &'static str| {
            telemetry.operation(name).start().instrument(async move {
                let _held = info_span!("held", held = name).entered();
                yield_once().await;
                info!("careless");
                yield_once().await;
            })
        };
        let (first, second) = (careless("a"), careless("b"));
        let careful = telemetry.operation("careful").start().instrument(async {
            for _ in 0..4 {
                info!("careful");
                yield_once().await;
            }
        });
        let outside = async {
            for _ in 0..4 {
                info!("outside");
                yield_once().await;
            }
        };
        runtime.block_on(async { tokio::join!(first, careful, second, outside) });
    });
    let of = |message: &str| lines.iter().filter(|line| line["message"] == message).collect::<Vec<_>>();
    let careful: HashSet<_> = of("careful").into_iter().map(ids).collect();
    assert_eq!((of("careful").len(), careful.len()), (4, 1));
    assert!(of("careful").iter().all(|line| line.get("held").is_none()));
    assert_eq!(of("outside").len(), 4);
    assert!(of("outside").into_iter().all(|line| ids(line).is_empty()));
    let careless: HashSet<_> = of("careless").into_iter().map(|line| line["trace_id"].to_string()).collect();
    assert_eq!(careless.len(), 2, "each stays in its own trace");
    assert!(careless.iter().all(|trace| !careful.iter().any(|id| id.starts_with(trace.trim_matches('"')))));
}

#[test]
fn a_context_goes_along_to_threads_and_tasks() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let lines = lines_of(|telemetry| {
        let operation = telemetry.operation("parent").start();
        operation.run(|| {
            info!("here");
            let here = Current::capture();
            std::thread::spawn(here.wrap(|| info!("thread"))).join().unwrap();
            let task = async {
                info!("task");
                yield_once().await;
                info_span!("child").in_scope(|| info!("task's child"));
            };
            runtime.block_on(runtime.spawn(task.in_current_operation())).unwrap();
        });
    });
    assert_eq!(lines.len(), 4);
    assert!(lines[..3].iter().all(|line| ids(line) == ids(&lines[0])), "{lines:#?}");
    assert_eq!(lines[3]["trace_id"], lines[0]["trace_id"]);
}

// Mutation caught: `with` instead of `try_with` on the stack, the scratch or the free list (the thread aborts).
#[test]
fn destructors_of_thread_locals_may_log() {
    struct Late(Option<Telemetry>);
    impl Drop for Late {
        fn drop(&mut self) {
            let Some(telemetry) = self.0.take() else { return };
            telemetry.run(|| {
                let span = info_span!("late", late = 1).entered();
                info!("late");
                telemetry.operation("late").start().run(|| info!("late operation"));
                let clone = span.clone();
                drop((span, clone));
                let _ = (Context::current(), Span::current());
            });
        }
    }
    thread_local! {
        static BEFORE: RefCell<Late> = const { RefCell::new(Late(None)) };
        static AFTER: RefCell<Late> = const { RefCell::new(Late(None)) };
    }
    let lines = lines_of(|telemetry| {
        let telemetry = telemetry.clone();
        let work = move || {
            BEFORE.with_borrow_mut(|late| late.0 = Some(telemetry.clone()));
            telemetry.run(|| info_span!("early").in_scope(|| info!("early")));
            AFTER.with_borrow_mut(|late| late.0 = Some(telemetry.clone()));
        };
        std::thread::spawn(work).join().unwrap();
    });
    let count = |message: &str| lines.iter().filter(|line| line["message"] == message).count();
    assert_eq!(count("early"), 1);
    // `tracing` itself knows no scope any more once its own thread-locals are gone.
    assert!(count("late") <= 2 && count("late operation") <= 2, "{lines:#?}");
}

#[test]
fn values_are_what_they_were_and_no_key_comes_twice() {
    let (builder, lines) = captured();
    let telemetry = builder.build().unwrap();
    telemetry.run(|| {
        let span = info_span!("s", big = u64::MAX, who = "span", late = tracing::field::Empty, twice = 1);
        let _inside = span.enter();
        span.record("late", 1);
        span.record("late", true);
        span.record("twice", 2);
        info!(who = "event", who = "again", trace_id = "mine", small = i64::MIN, half = 0.5, "m");
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let (line, text) = (lines.read().remove(0), lines.text());
    assert_eq!(line["big"], u64::MAX);
    assert_eq!((&line["small"], &line["half"]), (&i64::MIN.into(), &0.5.into()));
    assert_eq!((&line["late"], &line["twice"], &line["who"]), (&true.into(), &2.into(), &"again".into()));
    assert_eq!(line["fields.trace_id"], "mine");
    // The reader of JSON takes the last of two: count them in the text.
    for key in ["late", "twice", "who", "trace_id", "big"] {
        assert_eq!(text.matches(&format!("\"{key}\":")).count(), 1, "{key}");
    }
}

#[test]
fn late_fields_are_seen_by_children_that_come_later() {
    let lines = lines_of(|_| {
        let outer = info_span!("outer", late = tracing::field::Empty).entered();
        let before = info_span!("before");
        outer.record("late", "now");
        before.in_scope(|| info!("before"));
        info_span!("after").in_scope(|| info!("after"));
        info!("outer");
    });
    assert!(lines[0].get("late").is_none());
    assert_eq!((&lines[1]["late"], &lines[2]["late"]), (&"now".into(), &"now".into()));
}

#[test]
fn records_that_tracing_log_took_in_are_their_own() {
    let (builder, lines) = captured();
    let telemetry = builder.filter("info,quiet=off".parse().unwrap()).build().unwrap();
    telemetry.run(|| {
        for target in ["hyper::proto", "quiet"] {
            tracing::event!(
                target: "log",
                Level::INFO,
                message = format_args!("from {target}"),
                log.target = target,
                log.module_path = "hyper::proto::h1",
                log.file = "a.rs",
                log.line = 5_u32,
            );
        }
        tracing::event!(target: "log", Level::INFO, { log.level = 3 }, "not one of them");
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["target"], "hyper::proto");
    assert_eq!(lines[0]["message"], "from hyper::proto");
    assert!(!lines[0].to_string().contains("\"log."));
    assert_eq!((&lines[1]["target"], &lines[1]["log.level"]), (&"log".into(), &3.into()));
}

// Mutation caught: `set_filter` that does not tell the callsites.
#[test]
fn the_filter_changes_under_load_and_loses_nothing() {
    let (builder, lines) = captured();
    let telemetry = builder.build().unwrap();
    let rounds = 2_000;
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let telemetry = &telemetry;
            scope.spawn(move || {
                telemetry.run(|| {
                    for round in 0..rounds {
                        let span = info_span!("round", worker, round).entered();
                        tracing::debug!("now and then");
                        error!("always");
                        drop(span);
                        if round % 100 == 0 {
                            telemetry.flush(Duration::from_secs(10)).unwrap();
                        }
                    }
                });
            });
        }
        scope.spawn(|| {
            for round in 0..300 {
                let text = ["debug", "info", "off,subscriber=error", "warn,subscriber=trace"][round % 4];
                telemetry.set_filter(text.parse().unwrap());
                std::thread::yield_now();
            }
        });
    });
    telemetry.run(|| {
        telemetry.set_filter(Filter::from(tracing::level_filters::LevelFilter::OFF));
        error!("off");
        telemetry.set_filter("trace".parse().unwrap());
        tracing::trace!("on");
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let lines = lines.read();
    let count = |message: &str| lines.iter().filter(|line| line["message"] == message).count();
    assert_eq!(count("always"), 2 * rounds);
    assert_eq!((count("off"), count("on")), (0, 1));
    for line in &lines {
        // A span is there or is not, and a line is never in another's.
        assert_eq!(line.get("round").is_some(), !ids(line).is_empty());
    }
}

#[test]
fn ten_thousand_spans_are_open_at_once() {
    let lines = lines_of(|_| {
        let spans: Vec<_> = (0..10_000).map(|number| info_span!("many", number)).collect();
        let distinct: HashSet<_> = spans.iter().map(|span| span.id().unwrap().into_u64()).collect();
        assert_eq!(distinct.len(), spans.len());
        for (number, span) in spans.iter().enumerate().step_by(100) {
            span.in_scope(|| info!(expected = number));
        }
        // Every other one goes; the others stay what they are.
        let (mut keep, mut go) = (Vec::new(), Vec::new());
        for (number, span) in spans.into_iter().enumerate() {
            if number % 2 == 0 { keep.push((number, span)) } else { go.push(span) }
        }
        drop(go);
        let more: Vec<_> = (0..5_000).map(|_| info_span!("more", number = 1_000_000)).collect();
        for (number, span) in keep.iter().step_by(50) {
            span.in_scope(|| info!(expected = number));
        }
        drop(more);
    });
    assert_eq!(lines.len(), 200);
    assert!(lines.iter().all(|line| line["number"] == line["expected"]));
}
