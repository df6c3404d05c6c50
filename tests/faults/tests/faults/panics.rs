//! Code of others that panics in a thread of its own, wherever it is called, and the others that go on: nothing that it was
//! called near is broken by it. What comes of each such panic is tested where it belongs; here it is that nothing else does.

use observe_core::context::{Context, Extract, Inject};
use observe_core::testing::Captured;
use observe_core::{Collect, Operation, Outcome, PoolState, Queue, QueueState, Replica, Sampling, Usage};
use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tracing::{info, info_span};

/// Whether it panics now. It does not go by way of the hook, which would tell of it.
#[derive(Clone, Default)]
struct Mood(Arc<AtomicBool>);

impl Mood {
    fn set(&self, is_bad: bool) {
        self.0.store(is_bad, Ordering::SeqCst);
    }

    fn ask(&self) {
        if self.0.load(Ordering::SeqCst) {
            resume_unwind(Box::new("not now"));
        }
    }
}

impl fmt::Debug for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.ask();
        f.write_str("well")
    }
}

impl fmt::Display for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Error for Mood {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.ask();
        None
    }
}

impl Extract for Mood {
    fn each<'a>(&'a self, mut offer: impl FnMut(&'a str, &'a [u8])) {
        offer("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        self.ask();
    }
}

impl Inject for Mood {
    fn set(&mut self, _: &str, _: &str) {
        self.ask();
    }

    fn remove(&mut self, _: &str) {
        self.ask();
    }
}

/// Calls all of it; what panics in one does not keep the others from being called.
fn call_all(captured: &Captured, mood: &Mood) {
    let telemetry = captured.telemetry().clone();
    let mood = mood.clone();
    let calls: [Box<dyn FnOnce() + Send>; 6] = [
        Box::new({
            let (telemetry, mood) = (telemetry.clone(), mood.clone());
            move || drop(telemetry.extract(&mood))
        }),
        Box::new({
            let (telemetry, mut mood) = (telemetry.clone(), mood.clone());
            move || {
                telemetry
                    .operation("inject")
                    .start()
                    .run(|| telemetry.inject(&Context::current(), &mut mood));
            }
        }),
        Box::new({
            let (telemetry, mood) = (telemetry.clone(), mood.clone());
            move || telemetry.run(|| info!(?mood, "in a line"))
        }),
        Box::new({
            let (telemetry, mood) = (telemetry.clone(), mood.clone());
            move || {
                telemetry.run(|| {
                    let span = info_span!("span", ?mood, late = tracing::field::Empty);
                    span.in_scope(|| info!("in a span"));
                    span.record("late", tracing::field::debug(&mood));
                });
            }
        }),
        Box::new({
            let (telemetry, mood) = (telemetry.clone(), mood.clone());
            move || {
                let operation = telemetry.operation("fails").start();
                let guard = operation.enter();
                observe_core::cause(&mood);
                observe_core::annotate("mood", mood.to_string());
                drop(guard);
                operation.fail(&mood);
            }
        }),
        Box::new(move || telemetry.run(|| Operation::builder("panics").start().run(|| mood.ask()))),
    ];
    for call in calls {
        // Each in a thread that it ends.
        let _ = thread::spawn(call).join();
    }
}

// Mutations caught: a collector that is called, a value that is written, and nobody catches what they throw.
#[test]
fn of_a_thread_that_panicked_nothing_else_is_broken() {
    let captured = Captured::with(|builder| builder.sampling(Sampling::always()));
    let registry = captured.telemetry().registry().clone();
    let mood = Mood::default();
    let asked = || {
        let mood = mood.clone();
        move || mood.ask()
    };
    let [pool, queue, replica, other] = [asked(), asked(), asked(), asked()];
    Usage::pool(&registry, "pool", move || {
        pool();
        PoolState::new(10, 3)
    })
    .unwrap();
    let _queue = Queue::broker(&registry, "queue", move || {
        queue();
        QueueState::new().depth(5)
    })
    .unwrap();
    Replica::read(&registry, "replica", move || {
        replica();
        Some(Duration::from_secs(2))
    })
    .unwrap();
    registry.collector(move |out: &mut Collect<'_>| {
        other();
        out.gauge("other", "Another.", &[], 1_u64);
    });
    for is_bad in [true, false, true, false] {
        mood.set(is_bad);
        call_all(&captured, &mood);
        let told = ["resource_in_use", "queue_depth", "replica_lag_seconds", "other"];
        let metrics = captured.metrics();
        let known = told.map(|name| metrics.get(name).unwrap_or(0.0));
        assert_eq!(known, if is_bad { [0.0; 4] } else { [3.0, 5.0, 2.0, 1.0] });
    }
    let ended = |operation: &str, outcome: Outcome| {
        let labels = format!("operation=\"{operation}\",outcome=\"{}\"", outcome.as_str());
        captured.metrics().get(&format!("operation_duration_seconds_count{{{labels}}}")).unwrap_or(0.0)
    };
    assert_eq!((ended("inject", Outcome::Panicked), ended("inject", Outcome::Ok)), (2.0, 2.0));
    assert_eq!((ended("panics", Outcome::Panicked), ended("panics", Outcome::Ok)), (2.0, 2.0));
    for operation in ["inject", "panics", "fails"] {
        captured.metrics().expect(&format!("operations_in_flight{{operation=\"{operation}\"}}"), 0.0);
    }
    let lines = captured.lines();
    for message in ["in a line", "in a span"] {
        let moods = ["well", "<panicked>"]
            .map(|mood| lines.with("message", message).with("mood", mood).iter().count());
        assert_eq!(moods, [2, 2], "{message}");
    }
    captured.telemetry().shutdown(Duration::from_secs(60)).unwrap();
}
