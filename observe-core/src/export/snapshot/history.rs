//! What metrics were in the last minutes, at a coarse step.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use crate::clock::Tick;
use crate::export::prometheus::Format;
use crate::registry::Registry;

/// Between two looks at the metrics.
pub(super) const STEP: Duration = Duration::from_secs(15);

/// The most bytes of all values that are remembered, and the largest exposition that is looked at.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Remembers what changed from step to step, and all of the oldest step.
pub(super) struct History {
    steps: VecDeque<Step>,
    /// For how long.
    age: Duration,
    /// The exposition before this one, and room for the next.
    last: Vec<u8>,
    next: Vec<u8>,
}

struct Step {
    at: Tick,
    unix_millis: u64,
    /// A sample each line: those that were not the same the step before, of the oldest all.
    samples: String,
}

impl History {
    pub(super) fn new(age: Duration) -> Self {
        Self { steps: VecDeque::new(), age, last: Vec::new(), next: Vec::new() }
    }

    /// Looks at the metrics.
    pub(super) fn step(&mut self, registry: &Registry, at: Tick, unix_nanos: u64) {
        self.next.clear();
        registry.encode(Format::Text, &mut self.next);
        if self.next.len() > BYTES_MAX {
            *self = Self::new(self.age);
            return;
        }
        let before: HashMap<&str, &str> = samples(&self.last).collect();
        let changed = samples(&self.next).filter(|(series, value)| before.get(series) != Some(value));
        let samples = joined(changed);
        self.steps.push_back(Step { at, unix_millis: unix_nanos / 1_000_000, samples });
        std::mem::swap(&mut self.last, &mut self.next);
        while self.steps.len() > 1
            && (self.steps.front().is_some_and(|step| at.since(step.at) > self.age)
                || self.bytes() > BYTES_MAX)
        {
            self.forget();
        }
    }

    fn bytes(&self) -> usize {
        self.steps.iter().map(|step| step.samples.len()).sum()
    }

    /// Forgets the oldest step: what the next one has by it, it has by itself from now on.
    fn forget(&mut self) {
        let Some(oldest) = self.steps.pop_front() else { return };
        let Some(next) = self.steps.front_mut() else { return };
        let later: HashSet<&str> = samples(next.samples.as_bytes()).map(|(series, _)| series).collect();
        let kept = samples(oldest.samples.as_bytes()).filter(|(series, _)| !later.contains(series));
        let kept = joined(kept);
        next.samples.insert_str(0, &kept);
    }

    /// All that is remembered, and what `now` (Prometheus text) says, as OpenMetrics with a time at each value. What did
    /// not change has no value in between.
    pub(super) fn write(&self, now: &[u8], unix_nanos: u64, out: &mut Vec<u8>) {
        let mut past: HashMap<&str, Vec<(u64, &str)>> = HashMap::new();
        for step in &self.steps {
            for (series, value) in samples(step.samples.as_bytes()) {
                past.entry(series).or_default().push((step.unix_millis, value));
            }
        }
        let mut point = Vec::new();
        for line in text(now).lines() {
            let Some((series, value)) = sample(line) else {
                write_points(&mut point, out);
                if let Some(family) = line.strip_prefix("# TYPE ") {
                    let name = family.strip_suffix("_total counter");
                    let family = name.map_or_else(|| family.to_owned(), |name| format!("{name} counter"));
                    out.extend_from_slice(format!("# TYPE {family}\n").as_bytes());
                }
                continue;
            };
            if point.first().is_some_and(|(first, _): &(&str, Vec<_>)| metric(first) != metric(series)) {
                write_points(&mut point, out);
            }
            let mut values = past.remove(series).unwrap_or_default();
            values.push((unix_nanos / 1_000_000, value));
            point.push((series, values));
        }
        write_points(&mut point, out);
        out.extend_from_slice(b"# EOF\n");
    }
}

/// Writes the samples of one metric, time by time: all of them whenever one of them changed. (OpenMetrics,
/// "MetricPoint".)
fn write_points(samples: &mut Vec<(&str, Vec<(u64, &str)>)>, out: &mut Vec<u8>) {
    let times: BTreeSet<u64> = samples.iter().flat_map(|(_, values)| values).map(|(time, _)| *time).collect();
    for time in times {
        for (series, values) in samples.iter() {
            if let Some((_, value)) = values.iter().rev().find(|(changed, _)| *changed <= time) {
                let line = format!("{series} {value} {}.{:03}\n", time / 1_000, time % 1_000);
                out.extend_from_slice(line.as_bytes());
            }
        }
    }
    samples.clear();
}

