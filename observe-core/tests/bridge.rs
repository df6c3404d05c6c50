//! What code records by the macros of the `metrics` crate is on our `/metrics`, bounded.
#![cfg(feature = "metrics")]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use observe_core::metric::Buckets;
use observe_core::testing::Captured;
use observe_core::{Format, Telemetry};

fn telemetry() -> Telemetry {
    Telemetry::builder("test").without_log().build().unwrap()
}

fn encoded(telemetry: &Telemetry, format: Format) -> String {
    let mut out = Vec::new();
    telemetry.registry().encode(format, &mut out);
    String::from_utf8(out).unwrap()
}

/// The lines of samples that begin with one of these.
fn samples(telemetry: &Telemetry, begin: &[&str]) -> Vec<String> {
    let text = encoded(telemetry, Format::Text);
    let lines = text.lines().filter(|line| begin.iter().any(|begin| line.starts_with(begin)));
    lines.map(str::to_owned).collect()
}

fn dropped(telemetry: &Telemetry, reason: &str) -> u64 {
    let begin = format!("observe_dropped_total{{signal=\"metric\",reason=\"{reason}\"}} ");
    samples(telemetry, &[&begin]).first().unwrap()[begin.len()..].parse().unwrap()
}

// Catches: `decrement` that adds, `absolute` that goes down, a name or a label as it was said.
#[test]
fn macros_record_here() {
    let telemetry = telemetry();
    let bridge = telemetry.metrics_bridge().buckets("batch.size", Buckets::new(&[1.0, 10.0]));
    with_local_recorder(&bridge, || {
        describe_counter!("cache.hits", "Found\nthere.");
        describe_counter!("cache.hits", "Said too late.");
        counter!("cache.hits", "cache.name" => "pri\"ces", "az" => "").increment(2);
        counter!("cache.hits", "cache.name" => "pri\"ces").increment(1);
        counter!("cache.hits").absolute(7);
        counter!("cache.hits").absolute(5);
        gauge!("pool.idle").set(4.5);
        gauge!("pool.idle").decrement(2.0);
        gauge!("pool.idle").increment(0.25);
        describe_gauge!("pool.idle", "Idle.");
        histogram!("batch.size", "kind" => "a").record(3.0);
        histogram!("batch.size", "kind" => "a").record_many(30.0, 2);
    });
    let ours: String = samples(&telemetry, &["batch_", "cache_", "pool_", "# HELP cache_", "# HELP pool_"])
        .iter()
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(
        ours,
        r#"batch_size_bucket{kind="a",le="1.0"} 0
batch_size_bucket{kind="a",le="10.0"} 1
batch_size_bucket{kind="a",le="+Inf"} 3
batch_size_sum{kind="a"} 63.0
batch_size_count{kind="a"} 3
# HELP cache_hits_total Found\nthere.
cache_hits_total{cache_name="pri\"ces"} 3
cache_hits_total 7
# HELP pool_idle Idle.
pool_idle 2.75
"#
    );
}

