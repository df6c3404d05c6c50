//! The machine: CPUs and memory here, disks and interfaces in files of their own.

mod disk;
mod network;

use std::sync::atomic::{AtomicU64, Ordering};

use procfs::{FromRead, FromReadSI, KernelStats, LoadAverage, Meminfo, VmStat};

use super::files::Files;
use crate::registry::{Collect, Collector};
use crate::semconv::host as names;

#[derive(Default)]
pub(super) struct Host {
    files: Files,
    /// The highest ticks that were seen, by mode.
    highest: [AtomicU64; MODES.len()],
}

const MODES: [&str; 7] = ["user", "nice", "system", "idle", "iowait", "interrupt", "steal"];

impl Collector for Host {
    fn collect(&self, out: &mut Collect<'_>) {
        self.cpu(out);
        self.memory(out);
        disk::collect(&self.files, out);
        network::collect(&self.files, out);
    }
}

impl Host {
    #[cfg(test)]
    pub(super) fn below(root: &std::path::Path) -> Self {
        Self { files: Files::below(root), ..Self::default() }
    }

    fn cpu(&self, out: &mut Collect<'_>) {
        let system = procfs::current_system_info();
        if let Some(stats) = self.files.read("/proc/stat", |path| KernelStats::from_file(path, system)) {
            let cpu = &stats.total;
            let interrupt = cpu.irq.zip(cpu.softirq).map(|(hard, soft)| hard.saturating_add(soft));
            // Of these `user` and `nice` have the time of guests in them already.
            let ticks = [
                Some(cpu.user),
                Some(cpu.nice),
                Some(cpu.system),
                Some(cpu.idle),
                cpu.iowait,
                interrupt,
                cpu.steal,
            ];
            for ((mode, ticks), highest) in MODES.iter().zip(ticks).zip(&self.highest) {
                let Some(ticks) = ticks else { continue };
                // The kernel's `iowait`, and with it `idle`, may go back a little, which would read as a restart.
                let ticks = highest.fetch_max(ticks, Ordering::Relaxed).max(ticks);
                let seconds = ticks as f64 / procfs::ticks_per_second() as f64;
                let help = "CPU time of all CPUs, by what they did.";
                out.counter(names::CPU_TIME_SECONDS_TOTAL, help, &[(names::CPU_MODE, mode)], seconds);
            }
        }
        if let Some(load) = self.files.read("/proc/loadavg", |path| LoadAverage::from_file(path)) {
            // It has two digits, which an `f32` does not keep.
            let help = "Tasks that ran, wanted to, or waited for a disk, over the last minute.";
            out.gauge(names::CPU_LOAD_AVERAGE_1M, help, &[], (f64::from(load.one) * 100.0).round() / 100.0);
        }
    }

    fn memory(&self, out: &mut Collect<'_>) {
        if let Some(memory) = self.files.read("/proc/meminfo", |path| Meminfo::from_file(path)) {
            let cached = memory.cached.saturating_add(memory.s_reclaimable.unwrap_or(0));
            let not_used = memory.mem_free.saturating_add(memory.buffers).saturating_add(cached);
            let states = [
                ("used", memory.mem_total.saturating_sub(not_used)),
                ("free", memory.mem_free),
                ("buffers", memory.buffers),
                ("cached", cached),
            ];
            for (state, bytes) in states {
                let help = "Memory of the machine, by what it is used for.";
                out.gauge(names::MEMORY_USAGE_BYTES, help, &[(names::MEMORY_STATE, state)], bytes);
            }
            out.gauge(names::MEMORY_LIMIT_BYTES, "Memory of the machine.", &[], memory.mem_total);
            if let Some(available) = memory.mem_available {
                let help = "Memory that could be had without swapping.";
                out.gauge(names::MEMORY_AVAILABLE_BYTES, help, &[], available);
            }
            // Without swap there is nothing to be used.
            if memory.swap_total > 0 {
                let used = memory.swap_total.saturating_sub(memory.swap_free);
                for (state, bytes) in [("used", used), ("free", memory.swap_free)] {
                    let labels = [(names::PAGING_STATE, state)];
                    out.gauge(names::PAGING_USAGE_BYTES, "Swap of the machine.", &labels, bytes);
                }
            }
        }
        let kills = self.files.read("/proc/vmstat", |path| {
            let stat = VmStat::from_file(path).map_err(|error| error.to_string())?;
            let kills = stat.0.get("oom_kill").and_then(|kills| u64::try_from(*kills).ok());
            kills.ok_or_else(|| "it does not say `oom_kill`".to_owned())
        });
        if let Some(kills) = kills {
            let help = "Processes of the machine that were killed for want of memory.";
            out.counter(names::MEMORY_OOM_KILLS_TOTAL, help, &[], kills);
        }
    }
}
