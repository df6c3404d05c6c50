//! A tokio runtime.

/// The label that names a runtime.
pub const RUNTIME: &str = "runtime";
/// How many workers there are.
pub const WORKERS: &str = "tokio_workers";
/// How long workers were busy, all together.
pub const WORKER_BUSY_SECONDS_TOTAL: &str = "tokio_worker_busy_seconds_total";
/// How often workers went to sleep, for want of work.
pub const WORKER_PARKS_TOTAL: &str = "tokio_worker_parks_total";
/// How many tasks there are that have not ended.
pub const ALIVE_TASKS: &str = "tokio_alive_tasks";
/// How many tasks wait in the queue of all workers.
pub const GLOBAL_QUEUE_DEPTH: &str = "tokio_global_queue_depth";

// Below: only where tokio is built with `--cfg tokio_unstable`.

/// How many tasks wait in the queues of single workers.
pub const LOCAL_QUEUE_DEPTH: &str = "tokio_local_queue_depth";
/// How many tasks were spawned.
pub const SPAWNED_TASKS_TOTAL: &str = "tokio_spawned_tasks_total";
/// How often tasks were polled.
pub const POLLS_TOTAL: &str = "tokio_polls_total";
/// How often workers took tasks from one another.
pub const STEALS_TOTAL: &str = "tokio_steals_total";
/// How often a worker's own queue was full.
pub const OVERFLOWS_TOTAL: &str = "tokio_overflows_total";
/// How often tasks were made to yield, having used their budget.
pub const FORCED_YIELDS_TOTAL: &str = "tokio_forced_yields_total";
/// How many threads there are for blocking work.
pub const BLOCKING_THREADS: &str = "tokio_blocking_threads";
/// How many of them have nothing to do.
pub const IDLE_BLOCKING_THREADS: &str = "tokio_idle_blocking_threads";
/// How much blocking work waits for a thread.
pub const BLOCKING_QUEUE_DEPTH: &str = "tokio_blocking_queue_depth";
/// How long polls took, where the runtime measures it.
pub const POLL_DURATION_SECONDS: &str = "tokio_poll_duration_seconds";
