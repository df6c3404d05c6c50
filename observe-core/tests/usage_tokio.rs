//! Semaphores and channels of tokio: every way out gives back what was taken, and what waited is counted.

use std::time::Duration;

use futures_util::{FutureExt as _, poll};
use observe_core::clock::{Clock, ManualClock};
use observe_core::mpsc::{self, error::TryRecvError, error::TrySendError};
use observe_core::semaphore::Semaphore;
use observe_core::testing::{Captured, Metrics};
use observe_core::{Format, Operation, Registry};
use std::pin::pin;

fn page(registry: &Registry) -> Metrics {
    let mut out = Vec::new();
    registry.encode(Format::Text, &mut out);
    Metrics::read(std::str::from_utf8(&out).expect("UTF-8"))
}

/// The values of these series, without their label.
#[track_caller]
fn has<const N: usize>(registry: &Registry, label: &str, series: [(&str, f64); N]) {
    let page = page(registry);
    for (name, value) in series {
        page.expect(&format!("{name}{{{label}}}"), value);
    }
}

// Mutations caught: a permit that is not given back by one of the ways out; a permit got at once that counts as a wait; a
// wait that was cancelled and stays; several permits counted as one.
#[tokio::test]
async fn permits_are_given_back_by_every_way_out() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let uploads = Semaphore::with_clock(&registry, "t_uploads", 3, Clock::from(clock.clone())).unwrap();
    let label = r#"resource="t_uploads""#;
    has(&registry, label, [("resource_capacity", 3.0), ("resource_in_use", 0.0), ("resource_waiting", 0.0)]);

    let two = uploads.acquire_many(2).await.unwrap();
    let one = uploads.acquire_owned().await.unwrap();
    has(&registry, label, [("resource_in_use", 3.0), ("resource_wait_duration_seconds_count", 0.0)]);
    assert!(uploads.try_acquire().is_err() && uploads.try_acquire_owned().is_err());
    has(&registry, label, [("resource_errors_total", 2.0)]);

    {
        let mut given_up = pin!(uploads.acquire());
        assert!(poll!(given_up.as_mut()).is_pending());
        has(&registry, label, [("resource_waiting", 1.0)]);
        clock.advance(Duration::from_secs(1));
    }
    has(&registry, label, [("resource_waiting", 0.0), ("resource_wait_duration_seconds_sum", 1.0)]);

    let mut waits = Box::pin(uploads.acquire());
    assert!(poll!(waits.as_mut()).is_pending());
    clock.advance(Duration::from_secs(2));
    drop(one);
    let third = waits.await.unwrap();
    third.error();
    has(
        &registry,
        label,
        [
            ("resource_wait_duration_seconds_sum", 3.0),
            ("resource_wait_duration_seconds_count", 2.0),
            ("resource_in_use", 3.0),
            ("resource_errors_total", 3.0),
        ],
    );
    two.forget();
    drop(third);
    uploads.add_permits(4);
    has(&registry, label, [("resource_in_use", 0.0), ("resource_capacity", 5.0)]);
    assert_eq!(uploads.available_permits(), 5);

    let all = uploads.acquire_many_owned(5).await.unwrap();
    let mut refused = Box::pin(uploads.acquire());
    assert!(poll!(refused.as_mut()).is_pending());
    uploads.close();
    assert!(refused.await.is_err() && uploads.acquire().await.is_err() && uploads.is_closed());
    has(&registry, label, [("resource_errors_total", 5.0), ("resource_waiting", 0.0)]);
    drop((all, uploads));
    assert_eq!(page(&registry).get(&format!("resource_in_use{{{label}}}")), None);
}

// Mutations caught: tokio's queue left by a second poll, so that who came later gets the permit first.
#[tokio::test]
async fn who_waits_first_is_first() {
    let semaphore = Semaphore::new(&Registry::new(), "t_fair", 1).unwrap();
    let held = semaphore.acquire().await.unwrap();
    let mut first = Box::pin(semaphore.acquire());
    let mut second = Box::pin(semaphore.acquire());
    assert!(poll!(first.as_mut()).is_pending() && poll!(second.as_mut()).is_pending());
    drop(held);
    assert!(semaphore.try_acquire().is_err());
    assert!(poll!(second.as_mut()).is_pending());
    assert!(poll!(first.as_mut()).is_ready());
}

