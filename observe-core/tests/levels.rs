//! Levels that change while the process runs.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::clock::ManualClock;
use observe_core::testing::Captured;
use observe_core::{Filter, Operation, Outcome};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tracing::{debug, debug_span, info, info_span, trace};
use tracing_core::LevelFilter;

fn messages(captured: &Captured) -> Vec<String> {
    let lines = captured.text();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
}

/// Waits for what a thread does in its own time.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "never {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

// Mutations caught: callsites that are not told; a change that is no line; one that a filter hides.
#[test]
fn a_target_gets_another_level_and_each_change_is_a_line() {
    let captured = Captured::new();
    let levels = captured.telemetry().levels();
    let say = || {
        captured.run(|| {
            debug!(target: "levels::one", "one");
            debug!(target: "levels::other", "other");
        });
    };
    say();
    levels.set_target("levels::one", LevelFilter::DEBUG).unwrap();
    say();
    levels.set(Filter::from(LevelFilter::OFF));
    say();
    assert_eq!(messages(&captured), ["levels are now info,levels::one=debug", "one", "levels are now off"]);
    assert!(levels.set_target("a=b", LevelFilter::DEBUG).unwrap_err().is_invalid());
}

// Mutations caught: levels that stay raised; that are lowered before their time, or below what was there before.
#[test]
fn raised_levels_are_lowered_by_themselves() {
    let clock = ManualClock::new();
    let captured = Captured::with(|builder| builder.clock(clock.clone()).filter("warn".parse().unwrap()));
    let levels = captured.telemetry().levels();
    levels.debug().unwrap();
    assert_eq!(levels.raised_for(), Some(Duration::from_secs(1_800)));
    captured.run(|| debug!("heard"));
    // What is set meanwhile counts, and stays.
    levels.set_target("hyper", LevelFilter::OFF).unwrap();
    assert_eq!(levels.filter().to_string(), "debug,hyper=debug");
    clock.advance(Duration::from_secs(1_799));
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(levels.raised_for(), Some(Duration::from_secs(1)));
    clock.advance(Duration::from_secs(1));
    until("lowered", || levels.raised_for().is_none());
    until("told", || messages(&captured).len() == 4);
    captured.run(|| info!("not heard"));
    assert_eq!(
        messages(&captured),
        [
            "levels are raised for 1800 s: debug",
            "heard",
            "levels are now debug,hyper=debug",
            "levels are as before: warn,hyper=off",
        ]
    );
    // And again, with a thread that has ended.
    levels.raise("trace".parse().unwrap(), Duration::from_secs(5)).unwrap();
    captured.run(|| trace!("heard again"));
    clock.advance(Duration::from_secs(6));
    until("lowered", || levels.raised_for().is_none());
    assert!(messages(&captured).contains(&"heard again".to_owned()));
}

#[test]
fn levels_are_lowered_when_told_and_not_raised_for_ever() {
    let captured = Captured::new();
    let levels = captured.telemetry().levels();
    levels.raise("levels=trace".parse().unwrap(), Duration::from_secs(60)).unwrap();
    levels.raise("shop=trace".parse().unwrap(), Duration::from_secs(60)).unwrap();
    assert_eq!(levels.filter().to_string(), "info,shop=trace");
    levels.revert();
    levels.revert();
    assert_eq!(messages(&captured).last().unwrap(), "levels are as before: info");
    assert_eq!(messages(&captured).len(), 3);
    let error = levels.raise(Filter::default(), Duration::from_secs(90_000)).unwrap_err();
    assert!(error.is_invalid() && error.to_string().contains("at most"), "{error}");
    // It does not keep the telemetry, and does nothing without it.
    drop(captured);
    until("gone: the thread that lowers levels may hold it for a moment", || {
        levels.debug().unwrap();
        levels.raised_for().is_none()
    });
    levels.set(Filter::default());
    assert_eq!(levels.filter().to_string(), Filter::default().to_string());
}

// Mutations caught: a level change that deadlocks, panics, or loses a span that was open, its lines or its end.
#[test]
fn nothing_is_lost_while_levels_change() {
    let captured = Captured::new();
    let levels = captured.telemetry().levels();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..300 {
                match round % 3 {
                    0 => levels.set("trace".parse().unwrap()),
                    1 => levels.set("warn,observe=info".parse().unwrap()),
                    _ => levels.debug().unwrap(),
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        for _ in 0..2 {
            scope.spawn(|| {
                captured.run(|| {
                    while !done.load(Ordering::Relaxed) {
                        let operation = Operation::builder("work").start();
                        operation.run(|| {
                            let outer = info_span!("outer", n = 1).entered();
                            let inner = debug_span!("inner");
                            inner.in_scope(|| debug!("within"));
                            drop(outer);
                            inner.record("n", 2);
                        });
                    }
                });
            });
        }
    });
    let spans = captured.spans();
    assert!(spans.named("work").iter().all(|span| span.outcome() == Some(Outcome::Ok)));
    assert!(spans.iter().all(|span| !span.is_open()));
    // Afterwards all is as if nothing had happened.
    levels.revert();
    levels.set("levels=debug".parse().unwrap());
    captured.run(|| debug_span!("last").in_scope(|| debug!("the last")));
    assert_eq!(captured.lines().with("message", "the last").len(), 1);
}

/// Takes its time whenever callsites are told anew.
struct Slow;

impl tracing::Subscriber for Slow {
    fn max_level_hint(&self) -> Option<LevelFilter> {
        std::thread::sleep(Duration::from_millis(2));
        Some(LevelFilter::OFF)
    }

    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        false
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {}

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

// Mutation caught: a filter that is read, and written back when somebody else has changed it.
#[test]
fn of_targets_that_are_set_at_once_none_is_lost() {
    // Two: of a single one nobody is told.
    let _slow = [Slow, Slow].map(tracing::Dispatch::new);
    let captured = Captured::new();
    let levels = captured.telemetry().levels();
    std::thread::scope(|scope| {
        for thread in 0..6 {
            let levels = &levels;
            scope.spawn(move || {
                for n in 0..5 {
                    levels.set_target(&format!("of{thread}n{n}"), LevelFilter::DEBUG).unwrap();
                }
            });
        }
    });
    assert_eq!(levels.filter().to_string().matches("=debug").count(), 30);
}
