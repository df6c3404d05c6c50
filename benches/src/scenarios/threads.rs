//! One counter and one histogram, recorded in by many threads at once.

use crate::metric_peers::{Sdk, on_page, proven, recorder};
use crate::processor_time;
use crate::scenarios::histogram::{Floor, Observed, client, observe_here, prometheus_opts};
use metrics::with_local_recorder;
use observe_core::metric::{Buckets, Counter, Family, Histogram, HotCounter, HotHistogram};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

const THREADS: [usize; 4] = [1, 2, 4, 16];
const ROUNDS: usize = 61;
/// Of all threads together, in a round.
const TIMES: usize = 400_000;
/// How often each contender records in all: one round more, to warm up.
const ASKED: u64 = ((ROUNDS + 1) * TIMES * THREADS.len()) as u64;

/// A name, and what records once.
type Contender<'a> = (&'static str, &'a (dyn Fn(usize, usize) + Sync));

/// Records so often, in a loop of its own for each contender.
macro_rules! contender {
    ($name:literal, $turn:pat => $once:expr) => {
        ($name, &|from: usize, to: usize| (from..to).for_each(|$turn| $once))
    };
}

pub(super) fn threads() {
    counter();
    histogram();
}

/// A round of some threads.
struct Round {
    /// What a recording takes of a core, in nanoseconds: the time that the threads were on one, waiting for cache lines
    /// included.
    nanos: f64,
    /// How much of the cores the threads had, of those that they could use. Threads that other processes keep from being
    /// under way at once do not meet.
    had: f64,
}

