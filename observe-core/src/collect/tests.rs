//! Machines that are not there: trees of files, whole, missing and garbled.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Field, Metadata, field};

use super::cgroup::Cgroup;
use super::files;
use super::host::Host;
use super::pressure::Pressure;
use super::process::Process;
use crate::catalogue;
use crate::export::prometheus::Format;
use crate::registry::{Collect, Collector, Registry};

/// A machine with a container under pressure. Of each file what the kernel writes, shortened where much is alike.
const FILES: &[(&str, &str)] = &[
    (
        "proc/self/stat",
        "4242 (check (out) 7) S 1 4242 4242 0 -1 4194560 3601 0 12 0 1234 66 0 0 20 0 9 0 812 73400320 2560 \
         18446744073709551615 1 1 0 0 0 0 0 4096 1088 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
    ),
    (
        "proc/self/limits",
        "Limit                     Soft Limit           Hard Limit           Units     \n\
         Max cpu time              unlimited            unlimited            seconds   \n\
         Max file size             unlimited            unlimited            bytes     \n\
         Max data size             unlimited            unlimited            bytes     \n\
         Max stack size            8388608              unlimited            bytes     \n\
         Max core file size        0                    unlimited            bytes     \n\
         Max resident set          unlimited            unlimited            bytes     \n\
         Max processes             96365                96365                processes \n\
         Max open files            1024                 524288               files     \n\
         Max locked memory         8388608              8388608              bytes     \n\
         Max address space         4294967296           unlimited            bytes     \n\
         Max file locks            unlimited            unlimited            locks     \n\
         Max pending signals       96365                96365                signals   \n\
         Max msgqueue size         819200               819200               bytes     \n\
         Max nice priority         0                    0                    \n\
         Max realtime priority     0                    0                    \n\
         Max realtime timeout      unlimited            unlimited            us        \n",
    ),
    ("proc/self/fd/0", ""),
    ("proc/self/cgroup", "3:cpu:/\n0::/shop/checkout.service\n"),
    (
        "proc/self/mountinfo",
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
         28 27 254:0 /var /var rw,relatime shared:7 - ext4 /dev/vda rw\n\
         31 27 0:38 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n\
         32 27 0:40 / /mnt/far rw,relatime - nfs4 server:/far rw\n",
    ),
    (
        "proc/pressure/cpu",
        "some avg10=4.50 avg60=0.91 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ),
    (
        "proc/pressure/io",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=3000000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\n",
    ),
    (
        "proc/pressure/memory",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ),
    ("sys/fs/cgroup/shop/checkout.service/cgroup.type", "domain\n"),
    (
        "sys/fs/cgroup/shop/checkout.service/cpu.pressure",
        "some avg10=61.00 avg60=9.91 avg300=2.00 total=7500000\nfull avg10=60.00 avg60=9.00 avg300=2.00 total=7000000\n",
    ),
    (
        "sys/fs/cgroup/shop/checkout.service/io.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=10\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ),
    (
        "sys/fs/cgroup/shop/checkout.service/memory.pressure",
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=20\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    ),
    ("sys/fs/cgroup/shop/checkout.service/cpu.max", "150000 100000\n"),
    (
        "sys/fs/cgroup/shop/checkout.service/cpu.stat",
        "usage_usec 90500000\nuser_usec 60000000\nsystem_usec 30500000\nnr_periods 1200\nnr_throttled 300\n\
         throttled_usec 4500000\nnr_bursts 0\nburst_usec 0\n",
    ),
    ("sys/fs/cgroup/shop/checkout.service/memory.current", "500000000\n"),
    (
        "sys/fs/cgroup/shop/checkout.service/memory.stat",
        "anon 300000000\nfile 200000000\ninactive_file 150000000\n",
    ),
    ("sys/fs/cgroup/shop/checkout.service/memory.max", "536870912\n"),
    ("sys/fs/cgroup/shop/checkout.service/memory.high", "520000000\n"),
    (
        "sys/fs/cgroup/shop/checkout.service/memory.events",
        "low 0\nhigh 17\nmax 4\noom 2\noom_kill 1\noom_group_kill 0\n",
    ),
    ("sys/fs/cgroup/shop/checkout.service/pids.current", "23\n"),
    ("sys/fs/cgroup/shop/checkout.service/pids.max", "512\n"),
    ("sys/fs/cgroup/shop/checkout.service/pids.events", "max 3\n"),
    (
        "proc/stat",
        "cpu  1000 200 300 40000 500 60 70 80 0 0\ncpu0 500 100 150 20000 250 30 35 40 0 0\n\
         cpu1 500 100 150 20000 250 30 35 40 0 0\nintr 1 2\nctxt 3\nbtime 1700000000\nprocesses 4\n\
         procs_running 1\nprocs_blocked 0\nsoftirq 1 2\n",
    ),
    ("proc/loadavg", "2.53 1.00 0.50 3/400 4242\n"),
    (
        "proc/meminfo",
        "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\nBuffers:          50 kB\n\
         Cached:          350 kB\nSwapCached:        0 kB\nActive:          200 kB\nInactive:        200 kB\n\
         SwapTotal:       400 kB\nSwapFree:        300 kB\nDirty:             0 kB\nWriteback:         0 kB\n\
         Mapped:            0 kB\nSlab:             40 kB\nSReclaimable:     20 kB\nSUnreclaim:       20 kB\n\
         Committed_AS:      1 kB\nVmallocTotal:      1 kB\nVmallocUsed:       1 kB\nVmallocChunk:      0 kB\n",
    ),
    ("proc/vmstat", "nr_free_pages 25\noom_kill 6\n"),
    (
        "proc/diskstats",
        "   7       0 loop0 9 9 9 9 9 9 9 9 0 9 9\n 254       0 vda 100 1 2000 300 50 2 4000 700 0 900 1000\n\
         \x20254       1 vda1 100 1 2000 300 50 2 4000 700 0 900 1000\n",
    ),
    ("sys/block/loop0/size", "0\n"),
    ("sys/block/vda/size", "0\n"),
    (
        "proc/net/dev",
        "Inter-|   Receive                                                |  Transmit\n \
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n\
         \x20 eth0: 9000 12 1 2 0 0 0 0 8000 11 3 4 0 0 0 0\nveth77: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n",
    ),
];

const GROUP: &str = "sys/fs/cgroup/shop/checkout.service";

/// A machine made of files.
struct Machine(TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().unwrap());
        for (path, text) in FILES {
            machine.write(path, text.as_bytes());
        }
        machine
    }

    fn write(&self, path: &str, text: &[u8]) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        let path = self.0.path().join(path);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }

    fn registry(&self) -> Registry {
        let (registry, root) = (Registry::new(), self.0.path());
        collect(&registry, Process::below(root));
        collect(&registry, Pressure::below(root));
        collect(&registry, Cgroup::below(root));
        collect(&registry, Host::below(root));
        registry
    }
}