// Catches: buckets of seconds for milliseconds, a described unit that is not heeded, a time summed as f64.
#[test]
fn buckets_follow_the_unit() {
    let telemetry = telemetry();
    let bridge = telemetry.metrics_bridge();
    with_local_recorder(&bridge, || {
        histogram!("a_seconds").record(Duration::from_millis(20));
        describe_histogram!("b", Unit::Seconds, "B.");
        describe_histogram!("c", Unit::Milliseconds, "C.");
        for name in ["b", "c", "d", "e_bytes"] {
            histogram!(name).record(20.0);
        }
    });
    let bounds = |name: &str| {
        let lines = samples(&telemetry, &[&format!("{name}_bucket")]);
        let bound = |line: &String| line.split('"').nth(1).unwrap().to_owned();
        (bound(&lines[0]), bound(&lines[lines.len() - 2]))
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(bounds("a_seconds"), pair("0.005", "10.0"));
    assert_eq!(bounds("b"), pair("0.005", "10.0"));
    assert_eq!(bounds("c"), pair("5.0", "10000.0"));
    assert_eq!(bounds("d"), pair("0.001", "10000.0"));
    assert_eq!(bounds("e_bytes"), pair("256.0", "67108864.0"));
    assert!(encoded(&telemetry, Format::OpenMetrics).contains("# UNIT a_seconds seconds\n"));
}

// Catches: a metric of ours that is added to by others; a clash that is silent, or told at each call.
#[test]
fn a_name_stays_with_whom_it_had_first() {
    let captured = Captured::new();
    let telemetry = captured.telemetry();
    let mine = telemetry.registry().counter::<()>("orders_total", "Orders.").unwrap();
    mine.inc();
    let bridge = telemetry.metrics_bridge();
    with_local_recorder(&bridge, || {
        counter!("orders").increment(100); // ours
        counter!("orders", "a" => "b").increment(100);
        counter!("jobs.done").increment(1);
        counter!("jobs_done").increment(100); // another spelling
        gauge!("jobs_done").set(100.0); // another kind
        counter!("").increment(1);
        counter!("jobs.done", "" => "x").increment(100);
        counter!("jobs.done", "" => "x").increment(100);
    });
    assert_eq!(mine.get(), 1);
    assert_eq!(samples(telemetry, &["orders", "jobs"]), ["jobs_done_total 1", "orders_total 1"]);
    assert_eq!((dropped(telemetry, "bridge_clash"), dropped(telemetry, "bridge_invalid")), (4, 3));
    let text = captured.text();
    let told: Vec<&str> = text.lines().filter(|line| line.contains("metrics bridge: ")).collect();
    assert_eq!(told.iter().filter(|line| line.contains("metric `orders`")).count(), 1, "{told:#?}");
    assert_eq!(told.len(), 5, "{told:#?}");
}

// Catches: series or names without a limit; what is past it remembered as if it were a series of its own.
#[test]
fn limits_hold() {
    let telemetry = telemetry();
    let bridge = telemetry.metrics_bridge().max_series(3);
    with_local_recorder(&bridge, || {
        for user in 0..20 {
            counter!("logins", "user" => (user % 10).to_string()).increment(1);
        }
        for name in 0..1_005 {
            gauge!(format!("gauge_{name}")).set(1.0);
        }
        gauge!("gauge_1").set(2.0);
    });
    assert_eq!(samples(&telemetry, &["logins_total{user=\"_OTHER\"}"]), ["logins_total{user=\"_OTHER\"} 14"]);
    assert_eq!(samples(&telemetry, &["logins_total"]).len(), 4);
    let overflow = "observe_label_overflow_total{metric=\"logins_total\",label=\"*\"}";
    assert_eq!(samples(&telemetry, &[overflow]), [format!("{overflow} 14")]);
    assert_eq!(samples(&telemetry, &["gauge_"]).len(), 1_000);
    assert_eq!(dropped(&telemetry, "bridge_excess"), 5);
}

// Catches: a family or a series that two threads make for themselves: one's counts are then on no page.
#[test]
fn threads_and_scrapes_lose_nothing() {
    let telemetry = telemetry();
    let held = with_local_recorder(&telemetry.metrics_bridge(), || counter!("held", "by" => "all"));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (held, bridge) = (held.clone(), telemetry.metrics_bridge().max_series(8));
                scope.spawn(move || {
                    with_local_recorder(&bridge, || {
                        for i in 0..5_000_u32 {
                            counter!("work", "item" => (i % 16).to_string()).increment(1);
                            histogram!(format!("wait_{}_seconds", i % 10)).record(0.5);
                            counter!("held", "by" => "all").increment(1);
                            held.increment(1);
                        }
                    });
                })
            })
            .collect();
        let scraper = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let _ = encoded(&telemetry, Format::OpenMetrics);
            }
        });
        let ended: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        scraper.join().unwrap();
        ended.into_iter().for_each(|worker| worker.unwrap());
    });
    let sum = |begin: &str| -> u64 {
        let lines = samples(&telemetry, &[begin]);
        lines.iter().map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    assert_eq!(samples(&telemetry, &["work_total"]).len(), 9);
    assert_eq!(sum("work_total"), 20_000);
    assert_eq!(sum("held_total"), 40_000);
    let waits: u64 = (0..10).map(|i| sum(&format!("wait_{i}_seconds_count"))).sum();
    assert_eq!(waits, 20_000);
}

// Catches: a name looked for before the lock only: the second of two that bring it is refused, as if it clashed.
#[test]
fn threads_bring_a_name_together() {
    let (telemetry, together) = (telemetry(), Barrier::new(4));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                with_local_recorder(&telemetry.metrics_bridge(), || {
                    for name in 0..500 {
                        together.wait();
                        counter!(format!("name_{name}")).increment(1);
                    }
                });
            });
        }
    });
    let names = samples(&telemetry, &["name_"]);
    assert_eq!(names.len(), 500);
    assert!(names.iter().all(|line| line.ends_with("_total 4")), "{names:#?}");
    assert_eq!(dropped(&telemetry, "bridge_clash"), 0);
}

// Catches: what Prometheus does not read.
#[test]
fn promtool_reads_it() {
    let telemetry = telemetry();
    with_local_recorder(&telemetry.metrics_bridge().max_series(2), || {
        describe_counter!("calls", "Calls, \"quoted\" \\ and\nbroken.");
        describe_histogram!("wait.seconds", "Waits.");
        describe_gauge!("level", "Level.");
        for value in ["a\"b", "c\\d\n", "é}", "past the limit"] {
            counter!("calls", "le" => value, "__name__" => "x").increment(1);
            histogram!("wait.seconds", "quantile" => value).record(0.1);
            gauge!("level", "9" => value, "of" => value).set(-1.5);
        }
        gauge!("level").set(f64::NAN);
    });
    assert_eq!(dropped(&telemetry, "not_finite"), 1);
    let mut check = Command::new("promtool");
    let check =
        check.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = check.spawn() else {
        assert!(std::env::var_os("CI").is_none(), "promtool is not installed, and in CI it must be");
        // `eprintln!` is not seen of a test that passes.
        let _ = writeln!(std::io::stderr(), "skipped: promtool is not installed");
        return;
    };
    child.stdin.take().unwrap().write_all(encoded(&telemetry, Format::Text).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|out| String::from_utf8_lossy(&out).into_owned()).concat();
    assert!(output.status.success(), "{said}");
}

// Catches: a second recorder that takes the place, or fails in silence.
#[test]
fn one_recorder_a_process() {
    let telemetry = telemetry();
    telemetry.metrics_bridge().install().unwrap();
    assert!(telemetry.metrics_bridge().install().unwrap_err().is_already_installed());
    counter!("installed").increment(1);
    assert_eq!(samples(&telemetry, &["installed"]), ["installed_total 1"]);
}
