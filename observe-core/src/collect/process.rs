//! The process, from `/proc/self`.

use std::fs;
use std::io;
use std::path::Path;

use procfs::FromRead;
use procfs::process::{LimitValue, Limits, Stat};

use super::files::Files;
use crate::registry::{Collect, Collector};
use crate::semconv::process as names;

#[derive(Default)]
pub(super) struct Process {
    files: Files,
}

#[cfg(test)]
impl Process {
    pub(super) fn below(root: &Path) -> Self {
        Self { files: Files::below(root) }
    }
}

impl Collector for Process {
    fn collect(&self, out: &mut Collect<'_>) {
        if let Some(stat) = self.files.read("/proc/self/stat", |path| Stat::from_file(path)) {
            let ticks = stat.utime.saturating_add(stat.stime);
            let seconds = ticks as f64 / procfs::ticks_per_second() as f64;
            let help = "CPU time of the process, in user mode and in the kernel.";
            out.counter(names::CPU_SECONDS_TOTAL, help, &[], seconds);
            let help = "Memory of the process that is in RAM.";
            out.gauge(names::RESIDENT_MEMORY_BYTES, help, &[], stat.rss.saturating_mul(procfs::page_size()));
            out.gauge(names::VIRTUAL_MEMORY_BYTES, "Address space of the process.", &[], stat.vsize);
            out.gauge(names::THREADS, "Threads of the process.", &[], stat.num_threads);
        }
        if let Some(limits) = self.files.read("/proc/self/limits", |path| Limits::from_file(path)) {
            if let LimitValue::Value(most) = limits.max_open_files.soft_limit {
                out.gauge(names::MAX_FDS, "File descriptors that the process may open.", &[], most);
            }
            if let LimitValue::Value(most) = limits.max_address_space.soft_limit {
                let help = "Address space that the process may have.";
                out.gauge(names::VIRTUAL_MEMORY_MAX_BYTES, help, &[], most);
            }
        }
        if let Some(open) = self.files.read("/proc/self/fd", open_fds) {
            out.gauge(names::OPEN_FDS, "Open file descriptors of the process.", &[], open);
        }
    }
}

/// How many descriptors are open, none of them for this.
fn open_fds(folder: &Path) -> io::Result<u64> {
    // From Linux 6.2 on the folder's size, which takes no descriptor and no walk.
    let size = fs::metadata(folder)?.len();
    if size > 0 {
        return Ok(size);
    }
    // One of them is the folder itself, while it is read.
    Ok(fs::read_dir(folder)?.count().saturating_sub(1) as u64)
}
