//! An operation ends exactly once, with the outcome that it had, and leaves the thread as it found it.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use futures_util::FutureExt;
use observe_core::clock::{Clock, ManualClock};
use observe_core::context::Context;
use observe_core::testing::Captured;
use observe_core::{Current, Operation, Outcome, Registry, Telemetry};
use std::io;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

fn captured(clock: impl Into<Clock>) -> Captured {
    Captured::with(|builder| builder.clock(clock))
}

/// One figure of the exposition: 0 where it is not there.
fn figure(captured: &Captured, series: &str) -> f64 {
    captured.metrics().get(series).unwrap_or(0.0)
}

fn count(captured: &Captured, name: &str, outcome: &str) -> f64 {
    figure(
        captured,
        &format!(r#"operation_duration_seconds_count{{operation="{name}",outcome="{outcome}"}}"#),
    )
}

// Mutation caught: `end` that does not take the span; `drop` without `abandon`; an outcome for another.
#[test]
fn every_way_to_end_is_one_count_of_its_outcome() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    type End = fn(Operation);
    let ways: [(&'static str, End, &str); 12] = [
        ("end-finish", |operation| operation.finish(Outcome::Ok), "ok"),
        ("end-fail", |operation| operation.fail("no"), "error"),
        ("end-run", |operation| operation.run(|| {}), "ok"),
        ("end-run-ok", |operation| assert_eq!(operation.run_result(|| Ok::<_, &str>(7)), Ok(7)), "ok"),
        (
            "end-run-error",
            |operation| assert_eq!(operation.run_result(|| Err::<(), _>("no")), Err("no")),
            "error",
        ),
        ("end-drop", |operation| drop(operation), "cancelled"),
        ("end-panic-in-run", |operation| panics(|| operation.run(|| panic!("planned"))), "panicked"),
        (
            "end-panic-entered",
            |operation| {
                panics(move || {
                    let _entered = operation.enter();
                    panic!("planned")
                });
            },
            "panicked",
        ),
        ("end-future-ready", |operation| operation.instrument(async {}).now_or_never().unwrap(), "ok"),
        (
            "end-result-ok",
            |operation| {
                assert!(
                    operation.instrument_result(async { Ok::<_, &str>(()) }).now_or_never().unwrap().is_ok()
                );
            },
            "ok",
        ),
        (
            "end-result-error",
            |operation| {
                assert!(
                    operation
                        .instrument_result(async { Err::<(), _>("no") })
                        .now_or_never()
                        .unwrap()
                        .is_err()
                );
            },
            "error",
        ),
        (
            "end-future-dropped",
            |operation| {
                let pending = operation.instrument(std::future::pending::<()>());
                assert!(pending.now_or_never().is_none());
            },
            "cancelled",
        ),
    ];
    for (name, end, outcome) in ways {
        end(telemetry.operation(name).start());
        for each in Outcome::ALL {
            let expected = if each.as_str() == outcome { 1.0 } else { 0.0 };
            assert_eq!(count(&captured, name, each.as_str()), expected, "{name}: {each}");
        }
        assert_eq!(
            figure(&captured, &format!(r#"operations_in_flight{{operation="{name}"}}"#)),
            0.0,
            "{name}"
        );
    }
    assert_eq!(Context::current(), Context::new());
}

fn panics(f: impl FnOnce()) {
    assert!(std::panic::catch_unwind(AssertUnwindSafe(f)).is_err());
}

// Mutation caught: `Stay::drop` without the mark. The panic is over when the future is dropped.
#[test]
fn a_poll_that_unwound_is_a_panic_also_when_it_was_caught() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let mut future = Box::pin(telemetry.operation("caught").start().instrument(async { panic!("planned") }));
    panics(|| assert!(future.as_mut().now_or_never().is_none()));
    drop(future);
    assert_eq!(count(&captured, "caught", "panicked"), 1.0);
    assert_eq!(count(&captured, "caught", "cancelled"), 0.0);
}

// Mutation caught: a drop while unwinding always counted as a panic.
#[test]
fn an_operation_inside_a_destructor_of_an_unwinding_thread_has_its_own_outcome() {
    struct Cleanup(Telemetry);
    impl Drop for Cleanup {
        fn drop(&mut self) {
            self.0.operation("cleanup-done").start().finish(Outcome::Ok);
            drop(self.0.operation("cleanup-dropped").start());
        }
    }
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let cleanup = Cleanup(telemetry.clone());
    panics(move || {
        let _cleanup = cleanup;
        panic!("planned")
    });
    assert_eq!(count(&captured, "cleanup-done", "ok"), 1.0);
    assert_eq!(count(&captured, "cleanup-dropped", "cancelled"), 1.0);
}

// Mutation caught: a duration taken from anything but the two ticks.
#[test]
fn the_duration_is_from_start_to_end_by_the_given_clock() {
    let manual = ManualClock::new();
    let captured = captured(manual.clone());
    let telemetry = captured.telemetry();
    let operation = telemetry.operation("timed").start();
    manual.advance(Duration::from_millis(1500));
    operation.finish(Outcome::Ok);
    let series = r#"operation_duration_seconds_sum{operation="timed",outcome="ok"}"#;
    assert_eq!(figure(&captured, series), 1.5);
}

// Mutation caught: a child that starts a trace of its own; a parent that is not the innermost.
#[test]
fn what_runs_inside_is_below_it() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    telemetry.operation("outer").start().run(|| {
        let outer = Context::current().span().unwrap();
        Operation::builder("inner").start().run(|| {
            let inner = Context::current().span().unwrap();
            assert_eq!(inner.trace_id, outer.trace_id);
            assert_ne!(inner.span_id, outer.span_id);
        });
        assert_eq!(Context::current().span().unwrap(), outer);
    });
    assert!(Context::current().span().is_none());
}

// Mutation caught: `Parent::Context` taken for `Parent::Current`.
#[test]
fn a_given_parent_beats_what_is_running() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let headers =
        [("traceparent".to_owned(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00".to_owned())];
    let remote = telemetry.extract(&headers.to_vec());
    telemetry.operation("outer").start().run(|| {
        let below = telemetry.operation("message").parent(&remote).start();
        assert_eq!(below.context().span().unwrap().trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let fresh = telemetry.operation("fresh").parent(&Context::new()).start();
        assert_ne!(fresh.context().span().unwrap().trace_id, Context::current().span().unwrap().trace_id);
    });
}

#[test]
fn a_context_goes_along_to_threads_and_tasks() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    telemetry.operation("outer").start().run(|| {
        let here = Context::current().span().unwrap();
        let there = std::thread::spawn(Current::capture().wrap(|| Context::current().span().unwrap())).join();
        assert_eq!(there.unwrap(), here);
        let task = Current::capture().instrument(async { Context::current().span().unwrap() });
        assert_eq!(std::thread::spawn(|| task.now_or_never().unwrap()).join().unwrap(), here);
        assert!(std::thread::spawn(Context::current).join().unwrap().span().is_none());
    });
}

// Mutation caught: `pop` that cuts below a poll in progress; `pop` that takes whatever lies at its depth.
#[test]
fn guards_dropped_out_of_turn_disturb_nobody_else() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let (a, b) = (telemetry.operation("a").start(), telemetry.operation("b").start());
    let (id_a, id_b) = (a.context().span(), b.context().span());
    let guard_a = a.enter();
    let guard_b = b.enter();
    assert_eq!(Context::current().span(), id_b);
    telemetry.operation("polled").start().run(|| {
        let id = Context::current().span();
        drop(guard_a);
        assert_eq!(Context::current().span(), id);
    });
    assert_eq!(Context::current().span(), id_b);
    let guard_a = a.enter();
    assert_eq!(Context::current().span(), id_a);
    drop(guard_b);
    assert_eq!(Context::current().span(), id_a);
    drop(guard_a);
    assert!(Context::current().span().is_none());
    let guard_a = a.enter();
    let guard_b = b.enter();
    drop(guard_a);
    assert_eq!(Context::current().span(), id_b);
    drop(guard_b);
    assert!(Context::current().span().is_none());
}

// Mutation caught: frames above an operation that are left when it ends.
#[test]
fn a_forgotten_guard_ends_with_the_operation_around_it() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let forgotten = telemetry.operation("forgotten").start();
    telemetry.operation("around").start().run(|| std::mem::forget(forgotten.enter()));
    assert!(Context::current().span().is_none());
    // Entered without end: bounded, and what is beyond it still ends well.
    for _ in 0..5_000 {
        std::mem::forget(forgotten.enter());
    }
    telemetry.operation("beyond").start().run(|| {});
    assert_eq!(count(&captured, "beyond", "ok"), 1.0);
}

// Mutation caught: a failure that is told at every level; a cause that gets lost on the way up.
#[test]
fn a_failure_is_told_once_by_the_outermost() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let outer = telemetry.operation("outer").start();
    let id = outer.context().span().unwrap();
    {
        let _entered = outer.enter();
        observe_core::annotate("order.id", 42_u64);
        telemetry.operation("inner").start().fail("card declined");
    }
    outer.finish(Outcome::Error);
    let lines = captured.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["level"], "ERROR");
    assert_eq!(lines[0]["message"], "outer failed");
    assert_eq!(lines[0]["outcome"], "error");
    assert_eq!(lines[0]["error.message"], "card declined");
    assert_eq!(lines[0]["order.id"], 42);
    assert_eq!(lines[0]["trace_id"], id.trace_id.to_string());
    assert_eq!(lines[0]["span_id"], id.span_id.to_string());
}

