//! What the service runs on, read when somebody scrapes: the process, its container, the machine, a tokio runtime.
//!
//! One line each, after the telemetry was made. Each is a feature of its own, and none is there unasked:
//!
//! ```
//! # #[cfg(all(feature = "process", feature = "pressure", feature = "cgroup", feature = "runtime"))]
//! # fn main() -> Result<(), observe_core::Error> {
//! use observe_core::{Telemetry, collect};
//!
//! let telemetry = Telemetry::builder("checkout").build()?;
//! collect::process(telemetry.registry()); // CPU, memory, file descriptors, threads
//! collect::pressure(telemetry.registry()); // how long work waited for CPU, memory, disks
//! collect::cgroup(telemetry.registry()); // the container's limits, and how it met them
//! # let runtime = tokio::runtime::Runtime::new().unwrap();
//! # runtime.block_on(async {
//! collect::runtime(telemetry.registry(), &tokio::runtime::Handle::current()); // workers, tasks, queues
//! # });
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "process", feature = "pressure", feature = "cgroup", feature = "runtime")))]
//! # fn main() {}
//! ```
//!
//! Every name, unit and label, with PromQL for utilisation, saturation and errors, is in the guide: `docs/use.md`, or
//! `observe_tower::guide::usage`.
//!
//! All but [`runtime`] read files of Linux, in `/proc` and `/sys/fs/cgroup`. What a file does not say is not on the page:
//! no limit is no series, rather than a zero or a very large number. A file that is not there, or that cannot be
//! understood, leaves its metrics out and is told of once, by a line of level `DEBUG` and target `observe`. So is any
//! other system than Linux. Nothing here fails, and asking for the same twice changes nothing.

#[cfg(all(feature = "cgroup", target_os = "linux"))]
mod cgroup;
#[cfg(all(
    any(feature = "cgroup", feature = "host", feature = "pressure", feature = "process"),
    target_os = "linux"
))]
mod files;
#[cfg(all(feature = "host", target_os = "linux"))]
mod host;
#[cfg(all(any(feature = "cgroup", feature = "pressure"), target_os = "linux"))]
mod place;
#[cfg(all(feature = "pressure", target_os = "linux"))]
mod pressure;
#[cfg(all(feature = "process", target_os = "linux"))]
mod process;
#[cfg(feature = "runtime")]
mod runtime;

#[cfg(any(feature = "cgroup", feature = "host", feature = "pressure", feature = "process"))]
use crate::catalogue::source;
use crate::registry::Registry;

/// The process: CPU, memory, file descriptors, threads, as all of Prometheus' client libraries name them.
///
/// `process_start_time_seconds` is no part of it: every telemetry has that.
#[cfg(feature = "process")]
pub fn process(registry: &Registry) {
    registry.reads(source::PROCESS);
    #[cfg(target_os = "linux")]
    files::add(registry, process::Process::default());
    #[cfg(not(target_os = "linux"))]
    foreign(source::PROCESS);
}

/// How long work was stalled for want of CPU, memory or disks: saturation, from Linux' pressure stall information.
///
/// Of the machine, which the service may share with others; and of the process's own cgroup, where it is in one that is
/// not the machine's.
#[cfg(feature = "pressure")]
pub fn pressure(registry: &Registry) {
    registry.reads(source::PRESSURE);
    #[cfg(target_os = "linux")]
    files::add(registry, pressure::Pressure::default());
    #[cfg(not(target_os = "linux"))]
    foreign(source::PRESSURE);
}

/// The cgroup that the process is in, of version 2: what its container may use, what it uses, and how often it met a limit.
#[cfg(feature = "cgroup")]
pub fn cgroup(registry: &Registry) {
    registry.reads(source::CGROUP);
    #[cfg(target_os = "linux")]
    files::add(registry, cgroup::Cgroup::default());
    #[cfg(not(target_os = "linux"))]
    foreign(source::CGROUP);
}

/// The machine: CPUs, memory, file systems, disks, network interfaces. For where no node exporter has it already.
///
/// Of 32 file systems, 32 disks and 32 interfaces at most. File systems on a network are left out: asking for the space
/// of one whose server is gone would hold up the scrape.
#[cfg(feature = "host")]
pub fn host(registry: &Registry) {
    registry.reads(source::HOST);
    #[cfg(target_os = "linux")]
    files::add(registry, host::Host::default());
    #[cfg(not(target_os = "linux"))]
    foreign(source::HOST);
}

/// A tokio runtime: workers, tasks, queues. What tokio measures only when built with `--cfg tokio_unstable` is there
/// where it is.
///
/// The label `runtime` is the runtime's name, `main` if it has none; a further one of the same name gets a number, as
/// `main-2`. 16 runtimes at most.
///
/// ```
/// # let running = tokio::runtime::Runtime::new().unwrap();
/// # running.block_on(async {
/// use observe_core::{Format, Registry, collect};
///
/// let registry = Registry::new(); // in a service: telemetry.registry()
/// collect::runtime(&registry, &tokio::runtime::Handle::current());
/// let mut page = Vec::new();
/// registry.encode(Format::Text, &mut page);
/// assert!(String::from_utf8_lossy(&page).contains("tokio_alive_tasks{runtime=\"main\"} 0"));
/// # });
/// ```
#[cfg(feature = "runtime")]
pub fn runtime(registry: &Registry, handle: &tokio::runtime::Handle) {
    runtime::add(registry, handle);
}

/// Says in a line of level `DEBUG` that what comes from `source` is not on the page, and why.
fn say_missing(source: &str, why: &dyn std::fmt::Display) {
    tracing::debug!(target: crate::semconv::log::OWN_TARGET, "no metrics of {source}: {why}");
}

#[cfg(all(
    any(feature = "cgroup", feature = "host", feature = "pressure", feature = "process"),
    not(target_os = "linux")
))]
fn foreign(what: &str) {
    say_missing(what, &"it is read on Linux only");
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
