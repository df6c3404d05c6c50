//! Metrics of operations: annotated functions, calls to dependencies, operations opened by hand.

/// How long annotated functions took, by `function` and `outcome`.
pub const FUNCTION_DURATION_SECONDS: &str = "function_duration_seconds";
/// How long calls to dependencies took, by `dependency`, `operation` and `outcome`.
pub const DEPENDENCY_DURATION_SECONDS: &str = "dependency_duration_seconds";
/// How long operations opened by hand took, by `operation` and `outcome`.
pub const OPERATION_DURATION_SECONDS: &str = "operation_duration_seconds";
/// How many operations opened by hand have started and not ended, by `operation`.
pub const OPERATIONS_IN_FLIGHT: &str = "operations_in_flight";
/// The label that names a function, with its module.
pub const FUNCTION: &str = "function";
/// The label that names what is depended on.
pub const DEPENDENCY: &str = "dependency";
/// The label that names what is done.
pub const OPERATION: &str = "operation";
