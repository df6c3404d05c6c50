//! What waits for a collector that does not come back takes as much memory as it may, and no more: by what is allocated.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use observe_core::testing::Metrics;
use observe_core::{Format, Otlp, Outcome, RecorderLimits, Sampling, SpanLimits, Telemetry};
use otlp_tests::{Collector, Reply};
use tracing::info_span;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came; only numbers are changed.
#[allow(unsafe_code, reason = "an allocator that counts cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const MIB: usize = 1024 * 1024;

// Mutations caught: bytes that are not counted, or given back while a batch is tried again; a batch without a bound; memory
// that is kept when all is delivered.
#[test]
fn an_outage_takes_no_more_memory_than_it_may() {
    let collector = Collector::http();
    collector.desk.always(Reply::Reset);
    let mut limits = SpanLimits::default();
    limits.bytes = 4 * MIB;
    limits.spans = 200_000;
    limits.delay = Duration::from_millis(10);
    let mut recorder = RecorderLimits::default();
    recorder.bytes = 0;
    let telemetry = Telemetry::builder("shop")
        .sampling(Sampling::always())
        .otlp(Otlp::http().endpoint(&collector.endpoint).limits(limits))
        .recorder(recorder)
        .without_log()
        .build()
        .unwrap();
    let text = "x".repeat(500);
    let request = || {
        telemetry.run(|| {
            let operation = telemetry.operation("request").start();
            let entered = operation.enter();
            info_span!("step", text).in_scope(|| tracing::debug!("not heard"));
            drop(entered);
            operation.finish(Outcome::Ok);
        });
    };
    request();
    let before = HELD.load(Ordering::Relaxed);
    let lost = || {
        let mut page = Vec::new();
        telemetry.registry().encode(Format::Text, &mut page);
        let metrics = Metrics::read(str::from_utf8(&page).unwrap());
        metrics.value(r#"observe_dropped_total{signal="span",reason="queue_full"}"#)
    };
    for number in 0..40_000 {
        request();
        if number == 20_000 {
            assert!(lost() > 0.0, "the queue is not full yet");
        }
    }
    let taken = MOST.load(Ordering::Relaxed) - before;
    // The queue, a batch as it is sent, and what that is made of.
    assert!(taken < 4 * MIB + 4 * MIB, "{taken}");
    assert!(lost() >= 40_000.0, "{}", lost());
    let _ = telemetry.shutdown(Duration::ZERO);
    let left = HELD.load(Ordering::Relaxed).saturating_sub(before);
    assert!(left < MIB, "{left}");
}
