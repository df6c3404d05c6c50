//! The guides. Each snippet in them is a test.

// A link is defined twice: here, first, for these pages, and in the files, for those who read them as they are.

/// Every metric, and what it says.
///
#[doc = "[Clients]: self::clients"]
#[doc = "[Context]: self::context"]
#[doc = "[Labels]: self::cardinality"]
#[doc = "[OTLP]: self::otlp"]
#[doc = "[Sampling]: self::sampling"]
#[doc = "[SLOs]: self::slo"]
#[doc = "[Telemetry]: self::telemetry"]
#[doc = "[USE]: self::usage"]
#[doc = "[Limits]: self::limits"]
#[doc = ""]
#[doc = include_str!("../docs/metrics.md")]
pub mod metrics {}

/// Labels, and how many series they make.
#[doc = include_str!("../docs/cardinality.md")]
pub mod cardinality {}

/// The log: every key, and which lines are written.
///
#[doc = "[Formats]: self::log_formats"]
#[doc = "[Metrics]: self::metrics"]
#[doc = "[Redaction]: self::redaction"]
#[doc = "[Sampling]: self::sampling"]
#[doc = "[Shutdown]: self::shutdown"]
#[doc = "[USE]: self::usage"]
#[doc = "[Flight recorder]: self::flight_recorder"]
#[doc = ""]
#[doc = include_str!("../docs/logs.md")]
pub mod logs {}

/// What a line is called elsewhere: OpenTelemetry, ECS, Google Cloud.
///
#[doc = "[The log]: self::logs"]
#[doc = "[Shipping]: self::shipping"]
#[doc = ""]
#[doc = include_str!("../docs/log_formats.md")]
pub mod log_formats {}

/// From standard output to where lines are kept: Vector, Fluent Bit, Alloy, the Collector.
///
#[doc = "[Formats]: self::log_formats"]
#[doc = "[The log]: self::logs"]
#[doc = ""]
#[doc = include_str!("../docs/shipping.md")]
pub mod shipping {}

/// What must not be told: by the names of fields, by type, in URLs.
#[doc = include_str!("../docs/redaction.md")]
pub mod redaction {}

/// Utilisation, saturation, errors: what a service runs on.
///
// Its snippets need features of observe-core, which tests them.
#[doc = "[Limits]: self::limits"]
#[doc = "[Metrics]: self::metrics"]
#[doc = "[Names]: self::metrics#names-labels-and-buckets-of-your-own"]
#[doc = ""]
#[cfg_attr(not(doctest), doc = include_str!("../docs/use.md"))]
pub mod usage {}

/// Context: headers, tasks, threads, messages.
///
#[doc = "[Clients]: self::clients"]
#[doc = "[Metrics]: self::metrics"]
#[doc = "[Telemetry]: self::telemetry"]
#[doc = "[Propagation]: self::propagation"]
#[doc = "[Sampling]: self::sampling"]
#[doc = ""]
#[doc = include_str!("../docs/context.md")]
pub mod context {}

/// What comes with a request, what of it counts, and what goes on.
///
#[doc = "[Clients]: self::clients"]
#[doc = "[Context]: self::context"]
#[doc = ""]
#[doc = include_str!("../docs/propagation.md")]
pub mod propagation {}

/// Which traces are kept, and what it may take to decide that at their end.
///
#[doc = "[trusted]: self::propagation"]
#[doc = "[Propagation]: self::propagation"]
#[doc = "[Configuration]: self::configuration"]
#[doc = "[Context]: self::context"]
#[doc = "[objective]: self::slo"]
#[doc = "[Scale]: self::scale"]
#[doc = ""]
#[doc = include_str!("../docs/sampling.md")]
pub mod sampling {}

/// Service level objectives: what is good, which events count, who is told.
///
#[doc = "[Alerting]: self::alerting"]
#[doc = "[Clients]: self::clients"]
#[doc = "[Dashboards]: self::dashboards"]
#[doc = "[Flight recorder]: self::flight_recorder"]
#[doc = "[Metrics]: self::metrics"]
#[doc = "[Sampling]: self::sampling"]
#[doc = "[Labels]: self::cardinality"]
#[doc = "[Scale]: self::scale"]
#[doc = ""]
#[doc = include_str!("../docs/slo.md")]
pub mod slo {}

/// Who is told of what: alert rules, and their tests.
///
#[doc = "[Scale]: self::scale"]
#[doc = "[SLOs]: self::slo"]
#[doc = ""]
#[doc = include_str!("../docs/alerting.md")]
pub mod alerting {}

/// Dashboards, and where Grafana gets their data.
///
#[doc = "[Scale]: self::scale"]
#[doc = "[views]: self::metrics"]
#[doc = ""]
#[doc = include_str!("../docs/dashboards.md")]
pub mod dashboards {}

