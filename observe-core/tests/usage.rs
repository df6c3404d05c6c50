//! Resources and queues: every way out gives back what was taken.

use std::time::Duration;

use observe_core::clock::{Clock, ManualClock};
use observe_core::{Format, Queue, Registry, Usage};

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
    has(&registry, "queue_rejected_total{queue=\"u_queue\"} 1");
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
