//! Code of others that fails, panics or calls back, in the places where it is called.

use observe_core::context::Context;
use observe_core::testing::Captured;
use observe_core::{Format, Operation, Outcome, Sampling, Telemetry};
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An error that fails, panics, goes on for ever, or is its own cause.
#[derive(Debug)]
enum Rude {
    Fails,
    Panics,
    Endless,
    Circle,
}

static CIRCLE: Rude = Rude::Circle;

impl fmt::Display for Rude {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rude::Fails => Err(fmt::Error),
            Rude::Panics => resume_unwind(Box::new(())),
            Rude::Endless => loop {
                f.write_str("endless")?;
            },
            Rude::Circle => f.write_str("round"),
        }
    }
}

impl Error for Rude {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        matches!(self, Rude::Circle).then_some(&CIRCLE)
    }
}

// Mutations caught: `to_string` of what a user wrote; a chain of sources followed to its end.
#[test]
fn rude_causes_end_nothing_but_themselves() {
    let captured = Captured::new();
    captured.run(|| {
        for rude in [Rude::Fails, Rude::Panics, Rude::Endless, Rude::Circle] {
            let operation = Operation::builder("caused").start();
            let guard = operation.enter();
            observe_core::cause(&rude);
            drop(guard);
            operation.finish(Outcome::Error);
            Operation::builder("failed").start().fail(&rude);
        }
    });
    let lines = captured.lines();
    let causes: Vec<String> =
        lines.iter().map(|line| line["error.message"].as_str().unwrap().chars().take(12).collect()).collect();
    let [fails, panics, endless] = ["<error>", "<panicked>", "endlessendle"];
    assert_eq!(causes, [fails, fails, panics, panics, endless, endless, "round: round", "round"]);
}

// Mutation caught: no `Drop` of the telemetry; what it had in its pools keeps the log alive.
#[test]
fn what_was_logged_is_written_when_the_last_clone_goes() {
    struct Slow(Arc<Mutex<Vec<u8>>>);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(50));
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let written = Arc::<Mutex<Vec<u8>>>::default();
    let telemetry = Telemetry::builder("test").log_writer(Slow(Arc::clone(&written))).build().unwrap();
    telemetry.run(|| Operation::builder("pooled").start().run(|| tracing::info!("first")));
    telemetry.run(|| tracing::info!("last"));
    let clone = telemetry.clone();
    drop(telemetry);
    drop(clone);
    let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
    assert!(text.contains("last"), "{text}");
}

// Mutation caught: frames left behind that are counted before they are taken off.
#[test]
fn forgotten_guards_do_not_shut_a_thread_for_ever() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let forgotten = telemetry.operation("forgotten").start();
    for _ in 0..5_000 {
        std::mem::forget(forgotten.enter());
    }
    forgotten.finish(Outcome::Ok);
    let next = telemetry.operation("next").start();
    let expected = next.context().span();
    assert!(expected.is_some());
    next.run(|| assert_eq!(Context::current().span(), expected));
}

// Mutations caught: a record that comes back from its pool with what the last one was told.
#[test]
fn nothing_of_a_trace_is_in_the_next() {
    let captured = Captured::with(|builder| builder.sampling(Sampling::tail(0.0).unwrap()));
    let telemetry = captured.telemetry();
    let tell: [(&'static str, fn()); 4] = [
        ("told-nothing", || ()),
        ("told-keep", observe_core::keep),
        ("told-discard", observe_core::discard),
        ("told-cause", || {
            observe_core::cause(&Rude::Circle);
            observe_core::annotate("left", "behind");
            observe_core::fail(Outcome::Cancelled);
        }),
    ];
    for (name, tell) in tell {
        let told = telemetry.operation(name).start();
        let guard = told.enter();
        tell();
        drop(guard);
        told.finish(Outcome::Error);
        // On this thread the next one has the same record.
        telemetry.operation("next-ok").start().finish(Outcome::Ok);
        let next = telemetry.operation("next-error").start();
        let guard = next.enter();
        // What is told makes the line look at all that was.
        observe_core::annotate("own", 1_u64);
        drop(guard);
        next.finish(Outcome::Error);
    }
    let lines = captured.text();
    let next = lines.lines().filter(|line| line.contains("next-error")).collect::<Vec<_>>();
    assert_eq!(next.len(), 4, "{lines}");
    for left in ["left", "round", "error.type"] {
        assert!(next.iter().all(|line| line.contains("own") && !line.contains(left)), "{left}: {next:?}");
    }
    let mut page = Vec::new();
    telemetry.registry().encode(Format::OpenMetrics, &mut page);
    let page = String::from_utf8(page).unwrap();
    let of_next: Vec<_> = page.lines().filter(|line| line.contains("\"next-ok\",outcome=\"ok\"")).collect();
    assert!(
        of_next
            .iter()
            .any(|line| line.starts_with("operation_duration_seconds_count") && line.ends_with(" 4"))
    );
    assert!(of_next.iter().all(|line| !line.contains("trace_id")), "{of_next:?}");
    assert!(page.lines().any(|line| line.contains("\"told-keep\"") && line.contains("trace_id")), "{page}");
}

// Mutation caught: a record from the pool that keeps what the last one carried, or does not take what this one does.
#[test]
fn each_trace_carries_its_own() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let headers = |n: u32| {
        vec![
            (
                "traceparent".to_owned(),
                format!("00-0af7651916cd43dd8448eb211c8031{n:02}-b7ad6b716920333{n}-01"),
            ),
            ("baggage".to_owned(), format!("n={n}")),
            ("x-correlation-id".to_owned(), format!("c{n}")),
        ]
    };
    for n in 1..5 {
        let parent = telemetry.extract(&headers(n));
        let operation = telemetry.operation("carries").parent(&parent).start();
        let context = operation.context();
        assert_eq!(context.baggage().as_str(), format!("n={n}"));
        assert_eq!(context.correlation_id().unwrap().as_str(), format!("c{n}"));
        assert_eq!(context.span().unwrap().trace_id, parent.span().unwrap().trace_id);
        operation.finish(Outcome::Ok);
        let next = telemetry.operation("carries nothing").start();
        let context = next.context();
        assert!(context.baggage().is_empty() && context.correlation_id().is_none());
        assert_ne!(context.span().unwrap().trace_id, parent.span().unwrap().trace_id);
    }
}

// Mutation caught: annotations that are left out without a word.
#[test]
fn a_line_says_what_was_too_much() {
    let captured = Captured::new();
    let operation = captured.telemetry().operation("annotated").start();
    let guard = operation.enter();
    for n in 0..100 {
        observe_core::annotate(&format!("n{n}"), "x".repeat(1_000));
    }
    drop(guard);
    operation.fail("cause");
    let lines = captured.lines();
    let line = lines.one();
    assert_eq!((&line["error.message"], &line["truncated"]), (&"cause".into(), &true.into()));
    assert!(line.get("n10").is_some() && line.get("n99").is_none());
}
