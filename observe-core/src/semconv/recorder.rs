//! The flight recorder and its snapshots.

/// How many bytes of memory the flight recorder owns.
pub const MEMORY_BYTES: &str = "observe_recorder_memory_bytes";
/// Reason: there was nothing free to write into at that moment.
pub const BUSY: &str = "busy";
/// Reason: it took more than a part of the memory.
pub const TOO_LARGE: &str = "too_large";
/// Reason: a snapshot came too soon after others.
pub const TOO_OFTEN: &str = "too_often";
/// The variable that says where snapshots go.
pub const OBSERVE_SNAPSHOTS: &str = "OBSERVE_SNAPSHOTS";