/// What samples of one metric have in common: the labels, without those that a histogram or a summary adds.
fn metric(series: &str) -> &str {
    let labels = series.split_once('{').map_or("", |(_, labels)| labels.trim_end_matches('}'));
    let own = ["le=\"", "quantile=\""].iter().find_map(|own| {
        let at = labels.rfind(own)?;
        // It is the last one; in a value there would be a backslash in front of the quote.
        (at == 0 || labels[..at].ends_with(',')).then_some(at.saturating_sub(1))
    });
    own.map_or(labels, |end| &labels[..end])
}

fn joined<'a>(samples: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut lines = String::new();
    samples.for_each(|(series, value)| lines.extend([series, " ", value, "\n"]));
    lines.shrink_to_fit();
    lines
}

/// Each sample's series, and its value. (Prometheus text format: the value stands behind the last space.)
fn samples(exposition: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    text(exposition).lines().filter_map(sample)
}

fn sample(line: &str) -> Option<(&str, &str)> {
    if line.starts_with('#') { None } else { line.rsplit_once(' ') }
}

fn text(exposition: &[u8]) -> &str {
    std::str::from_utf8(exposition).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: what did not change written again; what changed left out; a step that does not expire; one that
    // takes with it what did not change since.
    #[test]
    fn what_changed_is_remembered_for_a_while() {
        let registry = Registry::new();
        let counter = registry.counter::<()>("jobs_total", "Jobs.").unwrap();
        registry.gauge::<()>("idle", "Idle.").unwrap().set(7);
        let buckets = crate::metric::Buckets::new(&[1.0]);
        let histogram = registry.histogram::<()>("size_bytes", "Sizes.", buckets).unwrap();
        let mut history = History::new(Duration::from_secs(30));
        let second = 1_000_000_000;
        for step in 0..4 {
            counter.add(step % 2);
            if step == 2 {
                histogram.observe(0.5);
            }
            history.step(&registry, Tick::from_nanos(step * 15 * second), (100 + step * 15) * second);
        }
        counter.inc();
        let (mut now, mut out) = (Vec::new(), Vec::new());
        registry.encode(Format::Text, &mut now);
        history.write(&now, 150 * second + 5_000_000, &mut out);
        let out = String::from_utf8(out).unwrap();
        let of = |name: &str| out.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>();
        // At 100 s it was 0 (forgotten), at 115 s 1, at 130 s the same, at 145 s 2.
        assert_eq!(
            of("jobs_total"),
            ["jobs_total 1 115.000", "jobs_total 2 145.000", "jobs_total 3 150.005"]
        );
        assert_eq!(of("idle"), ["idle 7 115.000", "idle 7 150.005"]);
        assert_eq!(of("# TYPE jobs"), ["# TYPE jobs counter"]);
        let sizes = of("size_bytes");
        assert_eq!(sizes.len(), 12);
        let at = |line: &&str| line.rsplit_once(' ').unwrap().1.to_owned();
        assert!(sizes.iter().map(at).is_sorted(), "{sizes:?}");
        assert_eq!(sizes[3], "size_bytes_count 0 115.000");
        assert_eq!(sizes[7], "size_bytes_count 1 130.000");
        assert!(out.ends_with("# EOF\n") && !out.contains("HELP"));
    }

    #[test]
    fn samples_of_one_metric_are_known_by_their_labels() {
        for (series, labels) in [
            ("a", ""),
            ("a_bucket{le=\"1.0\"}", ""),
            ("a_bucket{b=\"c\",le=\"+Inf\"}", "b=\"c\""),
            ("a_sum{b=\"c\"}", "b=\"c\""),
            ("a{b=\"c\",quantile=\"0.5\"}", "b=\"c\""),
            ("a{b=\"x,le=\\\"1\",c=\"\"}", "b=\"x,le=\\\"1\",c=\"\""),
        ] {
            assert_eq!(metric(series), labels, "{series}");
        }
    }

    // Mutation caught: steps that are counted and not dropped when they are too many bytes.
    #[test]
    fn what_is_remembered_is_bounded() {
        let registry = Registry::new();
        let gauge = |number| registry.gauge::<()>(format!("{}_{number}", "g".repeat(150)), "G.").unwrap();
        let gauges: Vec<_> = (0..2_000).map(gauge).collect();
        let mut history = History::new(Duration::MAX);
        for step in 0..30 {
            gauges.iter().for_each(|gauge| gauge.set(step));
            history.step(&registry, Tick::default(), 0);
            assert!(history.bytes() <= BYTES_MAX, "{}", history.bytes());
        }
        assert!(history.bytes() > BYTES_MAX / 2 && history.steps.len() < 30);
        for number in 0..40_000 {
            registry.gauge::<()>(format!("more_{number}"), "M.").unwrap();
        }
        history.step(&registry, Tick::default(), 0);
        assert_eq!(history.steps.len(), 0);
    }
}
