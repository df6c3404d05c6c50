//! Code of others that fails, panics or calls back, in the places where it is called.

use observe_core::context::Context;
use observe_core::{Operation, Telemetry};
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

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
    let written = Captured::default();
    let telemetry = Telemetry::builder("test").log_writer(written.clone()).build().unwrap();
    telemetry.run(|| {
        for rude in [Rude::Fails, Rude::Panics, Rude::Endless, Rude::Circle] {
            let operation = Operation::builder("caused").start();
            let guard = operation.enter();
            observe_core::cause(&rude);
            drop(guard);
            operation.finish(observe_core::Outcome::Error);
            Operation::builder("failed").start().fail(&rude);
        }
    });
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let text = written.text();
    let causes: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["error.message"].as_str().unwrap().chars().take(12).collect())
        .collect();
    let [fails, panics, endless] = ["<error>", "<panicked>", "endlessendle"];
    assert_eq!(causes, [fails, fails, panics, panics, endless, endless, "round: round", "round"]);
}

// Mutation caught: no `Drop` of the telemetry; what it had in its pools keeps the log alive.
#[test]
fn what_was_logged_is_written_when_the_last_clone_goes() {
    struct Slow(Captured);
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(50));
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let written = Captured::default();
    let telemetry = Telemetry::builder("test").log_writer(Slow(written.clone())).build().unwrap();
    telemetry.run(|| Operation::builder("pooled").start().run(|| tracing::info!("first")));
    telemetry.run(|| tracing::info!("last"));
    let clone = telemetry.clone();
    drop(telemetry);
    drop(clone);
    assert!(written.text().contains("last"), "{}", written.text());
}

// Mutation caught: frames left behind that are counted before they are taken off.
#[test]
fn forgotten_guards_do_not_shut_a_thread_for_ever() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let forgotten = telemetry.operation("forgotten").start();
    for _ in 0..5_000 {
        std::mem::forget(forgotten.enter());
    }
    forgotten.finish(observe_core::Outcome::Ok);
    let next = telemetry.operation("next").start();
    let expected = next.context().span();
    assert!(expected.is_some());
    next.run(|| assert_eq!(Context::current().span(), expected));
}
