//! Pressure stall information: of the machine in `/proc/pressure`, of a cgroup in its `*.pressure`.

use std::fs;
use std::io;
use std::path::Path;

use super::files::Files;
use super::place::Place;
use crate::registry::{Collect, Collector};
use crate::semconv::metric::RESOURCE;
use crate::semconv::pressure as names;

#[derive(Default)]
pub(super) struct Pressure {
    files: Files,
    place: Place,
}

#[cfg(test)]
impl Pressure {
    pub(super) fn below(root: &Path) -> Self {
        Self { files: Files::below(root), ..Self::default() }
    }
}

const MACHINE: &str = "/proc/pressure";
const HELP: &str = "How long tasks of the machine were stalled for want of a resource.";
const CGROUP_HELP: &str = "How long tasks of the process's cgroup were stalled for want of a resource.";

/// A resource, and where the pressure on it stands: of the machine, of a cgroup.
const RESOURCES: [(&str, &str, &str); 3] = [
    ("cpu", "/proc/pressure/cpu", "cpu.pressure"),
    ("io", "/proc/pressure/io", "io.pressure"),
    ("memory", "/proc/pressure/memory", "memory.pressure"),
];

impl Collector for Pressure {
    fn collect(&self, out: &mut Collect<'_>) {
        if self.files.read(MACHINE, |path| fs::metadata(path)).is_some() {
            for (resource, file, _) in RESOURCES {
                for (stall, seconds) in self.files.read(file, stalls).unwrap_or_default() {
                    // Of the CPU the kernel writes a 0 that means nothing: something always runs.
                    if (resource, stall) != ("cpu", "full") {
                        let labels = [(RESOURCE, resource), (names::STALL, stall)];
                        out.counter(names::STALL_SECONDS_TOTAL, HELP, &labels, seconds);
                    }
                }
            }
        }
        let Some(folder) = self.place.of_process(&self.files) else { return };
        for (resource, _, file) in RESOURCES {
            for (stall, seconds) in self.files.read_at(file, &folder.join(file), stalls).unwrap_or_default() {
                let labels = [(RESOURCE, resource), (names::STALL, stall)];
                out.counter(names::CGROUP_STALL_SECONDS_TOTAL, CGROUP_HELP, &labels, seconds);
            }
        }
    }
}

/// How long some tasks were stalled, in seconds, and all. Before Linux 5.13 the CPU's file has the first line only.
fn stalls(path: &Path) -> io::Result<Vec<(&'static str, f64)>> {
    let mut stalls = Vec::new();
    for line in fs::read_to_string(path)?.lines() {
        let record = procfs::parse_pressure_record(line).map_err(io::Error::other)?;
        let stall = if line.starts_with("some") { "some" } else { "full" };
        stalls.push((stall, record.total as f64 / 1e6));
    }
    Ok(stalls)
}
