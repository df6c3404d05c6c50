//! The one telemetry of the process, as `install()` makes it, but for the writer.

use crate::lines::Lines;
use crate::processes::Checks;
use observe_core::{Builder, Format, Outcome, Telemetry};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

static INSTALLED: LazyLock<Telemetry> = LazyLock::new(|| {
    let telemetry = Telemetry::builder("bench").version("1.0.0").log_writer(std::io::sink());
    warm(telemetry.install().expect("it is the first"))
});

/// The installed telemetry.
pub(crate) fn installed() -> &'static Telemetry {
    &INSTALLED
}

/// The flight recorder's memory is touched for the first time once in a process's life: not while it is measured.
fn warm(telemetry: Telemetry) -> Telemetry {
    (0..200_000).for_each(|_| telemetry.operation("first").start().finish(Outcome::Ok));
    telemetry
}

/// How spans and lines come in.
#[derive(Clone, Copy)]
pub(crate) enum Door {
    /// `install()`.
    Install,
    /// `layer()`, in a registry of `tracing-subscriber` that has nothing else.
    Layer,
}

/// The telemetry of a contender's process.
pub(crate) struct Own {
    pub(crate) telemetry: Telemetry,
    lines: Lines,
    /// Traces that were kept before.
    traces: u64,
}

impl Own {
    /// Sets it up, with what is said of it beyond the defaults.
    pub(crate) fn new(door: Door, say: impl FnOnce(Builder) -> Builder) -> Self {
        std::fs::create_dir_all(folder()).expect("there is room");
        let lines = Lines::default();
        let builder = Telemetry::builder("bench").version("1.0.0").log_writer(lines.clone());
        let builder = say(builder.snapshots(folder()));
        let telemetry = match door {
            Door::Install => builder.install().expect("it is the first"),
            Door::Layer => {
                let telemetry = builder.install_without_subscriber().expect("it is the first");
                tracing_subscriber::registry().with(telemetry.layer()).init();
                telemetry
            }
        };
        let telemetry = warm(telemetry);
        let traces = scraped(&telemetry, "observe_traces_total{");
        Self { telemetry, lines, traces }
    }

    /// Each piece of work is a request, and writes a line if `written`, else one in about a hundred does.
    pub(crate) fn requests(self, written: bool) -> Checks {
        self.checks(move |own, total| {
            let requests = scraped(&own.telemetry, "http_server_request_duration_seconds_count{");
            assert_eq!(requests, total, "requests in the metrics");
            let (traces, lines) = (own.traces(), own.lines.count());
            assert!(one_percent(total).contains(&traces), "{traces} traces kept of {total}");
            let is_right = if written { total..total + 10 } else { one_percent(total) };
            assert!(is_right.contains(&lines), "{lines} lines of {total} requests");
            let last = own.lines.last();
            assert!(last.contains("\"http.route\":\"/users/{id}\"") && last.contains("trace_id"), "{last}");
            let remembered = own.remembered("GET /users/{id}");
            let mut told = format!("{requests} requests in a scrape, {traces} traces kept, {remembered} remembered, {lines} lines");
            if let Ok(file) = std::fs::read_to_string(exported()) {
                let exported = file.lines().count() as u64;
                assert!(exported >= traces, "{exported} traces exported of {traces}");
                told += &format!(", {exported} traces in a file");
            }
            told
        })
    }

    /// Each piece of work is a span with this name, `spans` of them in one trace, and no line.
    pub(crate) fn spans(self, name: &'static str, spans: u64) -> Checks {
        self.checks(move |own, total| {
            let traces = own.traces();
            assert!(
                one_percent(total / spans).contains(&traces),
                "{traces} traces kept of {}",
                total / spans
            );
            let remembered = own.remembered(name);
            format!("{traces} traces kept, {remembered} spans remembered")
        })
    }

    /// Each piece of work is a call of the only observed function there is; maybe with a span.
    pub(crate) fn calls(self, function: &'static str, has_span: bool) -> Checks {
        self.checks(move |own, total| {
            let calls = scraped(&own.telemetry, "function_duration_seconds_count{");
            assert_eq!(calls, total, "calls in the metrics");
            if !has_span {
                return format!("{calls} calls in a scrape");
            }
            format!("{calls} calls in a scrape, {} spans remembered", own.remembered(function))
        })
    }

    /// Each piece of work is a line with this message.
    pub(crate) fn messages(self, message: &'static str) -> Checks {
        self.checks(move |own, total| {
            let (lines, last) = (own.lines.count(), own.lines.last());
            assert!((total..total + 10).contains(&lines), "{lines} lines of {total}");
            assert!(["acme", "trace_id", message].iter().all(|part| last.contains(part)), "{last}");
            format!("{lines} lines, the last {last}")
        })
    }

    fn checks(self, proof: impl FnOnce(&Self, u64) -> String + 'static) -> Checks {
        let telemetry = self.telemetry.clone();
        let settle = move |_| telemetry.flush(Duration::from_secs(60)).expect("nothing blocks");
        let proof = move |total| {
            let proof = proof(&self, total);
            assert_eq!(scraped(&self.telemetry, "observe_dropped_total{"), 0, "something was dropped");
            let _ = std::fs::remove_dir_all(folder());
            proof
        };
        Checks { settle: Box::new(settle), proof: Box::new(proof) }
    }

    /// Traces that were kept since then.
    fn traces(&self) -> u64 {
        scraped(&self.telemetry, "observe_traces_total{") - self.traces
    }

    /// Spans with this name in the flight recorder, which keeps the latest.
    fn remembered(&self, name: &str) -> usize {
        let snapshot = self.telemetry.snapshot().expect("the first");
        self.telemetry.flush(Duration::from_secs(60)).expect("it is written");
        let traces = std::fs::read_to_string(snapshot.join("traces.jsonl")).expect("it is there");
        let names = traces.split("\"name\":\"").skip(1).filter_map(|rest| rest.split('"').next());
        let spans = names.filter(|own| own.rsplit("::").next() == Some(name)).count();
        assert!(spans > 1_000, "{spans} spans in the flight recorder");
        spans
    }
}

/// What this process writes down.
fn folder() -> PathBuf {
    std::env::temp_dir().join(format!("observe-bench-{}", std::process::id()))
}

/// Where it exports its traces to, if it is told to.
pub(crate) fn exported() -> PathBuf {
    folder().join("traces-exported.jsonl")
}

/// Of so many by ids at random.
fn one_percent(total: u64) -> std::ops::Range<u64> {
    total / 500..total / 30
}

/// The sum of the series that begin so, as Prometheus would read them.
fn scraped(telemetry: &Telemetry, series: &str) -> u64 {
    let mut text = Vec::new();
    telemetry.registry().encode(Format::Text, &mut text);
    let text = String::from_utf8(text).expect("it is text");
    let lines = text.lines().filter(|line| line.starts_with(series));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum::<f64>() as u64
}