/// More than one process, and more than one machine.
///
#[doc = "[Alerting]: self::alerting"]
#[doc = "[Limits]: self::limits"]
#[doc = "[OTLP]: self::otlp"]
#[doc = "[Sampling]: self::sampling"]
#[doc = "[SLOs]: self::slo"]
#[doc = ""]
#[doc = include_str!("../docs/scale.md")]
pub mod scale {}

/// The admin service: what a process knows about itself, as JSON.
///
#[doc = "[Flight recorder]: self::flight_recorder"]
#[doc = "[Labels]: self::cardinality"]
#[doc = "[Limits]: self::limits"]
#[doc = ""]
#[doc = include_str!("../docs/admin.md")]
pub mod admin {}

/// The console: the same to look at.
///
#[doc = "[Admin]: self::admin"]
#[doc = "[Flight recorder]: self::flight_recorder"]
#[doc = ""]
#[doc = include_str!("../docs/console.md")]
pub mod console {}

/// The flight recorder: what happened just now, kept or not, written down when it is asked for.
///
#[doc = "[Sampling]: self::sampling"]
#[doc = "[Panics]: self::logs#panics"]
#[doc = ""]
#[doc = include_str!("../docs/flight_recorder.md")]
pub mod flight_recorder {}

/// Requests to other services, and calls by gRPC.
///
#[doc = "[Metrics]: self::metrics"]
#[doc = "[Propagation]: self::propagation"]
#[doc = "[Redaction]: self::redaction"]
#[doc = "[Sampling]: self::sampling"]
#[doc = ""]
// Its snippets need the feature `client`.
#[cfg_attr(any(not(doctest), feature = "client"), doc = include_str!("../docs/clients.md"))]
pub mod clients {}

/// In tests, and beside other subscribers.
///
// Its snippets need the feature `subscriber`: observe-core, which has it, tests them.
#[doc = "[Architecture]: self::architecture"]
#[doc = "[Shutdown]: self::shutdown"]
#[doc = "[Testing]: self::testing"]
#[doc = ""]
#[cfg_attr(not(doctest), doc = include_str!("../docs/telemetry.md"))]
pub mod telemetry {}

/// The end of a service, and of a job: readiness, requests, lines, the last scrape.
///
#[doc = "[OTLP]: self::otlp"]
#[doc = ""]
#[doc = include_str!("../docs/shutdown.md")]
pub mod shutdown {}

/// What holds when what is around a service fails, and how it shows.
///
#[doc = "[Shutdown]: self::shutdown"]
#[doc = ""]
#[doc = include_str!("../docs/faults.md")]
pub mod faults {}

/// Kept traces and metrics to a collector: by HTTP, by gRPC, when it is not there.
///
// Its snippets need the feature `otlp`: observe-core, which has it, tests them.
#[doc = "[Configuration]: self::configuration"]
#[doc = "[flight recorder]: self::flight_recorder"]
#[doc = "[Limits]: self::limits"]
#[doc = "[Propagation]: self::propagation"]
#[doc = "[Sampling]: self::sampling"]
#[doc = ""]
#[cfg_attr(not(doctest), doc = include_str!("../docs/otlp.md"))]
pub mod otlp {}

/// Every option and variable, and who wins.
///
#[doc = "[Admin]: self::admin"]
#[doc = "[Formats]: self::log_formats"]
#[doc = "[Limits]: self::limits"]
#[doc = "[Metrics]: self::metrics"]
#[doc = "[OTLP]: self::otlp"]
#[doc = "[SLOs]: self::slo"]
#[doc = ""]
#[doc = include_str!("../docs/configuration.md")]
pub mod configuration {}

/// Every named bound, and what happens beyond it.
///
#[doc = "[Configuration]: self::configuration"]
#[doc = ""]
#[doc = include_str!("../docs/limits.md")]
pub mod limits {}

/// Coming from other crates: before and after.
///
#[doc = "[Bridges]: self::bridges"]
#[doc = "[Metrics]: self::metrics"]
#[doc = "[OTLP]: self::otlp"]
#[doc = "[Sampling]: self::sampling"]
#[doc = "[Telemetry]: self::telemetry"]
#[doc = ""]
#[doc = include_str!("../docs/migration.md")]
pub mod migration {}

/// What code records by other means, on the same page.
///
#[doc = "[Limits]: self::limits"]
#[doc = ""]
// Its snippet needs the feature `metrics`: observe-core, which has it, tests it.
#[cfg_attr(not(doctest), doc = include_str!("../docs/bridges.md"))]
pub mod bridges {}

/// Tests of what a service observes.
#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

/// Where things live, and what happens to one request.
#[doc = include_str!("../docs/architecture.md")]
pub mod architecture {}

// The README's program listens: its block is marked `test_harness`, so that it is compiled and its `main` not run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
