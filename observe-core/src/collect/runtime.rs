//! Tokio runtimes.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Handle, Id, RuntimeMetrics};

use super::say_missing;
#[cfg(all(tokio_unstable, target_has_atomic = "64"))]
use crate::metric::{Buckets, MAX_BOUNDS};
use crate::registry::{Collect, Collector, Registry};
use crate::semconv::runtime as names;

/// How many runtimes are measured.
const MAX_RUNTIMES: usize = 16;

/// What a runtime is called that has no name.
const UNNAMED: &str = "main";

/// The runtimes of a registry. `RuntimeMetrics` counts from the runtime's start, which is what a scrape wants; the crate
/// `tokio-metrics` makes differences between two looks of it.
#[derive(Default)]
struct Runtimes(Mutex<Known>);

#[derive(Default)]
struct Known {
    measured: Vec<Measured>,
    /// That there are too many was told.
    is_told: bool,
}

struct Measured {
    id: Id,
    label: String,
    metrics: RuntimeMetrics,
}

pub(super) fn add(registry: &Registry, handle: &Handle) {
    let Ok(runtimes) = registry.shared(Runtimes::default, |_| Vec::new()) else { return };
    let mut known = runtimes.0.lock().unwrap_or_else(PoisonError::into_inner);
    if known.measured.iter().any(|runtime| runtime.id == handle.id()) {
        return;
    }
    let is_first = known.measured.is_empty();
    let name = handle.name().unwrap_or(UNNAMED);
    if known.measured.len() >= MAX_RUNTIMES {
        let is_told = std::mem::replace(&mut known.is_told, true);
        drop(known);
        if !is_told {
            say_missing(name, &"there are metrics of 16 runtimes already");
        }
        return;
    }
    let is_free = |label: &String| known.measured.iter().all(|runtime| runtime.label != *label);
    let numbered = (2..=MAX_RUNTIMES).map(|number| format!("{name}-{number}"));
    let label = std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
    known.measured.push(Measured { id: handle.id(), label, metrics: handle.metrics() });
    drop(known);
    if is_first {
        registry.collector(move |out: &mut Collect<'_>| runtimes.collect(out));
    }
}

impl Collector for Runtimes {
    fn collect(&self, out: &mut Collect<'_>) {
        for runtime in &self.0.lock().unwrap_or_else(PoisonError::into_inner).measured {
            runtime.collect(out);
        }
    }
}

impl Measured {
    fn collect(&self, out: &mut Collect<'_>) {
        let (metrics, labels) = (&self.metrics, [(names::RUNTIME, self.label.as_str())]);
        out.gauge(names::WORKERS, "Workers of the runtime.", &labels, metrics.num_workers());
        let help = "Tasks of the runtime that have not ended.";
        out.gauge(names::ALIVE_TASKS, help, &labels, metrics.num_alive_tasks());
        let help = "Tasks that wait in the queue of all workers.";
        out.gauge(names::GLOBAL_QUEUE_DEPTH, help, &labels, metrics.global_queue_depth());
        #[cfg(target_has_atomic = "64")]
        {
            let help = "How long workers were busy, all together.";
            out.counter(names::WORKER_BUSY_SECONDS_TOTAL, help, &labels, self.busy_seconds());
            let help = "How often workers went to sleep, for want of work.";
            let parks = self.over_workers(RuntimeMetrics::worker_park_count);
            out.counter(names::WORKER_PARKS_TOTAL, help, &labels, parks);
        }
        #[cfg(tokio_unstable)]
        self.collect_unstable(&labels, out);
    }

    #[cfg(target_has_atomic = "64")]
    fn busy_seconds(&self) -> f64 {
        let workers = 0..self.metrics.num_workers();
        workers.map(|worker| self.metrics.worker_total_busy_duration(worker).as_secs_f64()).sum()
    }

    #[cfg(target_has_atomic = "64")]
    fn over_workers(&self, of: impl Fn(&RuntimeMetrics, usize) -> u64) -> u64 {
        (0..self.metrics.num_workers()).map(|worker| of(&self.metrics, worker)).sum()
    }
    #[cfg(tokio_unstable)]
    fn collect_unstable(&self, labels: &[(&str, &str)], out: &mut Collect<'_>) {
        let metrics = &self.metrics;
        let workers = 0..metrics.num_workers();
        let waiting: usize = workers.map(|worker| metrics.worker_local_queue_depth(worker)).sum();
        let help = "Tasks that wait in the queues of single workers.";
        out.gauge(names::LOCAL_QUEUE_DEPTH, help, labels, waiting);
        let help = "Threads for blocking work.";
        out.gauge(names::BLOCKING_THREADS, help, labels, metrics.num_blocking_threads());
        let help = "Threads for blocking work that have nothing to do.";
        out.gauge(names::IDLE_BLOCKING_THREADS, help, labels, metrics.num_idle_blocking_threads());
        let help = "Blocking work that waits for a thread.";
        out.gauge(names::BLOCKING_QUEUE_DEPTH, help, labels, metrics.blocking_queue_depth());
        #[cfg(target_has_atomic = "64")]
        {
            out.counter(names::SPAWNED_TASKS_TOTAL, "Tasks spawned.", labels, metrics.spawned_tasks_count());
            let help = "How often tasks were made to yield, having used their budget.";
            out.counter(names::FORCED_YIELDS_TOTAL, help, labels, metrics.budget_forced_yield_count());
            let polls = self.over_workers(RuntimeMetrics::worker_poll_count);
            out.counter(names::POLLS_TOTAL, "How often tasks were polled.", labels, polls);
            let help = "How often workers took tasks from one another.";
            let steals = self.over_workers(RuntimeMetrics::worker_steal_operations);
            out.counter(names::STEALS_TOTAL, help, labels, steals);
            let help = "How often a worker's own queue was full.";
            let overflows = self.over_workers(RuntimeMetrics::worker_overflow_count);
            out.counter(names::OVERFLOWS_TOTAL, help, labels, overflows);
            self.collect_polls(labels, out);
        }
    }

    /// Where the runtime was built with `enable_metrics_poll_time_histogram`.
    #[cfg(all(tokio_unstable, target_has_atomic = "64"))]
    fn collect_polls(&self, labels: &[(&str, &str)], out: &mut Collect<'_>) {
        let metrics = &self.metrics;
        let buckets =
            if metrics.poll_time_histogram_enabled() { metrics.poll_time_histogram_num_buckets() } else { 0 };
        let Some(last) = buckets.checked_sub(1) else { return };
        // Of more buckets than a histogram has here, as many as are needed go together.
        let together = last.div_ceil(MAX_BOUNDS).max(1);
        let mut bounds = Vec::new();
        let mut counts = Vec::new();
        let mut count = 0;
        for bucket in 0..last {
            count +=
                self.over_workers(|metrics, worker| metrics.poll_time_histogram_bucket_count(worker, bucket));
            if bucket % together == together - 1 {
                bounds.push(metrics.poll_time_histogram_bucket_range(bucket).end.as_secs_f64());
                counts.push(std::mem::take(&mut count));
            }
        }
        let beyond =
            |metrics: &RuntimeMetrics, worker| metrics.poll_time_histogram_bucket_count(worker, last);
        counts.push(count + self.over_workers(beyond));
        if let Ok(buckets) = Buckets::try_from(bounds) {
            let help =
                "How long polls took. The sum is the time that workers were busy, which is little more.";
            out.histogram(names::POLL_DURATION_SECONDS, help, labels, &buckets, &counts, self.busy_seconds());
        }
    }
}
