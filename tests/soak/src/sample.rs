//! What is looked at every few seconds, and what is made of it.

use crate::services::Services;
use plot::{Plot, number};
use processes::Metrics;
use std::fmt::{self, Write as _};
use std::fs;
use std::time::Duration;

const MIB: f64 = 1024.0 * 1024.0;

/// One look.
pub(crate) struct Sample {
    /// In minutes.
    at: f64,
    /// Of checkout and inventory, in MiB.
    resident: [f64; 2],
    /// What of checkout's is the flight recorder's.
    recorder: f64,
    descriptors: [usize; 2],
    /// Lines and spans that wait in checkout.
    queues: [f64; 2],
    in_flight: f64,
    /// Milliseconds: half of the orders took less, and 99 of 100.
    times: Option<[f64; 2]>,
    /// Counts since the start: requests, those that failed or were cancelled, what was dropped of lines and of spans.
    requests: f64,
    failed: f64,
    dropped: [f64; 2],
    /// A second, since the last look.
    rate: f64,
    series: usize,
}

impl Sample {
    pub(crate) fn take(
        elapsed: Duration,
        services: &Services,
        mut times: Vec<Duration>,
        last: Option<&Sample>,
    ) -> Self {
        let metrics = Metrics::of(services.checkout);
        let sum = |name: &str, labels: &[(&str, &str)]| metrics.sum(name, labels);
        let count = "http_server_request_duration_seconds_count";
        let requests = sum(count, &[]);
        let at = elapsed.as_secs_f64() / 60.0;
        let rate = last.map_or(0.0, |last| (requests - last.requests) / ((at - last.at) * 60.0));
        times.sort();
        let rank = |share: f64| {
            let at = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
            times.get(at).map(|time| time.as_secs_f64() * 1000.0)
        };
        let ids = services.ids();
        Self {
            at,
            resident: ids.map(resident),
            recorder: sum("observe_recorder_memory_bytes", &[]) / MIB,
            descriptors: ids.map(|id| fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count)),
            queues: ["log", "span"].map(|signal| sum("observe_queue_length", &[("signal", signal)])),
            in_flight: sum("http_server_active_requests", &[]),
            times: rank(0.5).zip(rank(0.99)).map(|(half, most)| [half, most]),
            requests,
            failed: requests - sum(count, &[("error_type", "")]),
            dropped: ["log", "span"].map(|signal| sum("observe_dropped_total", &[("signal", signal)])),
            rate,
            series: metrics.len(),
        }
    }
}

/// In MiB.
fn resident(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let row = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes =
        row.and_then(|row| row.split_whitespace().next()).and_then(|number| number.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1024.0
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at, resident, recorder, descriptors, queues, in_flight, times, failed, dropped, rate, ..
        } = self;
        let [half, most] = times.unwrap_or([f64::NAN; 2]);
        write!(
            f,
            "{at:5.1} min  {:.1} {:.1} MiB, recorder {recorder:.1}  descriptors {descriptors:?}  queues {queues:?}  \
             in flight {in_flight}  {rate:.0}/s  {half:.1} {most:.1} ms  failed {failed}  dropped {dropped:?}",
            resident[0], resident[1],
        )
    }
}

/// Memory, descriptors, queues, times.
pub(crate) fn plots(samples: &[Sample]) {
    let line =
        |value: &dyn Fn(&Sample) -> f64| samples.iter().map(|sample| (sample.at, value(sample))).collect();
    Plot::new("Resident memory", "minutes", "MiB")
        .from_zero()
        .line("checkout", line(&|sample| sample.resident[0]))
        .line("of it, the flight recorder", line(&|sample| sample.recorder))
        .line("inventory", line(&|sample| sample.resident[1]))
        .save("memory");
    Plot::new("Open descriptors", "minutes", "descriptors")
        .from_zero()
        .line("checkout", line(&|sample| sample.descriptors[0] as f64))
        .line("inventory", line(&|sample| sample.descriptors[1] as f64))
        .save("descriptors");
    Plot::new("What waits in checkout", "minutes", "how many")
        .from_zero()
        .line("requests in flight", line(&|sample| sample.in_flight))
        .line("spans in their queue", line(&|sample| sample.queues[1]))
        .line("lines in their queue", line(&|sample| sample.queues[0]))
        .save("queues");
    let times = |at: usize| {
        samples.iter().filter_map(|sample| Some((sample.at, sample.times?[at]))).collect::<Vec<_>>()
    };
    Plot::new("How long an order takes", "minutes", "milliseconds")
        .from_zero()
        .logarithmic()
        .line("99 of 100", times(1))
        .line("half of them", times(0))
        .save("latency");
}

/// Each fifth of the run, and all of it, as a table.
pub(crate) fn table(samples: &[Sample]) -> String {
    let mut table = String::from(
        "| minutes | requests a second | p50, p99 in ms | checkout, MiB | of it recorder | inventory, MiB | descriptors | series |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for part in samples.chunks(samples.len().div_ceil(6).max(1)) {
        let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(0.0)
        };
        let of = |value: &dyn Fn(&Sample) -> f64| median(part.iter().map(value).collect());
        let times = |at: usize| median(part.iter().filter_map(|sample| Some(sample.times?[at])).collect());
        let _ = writeln!(
            table,
            "| {:.0} to {:.0} | {:.0} | {:.1}, {:.1} | {:.1} | {:.1} | {:.1} | {:.0}, {:.0} | {} |",
            first.at,
            last.at,
            of(&|sample| sample.rate),
            times(0),
            times(1),
            of(&|sample| sample.resident[0]),
            of(&|sample| sample.recorder),
            of(&|sample| sample.resident[1]),
            of(&|sample| sample.descriptors[0] as f64),
            of(&|sample| sample.descriptors[1] as f64),
            number(last.series as f64),
        );
    }
    if let Some(last) = samples.last() {
        let most = |at: usize| samples.iter().map(|sample| sample.queues[at]).fold(0.0, f64::max);
        let _ = write!(
            table,
            "\n{} requests in {:.1} minutes, of which {} failed or were cancelled; dropped: {} lines, {} spans; at most {} \
             lines and {} spans waited.",
            number(last.requests),
            last.at,
            number(last.failed),
            number(last.dropped[0]),
            number(last.dropped[1]),
            number(most(0)),
            number(most(1)),
        );
    }
    table
}