// Mutation caught: `recover` not called at a good end; the cause of a failure that was coped with told for another.
#[test]
fn a_failure_that_was_coped_with_explains_no_other() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let outer = telemetry.operation("outer").start();
    {
        let _outer = outer.enter();
        let retried = telemetry.operation("retried").start();
        {
            let _retried = retried.enter();
            telemetry.operation("first try").start().fail("refused");
        }
        retried.finish(Outcome::Ok);
    }
    outer.fail("disk full");
    let lines = captured.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["error.message"], "disk full");
}

// Mutation caught: a line that the filter is not asked about.
#[test]
fn a_filter_silences_the_lines_of_operations() {
    for (filter, lines) in [("observe=error", 1), ("observe=off", 0)] {
        let captured = Captured::with(|builder| builder.filter(filter.parse().unwrap()));
        captured.telemetry().operation("silenced").start().fail("planned");
        assert_eq!(captured.lines().len(), lines, "{filter}");
    }
}

// Mutation caught: a record from the pool that still has the last trace's words.
#[test]
fn a_record_that_is_used_again_has_forgotten_everything() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    for round in 0..3 {
        let operation = telemetry.operation("again").start();
        if round == 0 {
            let _entered = operation.enter();
            observe_core::annotate("note", "of the first");
            observe_core::cause(&io::Error::other("of the first"));
            observe_core::keep();
        }
        operation.finish(Outcome::Error);
    }
    let lines = captured.lines();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["note"], "of the first");
    for line in &lines[1..] {
        assert!(line.get("note").is_none() && line.get("error.message").is_none(), "{line}");
    }
}

