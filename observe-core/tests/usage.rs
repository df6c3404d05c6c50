//! Resources, queues and replicas: every way out gives back what was taken, and what is not known is absent.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::time::Duration;

use observe_core::clock::{Clock, ManualClock};
use observe_core::{Format, PoolState, Queue, QueueState, Registry, Replica, Usage};
use std::sync::{Arc, Mutex};

fn text(registry: &Registry) -> String {
    let mut out = Vec::new();
    registry.encode(Format::Text, &mut out);
    String::from_utf8(out).expect("UTF-8")
}

#[track_caller]
fn has(registry: &Registry, line: &str) {
    let text = text(registry);
    assert!(text.lines().any(|have| have == line), "{line}\n{text}");
}

// Catches: a gauge not given back by one of the guards; a wait that is given up and not measured.
#[test]
fn waiting_and_holding() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let pool = Usage::with_clock(&registry, "u_pool", 10, Clock::from(clock.clone())).unwrap();
    has(&registry, "resource_errors_total{resource=\"u_pool\"} 0");
    let waiting = pool.wait();
    clock.advance(Duration::from_secs(1));
    has(&registry, "resource_waiting{resource=\"u_pool\"} 1");
    let holding = waiting.acquired();
    clock.advance(Duration::from_secs(2));
    has(&registry, "resource_waiting{resource=\"u_pool\"} 0");
    has(&registry, "resource_in_use{resource=\"u_pool\"} 1");
    holding.error();
    drop(holding);
    pool.wait().failed();
    drop(pool.wait());
    drop(pool.hold());
    has(&registry, "resource_in_use{resource=\"u_pool\"} 0");
    has(&registry, "resource_waiting{resource=\"u_pool\"} 0");
    has(&registry, "resource_errors_total{resource=\"u_pool\"} 2");
    has(&registry, "resource_wait_duration_seconds_sum{resource=\"u_pool\"} 1.0");
    has(&registry, "resource_wait_duration_seconds_count{resource=\"u_pool\"} 3");
    has(&registry, "resource_use_duration_seconds_sum{resource=\"u_pool\"} 2.0");
    has(&registry, "resource_use_duration_seconds_count{resource=\"u_pool\"} 2");
}

// Catches: the capacity set instead of added, or not taken back.
#[test]
fn capacities_of_one_name_add_up() {
    let registry = Registry::new();
    let first = Usage::new(&registry, "u_two", 10).unwrap();
    let second = Usage::new(&registry, "u_two", 5).unwrap();
    has(&registry, "resource_capacity{resource=\"u_two\"} 15");
    second.set_capacity(1);
    has(&registry, "resource_capacity{resource=\"u_two\"} 11");
    drop(first);
    has(&registry, "resource_capacity{resource=\"u_two\"} 1");
}

// Catches: a lag that stands still when nobody takes anything out, or that counts the time the queue was empty.
#[test]
fn a_queue_lags_while_nobody_takes() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let queue = Queue::with_clock(&registry, "u_queue", 100, Clock::from(clock.clone())).unwrap();
    clock.advance(Duration::from_secs(100));
    has(&registry, "queue_lag_seconds{queue=\"u_queue\"} 0.0");
    let first = queue.enqueued();
    clock.advance(Duration::from_secs(2));
    let second = queue.enqueued();
    clock.advance(Duration::from_secs(3));
    has(&registry, "queue_lag_seconds{queue=\"u_queue\"} 5.0");
    assert_eq!(first.dequeued(), Duration::from_secs(5));
    has(&registry, "queue_depth{queue=\"u_queue\"} 1");
    drop(second);
    queue.rejected();
    has(&registry, "queue_lag_seconds{queue=\"u_queue\"} 0.0");
    has(&registry, "queue_depth{queue=\"u_queue\"} 0");
    has(&registry, "queue_capacity{queue=\"u_queue\"} 100");
    has(&registry, "queue_rejected_total{queue=\"u_queue\",reason=\"full\"} 1");
    has(&registry, "queue_wait_duration_seconds_count{queue=\"u_queue\"} 1");
    drop(queue);
    assert!(!text(&registry).contains("queue_lag_seconds"));
}

// Catches: capacities that wrap when two of one name have no limit.
#[test]
fn no_limit_twice_is_no_negative_capacity() {
    let registry = Registry::new();
    let _first = Queue::new(&registry, "u_endless", u64::MAX).unwrap();
    let _second = Queue::new(&registry, "u_endless", u64::MAX).unwrap();
    has(&registry, "queue_capacity{queue=\"u_endless\"} 18014398509481984");
}

