//! Every family of the library's own, also those that come later: what views may name before they are there.

use crate::metric::Kind;
use crate::semconv::{
    admin, cgroup, db, gen_ai, host, http, http_client, log, metric, operation, own, pressure, process,
    recorder, rpc, runtime, slo,
};

/// A family: its name, its kind and its labels.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
}

const fn entry(name: &'static str, kind: Kind, labels: &'static [&'static str]) -> Entry {
    Entry { name, kind, labels }
}

const REQUEST: &[&str] = &[
    http::REQUEST_METHOD_LABEL,
    http::SCHEME_LABEL,
    http::ROUTE_LABEL,
    http::STATUS_LABEL,
    http::ERROR_TYPE_LABEL,
    http::VERSION_LABEL,
    http::SEGMENT_LABEL,
];

const CALL: &[&str] = &[
    http::REQUEST_METHOD_LABEL,
    http_client::SERVER_ADDRESS_LABEL,
    http_client::SERVER_PORT_LABEL,
    http_client::URL_TEMPLATE_LABEL,
    http::STATUS_LABEL,
    http::ERROR_TYPE_LABEL,
];

const SLO: &[&str] = &[slo::SLO, slo::SERVICE];

const MODEL: &[&str] = &[
    gen_ai::OPERATION_NAME_LABEL,
    gen_ai::PROVIDER_NAME_LABEL,
    gen_ai::REQUEST_MODEL_LABEL,
    gen_ai::RESPONSE_MODEL_LABEL,
];

/// The labels of the classic families, in their order.
pub(crate) const CLASSIC_REQUESTS: &[&str] = &[
    http::CLASSIC_SERVICE,
    http::CLASSIC_METHOD,
    http::CLASSIC_ENDPOINT,
    http::CLASSIC_STATUS,
    http::SEGMENT_LABEL,
];
pub(crate) const CLASSIC_DURATION: &[&str] = &[
    http::CLASSIC_SERVICE,
    http::CLASSIC_METHOD,
    http::CLASSIC_ENDPOINT,
    http::CLASSIC_STATUS,
    http::ERROR_TYPE_LABEL,
    http::SEGMENT_LABEL,
];
pub(crate) const CLASSIC_IN_PROGRESS: &[&str] =
    &[http::CLASSIC_SERVICE, http::CLASSIC_METHOD, http::CLASSIC_ENDPOINT];

/// Of every telemetry, those included that come with its first server or client.
const TELEMETRY: &[Entry] = &[
    entry(own::CONTEXT_REJECTED_TOTAL, Kind::Counter, &[own::HEADER, own::REASON]),
    entry(own::DROPPED_TOTAL, Kind::Counter, &[own::SIGNAL, own::REASON]),
    entry(own::EXPORT_TOTAL, Kind::Counter, &[own::SIGNAL, metric::OUTCOME]),
    entry(own::TRACES_TOTAL, Kind::Counter, &[own::DECISION]),
    entry(own::QUEUE_LENGTH, Kind::Gauge, &[own::SIGNAL]),
    entry(own::TRACE_MEMORY_BYTES, Kind::Gauge, &[]),
    entry(log::SAMPLED_OUT_TOTAL, Kind::Counter, &[]),
    entry(log::HELD_BYTES, Kind::Gauge, &[]),
    entry(recorder::MEMORY_BYTES, Kind::Gauge, &[]),
    entry(own::BUILD_INFO, Kind::Info, &[own::VERSION, own::REVISION]),
    entry(own::PROCESS_START_TIME_SECONDS, Kind::Gauge, &[]),
    entry(slo::EVENTS_TOTAL, Kind::Counter, SLO),
    entry(slo::BAD_EVENTS_TOTAL, Kind::Counter, SLO),
    entry(slo::EXCLUDED_EVENTS_TOTAL, Kind::Counter, &[slo::SLO, slo::SERVICE, slo::REASON]),
    entry(slo::OBJECTIVE_RATIO, Kind::Gauge, SLO),
    entry(slo::ERROR_BUDGET_REMAINING_RATIO, Kind::Gauge, SLO),
    entry(slo::BURN_RATE, Kind::Gauge, &[slo::SLO, slo::SERVICE, slo::WINDOW]),
    entry(slo::COVERED_SECONDS, Kind::Gauge, &[slo::SLO, slo::SERVICE, slo::WINDOW]),
    entry(http::SERVER_REQUEST_BODY_SIZE_BYTES, Kind::Histogram, REQUEST),
    entry(http::SERVER_RESPONSE_BODY_SIZE_BYTES, Kind::Histogram, REQUEST),
    entry(http::SERVER_QUEUE_DURATION_SECONDS, Kind::Histogram, &[]),
    entry(http::SERVER_READY_WAIT_SECONDS, Kind::Histogram, &[]),
    entry(
        http::SERVER_STREAM_DURATION_SECONDS,
        Kind::Histogram,
        &[http::ROUTE_LABEL, http::STREAM, metric::OUTCOME],
    ),
    entry(http::SERVER_OPEN_STREAMS, Kind::Gauge, &[http::ROUTE_LABEL, http::STREAM]),
    entry(http_client::REQUEST_DURATION_SECONDS, Kind::Histogram, CALL),
    entry(
        http_client::ACTIVE_REQUESTS,
        Kind::Gauge,
        &[http::REQUEST_METHOD_LABEL, http_client::SERVER_ADDRESS_LABEL, http_client::SERVER_PORT_LABEL],
    ),
    entry(
        rpc::SERVER_CALL_DURATION_SECONDS,
        Kind::Histogram,
        &[rpc::SYSTEM_LABEL, rpc::METHOD_LABEL, rpc::STATUS_LABEL, http::ERROR_TYPE_LABEL],
    ),
    entry(
        rpc::CLIENT_CALL_DURATION_SECONDS,
        Kind::Histogram,
        &[
            rpc::SYSTEM_LABEL,
            rpc::METHOD_LABEL,
            rpc::STATUS_LABEL,
            http::ERROR_TYPE_LABEL,
            http_client::SERVER_ADDRESS_LABEL,
            http_client::SERVER_PORT_LABEL,
        ],
    ),
];

/// Of requests, under the names of OpenTelemetry.
const STANDARD: &[Entry] = &[
    entry(http::SERVER_REQUEST_DURATION_SECONDS, Kind::Histogram, REQUEST),
    entry(http::SERVER_ACTIVE_REQUESTS, Kind::Gauge, &[http::REQUEST_METHOD_LABEL, http::SCHEME_LABEL]),
];

/// Of requests, under the classic names.
const CLASSIC: &[Entry] = &[
    entry(http::CLASSIC_REQUESTS_TOTAL, Kind::Counter, CLASSIC_REQUESTS),
    entry(http::CLASSIC_REQUEST_DURATION_SECONDS, Kind::Histogram, CLASSIC_DURATION),
    entry(http::CLASSIC_REQUESTS_IN_PROGRESS, Kind::Gauge, CLASSIC_IN_PROGRESS),
];

/// Of the process, of a registry, or of what a service makes of its own accord.
const OTHERS: &[Entry] = &[
    entry(own::SCRAPE_DURATION_SECONDS, Kind::Histogram, &[]),
    entry(admin::REFUSED_TOTAL, Kind::Counter, &[admin::RULE]),
    entry(operation::FUNCTION_DURATION_SECONDS, Kind::Histogram, &[operation::FUNCTION, metric::OUTCOME]),
    entry(
        operation::DEPENDENCY_DURATION_SECONDS,
        Kind::Histogram,
        &[operation::DEPENDENCY, operation::OPERATION, metric::OUTCOME],
    ),
    entry(operation::OPERATION_DURATION_SECONDS, Kind::Histogram, &[operation::OPERATION, metric::OUTCOME]),
    entry(operation::OPERATIONS_IN_FLIGHT, Kind::Gauge, &[operation::OPERATION]),
    entry(metric::RESOURCE_CAPACITY, Kind::Gauge, &[metric::RESOURCE]),
    entry(metric::RESOURCE_IN_USE, Kind::Gauge, &[metric::RESOURCE]),
    entry(metric::RESOURCE_WAITING, Kind::Gauge, &[metric::RESOURCE]),
    entry(metric::RESOURCE_WAIT_DURATION_SECONDS, Kind::Histogram, &[metric::RESOURCE]),
    entry(metric::RESOURCE_USE_DURATION_SECONDS, Kind::Histogram, &[metric::RESOURCE]),
    entry(metric::RESOURCE_ERRORS_TOTAL, Kind::Counter, &[metric::RESOURCE]),
    entry(metric::QUEUE_CAPACITY, Kind::Gauge, &[metric::QUEUE]),
    entry(metric::QUEUE_DEPTH, Kind::Gauge, &[metric::QUEUE]),
    entry(metric::QUEUE_LAG_SECONDS, Kind::Gauge, &[metric::QUEUE]),
    entry(metric::QUEUE_WAIT_DURATION_SECONDS, Kind::Histogram, &[metric::QUEUE]),
    entry(metric::QUEUE_REJECTED_TOTAL, Kind::Counter, &[metric::QUEUE, own::REASON]),
    entry(metric::QUEUE_DEAD_LETTERS_TOTAL, Kind::Counter, &[metric::QUEUE]),
    entry(metric::QUEUE_REDELIVERIES_TOTAL, Kind::Counter, &[metric::QUEUE]),
    entry(metric::QUEUE_SENDERS_WAITING, Kind::Gauge, &[metric::QUEUE]),
    entry(metric::QUEUE_SEND_WAIT_DURATION_SECONDS, Kind::Histogram, &[metric::QUEUE]),
    entry(metric::REPLICA_LAG_SECONDS, Kind::Gauge, &[metric::REPLICA]),
    entry(
        gen_ai::CLIENT_TOKEN_USAGE,
        Kind::Histogram,
        &[
            gen_ai::OPERATION_NAME_LABEL,
            gen_ai::PROVIDER_NAME_LABEL,
            gen_ai::REQUEST_MODEL_LABEL,
            gen_ai::RESPONSE_MODEL_LABEL,
            gen_ai::TOKEN_TYPE_LABEL,
        ],
    ),
    entry(
        gen_ai::CLIENT_OPERATION_DURATION_SECONDS,
        Kind::Histogram,
        &[
            gen_ai::OPERATION_NAME_LABEL,
            gen_ai::PROVIDER_NAME_LABEL,
            gen_ai::REQUEST_MODEL_LABEL,
            gen_ai::RESPONSE_MODEL_LABEL,
            http::ERROR_TYPE_LABEL,
        ],
    ),
    entry(gen_ai::CLIENT_OPERATION_TIME_TO_FIRST_CHUNK_SECONDS, Kind::Histogram, MODEL),
    entry(gen_ai::CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK_SECONDS, Kind::Histogram, MODEL),
    entry(
        db::CLIENT_OPERATION_DURATION_SECONDS,
        Kind::Histogram,
        &[
            db::SYSTEM_NAME_LABEL,
            db::NAMESPACE_LABEL,
            db::OPERATION_NAME_LABEL,
            db::COLLECTION_NAME_LABEL,
            db::QUERY_SUMMARY_LABEL,
            db::RESPONSE_STATUS_CODE_LABEL,
            http::ERROR_TYPE_LABEL,
        ],
    ),
];

const FILESYSTEM: &[&str] =
    &[host::DEVICE, host::FILESYSTEM_MOUNTPOINT, host::FILESYSTEM_TYPE, host::FILESYSTEM_STATE];
const DISK: &[&str] = &[host::DEVICE, host::DISK_DIRECTION];
const NETWORK: &[&str] = &[host::NETWORK_INTERFACE, host::NETWORK_DIRECTION];
const STALLS: &[&str] = &[metric::RESOURCE, pressure::STALL];
const RUNTIME: &[&str] = &[runtime::RUNTIME];

/// Of what is beneath the service, by the collectors that are asked for.
const BENEATH: &[Entry] = &[
    entry(process::CPU_SECONDS_TOTAL, Kind::Counter, &[]),
    entry(process::RESIDENT_MEMORY_BYTES, Kind::Gauge, &[]),
    entry(process::VIRTUAL_MEMORY_BYTES, Kind::Gauge, &[]),
    entry(process::VIRTUAL_MEMORY_MAX_BYTES, Kind::Gauge, &[]),
    entry(process::OPEN_FDS, Kind::Gauge, &[]),
    entry(process::MAX_FDS, Kind::Gauge, &[]),
    entry(process::THREADS, Kind::Gauge, &[]),
    entry(pressure::STALL_SECONDS_TOTAL, Kind::Counter, STALLS),
    entry(pressure::CGROUP_STALL_SECONDS_TOTAL, Kind::Counter, STALLS),
    entry(cgroup::CPU_USAGE_SECONDS_TOTAL, Kind::Counter, &[]),
    entry(cgroup::CPU_LIMIT_CORES, Kind::Gauge, &[]),
    entry(cgroup::CPU_PERIODS_TOTAL, Kind::Counter, &[]),
    entry(cgroup::CPU_THROTTLED_PERIODS_TOTAL, Kind::Counter, &[]),
    entry(cgroup::CPU_THROTTLED_SECONDS_TOTAL, Kind::Counter, &[]),
    entry(cgroup::MEMORY_CURRENT_BYTES, Kind::Gauge, &[]),
    entry(cgroup::MEMORY_WORKING_SET_BYTES, Kind::Gauge, &[]),
    entry(cgroup::MEMORY_MAX_BYTES, Kind::Gauge, &[]),
    entry(cgroup::MEMORY_HIGH_BYTES, Kind::Gauge, &[]),
    entry(cgroup::MEMORY_EVENTS_TOTAL, Kind::Counter, &[cgroup::EVENT]),
    entry(cgroup::PIDS_CURRENT, Kind::Gauge, &[]),
    entry(cgroup::PIDS_MAX, Kind::Gauge, &[]),
    entry(cgroup::PIDS_REFUSED_TOTAL, Kind::Counter, &[]),
    entry(host::CPU_TIME_SECONDS_TOTAL, Kind::Counter, &[host::CPU_MODE]),
    entry(host::CPU_LOAD_AVERAGE_1M, Kind::Gauge, &[]),
    entry(host::MEMORY_LIMIT_BYTES, Kind::Gauge, &[]),
    entry(host::MEMORY_USAGE_BYTES, Kind::Gauge, &[host::MEMORY_STATE]),
    entry(host::MEMORY_AVAILABLE_BYTES, Kind::Gauge, &[]),
    entry(host::PAGING_USAGE_BYTES, Kind::Gauge, &[host::PAGING_STATE]),
    entry(host::MEMORY_OOM_KILLS_TOTAL, Kind::Counter, &[]),
    entry(
        host::FILESYSTEM_LIMIT_BYTES,
        Kind::Gauge,
        &[host::DEVICE, host::FILESYSTEM_MOUNTPOINT, host::FILESYSTEM_TYPE],
    ),
    entry(host::FILESYSTEM_USAGE_BYTES, Kind::Gauge, FILESYSTEM),
    entry(host::DISK_IO_BYTES_TOTAL, Kind::Counter, DISK),
    entry(host::DISK_OPERATIONS_TOTAL, Kind::Counter, DISK),
    entry(host::DISK_OPERATION_TIME_SECONDS_TOTAL, Kind::Counter, DISK),
    entry(host::DISK_IO_TIME_SECONDS_TOTAL, Kind::Counter, &[host::DEVICE]),
    entry(host::DISK_WEIGHTED_IO_TIME_SECONDS_TOTAL, Kind::Counter, &[host::DEVICE]),
    entry(host::NETWORK_IO_BYTES_TOTAL, Kind::Counter, NETWORK),
    entry(host::NETWORK_ERRORS_TOTAL, Kind::Counter, NETWORK),
    entry(host::NETWORK_PACKET_DROPPED_TOTAL, Kind::Counter, NETWORK),
    entry(runtime::WORKERS, Kind::Gauge, RUNTIME),
    entry(runtime::WORKER_BUSY_SECONDS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::WORKER_PARKS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::ALIVE_TASKS, Kind::Gauge, RUNTIME),
    entry(runtime::GLOBAL_QUEUE_DEPTH, Kind::Gauge, RUNTIME),
    entry(runtime::LOCAL_QUEUE_DEPTH, Kind::Gauge, RUNTIME),
    entry(runtime::SPAWNED_TASKS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::POLLS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::STEALS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::OVERFLOWS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::FORCED_YIELDS_TOTAL, Kind::Counter, RUNTIME),
    entry(runtime::BLOCKING_THREADS, Kind::Gauge, RUNTIME),
    entry(runtime::IDLE_BLOCKING_THREADS, Kind::Gauge, RUNTIME),
    entry(runtime::BLOCKING_QUEUE_DEPTH, Kind::Gauge, RUNTIME),
    entry(runtime::POLL_DURATION_SECONDS, Kind::Histogram, RUNTIME),
];

/// What the collectors read that are asked for; what a machine has of it differs.
pub(crate) mod source {
    pub(crate) const PROCESS: &str = "process";
    pub(crate) const PRESSURE: &str = "pressure";
    pub(crate) const CGROUP: &str = "cgroup";
    pub(crate) const HOST: &str = "host";
}

/// Every family that comes of reading this, on a machine that has all of it.
pub(crate) fn read_of(what: &str) -> impl Iterator<Item = &'static Entry> {
    let begins: &[&str] = match what {
        source::PROCESS => &["process_"],
        source::PRESSURE => &["pressure_", "cgroup_pressure_"],
        source::CGROUP => &["cgroup_cpu_", "cgroup_memory_", "cgroup_pids_"],
        source::HOST => &["system_"],
        _ => &[],
    };
    BENEATH.iter().filter(move |entry| begins.iter().any(|begin| entry.name.starts_with(begin)))
}

/// What a telemetry needs the names of.
pub(crate) fn of_telemetry(is_classic: bool) -> impl Iterator<Item = &'static Entry> {
    TELEMETRY.iter().chain(if is_classic { CLASSIC } else { STANDARD })
}

/// All.
pub(crate) fn all(is_classic: bool) -> impl Iterator<Item = &'static Entry> {
    of_telemetry(is_classic).chain(OTHERS).chain(BENEATH)
}
