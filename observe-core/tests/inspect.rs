//! What a telemetry shows of itself, for an admin service.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use observe_core::clock::ManualClock;
use observe_core::context::Context;
use observe_core::inspect::AttributeValue;
use observe_core::slo::Slo;
use observe_core::testing::Captured;
use observe_core::{Keep, Kind, Outcome};
use std::borrow::Cow;
use std::time::Duration;

fn captured(clock: &ManualClock) -> Captured {
    Captured::with(|builder| builder.version("1.2.3").clock(clock.clone()).slo(Slo::events("rows", 99.0)))
}

// Mutations caught: a span that is no root taken for one; an early look, or a trace that is too old, shown; a root's own
// attributes mixed up with those of the spans in it; failures that are not pinned.
#[test]
fn roots_are_what_ended_with_what_was_handed_over() {
    let clock = ManualClock::new();
    let captured = captured(&clock);
    let telemetry = captured.telemetry();
    let job = |name: &'static str, outcome| {
        captured.run(|| {
            let operation = telemetry.operation(name).kind(Kind::Consumer).start();
            {
                let _entered = operation.enter();
                tracing::info_span!("inner", row = 3).in_scope(|| tracing::info!(line = 4, "in it"));
            }
            clock.advance(Duration::from_millis(7));
            operation.finish(outcome);
        });
    };
    job("old", Outcome::Ok);
    clock.advance(Duration::from_secs(300));
    job("good", Outcome::Ok);
    job("bad", Outcome::Error);
    let mut seen = Vec::new();
    telemetry.inspect().roots(|root| {
        let nanos = root.end_unix_nanos() - root.start_unix_nanos();
        assert_eq!((root.kind(), nanos, root.spans(), root.lines()), (Kind::Consumer, 7_000_000, 2, 1));
        let has = |name: &str, value: i64| {
            root.any(|known, found| known == name && *found == AttributeValue::I64(value))
        };
        assert!(has("row", 3) && has("line", 4) && !has("row", 4));
        assert!(root.attributes().all(|(name, _)| name != "row"));
        let outcome = AttributeValue::Str(Cow::Borrowed(root.outcome().as_str()));
        assert!(root.attributes().any(|(name, value)| name == "outcome" && value == outcome));
        seen.push((root.name().to_owned(), root.outcome(), root.kept(), root.is_pinned()));
    });
    seen.sort_by_key(|(name, ..)| name.clone());
    let failed = ("bad".to_owned(), Outcome::Error, Some(Keep::Failure), true);
    assert_eq!(seen, [failed, ("good".to_owned(), Outcome::Ok, None, false)]);
}

// Mutations caught: a line given to another span; the span's error, or a link, left out.
#[test]
fn a_trace_is_found_with_its_spans_and_lines() {
    let clock = ManualClock::new();
    let captured = captured(&clock);
    let inspect = captured.telemetry().inspect();
    let id = captured.run(|| {
        let operation = captured.telemetry().operation("charge").start();
        {
            let _entered = operation.enter();
            tracing::info_span!("inner").in_scope(|| tracing::warn!(paid = false, "it \"broke\""));
            observe_core::cause(&std::io::Error::other("no money"));
        }
        let id = operation.context().span().unwrap().trace_id;
        assert!(inspect.trace(id).is_none());
        operation.finish(Outcome::Error);
        id
    });
    let trace = inspect.trace(id).unwrap();
    assert_eq!((trace.trace_id, trace.is_pinned), (id, true));
    assert_eq!(trace.kept.map(|(keep, _)| keep), Some(Keep::Failure));
    let [inner, charge] = &trace.spans[..] else { panic!("{trace:#?}") };
    assert_eq!((inner.name.as_str(), charge.name.as_str()), ("inner", "charge"));
    assert_eq!((inner.parent, charge.is_local_root), (Some(charge.span_id), true));
    assert_eq!(charge.error.as_deref(), Some("no money"));
    assert_eq!((inner.lines.len(), charge.lines.len(), trace.lines.len()), (1, 0, 0));
    let line = &inner.lines[0];
    assert_eq!((line.message.as_str(), line.span_id), ("it \"broke\"", inner.span_id));
    assert_eq!(line.fields, [("paid".to_owned(), AttributeValue::Bool(false))]);
}

// Mutations caught: all of a long trace read; its root, which ends last, left out; what is left out not counted.
#[test]
fn of_a_long_trace_the_beginning_is_read() {
    let clock = ManualClock::new();
    let captured = captured(&clock);
    let inspect = captured.telemetry().inspect();
    // Two jobs of one trace: more lines than one may have.
    let context = (0..2).fold(Context::new(), |parent, _| {
        captured.run(|| {
            let operation = captured.telemetry().operation("import").parent(&parent).start();
            let entered = operation.enter();
            for _ in 0..2_505 {
                clock.advance(Duration::from_nanos(1));
                tracing::info_span!("row").in_scope(|| (0..3).for_each(|_| tracing::info!("line")));
            }
            drop(entered);
            let context = operation.context();
            operation.finish(Outcome::Ok);
            context
        })
    });
    let id = context.span().unwrap().trace_id;
    let trace = inspect.trace(id).unwrap();
    assert_eq!((trace.spans.len(), trace.spans_left_out), (5_000, 12));
    assert_eq!(trace.spans.iter().filter(|span| span.is_local_root).count(), 2);
    let starts = trace.spans.iter().map(|span| span.start_unix_nanos).max();
    assert_eq!(starts, trace.spans.iter().map(|span| span.end_unix_nanos).max().map(|end| end - 12));
    let lines = trace.spans.iter().map(|span| span.lines.len()).sum::<usize>() + trace.lines.len();
    assert_eq!((lines, trace.lines_left_out), (10_000, 5_030));
    assert_eq!(trace.lines.len(), 0);
}

// Mutations caught: the filter asked for an audit line; a raised filter without its time; a level's base that is the raised
// one; an objective left out.
#[test]
fn what_else_it_says() {
    let clock = ManualClock::new();
    let captured = captured(&clock);
    let telemetry = captured.telemetry();
    let inspect = telemetry.inspect();
    assert_eq!((inspect.service(), inspect.version(), inspect.started_unix_nanos()), ("test", "1.2.3", 0));
    assert_eq!(inspect.recorder().unwrap().limits.age, Duration::from_secs(300));

    let levels = telemetry.levels();
    levels.set("off".parse().unwrap());
    levels.raise("shop=debug".parse().unwrap(), Duration::from_secs(60)).unwrap();
    clock.advance(Duration::from_secs(20));
    let (raised, left) = levels.raised().unwrap();
    assert_eq!((raised.to_string().as_str(), left), ("shop=debug", Duration::from_secs(40)));
    assert_eq!((levels.base().to_string(), levels.raised_for()), ("off".to_owned(), Some(left)));
    levels.revert();
    assert!(levels.raised().is_none());

    inspect.write_audit_line("changed", &[("who", "ada")]);
    let line = captured.line("changed");
    assert_eq!(
        (&line["target"], &line["level"], &line["who"]),
        (&"audit".into(), &"INFO".into(), &"ada".into())
    );

    telemetry.slo_events("rows").unwrap().bad();
    let slos = telemetry.slos();
    assert_eq!((slos[0].declared().name(), slos[0].bad(), slos[0].is_burning()), ("rows", 1, false));
}