fn collect(registry: &Registry, collector: impl Collector) {
    registry.collector(move |out: &mut Collect<'_>| collector.collect(out));
}

fn page(registry: &Registry) -> String {
    let mut page = Vec::new();
    registry.encode(Format::Text, &mut page);
    String::from_utf8(page).unwrap()
}

fn families(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let own = types.filter(|line| !line.starts_with("observe_"));
    own.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[track_caller]
fn has(page: &str, line: &str) {
    assert!(page.lines().any(|have| have == line), "{line}\n{page}");
}

/// What is said at the level `DEBUG`.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn of(run: impl FnOnce()) -> Vec<String> {
        let lines = Self::default();
        tracing::subscriber::with_default(lines.clone(), run);
        lines.0.lock().unwrap().clone()
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        of.target() == "observe"
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl field::Visit for Message {
            fn record_debug(&mut self, _: &Field, value: &dyn std::fmt::Debug) {
                let _ = write!(self.0, "{value:?}");
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        assert_eq!(*event.metadata().level(), tracing_core::Level::DEBUG, "{}", message.0);
        self.0.lock().unwrap().push(message.0);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

// Mutation caught: a unit taken for another (ticks, pages, sectors of 512 bytes, milliseconds, microseconds, KiB).
#[test]
fn what_the_files_say() {
    let said = page(&Machine::new().registry());
    let page_size = procfs::page_size();
    has(&said, "process_cpu_seconds_total 13.0");
    has(&said, &format!("process_resident_memory_bytes {}", 2_560 * page_size));
    for line in [
        "process_virtual_memory_bytes 73400320",
        "process_virtual_memory_max_bytes 4294967296",
        "process_threads 9",
        "process_max_fds 1024",
        "pressure_stall_seconds_total{resource=\"cpu\",stall=\"some\"} 2.5",
        "pressure_stall_seconds_total{resource=\"io\",stall=\"full\"} 1.0",
        "cgroup_pressure_stall_seconds_total{resource=\"cpu\",stall=\"full\"} 7.0",
        "cgroup_cpu_limit_cores 1.5",
        "cgroup_cpu_usage_seconds_total 90.5",
        "cgroup_cpu_periods_total 1200",
        "cgroup_cpu_throttled_periods_total 300",
        "cgroup_cpu_throttled_seconds_total 4.5",
        "cgroup_memory_current_bytes 500000000",
        "cgroup_memory_working_set_bytes 350000000",
        "cgroup_memory_max_bytes 536870912",
        "cgroup_memory_high_bytes 520000000",
        "cgroup_memory_events_total{event=\"oom_kill\"} 1",
        "cgroup_pids_current 23",
        "cgroup_pids_max 512",
        "cgroup_pids_refused_total 3",
        "system_cpu_time_seconds_total{cpu_mode=\"interrupt\"} 1.3",
        "system_cpu_time_seconds_total{cpu_mode=\"idle\"} 400.0",
        "system_cpu_load_average_1m 2.53",
        "system_memory_limit_bytes 1024000",
        "system_memory_usage_bytes{system_memory_state=\"used\"} 491520",
        "system_memory_usage_bytes{system_memory_state=\"cached\"} 378880",
        "system_memory_linux_available_bytes 614400",
        "system_paging_usage_bytes{system_paging_state=\"used\"} 102400",
        "system_memory_oom_kills_total 6",
        "system_disk_io_bytes_total{system_device=\"vda\",disk_io_direction=\"read\"} 1024000",
        "system_disk_operations_total{system_device=\"vda\",disk_io_direction=\"write\"} 50",
        "system_disk_operation_time_seconds_total{system_device=\"vda\",disk_io_direction=\"write\"} 0.7",
        "system_disk_io_time_seconds_total{system_device=\"vda\"} 0.9",
        "system_disk_weighted_io_time_seconds_total{system_device=\"vda\"} 1.0",
        "system_network_io_bytes_total{network_interface_name=\"eth0\",network_io_direction=\"transmit\"} 8000",
        "system_network_errors_total{network_interface_name=\"eth0\",network_io_direction=\"receive\"} 1",
        "system_network_packet_dropped_total{network_interface_name=\"eth0\",network_io_direction=\"transmit\"} 4",
    ] {
        has(&said, line);
    }
    // The CPU's `full` of a machine means nothing; partitions and loops are parts of others; a file system counts once,
    // and not if it is far away; an interface of a container is no interface of the machine.
    for not in [
        "pressure_stall_seconds_total{resource=\"cpu\",stall=\"full\"}",
        "vda1",
        "loop0",
        "mountpoint=\"/var\"",
        "nfs4",
        "veth77",
    ] {
        assert!(!said.lines().any(|line| line.contains(not) && !line.starts_with("cgroup")), "{not}\n{said}");
    }
    assert!(said.contains(
        "system_filesystem_limit_bytes{system_device=\"/dev/vda\",system_filesystem_mountpoint=\"/\""
    ));
}

// Mutation caught: a family that views do not know; one that is known, and that nothing says.
#[test]
fn every_family_is_known_and_said() {
    let said = families(&page(&Machine::new().registry()));
    let starts = ["cgroup_", "pressure_", "process_", "system_"];
    let is_here = |name: &str| starts.iter().any(|start| name.starts_with(start));
    let known = catalogue::all(false).map(|entry| entry.name).filter(|name| is_here(name));
    let known: BTreeSet<String> = known
        .filter(|name| *name != crate::semconv::own::PROCESS_START_TIME_SECONDS)
        .map(str::to_owned)
        .collect();
    assert_eq!(said, known);
}

// Mutation caught: a zero, or an error, for a file that is not there; a line for it at every scrape.
#[test]
fn a_missing_file_leaves_its_metrics_out_and_is_told_once() {
    let all = families(&page(&Machine::new().registry()));
    let machine = Machine::new();
    for (path, text) in FILES {
        // Of an empty folder this would be a size.
        let gone = if path.contains("/fd/") { "proc/self/fd" } else { path };
        if path.ends_with("size") {
            continue;
        }
        machine.remove(gone);
        let registry = machine.registry();
        let mut said = String::new();
        let lines = Lines::of(|| (0..3).for_each(|_| said = page(&registry)));
        machine.write(path, text.as_bytes());
        // Of the mounts several collectors tell, each once; of the cgroup's place two.
        let most = if path.contains("mountinfo") { 3 } else { 2 };
        assert!((1..=most).contains(&lines.len()), "{path}: {lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("no metrics of ")), "{lines:?}");
        let left = families(&said);
        let shared = path.contains("pressure/") || path.contains(".pressure");
        assert!(left.len() < all.len() || shared, "{path} is of no family");
        assert!(left.len() > all.len() / 2, "{path}: only {left:?}");
        assert!(!said.contains("collector_panicked\"} 1"), "{said}");
    }
}

// Mutation caught: nothing told before somebody scrapes; what nobody heard taken for told.
#[test]
fn what_is_missing_is_told_at_the_start_or_when_somebody_listens() {
    let nowhere = tempfile::tempdir().unwrap();
    let registry = Registry::new();
    let at_start = Lines::of(|| files::add(&registry, Process::below(nowhere.path())));
    assert_eq!(at_start.len(), 3, "{at_start:?}");
    assert!(at_start[0].starts_with("no metrics of /proc/self/stat: "), "{at_start:?}");
    let later = Lines::of(|| drop(page(&registry)));
    assert_eq!(later, [""; 0], "once");

    let registry = Registry::new();
    files::add(&registry, Process::below(nowhere.path()));
    page(&registry);
    assert_eq!(Lines::of(|| drop(page(&registry))).len(), 3);
}

// Mutation caught: a panic over what a kernel never wrote, or a value made of it.
#[test]
fn garbage_is_no_value() {
    let garbage: &[&[u8]] = &[
        b"",
        b"\n",
        b"some",
        b"full\n",
        b"max",
        b"\xff\xfe\0",
        b"-1\n",
        b"1 2 (",
        b"( )",
        b"0::",
        b"a b c\nd",
    ];
    let whole = families(&page(&Machine::new().registry()));
    let machine = Machine::new();
    for (path, text) in FILES.iter().filter(|(path, _)| !path.contains("/fd/") && !path.contains("/block/")) {
        for garbage in garbage {
            machine.write(path, garbage);
            let registry = machine.registry();
            let said = page(&registry);
            machine.write(path, text.as_bytes());
            registry.dropped(&mut |reason, count| assert_eq!(count, 0, "{path} {garbage:?}: {reason}"));
            let left = families(&said);
            assert!(left.is_subset(&whole));
            assert!(left.len() > whole.len() / 2, "{path} {garbage:?}: only {left:?}");
            assert!(!said.contains("NaN") && !said.contains("} -"), "{said}");
        }
    }
}

// Mutation caught: a limit where there is none.
#[test]
fn no_limit_is_no_series() {
    let machine = Machine::new();
    for file in ["memory.max", "memory.high", "pids.max"] {
        machine.write(&format!("{GROUP}/{file}"), b"max\n");
    }
    machine.write(&format!("{GROUP}/cpu.max"), b"max 100000\n");
    let limits = fs::read_to_string(machine.0.path().join("proc/self/limits")).unwrap();
    machine.write("proc/self/limits", limits.replace("4294967296", "unlimited ").as_bytes());
    let registry = machine.registry();
    let mut said = String::new();
    assert_eq!(Lines::of(|| said = page(&registry)), [""; 0], "no limit is nothing that is missing");
    for name in ["memory_max", "memory_high", "pids_max", "limit_cores", "process_virtual_memory_max"] {
        assert!(!said.contains(name), "{name}\n{said}");
    }
    has(&said, "cgroup_memory_current_bytes 500000000");
}

// Mutation caught: the machine's figures told as the container's.
#[test]
fn the_root_is_no_container() {
    let machine = Machine::new();
    machine.remove(&format!("{GROUP}/cgroup.type"));
    let registry = machine.registry();
    let mut said = String::new();
    let lines = Lines::of(|| said = page(&registry));
    assert!(!said.contains("# TYPE cgroup_"), "{said}");
    has(&said, "pressure_stall_seconds_total{resource=\"cpu\",stall=\"some\"} 2.5");
    let told = lines.iter().filter(|line| line.contains("the process is in the root")).count();
    assert_eq!((told, lines.len()), (2, 2), "by the limits, and by the pressure: {lines:?}");
}

// Mutation caught: a kernel before 5.13 without pressure, since its CPU file has one line.
#[test]
fn one_line_of_pressure_is_enough() {
    let machine = Machine::new();
    machine.write("proc/pressure/cpu", b"some avg10=4.50 avg60=0.91 avg300=0.00 total=1000000\n");
    has(&page(&machine.registry()), "pressure_stall_seconds_total{resource=\"cpu\",stall=\"some\"} 1.0");
}

// Mutation caught: a counter that goes back, which `rate()` takes for a restart.
#[test]
fn idle_time_does_not_go_back() {
    let machine = Machine::new();
    let registry = machine.registry();
    let before = "system_cpu_time_seconds_total{cpu_mode=\"iowait\"} 5.0";
    has(&page(&registry), before);
    let stat = fs::read_to_string(machine.0.path().join("proc/stat")).unwrap();
    machine.write("proc/stat", stat.replace(" 500 60", " 499 60").as_bytes());
    has(&page(&registry), before);
    machine.write("proc/stat", stat.replace(" 500 60", " 700 60").as_bytes());
    has(&page(&registry), "system_cpu_time_seconds_total{cpu_mode=\"iowait\"} 7.0");
}

// Mutation caught: as many series as a machine has disks, interfaces and mounts.
#[test]
fn disks_interfaces_and_file_systems_are_bounded() {
    let machine = Machine::new();
    let (mut disks, mut mounts) = (String::new(), String::new());
    let mut interfaces = "a\nb\n".to_owned();
    for at in 0..40 {
        machine.write(&format!("sys/block/sd{at}/size"), b"0\n");
        writeln!(disks, "8 {at} sd{at} 1 1 1 1 1 1 1 1 0 1 1").unwrap();
        writeln!(interfaces, "eth{at}: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9").unwrap();
        writeln!(mounts, "27 1 8:{at} / / rw - ext4 /dev/sd{at} rw").unwrap();
    }
    machine.write("proc/diskstats", disks.as_bytes());
    machine.write("proc/net/dev", interfaces.as_bytes());
    machine.write("proc/self/mountinfo", mounts.as_bytes());
    let registry = Registry::new();
    collect(&registry, Host::below(machine.0.path()));
    let mut said = String::new();
    let lines = Lines::of(|| (0..2).for_each(|_| said = page(&registry)));
    assert_eq!(lines.iter().filter(|line| line.contains("32 are shown")).count(), 3, "{lines:?}");
    for name in ["system_disk_io_time_seconds_total{", "system_filesystem_limit_bytes{"] {
        assert_eq!(said.lines().filter(|line| line.starts_with(name)).count(), 32, "{said}");
    }
    let received = said.lines().filter(|line| line.starts_with("system_network_io_bytes_total{"));
    assert_eq!(received.count(), 64);
}

#[test]
fn promtool_has_nothing_to_say_against_the_names() {
    let is_installed = Command::new("promtool").arg("--version").output().is_ok();
    assert!(is_installed || std::env::var_os("CI").is_none(), "promtool is not installed");
    if !is_installed {
        eprintln!("skipped: promtool is not installed");
        return;
    }
    let mut check = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = page(&Machine::new().registry());
    check.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = check.wait_with_output().unwrap();
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success() && words.is_empty(), "{words}");
}

// Mutation caught: a table that names another metric than the code, or one with other labels.
#[test]
fn the_guide_has_every_family() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/use.md")).unwrap();
    let starts = ["cgroup_", "pressure_", "process_", "system_", "tokio_"];
    for entry in
        catalogue::all(false).filter(|entry| starts.iter().any(|start| entry.name.starts_with(start)))
    {
        let labels =
            if entry.labels.is_empty() { String::new() } else { format!("{{{}}}", entry.labels.join(",")) };
        let cell = format!("| `{}{labels}` |", entry.name);
        assert!(guide.contains(&cell), "docs/use.md has no row {cell}");
    }
}