impl Round {
    fn of(threads: usize, record: &(dyn Fn(usize, usize) + Sync)) -> Self {
        let each = TIMES / threads;
        let start = Barrier::new(threads);
        let times: Vec<(Instant, Instant, f64)> = thread::scope(|scope| {
            let spawned: Vec<_> = (0..threads)
                .map(|thread| {
                    let start = &start;
                    scope.spawn(move || {
                        pin(thread);
                        start.wait();
                        let (begin, since) = (Instant::now(), processor_time::thread());
                        record(thread * each, (thread + 1) * each);
                        (begin, Instant::now(), processor_time::thread() - since)
                    })
                })
                .collect();
            spawned.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        assert_eq!(times.len(), threads, "a thread panicked");
        let on_cores = times.iter().map(|(_, _, on_core)| *on_core).sum::<f64>();
        let begin = times.iter().map(|(begin, ..)| *begin).min().expect("some");
        let end = times.iter().map(|(_, end, _)| *end).max().expect("some");
        let cores = thread::available_parallelism().map_or(1, usize::from).min(threads) as f64;
        Self { nanos: on_cores / TIMES as f64, had: on_cores / ((end - begin).as_nanos() as f64 * cores) }
    }
}

/// Keeps the nth thread on the nth core, and begins again with the first. Left to the system, two threads that are woken
/// together often share one.
fn pin(thread: usize) {
    let allowed = sched_getaffinity(None).expect("it can be asked");
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect();
    let mut one = CpuSet::new();
    one.set(cores[thread % cores.len()]);
    sched_setaffinity(None, &one).expect("it was allowed");
}

/// The median of the third of the rounds in which the threads had most of the cores.
fn together(rounds: &[Round]) -> f64 {
    let mut rounds: Vec<&Round> = rounds.iter().collect();
    rounds.sort_by(|a, b| b.had.total_cmp(&a.had));
    let mut nanos: Vec<f64> = rounds.iter().take(ROUNDS / 3).map(|round| round.nanos).collect();
    nanos.sort_by(f64::total_cmp);
    nanos[nanos.len() / 2]
}

fn compare(scenario: &str, contenders: &[Contender<'_>], notes: &[&str]) {
    let mut rounds: Vec<Vec<Vec<Round>>> =
        contenders.iter().map(|_| THREADS.iter().map(|_| Vec::with_capacity(ROUNDS)).collect()).collect();
    for turn in 0..=ROUNDS {
        for (at, threads) in THREADS.iter().enumerate() {
            for next in 0..contenders.len() {
                let contender = (next + turn) % contenders.len();
                let round = Round::of(*threads, contenders[contender].1);
                if turn > 0 {
                    rounds[contender][at].push(round);
                }
            }
        }
    }
    let nanos: Vec<Vec<f64>> =
        rounds.iter().map(|rounds| rounds.iter().map(|of| together(of)).collect()).collect();
    println!("\n**{scenario}**, ns of a core a recording, in brackets × its own with one thread\n");
    println!("| threads | {} |", THREADS.map(|threads| threads.to_string()).join(" | "));
    println!("| --- |{}", " ---: |".repeat(THREADS.len()));
    for ((name, _), nanos) in contenders.iter().zip(&nanos) {
        let cells = nanos.iter().map(|many| format!("{many:.1} ({:.1})", many / nanos[0]));
        println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    println!();
    for note in notes {
        println!("- {note}");
    }
}

const CORES: &str = "Counted is the third of the rounds in which the threads had most of the cores. Two cores: of more threads than these only two are under way at once. Where two take what one takes, they hardly were at once.";

fn counter() {
    thread_local! {
        static CELL: Cell<u64> = const { Cell::new(0) };
    }
    let floor = AtomicU64::new(0);
    let plain = Family::<(), Counter>::counter("bench_total", "Held.");
    let hot = Family::<(), HotCounter>::hot_counter("bench_hot_total", "Held.");
    let (plain, hot) = (plain.with(()), hot.with(()));
    let prometheus = prometheus::IntCounter::new("bench_total", "Held.").expect("a good name");
    let client = prometheus_client::metrics::counter::Counter::<u64>::default();
    let recorder = recorder();
    let metrics = with_local_recorder(&recorder, || metrics::counter!("bench_total"));
    let sdk = Sdk::new();
    let otel = sdk.meter().u64_counter("bench").build().bind(&[]);
    compare(
        "one counter, many threads",
        &[
            contender!("floor: a cell of each thread", _ => CELL.with(|cell| cell.set(black_box(cell).get() + 1))),
            contender!("one fetch_add", _ => {
                black_box(&floor).fetch_add(1, Ordering::Relaxed);
            }),
            contender!("ours: hot", _ => black_box(hot).inc()),
            contender!("ours: plain", _ => black_box(plain).inc()),
            contender!("prometheus", _ => black_box(&prometheus).inc()),
            contender!("prometheus-client", _ => {
                black_box(&client).inc();
            }),
            contender!("metrics, metrics-exporter-prometheus", _ => black_box(&metrics).increment(1)),
            contender!("opentelemetry_sdk, bound", _ => black_box(&otel).add(1)),
        ],
        &["The cells of the floor are never added up.", CORES],
    );
    proven("one fetch_add", floor.load(Ordering::Relaxed), ASKED);
    proven("hot", hot.get(), ASKED);
    proven("plain", plain.get(), ASKED);
    proven("prometheus", prometheus.get(), ASKED);
    proven("prometheus-client", client.get(), ASKED);
    proven("metrics", on_page(&recorder, "bench_total"), ASKED);
    proven("opentelemetry_sdk", sdk.recorded("bench"), ASKED);
}

fn histogram() {
    let observed = Observed::new();
    let floor = Floor::default();
    let plain = Family::<(), Histogram>::histogram("bench_seconds", "Held.", Buckets::SECONDS);
    let hot = Family::<(), HotHistogram>::hot_histogram("bench_seconds", "Held.", Buckets::SECONDS);
    let (plain, hot) = (plain.with(()), hot.with(()));
    let prometheus = prometheus::Histogram::with_opts(prometheus_opts()).expect("a good name");
    let client = client();
    let sdk = Sdk::new();
    let seconds = crate::bounds::SECONDS.to_vec();
    let otel = sdk.meter().f64_histogram("bench").with_boundaries(seconds).build().bind(&[]);
    compare(
        "one histogram of 14 buckets, many threads",
        &[
            contender!("floor: scan, two cells of each thread", turn => observe_here(observed.nanos(turn))),
            contender!("scan, two fetch_add", turn => floor.observe(observed.nanos(turn))),
            contender!("ours: hot", turn => black_box(hot).observe_nanos(observed.nanos(turn))),
            contender!("ours: plain", turn => black_box(plain).observe_nanos(observed.nanos(turn))),
            contender!("prometheus", turn => black_box(&prometheus).observe(observed.seconds(turn))),
            contender!("prometheus-client", turn => black_box(&client).observe(observed.seconds(turn))),
            contender!("opentelemetry_sdk, bound", turn => black_box(&otel).record(observed.seconds(turn))),
        ],
        &[
            "The cells of the floor are never added up.",
            "`prometheus-client`'s takes a mutex: a thread that sleeps until it is free is on no core, and not counted meanwhile.",
            "`metrics-exporter-prometheus` is left out: it keeps every sample until somebody reads.",
            CORES,
        ],
    );
    proven("scan, two fetch_add", floor.count(), ASKED);
    proven("hot", hot.count(), ASKED);
    proven("plain", plain.count(), ASKED);
    proven("prometheus", prometheus.get_sample_count(), ASKED);
    proven("opentelemetry_sdk", sdk.recorded("bench"), ASKED);
    let mut page = String::new();
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("bench_seconds", "Held.", client);
    prometheus_client::encoding::text::encode(&mut page, &registry).expect("it is text");
    let count = page.lines().find_map(|line| line.strip_prefix("bench_seconds_count ")?.parse().ok());
    proven("prometheus-client", count.unwrap_or(0), ASKED);
}
