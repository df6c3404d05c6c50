//! Threads that meet in everything that threads share. What each promises has a model (`tests/models`) or tests of its own;
//! here Miri and ThreadSanitizer look at what it stands on: `run`.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::{SpanId, TraceId};
use observe_core::label::OpenSet;
use observe_core::metric::{
    Buckets, Counter, Exemplar, Family, Gauge, Histogram, HotCounter, HotHistogram, NativeBuckets,
    NativeHistogram, Summary,
};
use observe_core::{Format, Operation, Registry, Telemetry};
use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{scope, spawn};
use std::time::Duration;

/// Fewer where each step takes a thousand times as long.
const ROUNDS: u64 = if cfg!(miri) { 10 } else { 20_000 };

fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    registry.encode(Format::OpenMetrics, &mut page);
    String::from_utf8(page).unwrap()
}

/// Runs `work` on two threads, and `look` on a third for as long as they run.
fn beside(work: impl Fn(u64) + Sync, look: impl Fn() + Send + Sync) {
    let done = AtomicBool::new(false);
    scope(|scope| {
        let looking = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                look();
            }
        });
        let workers = [0, 1].map(|thread| {
            let work = &work;
            scope.spawn(move || (0..ROUNDS).for_each(|round| work(2 * round + thread)))
        });
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        done.store(true, Ordering::Relaxed);
        looking.join().unwrap();
    });
}

fn exemplar(n: u64) -> Exemplar {
    let trace = TraceId::from_bytes(u128::from(n + 1).to_be_bytes()).unwrap();
    let span = SpanId::from_bytes((n + 1).to_be_bytes()).unwrap();
    Exemplar { value: 0.3, trace_id: trace, span_id: span, unix_nanos: n }
}

// Mutation caught: a sum that is read, and written then.
#[test]
fn each_kind_of_metric() {
    let registry = Registry::new();
    let counter: Arc<Family<(), Counter>> = registry.counter("plain_total", "Plain.").unwrap();
    let hot: Arc<Family<(), HotCounter>> =
        registry.register(Family::hot_counter("hot_total", "Hot.")).unwrap();
    let gauge: Arc<Family<(), Gauge>> = registry.gauge("open", "Open.").unwrap();
    let waits: Arc<Family<(), Histogram>> =
        registry.register(Family::histogram("waits_seconds", "Waits.", Buckets::SECONDS)).unwrap();
    let fractions: Arc<Family<(), HotHistogram>> =
        registry.register(Family::hot_histogram("shares", "Shares.", Buckets::new(&[0.5]))).unwrap();
    let native: Arc<Family<(), NativeHistogram>> = registry
        .register(Family::native_histogram("spans_seconds", "Spans.", NativeBuckets::new().schema(2)))
        .unwrap();
    let summary: Arc<Family<(), Summary>> =
        registry.register(Family::summary("sizes_bytes", "Sizes.")).unwrap();
    beside(
        |n| {
            counter.inc();
            hot.inc();
            let _open = gauge.track();
            waits.observe(0.3);
            waits.exemplify(&exemplar(n));
            fractions.observe(0.25);
            native.observe(n as f64 / 1e3);
            summary.observe(n as f64);
        },
        || drop(page(&registry)),
    );
    let all = 2 * ROUNDS;
    assert_eq!((counter.get(), hot.get(), gauge.get()), (all, all, 0));
    assert_eq!((waits.count(), fractions.count(), native.count()), (all, all, all));
    assert_eq!((fractions.sum(), summary.quantiles().count), (all as f64 * 0.25, all));
}

// Mutation caught: an insertion without the lock.
#[test]
fn labels_are_interned_while_they_are_looked_up() {
    // Its texts are never freed.
    static SET: OpenSet = OpenSet::new(ROUNDS as u32);
    let set = &SET;
    let seen = Mutex::new(HashSet::new());
    beside(
        |n| {
            let id = set.intern(&format!("text {}", n / 2));
            assert_eq!(set.text(id), format!("text {}", n / 2));
            seen.lock().unwrap().insert(id);
        },
        || assert_eq!(set.intern("text 0"), set.intern("text 0")),
    );
    assert_eq!((seen.into_inner().unwrap().len() as u64, u64::from(set.len())), (ROUNDS, ROUNDS));
}

/// What was written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// Mutation caught: a line that is lost and not counted.
#[test]
fn operations_spans_and_lines_while_levels_change_and_all_is_read() {
    let lines = Lines::default();
    let telemetry = Telemetry::builder("races").log_writer(lines.clone()).build().unwrap();
    let levels = telemetry.levels();
    let again = telemetry.clone();
    beside(
        |n| {
            telemetry.run(|| {
                let operation = Operation::builder("races").start();
                let _inside = operation.enter();
                tracing::warn!(n, "seen");
                let span = tracing::info_span!("child", n);
                if n % 4 == 0 {
                    // A span that is closed where it was not opened.
                    spawn(move || drop(span.entered())).join().unwrap();
                }
            });
        },
        || {
            levels.set_target("elsewhere", tracing::level_filters::LevelFilter::INFO).unwrap();
            drop(page(again.registry()));
        },
    );
    telemetry.shutdown(Duration::from_secs(60)).unwrap();
    let text = String::from_utf8(std::mem::take(&mut *lines.0.lock().unwrap())).unwrap();
    let written = text.lines().filter(|line| line.contains("\"message\":\"seen\"")).count() as u64;
    let page = page(telemetry.registry());
    let dropped = |line: &str| {
        line.strip_prefix("observe_dropped_total{signal=\"log\",reason=\"queue_full\"} ")?.parse().ok()
    };
    let dropped: u64 = page.lines().find_map(dropped).unwrap_or(0);
    let told = text.lines().filter(|line| line.contains("levels are now")).count() as u64;
    assert!(
        written <= 2 * ROUNDS && written + dropped >= 2 * ROUNDS,
        "{written} written, {dropped} dropped, {told}"
    );
}
