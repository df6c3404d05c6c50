//! The time that this thread has had a processor: it does not pass while another has the core.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds since the thread began.
pub(crate) fn nanos() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