// Mutations caught: a closure's word that stays after it said that it does not know; a 0 for what it did not say; one
// that panics and takes the others along.
#[test]
fn a_pool_says_what_it_knows() {
    let registry = Registry::new();
    let state = Arc::new(Mutex::new(Some(PoolState::new(10, 4))));
    let read = Arc::clone(&state);
    let pool = Usage::pool(&registry, "r_pool", move || *read.lock().unwrap()).unwrap();
    let _other = Usage::new(&registry, "r_other", 3).unwrap();
    Usage::pool(&registry, "r_panics", || -> PoolState { panic!("closed") }).unwrap();

    has(&registry, "resource_capacity{resource=\"r_pool\"} 10");
    has(&registry, "resource_in_use{resource=\"r_pool\"} 4");
    has(&registry, "resource_capacity{resource=\"r_other\"} 3");
    let page = text(&registry);
    assert!(
        !page.contains("resource_waiting{resource=\"r_pool\"}")
            && !page.contains("in_use{resource=\"r_panics\"}")
    );

    *state.lock().unwrap() = Some(PoolState::new(10, 10).waiting(2));
    has(&registry, "resource_waiting{resource=\"r_pool\"} 2");
    *state.lock().unwrap() = Some(PoolState::new(10, 10));
    let waiting = pool.wait();
    has(&registry, "resource_waiting{resource=\"r_pool\"} 1");
    drop(waiting.acquired());
    has(&registry, "resource_in_use{resource=\"r_pool\"} 10");
    has(&registry, "resource_use_duration_seconds_count{resource=\"r_pool\"} 1");

    *state.lock().unwrap() = None;
    drop(pool);
    let page = text(&registry);
    assert!(!page.contains("resource_capacity{resource=\"r_pool\"}") && page.contains("resource_capacity{"));
}

// Mutations caught: the sum of what is known given for the whole.
#[test]
fn what_one_of_a_name_does_not_know_is_not_known_of_both() {
    let registry = Registry::new();
    let counted = Usage::new(&registry, "r_both", 3).unwrap();
    let _held = counted.hold();
    let _other = Usage::pool(&registry, "r_both", || PoolState::new(5, 1)).unwrap();
    has(&registry, "resource_capacity{resource=\"r_both\"} 8");
    has(&registry, "resource_in_use{resource=\"r_both\"} 2");
    assert!(!text(&registry).contains("resource_waiting{"));
}

#[test]
fn a_broker_s_queue_and_its_dead_letters() {
    let registry = Registry::new();
    let state = Arc::new(Mutex::new(QueueState::new().depth(5).lag(Duration::from_millis(1_500))));
    let read = Arc::clone(&state);
    let queue = Queue::broker(&registry, "r_orders", move || *read.lock().unwrap()).unwrap();
    has(&registry, "queue_depth{queue=\"r_orders\"} 5");
    has(&registry, "queue_lag_seconds{queue=\"r_orders\"} 1.5");
    has(&registry, "queue_dead_letters_total{queue=\"r_orders\"} 0");
    has(&registry, "queue_redeliveries_total{queue=\"r_orders\"} 0");
    assert!(!text(&registry).contains("queue_capacity{"));
    queue.waited(Duration::from_secs(2));
    queue.redelivered();
    queue.dead_letter();
    *state.lock().unwrap() = QueueState::new().capacity(9);
    has(&registry, "queue_wait_duration_seconds_sum{queue=\"r_orders\"} 2.0");
    has(&registry, "queue_dead_letters_total{queue=\"r_orders\"} 1");
    has(&registry, "queue_redeliveries_total{queue=\"r_orders\"} 1");
    has(&registry, "queue_capacity{queue=\"r_orders\"} 9");
    let page = text(&registry);
    assert!(!page.contains("queue_depth{") && !page.contains("queue_lag_seconds{"));
}

// Mutations caught: a lag of 0 before the first word; a word that is shown for ever.
#[test]
fn a_replica_whose_lag_is_not_known_is_absent() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let replica = Replica::with_clock(&registry, "r_eu", Clock::from(clock.clone())).unwrap();
    let is_absent = || !text(&registry).contains("replica_lag_seconds{");
    assert!(is_absent());
    replica.set(Duration::from_millis(250));
    clock.advance(Duration::from_secs(299));
    has(&registry, "replica_lag_seconds{replica=\"r_eu\"} 0.25");
    clock.advance(Duration::from_secs(1));
    assert!(is_absent());
    replica.set(Duration::ZERO);
    has(&registry, "replica_lag_seconds{replica=\"r_eu\"} 0.0");
    replica.unknown();
    assert!(is_absent());

    let lag = Arc::new(Mutex::new(None));
    let read = Arc::clone(&lag);
    Replica::read(&registry, "r_us", move || *read.lock().unwrap()).unwrap();
    assert!(is_absent());
    *lag.lock().unwrap() = Some(Duration::from_secs(3));
    has(&registry, "replica_lag_seconds{replica=\"r_us\"} 3.0");
    let _behind = Replica::read(&registry, "r_us", || Duration::from_secs(1));
    has(&registry, "replica_lag_seconds{replica=\"r_us\"} 3.0");
}

// Mutations caught: names that are somebody else's taken at a scrape, where nobody is told.
#[test]
fn names_that_are_taken_are_refused() {
    for (name, is_refused) in [
        (
            "resource_in_use",
            (|registry| Usage::new(registry, "r_taken", 1).is_err()) as fn(&Registry) -> bool,
        ),
        ("queue_depth", |registry| Queue::new(registry, "r_taken", 1).is_err()),
        ("replica_lag_seconds", |registry| Replica::new(registry, "r_taken").is_err()),
    ] {
        let registry = Registry::new();
        registry.gauge::<()>(name, "Somebody else's.").unwrap();
        assert!(is_refused(&registry), "{name}");
    }
}
