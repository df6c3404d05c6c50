//! The time that a processor was had: it does not pass while others have the core.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds that this thread has had one.
pub(crate) fn thread() -> f64 {
    nanos(ClockId::ThreadCPUTime)
}

/// Nanoseconds that all threads of this process have had one.
pub(crate) fn process() -> f64 {
    nanos(ClockId::ProcessCPUTime)
}

fn nanos(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
