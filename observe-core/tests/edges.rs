//! What happens at the end of things: futures that are dropped, answers, the last of a writer.

use observe_core::clock::{Clock, ManualClock};
use observe_core::context::Context;
use observe_core::{Format, ObserveFuture as _, Operation, Outcome, Registry, Telemetry};
use std::future::{Future, pending};
use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, SystemTime};

#[derive(Clone, Default)]
struct Shared<T>(Arc<Mutex<T>>);

impl<T> Shared<T> {
    fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn page(telemetry: &Telemetry) -> String {
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    String::from_utf8(page).expect("UTF-8")
}

/// Takes down which context it is dropped in.
struct Seen(Shared<Vec<Context>>);

impl Drop for Seen {
    fn drop(&mut self) {
        self.0.with(|seen| seen.push(Context::current()));
    }
}

fn poll_once_and_drop(future: impl Future) {
    let mut future = Box::pin(future);
    assert!(future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
}

// Mutations caught: a `PinnedDrop` that drops its future outside of the context.
#[test]
fn what_a_dropped_future_holds_is_dropped_inside() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let seen = Shared::default();
    let held = |seen: &Shared<Vec<Context>>| {
        let held = Seen(seen.clone());
        async move {
            let _held = held;
            pending::<()>().await;
        }
    };

    let operation = telemetry.operation("instrumented").start();
    let expected = operation.context();
    poll_once_and_drop(operation.instrument(held(&seen)));
    assert_eq!(seen.with(Vec::pop), Some(expected));

    let operation = telemetry.operation("captured").start();
    let expected = operation.context();
    let guard = operation.enter();
    let future = held(&seen).in_current_operation();
    drop(guard);
    poll_once_and_drop(future);
    assert_eq!(seen.with(Vec::pop), Some(expected));

    // No context of its own, but its telemetry.
    struct Logs;
    impl Drop for Logs {
        fn drop(&mut self) {
            tracing::warn!("from the destructor");
        }
    }
    let lines = Shared::<Vec<u8>>::default();
    struct Written(Shared<Vec<u8>>);
    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.with(|lines| lines.extend_from_slice(bytes));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let scoped = Telemetry::builder("test").log_writer(Written(lines.clone())).build().unwrap();
    let logs = Logs;
    poll_once_and_drop(scoped.scope(async move {
        let _logs = logs;
        pending::<()>().await;
    }));
    scoped.shutdown(Duration::from_secs(10)).unwrap();
    assert!(lines.with(|lines| String::from_utf8_lossy(lines).contains("from the destructor")));
}

/// Ready at once; keeps what it has until it is dropped.
#[cfg(feature = "macros")]
#[observe_core::observed]
fn answers(held: Seen) -> impl Future<Output = ()> {
    struct Answers(Seen);
    impl Future for Answers {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
            assert!(self.0.0.with(|seen| seen.is_empty()));
            Poll::Ready(())
        }
    }
    Answers(held)
}

// Mutation caught: an observed future that is kept beyond its end.
#[cfg(feature = "macros")]
#[test]
fn what_a_ready_future_holds_is_dropped_inside() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let seen = Shared::default();
    telemetry.run(|| {
        let mut future = pin!(answers(Seen(seen.clone())));
        assert!(future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_ready());
        assert!(seen.with(|seen: &mut Vec<Context>| seen.len() == 1 && seen[0].span().is_some()));
    });
}

// Mutations caught: a declared failure that a caller's leaving makes a cancellation; one that what is called afterwards
// answers for.
#[test]
fn what_was_declared_counts_whichever_way_it_ends() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    for (name, end) in [
        ("declared-ok", (|operation| operation.finish(Outcome::Ok)) as fn(Operation)),
        ("declared-cancelled", |operation| operation.finish(Outcome::Cancelled)),
        ("declared-dropped", drop),
    ] {
        let operation = telemetry.operation(name).start();
        let guard = operation.enter();
        observe_core::fail(true);
        telemetry.operation("after-declared").start().run(|| ());
        drop(guard);
        end(operation);
        let series =
            format!("operation_duration_seconds_count{{operation=\"{name}\",outcome=\"error\"}} 1\n");
        assert!(page(&telemetry).contains(&series), "{name}");
    }
    let after = "operation_duration_seconds_count{operation=\"after-declared\",outcome=\"ok\"} 3\n";
    assert!(page(&telemetry).contains(after));
}

