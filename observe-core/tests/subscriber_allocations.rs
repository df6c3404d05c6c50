//! Spans, lines and operations allocate nothing after warm-up.

use observe_core::{RecorderLimits, Telemetry};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use tracing::{info, info_span};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; only numbers of this thread are changed.
#[allow(unsafe_code, reason = "an allocator that counts cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() + layout.size() as i64));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = BYTES.try_with(|bytes| bytes.set(bytes.get() - layout.size() as i64));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One of everything: spans with fields, late fields, nested, lines inside and outside, operations.
fn work(telemetry: &Telemetry, round: u64) {
    let outer = info_span!("outer", round, who = "somebody", late = tracing::field::Empty);
    let inside = outer.enter();
    outer.record("late", round);
    info_span!("inner", item = 7, ratio = 0.5, yes = true).in_scope(|| {
        info!(answer = 42, shown = ?Some("text"), "in {}", "inner");
    });
    drop(inside);
    telemetry.operation("work").start().run(|| info!("in an operation"));
    info!("outside");
    // A line takes a buffer that was written, or a new one while the writer is behind.
    telemetry.flush(Duration::from_secs(10)).expect("the lines are written");
}

/// How often work that has been done before allocates.
fn allocations_of_work(telemetry: &Telemetry) -> u64 {
    for round in 0..500 {
        work(telemetry, round);
    }
    let before = ALLOCATIONS.get();
    for round in 0..1_000 {
        work(telemetry, round);
    }
    ALLOCATIONS.get() - before
}

/// One test after the other: records go from thread to thread, and those of another test have to grow first.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn quiet() -> Telemetry {
    // The flight recorder's memory comes as it is needed: little enough that all of it is soon there.
    let mut recorder = RecorderLimits::default();
    recorder.bytes = 64 * 1024;
    Telemetry::builder("test").log_writer(std::io::sink()).recorder(recorder).build().expect("a telemetry")
}

// Mutations caught: spans that are not pooled; scratch memory that is not put back.
#[test]
fn the_subscriber_allocates_nothing() {
    let _alone = alone();
    let telemetry = quiet();
    telemetry.run(|| {
        assert_eq!(allocations_of_work(&telemetry), 0);
    });
}

#[cfg(feature = "subscriber")]
#[test]
fn the_layer_allocates_nothing() {
    use tracing_subscriber::layer::SubscriberExt;

    let _alone = alone();
    let telemetry = quiet();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(telemetry.layer()), || {
        assert_eq!(allocations_of_work(&telemetry), 0);
    });
}

// Mutation caught: a pool for each thread without a bound (200,000 records lie with the thread that ends them).
#[test]
fn spans_that_start_here_and_end_there_do_not_grow_memory() {
    let _alone = alone();
    let telemetry = quiet();
    let (sender, receiver) = mpsc::sync_channel(64);
    let ending = std::thread::spawn(move || {
        let mut kept = 0;
        for (number, (span, operation)) in receiver.into_iter().enumerate() {
            if number == 10_000 {
                kept = BYTES.get();
            }
            drop::<(tracing::Span, observe_core::Operation)>((span, operation));
        }
        BYTES.get() - kept
    });
    let mut before = 0;
    telemetry.run(|| {
        for number in 0..100_000_u64 {
            if number == 10_000 {
                before = BYTES.get();
            }
            let span = info_span!("here", number, text = "some text of some length");
            let operation = telemetry.operation("here").start();
            sender.send((span, operation)).expect("the other thread listens");
        }
    });
    drop(sender);
    let here = BYTES.get() - before;
    let there = ending.join().expect("the other thread ends");
    // Memory goes from here to there, and what the shared lists cannot take is freed there.
    assert!(here + there < 1_000_000, "{here} bytes here, {there} bytes there");
}