// Mutation caught: an annotation that takes the place of what the line says by itself.
#[test]
fn an_annotation_forges_nothing() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let operation = telemetry.operation("honest").start();
    {
        let _entered = operation.enter();
        observe_core::annotate("outcome", "ok");
        observe_core::annotate("level", "INFO");
    }
    operation.finish(Outcome::Error);
    let line = &captured.lines()[0];
    assert_eq!((&line["outcome"], &line["fields.outcome"]), (&"error".into(), &"ok".into()));
    assert_eq!((&line["level"], &line["fields.level"]), (&"ERROR".into(), &"INFO".into()));
}

#[test]
fn a_discarded_operation_leaves_nothing() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    telemetry.operation("discarded").start().run(observe_core::discard);
    assert_eq!(count(&captured, "discarded", "ok"), 0.0);
    assert_eq!(figure(&captured, r#"operations_in_flight{operation="discarded"}"#), 0.0);
    assert!(captured.lines().is_empty());
}

// Mutation caught: `hub` that looks only at what is installed.
#[test]
fn in_a_scope_code_that_knows_no_telemetry_reports_there() {
    let (here, there) = (Captured::new(), Captured::new());
    here.run(|| Operation::builder("scoped").start().fail("here"));
    there.run(|| {
        let current = Current::capture();
        std::thread::spawn(current.wrap(|| Operation::builder("scoped").start().fail("there")))
            .join()
            .unwrap();
    });
    assert_eq!(here.lines().len(), 1);
    let lines = there.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["error.message"], "there");
}

#[test]
fn malformed_contexts_are_counted_and_start_a_new_trace() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let headers = vec![("traceparent".to_owned(), "00-xyz".to_owned())];
    assert!(telemetry.extract(&headers).span().is_none());
    let series = r#"observe_context_rejected_total{header="traceparent",reason="length"}"#;
    assert_eq!(figure(&captured, series), 1.0);
}

#[test]
fn a_name_that_is_taken_is_refused_before_anything_starts() {
    for name in
        ["observe_context_rejected_total", "http_server_active_requests", "process_start_time_seconds"]
    {
        let registry = Registry::new();
        match name.ends_with("_total") {
            true => drop(registry.counter::<()>(name, "Mine.").unwrap()),
            false => drop(registry.gauge::<()>(name, "Mine.").unwrap()),
        }
        let error = Telemetry::builder("test").registry(registry).build().unwrap_err();
        assert!(error.is_duplicate() && error.to_string().contains(name), "{error}");
    }
    let error = Telemetry::builder("test").correlation_header("no good").build().unwrap_err();
    assert!(error.is_invalid(), "{error}");
}
