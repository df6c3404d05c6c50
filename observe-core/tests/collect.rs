//! What the collectors say, against what is so: of this process, this machine, these runtimes.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::fs::File;
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use observe_core::testing::Captured;
use observe_core::{Format, Registry, collect};

fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    registry.encode(Format::Text, &mut page);
    String::from_utf8(page).unwrap()
}

/// The value of a series, by its whole name.
fn value(registry: &Registry, series: &str) -> Option<f64> {
    let page = page(registry);
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

#[track_caller]
fn known(registry: &Registry, series: &str) -> f64 {
    value(registry, series).unwrap_or_else(|| panic!("no {series}\n{}", page(registry)))
}

/// Waits until a series is at least this.
#[track_caller]
fn reaches(registry: &Registry, series: &str, least: f64) {
    let begin = Instant::now();
    while known(registry, series) < least {
        assert!(begin.elapsed() < Duration::from_secs(30), "{series} never is {least}\n{}", page(registry));
        thread::yield_now();
    }
}

// Mutation caught: time of the children, of the system, or in other units; it ends when the test's clock has gone on.
#[test]
fn burning_cpu_is_seen() {
    let registry = Registry::new();
    collect::process(&registry);
    let before = known(&registry, "process_cpu_seconds_total");
    let own = || rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec;
    let until = own() + 2;
    let mut number = 1_u64;
    while own() < until {
        (0..100_000).for_each(|at| number = black_box(number.wrapping_mul(31).wrapping_add(at)));
    }
    let burnt = known(&registry, "process_cpu_seconds_total") - before;
    let at_most = own() as f64 + 1.0;
    assert!(burnt > 0.9 && burnt <= at_most, "{burnt} of {at_most} s");
}

// Mutation caught: the hard limit instead of the soft one, pages told as bytes, a walk's own descriptor counted.
#[test]
fn descriptors_threads_and_memory_are_seen() {
    let registry = Registry::new();
    collect::process(&registry);
    let of = |series| known(&registry, series);
    let (fds, threads) = (of("process_open_fds"), of("process_threads"));
    let resident = of("process_resident_memory_bytes");

    let files: Vec<File> = (0..200).map(|_| File::open("/proc/self/stat").unwrap()).collect();
    let ends = Arc::new(Barrier::new(41));
    let waiting: Vec<_> = (0..40)
        .map(|_| {
            let ends = Arc::clone(&ends);
            thread::spawn(move || ends.wait())
        })
        .collect();
    let memory = black_box(vec![7_u8; 64 << 20]);

    // Other tests of this process open and close things, too.
    let opened = of("process_open_fds") - fds;
    let started = of("process_threads") - threads;
    let got = of("process_resident_memory_bytes") - resident;
    assert!((150.0..300.0).contains(&opened), "{opened} descriptors");
    assert!((20.0..100.0).contains(&started), "{started} threads");
    assert!(got > f64::from(48 << 20), "{got} bytes");
    assert!(of("process_virtual_memory_bytes") > of("process_resident_memory_bytes"));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    assert_eq!(value(&registry, "process_max_fds"), limit.map(|limit| limit as f64));

    ends.wait();
    waiting.into_iter().for_each(|thread| drop(thread.join()));
    drop((files, memory));
}

// Mutation caught: a second collector, whose every sample then clashes with the first's.
#[test]
fn asking_twice_is_asking_once() {
    let captured = Captured::new();
    let registry = captured.telemetry().registry();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for _ in 0..2 {
        collect::process(registry);
        collect::pressure(registry);
        collect::cgroup(registry);
        collect::host(registry);
        collect::runtime(registry, runtime.handle());
    }
    assert!(known(registry, "process_threads") >= 1.0);
    let page = page(registry);
    let clashes = "observe_dropped_total{signal=\"metric\",reason=\"collector_clash\"} 0";
    assert!(page.lines().any(|line| line == clashes), "{page}");
    assert_eq!(page.matches("tokio_workers{").count(), 1, "{page}");
}

// Mutation caught: figures of a part of the machine, or in other units.
#[test]
fn the_machine_is_seen() {
    let registry = Registry::new();
    collect::host(&registry);
    let info = rustix::system::sysinfo();
    let total = known(&registry, "system_memory_limit_bytes");
    assert_eq!(total, info.totalram as f64 * f64::from(info.mem_unit));
    let page = page(&registry);
    let used = page.lines().filter(|line| line.starts_with("system_memory_usage_bytes{"));
    let sum: f64 = used.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    assert!((sum - total).abs() < total * 0.01, "{sum} of {total}");
    let time = page.lines().filter(|line| line.starts_with("system_cpu_time_seconds_total{"));
    let sum: f64 = time.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
    let cpus = sum / info.uptime as f64;
    assert!(cpus > 0.5 && cpus < 4_096.0, "{cpus} seconds of CPU in a second");
}

// Mutation caught: one worker's time instead of all; a task counted that has ended.
#[test]
fn a_runtime_is_seen() {
    let registry = Registry::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().unwrap();
    collect::runtime(&registry, runtime.handle());
    assert_eq!(known(&registry, "tokio_workers{runtime=\"main\"}"), 3.0);
    assert_eq!(known(&registry, "tokio_alive_tasks{runtime=\"main\"}"), 0.0);
    let ends = Arc::new(tokio::sync::Notify::new());
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let ends = Arc::clone(&ends);
            runtime.spawn(async move { ends.notified().await })
        })
        .collect();
    assert_eq!(known(&registry, "tokio_alive_tasks{runtime=\"main\"}"), 5.0);

    let before = known(&registry, "tokio_worker_busy_seconds_total{runtime=\"main\"}");
    let work = || async { thread::sleep(Duration::from_millis(200)) };
    let working = [runtime.spawn(work()), runtime.spawn(work())];
    runtime.block_on(async {
        for work in working {
            work.await.unwrap();
        }
    });
    // A worker says so when it goes to sleep.
    reaches(&registry, "tokio_worker_busy_seconds_total{runtime=\"main\"}", before + 0.4);
    assert!(known(&registry, "tokio_worker_parks_total{runtime=\"main\"}") >= 1.0);
    // Until each has asked to be told.
    runtime.block_on(async {
        for task in tasks {
            while !task.is_finished() {
                ends.notify_waiters();
                tokio::task::yield_now().await;
            }
        }
    });
}

