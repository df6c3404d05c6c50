//! Limits of the process's cgroup, and how it met them.

use std::fs;
use std::path::Path;

use super::files::Files;
use super::place::Place;
use crate::registry::{Collect, Collector};
use crate::semconv::cgroup as names;

#[derive(Default)]
pub(super) struct Cgroup {
    files: Files,
    place: Place,
}

/// What happened to a cgroup's memory.
const EVENTS: [&str; 6] = ["low", "high", "max", "oom", "oom_kill", "oom_group_kill"];

impl Collector for Cgroup {
    fn collect(&self, out: &mut Collect<'_>) {
        if let Some(folder) = self.place.of_process(&self.files) {
            self.cpu(&folder, out);
            self.memory(&folder, out);
            self.pids(&folder, out);
        }
    }
}

impl Cgroup {
    #[cfg(test)]
    pub(super) fn below(root: &Path) -> Self {
        Self { files: Files::below(root), ..Self::default() }
    }

    fn cpu(&self, folder: &Path, out: &mut Collect<'_>) {
        if let Some(Some((quota, period))) = self.get(folder, "cpu.max", quota) {
            let help = "CPU time that the cgroup may use in each second: cpu.max.";
            out.gauge(names::CPU_LIMIT_CORES, help, &[], quota as f64 / period as f64);
        }
        let Some(stat) = self.get(folder, "cpu.stat", Pairs::parse) else { return };
        if let Some(micros) = stat.of("usage_usec") {
            out.counter(names::CPU_USAGE_SECONDS_TOTAL, "CPU time of the cgroup.", &[], micros as f64 / 1e6);
        }
        if let Some(periods) = stat.of("nr_periods") {
            let help = "Periods of cpu.max in which something of the cgroup wanted to run.";
            out.counter(names::CPU_PERIODS_TOTAL, help, &[], periods);
        }
        if let Some(periods) = stat.of("nr_throttled") {
            let help = "Periods of cpu.max in which the cgroup was stopped, having used its share.";
            out.counter(names::CPU_THROTTLED_PERIODS_TOTAL, help, &[], periods);
        }
        if let Some(micros) = stat.of("throttled_usec") {
            let help = "How long the cgroup was stopped, on all CPUs together.";
            out.counter(names::CPU_THROTTLED_SECONDS_TOTAL, help, &[], micros as f64 / 1e6);
        }
    }

    fn memory(&self, folder: &Path, out: &mut Collect<'_>) {
        let Some(current) = self.get(folder, "memory.current", number) else { return };
        let help = "Memory of the cgroup, files that it read included: memory.current.";
        out.gauge(names::MEMORY_CURRENT_BYTES, help, &[], current);
        let stat = self.get(folder, "memory.stat", Pairs::parse);
        if let Some(inactive) = stat.and_then(|stat| stat.of("inactive_file")) {
            let help = "Memory of the cgroup without files that were not used lately.";
            out.gauge(names::MEMORY_WORKING_SET_BYTES, help, &[], current.saturating_sub(inactive));
        }
        if let Some(Some(max)) = self.get(folder, "memory.max", limit) {
            out.gauge(names::MEMORY_MAX_BYTES, "Memory that the cgroup may have: memory.max.", &[], max);
        }
        if let Some(Some(high)) = self.get(folder, "memory.high", limit) {
            let help = "Memory from which on the cgroup is slowed down: memory.high.";
            out.gauge(names::MEMORY_HIGH_BYTES, help, &[], high);
        }
        if let Some(events) = self.get(folder, "memory.events", Pairs::parse) {
            for event in EVENTS {
                if let Some(count) = events.of(event) {
                    let help = "How often the cgroup's memory met a limit: memory.events.";
                    out.counter(names::MEMORY_EVENTS_TOTAL, help, &[(names::EVENT, event)], count);
                }
            }
        }
    }

    fn pids(&self, folder: &Path, out: &mut Collect<'_>) {
        let Some(current) = self.get(folder, "pids.current", number) else { return };
        out.gauge(names::PIDS_CURRENT, "Threads and processes of the cgroup: pids.current.", &[], current);
        if let Some(Some(max)) = self.get(folder, "pids.max", limit) {
            let help = "Threads and processes that the cgroup may have: pids.max.";
            out.gauge(names::PIDS_MAX, help, &[], max);
        }
        let events = self.get(folder, "pids.events", Pairs::parse);
        if let Some(refused) = events.and_then(|events| events.of("max")) {
            let help = "Threads and processes that were refused for pids.max.";
            out.counter(names::PIDS_REFUSED_TOTAL, help, &[], refused);
        }
    }

    /// What `parse` makes of a file of the cgroup.
    fn get<T>(&self, folder: &Path, file: &'static str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.files.read_at(file, &folder.join(file), |path| {
            let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
            parse(text.trim()).ok_or_else(|| "it is not written as it should be".to_owned())
        })
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}

/// A limit, if there is one.
fn limit(text: &str) -> Option<Option<u64>> {
    if text == "max" { Some(None) } else { number(text).map(Some) }
}

/// Quota and period in microseconds, if there is a quota.
fn quota(text: &str) -> Option<Option<(u64, u64)>> {
    let (quota, period) = text.split_once(' ')?;
    let period = number(period).filter(|period| *period > 0)?;
    Some(limit(quota)?.map(|quota| (quota, period)))
}

/// Lines of a name and a number.
struct Pairs(Vec<(String, u64)>);

impl Pairs {
    /// `None` if a line is anything else.
    fn parse(text: &str) -> Option<Self> {
        let pairs = text.lines().map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), number(value)?))
        });
        pairs.collect::<Option<_>>().map(Self)
    }

    fn of(&self, name: &str) -> Option<u64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}
