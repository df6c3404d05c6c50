//! What metrics were in the last minutes, at a coarse step.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::clock::Tick;
use crate::export::prometheus::Format;
use crate::registry::Registry;

/// Between two looks at the metrics.
pub(super) const STEP: Duration = Duration::from_secs(15);

/// The most bytes of all values that are remembered, and the largest exposition that is looked at.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Remembers what changed from step to step.
pub(super) struct History {
    steps: VecDeque<Step>,
    /// Bytes of all steps.
    bytes: usize,
    /// For how long.
    age: Duration,
    /// The exposition before this one, and room for the next.
    last: Vec<u8>,
    next: Vec<u8>,
}

struct Step {
    at: Tick,
    unix_millis: u64,
    /// Samples that were not the same the step before, a line each.
    changed: String,
}

impl History {
    pub(super) fn new(age: Duration) -> Self {
        Self { steps: VecDeque::new(), bytes: 0, age, last: Vec::new(), next: Vec::new() }
    }

    /// Looks at the metrics.
    pub(super) fn step(&mut self, registry: &Registry, at: Tick, unix_nanos: u64) {
        self.next.clear();
        registry.encode(Format::Text, &mut self.next);
        let is_large = self.next.len() > BYTES_MAX;
        if is_large {
            self.next = Vec::new();
        }
        let before: HashMap<&str, &str> = samples(&self.last).collect();
        let mut changed = String::new();
        for (series, value) in samples(&self.next).filter(|(series, value)| before.get(series) != Some(value))
        {
            changed.extend([series, " ", value, "\n"]);
        }
        std::mem::swap(&mut self.last, &mut self.next);
        changed.shrink_to_fit();
        self.bytes += changed.len();
        self.steps.push_back(Step { at, unix_millis: unix_nanos / 1_000_000, changed });
        while let Some(step) = self.steps.front()
            && (at.since(step.at) > self.age || self.bytes > BYTES_MAX)
        {
            self.bytes -= step.changed.len();
            self.steps.pop_front();
        }
    }

    /// All that is remembered, and what `now` (Prometheus text) says, as OpenMetrics with a time at each value. What did
    /// not change has its last value alone.
    pub(super) fn write(&self, now: &[u8], unix_nanos: u64, out: &mut Vec<u8>) {
        let mut past: HashMap<&str, Vec<(u64, &str)>> = HashMap::new();
        for step in &self.steps {
            for (series, value) in step.changed.lines().filter_map(|line| line.rsplit_once(' ')) {
                past.entry(series).or_default().push((step.unix_millis, value));
            }
        }
        let mut push = |line: String| out.extend_from_slice(line.as_bytes());
        for line in text(now).lines() {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                let family = family.strip_suffix("_total counter").map(|name| format!("{name} counter"));
                push(family.map_or_else(|| format!("{line}\n"), |family| format!("# TYPE {family}\n")));
            } else if let Some((series, value)) = sample(line) {
                let past = past.get(series).map_or(&[][..], Vec::as_slice);
                for (unix_millis, value) in past.iter().chain(&[(unix_nanos / 1_000_000, value)]) {
                    push(format!("{series} {value} {}.{:03}\n", unix_millis / 1_000, unix_millis % 1_000));
                }
            }
        }
        push("# EOF\n".to_owned());
    }
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

    // Mutations caught: what did not change written again; what changed left out; a step that does not expire.
    #[test]
    fn what_changed_is_remembered_for_a_while() {
        let registry = Registry::new();
        let counter = registry.counter::<()>("jobs_total", "Jobs.").unwrap();
        registry.gauge::<()>("idle", "Idle.").unwrap().set(7);
        let mut history = History::new(Duration::from_secs(30));
        let second = 1_000_000_000;
        for step in 0..4 {
            counter.add(step % 2);
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
        assert_eq!(of("idle"), ["idle 7 150.005"]);
        assert_eq!(of("# TYPE jobs"), ["# TYPE jobs counter"]);
        assert!(out.ends_with("# EOF\n") && !out.contains("HELP"));
    }

    // Mutation caught: steps that are counted and not dropped when they are too many bytes.
    #[test]
    fn what_is_remembered_is_bounded() {
        let registry = Registry::new();
        let gauges: Vec<_> = (0..2_000)
            .map(|number| registry.gauge::<()>(format!("{}_{number}", "g".repeat(150)), "G.").unwrap())
            .collect();
        let mut history = History::new(Duration::MAX);
        for step in 0..30 {
            gauges.iter().for_each(|gauge| gauge.set(step));
            history.step(&registry, Tick::default(), 0);
            let held: usize = history.steps.iter().map(|step| step.changed.capacity()).sum();
            assert!(held == history.bytes && held <= BYTES_MAX, "{held}");
        }
        assert!(history.bytes > BYTES_MAX / 2 && history.steps.len() < 30);
    }
}