// Mutation caught: two runtimes in one series; as many as are made.
#[test]
fn runtimes_have_names_and_a_bound() {
    let captured = Captured::with(|builder| builder.filter("debug".parse().unwrap()));
    let registry = captured.telemetry().registry();
    let build = |name: Option<&str>| {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        if let Some(name) = name {
            builder.name(name);
        }
        builder.build().unwrap()
    };
    let (main, other, named) = (build(None), build(None), build(Some("reports")));
    captured.run(|| [&main, &other, &named].map(|runtime| collect::runtime(registry, runtime.handle())));
    for name in ["main", "main-2", "reports"] {
        assert_eq!(known(registry, &format!("tokio_workers{{runtime=\"{name}\"}}")), 1.0);
    }
    let more: Vec<_> = (0..20).map(|_| build(None)).collect();
    captured.run(|| more.iter().for_each(|runtime| collect::runtime(registry, runtime.handle())));
    assert_eq!(page(registry).matches("tokio_workers{").count(), 16);
    let line = captured.line("no metrics of main: there are metrics of 16 runtimes already");
    assert_eq!((&line["level"], &line["target"]), (&"DEBUG".into(), &"observe".into()));
}

#[cfg(tokio_unstable)]
mod unstable {
    use super::*;
    use tokio::runtime::{HistogramConfiguration, LogHistogram};

    // Mutation caught: a bucket beside its bound, those that go together lost, what is beyond the last left out.
    #[test]
    fn polls_are_a_histogram() {
        for configuration in [
            HistogramConfiguration::linear(Duration::from_millis(1), 4),
            HistogramConfiguration::linear(Duration::from_micros(10), 500),
            HistogramConfiguration::log(LogHistogram::default()),
        ] {
            let registry = Registry::new();
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_metrics_poll_time_histogram()
                .metrics_poll_time_histogram_configuration(configuration)
                .build()
                .unwrap();
            collect::runtime(&registry, runtime.handle());
            runtime.block_on(async {
                for _ in 0..10 {
                    tokio::spawn(async { tokio::task::yield_now().await }).await.unwrap();
                }
                tokio::spawn(async { thread::sleep(Duration::from_millis(20)) }).await.unwrap();
                tokio::task::spawn_blocking(|| ()).await.unwrap();
            });
            reaches(&registry, "tokio_poll_duration_seconds_count{runtime=\"main\"}", 21.0);
            let said = page(&registry);
            let buckets: Vec<(f64, f64)> = said
                .lines()
                .filter_map(|line| {
                    let rest =
                        line.strip_prefix("tokio_poll_duration_seconds_bucket{runtime=\"main\",le=\"")?;
                    let (le, count) = rest.split_once("\"} ")?;
                    Some((le.replace("+Inf", "inf").parse().unwrap(), count.parse().unwrap()))
                })
                .collect();
            assert!(buckets.len() > 3 && buckets.len() <= 129, "{said}");
            // The one that slept is in no bucket below 20 ms, and in the last.
            let below =
                buckets.iter().filter(|(le, _)| *le < 0.02).map(|(_, count)| *count).next_back().unwrap();
            assert_eq!(below, buckets.last().unwrap().1 - 1.0, "{said}");
            let quick =
                buckets.iter().filter(|(le, _)| *le <= 0.01).map(|(_, count)| *count).next_back().unwrap();
            assert!(quick >= 15.0, "{said}");
            assert!(known(&registry, "tokio_poll_duration_seconds_sum{runtime=\"main\"}") >= 0.02);
            assert!(known(&registry, "tokio_blocking_threads{runtime=\"main\"}") >= 1.0);
            assert_eq!(known(&registry, "tokio_spawned_tasks_total{runtime=\"main\"}"), 11.0);
            for name in [
                "idle_blocking_threads",
                "blocking_queue_depth",
                "local_queue_depth",
                "polls_total",
                "steals_total",
                "overflows_total",
                "forced_yields_total",
            ] {
                known(&registry, &format!("tokio_{name}{{runtime=\"main\"}}"));
            }
        }
    }
}