// Mutation caught: no waker kept, or not woken (the answer is never looked for).
#[test]
fn an_async_shutdown_wakes_who_waits_for_it() {
    struct Slow;
    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            std::thread::sleep(Duration::from_millis(50));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    struct Woken(std::sync::mpsc::Sender<()>);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(());
        }
    }
    let telemetry = Telemetry::builder("test").log_writer(Slow).build().unwrap();
    telemetry.run(|| tracing::info!("on its way"));
    let (sender, woken) = std::sync::mpsc::channel();
    let waker = Waker::from(Arc::new(Woken(sender)));
    let mut context = std::task::Context::from_waker(&waker);
    let mut shutdown = pin!(telemetry.shutdown_async(Duration::from_secs(10)));
    assert!(shutdown.as_mut().poll(&mut context).is_pending());
    woken.recv_timeout(Duration::from_secs(10)).expect("woken");
    assert!(matches!(shutdown.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
}

// Mutation caught: a thread for it all the same, which is an error where there are none (wasm).
#[test]
fn without_a_log_an_async_shutdown_waits_for_nothing() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let mut shutdown = pin!(telemetry.shutdown_async(Duration::from_secs(10)));
    let mut context = std::task::Context::from_waker(Waker::noop());
    assert!(matches!(shutdown.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
}

// Mutation caught: a line glued to what a panicking output left of the one before.
#[test]
fn a_line_after_a_panic_of_the_output_begins_anew() {
    #[derive(Default)]
    struct Torn(Shared<Vec<u8>>, bool);
    impl Write for Torn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut self.1, true) {
                self.0.with(|lines| lines.extend_from_slice(&bytes[..20]));
                std::panic::resume_unwind(Box::new(()));
            }
            self.0.with(|lines| lines.extend_from_slice(bytes));
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let lines = Shared::<Vec<u8>>::default();
    let telemetry = Telemetry::builder("test").log_writer(Torn(lines.clone(), false)).build().unwrap();
    telemetry.run(|| tracing::info!("torn"));
    // The panic may come before the call, or during it.
    let _ = telemetry.flush(Duration::from_secs(10));
    telemetry.run(|| tracing::info!("whole"));
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let text = lines.with(|lines| String::from_utf8_lossy(lines).into_owned());
    assert_eq!(text.lines().next().map(str::len), Some(20), "{text}");
    assert!(
        text.lines().skip(1).all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
        "{text}"
    );
    assert!(text.lines().skip(1).any(|line| line.contains("whole")), "{text}");
    assert!(page(&telemetry).contains("observe_dropped_total{signal=\"log\",reason=\"write_error\"} 1\n"));
}

// Mutations caught: a telemetry that says nothing of what its registry lost, or of its start.
#[test]
fn a_telemetry_tells_what_its_registry_lost_and_when_it_began() {
    let clock = ManualClock::new();
    clock.set_wall(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500));
    let registry = Registry::new();
    let telemetry = Telemetry::builder("test")
        .clock(Clock::from(clock))
        .without_log()
        .registry(registry.clone())
        .build()
        .unwrap();
    registry.gauge_f64::<()>("share_ratio", "Share.").unwrap().set(f64::NAN);
    let page = page(&telemetry);
    assert!(page.contains("observe_dropped_total{signal=\"metric\",reason=\"not_finite\"} 1\n"), "{page}");
    assert!(page.contains("\nprocess_start_time_seconds 1700000000.5\n"), "{page}");
}