// Mutations caught: an item that is refused and stays counted; a sender's wait that is not given back when it is
// cancelled; the items of a channel whose receiver went.
#[tokio::test]
async fn a_bounded_channel_says_who_waits_where() {
    let (registry, clock) = (Registry::new(), ManualClock::new());
    let (sender, mut receiver) =
        mpsc::channel_with_clock(&registry, "t_orders", 2, Clock::from(clock.clone())).unwrap();
    let label = r#"queue="t_orders""#;
    let full = r#"queue="t_orders",reason="full""#;
    let closed = r#"queue="t_orders",reason="closed""#;
    has(&registry, label, [("queue_capacity", 2.0), ("queue_depth", 0.0), ("queue_senders_waiting", 0.0)]);
    assert_eq!(page(&registry).get(&format!("queue_dead_letters_total{{{label}}}")), None);

    sender.send(1).await.unwrap();
    clock.advance(Duration::from_secs(3));
    sender.try_send(2).unwrap();
    assert!(matches!(sender.try_send(3), Err(TrySendError::Full(3))));
    has(&registry, full, [("queue_rejected_total", 1.0)]);
    has(&registry, label, [("queue_depth", 2.0), ("queue_lag_seconds", 3.0)]);

    {
        let mut given_up = pin!(sender.send(4));
        assert!(poll!(given_up.as_mut()).is_pending());
        has(&registry, label, [("queue_senders_waiting", 1.0)]);
        clock.advance(Duration::from_secs(1));
    }
    let mut waits = Box::pin(sender.send(5));
    assert!(poll!(waits.as_mut()).is_pending());
    clock.advance(Duration::from_secs(1));
    assert_eq!(receiver.recv().await, Some(1));
    waits.await.unwrap();
    has(
        &registry,
        label,
        [
            ("queue_senders_waiting", 0.0),
            ("queue_send_wait_duration_seconds_sum", 2.0),
            ("queue_send_wait_duration_seconds_count", 2.0),
            ("queue_wait_duration_seconds_sum", 5.0),
            ("queue_depth", 2.0),
        ],
    );
    let mut items = Vec::new();
    assert_eq!(receiver.recv_many(&mut items, 10).await, 2);
    assert_eq!(items, [2, 5]);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert!(receiver.recv().now_or_never().is_none());
    has(&registry, label, [("queue_depth", 0.0), ("queue_lag_seconds", 0.0)]);

    sender.reserve().await.unwrap().send(6);
    drop(receiver);
    has(&registry, label, [("queue_depth", 0.0), ("queue_wait_duration_seconds_count", 3.0)]);
    assert!(sender.is_closed() && sender.send(7).await.is_err() && sender.try_send(8).is_err());
    has(&registry, closed, [("queue_rejected_total", 2.0)]);
    has(&registry, label, [("queue_depth", 0.0)]);
}

// Mutations caught: an item that a blocking sender cannot be rid of counted twice, or never again.
#[test]
fn a_blocking_sender_waits_as_well() {
    let registry = Registry::new();
    let (sender, mut receiver) = mpsc::channel(&registry, "t_blocking", 1).unwrap();
    sender.blocking_send(1).unwrap();
    let other = sender.clone();
    let waits = std::thread::spawn(move || other.blocking_send(2).is_ok());
    while page(&registry).value(r#"queue_senders_waiting{queue="t_blocking"}"#) < 1.0 {
        std::thread::yield_now();
    }
    assert_eq!((receiver.blocking_recv(), receiver.blocking_recv()), (Some(1), Some(2)));
    assert!(waits.join().unwrap());
    drop(receiver);
    assert!(sender.blocking_send(3).is_err());
    has(
        &registry,
        r#"queue="t_blocking""#,
        [
            ("queue_senders_waiting", 0.0),
            ("queue_depth", 0.0),
            ("queue_send_wait_duration_seconds_count", 1.0),
        ],
    );
    has(&registry, r#"queue="t_blocking",reason="closed""#, [("queue_rejected_total", 1.0)]);
}

// Mutations caught: a capacity of 0, or of a number without meaning, where there is none.
#[tokio::test]
async fn a_channel_without_limit_has_no_capacity() {
    let registry = Registry::new();
    let (sender, mut receiver) = mpsc::unbounded_channel(&registry, "t_endless").unwrap();
    sender.send(1).unwrap();
    sender.send(2).unwrap();
    assert_eq!(receiver.recv().await, Some(1));
    let page = page(&registry);
    page.expect(r#"queue_depth{queue="t_endless"}"#, 1.0);
    assert_eq!(page.get(r#"queue_capacity{queue="t_endless"}"#), None);
    assert_eq!(page.get(r#"queue_senders_waiting{queue="t_endless"}"#), None);
    receiver.close();
    assert!(sender.send(3).is_err() && receiver.is_closed() && sender.is_closed());
    drop(receiver);
    has(&registry, r#"queue="t_endless""#, [("queue_depth", 0.0)]);
    has(&registry, r#"queue="t_endless",reason="closed""#, [("queue_rejected_total", 1.0)]);
}

// Mutations caught: a wait that is told of on the line of another request, or of none; what is short told of, too; what
// was waited for last, in the place of what was waited for the longest.
#[tokio::test]
async fn a_request_says_what_it_waited_for() {
    let clock = ManualClock::new();
    let time = || Clock::from(clock.clone());
    let captured = Captured::with(|builder| builder.clock(time()));
    let registry = captured.telemetry().registry();
    let pool = Semaphore::with_clock(registry, "t_pool", 1, time()).unwrap();
    let (sender, mut receiver) = mpsc::channel_with_clock(registry, "t_line", 1, time()).unwrap();
    captured
        .scope(async {
            for (name, waits) in [("short", [900, 0]), ("long", [7_000, 2_500])] {
                let held = pool.acquire().await.unwrap();
                let work = async {
                    let _held = pool.acquire().await.unwrap();
                    sender.try_send(0).unwrap();
                    sender.send(1).await.unwrap();
                    Err::<(), _>("failed, so that there is a line")
                };
                let mut request = pin!(Operation::builder(name).start().instrument_result(work));
                assert!(poll!(request.as_mut()).is_pending());
                clock.advance(Duration::from_micros(waits[0]));
                drop(held);
                assert!(poll!(request.as_mut()).is_pending());
                clock.advance(Duration::from_micros(waits[1]));
                receiver.recv().await.unwrap();
                assert!(request.await.is_err());
                receiver.recv().await.unwrap();
            }
        })
        .await;
    let [short, long] = ["short failed", "long failed"].map(|line| captured.line(line));
    assert_eq!((short.get("wait_duration_ms"), short.get("wait_resource")), (None, None));
    assert_eq!(long["wait_duration_ms"].as_f64(), Some(9.5));
    assert_eq!(long["wait_resource"], "t_pool");
}
