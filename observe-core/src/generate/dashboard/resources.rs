//! Utilisation, saturation and errors of what the service runs on.

use super::family;
use super::panel::Panel;
use super::query::{legend, of_capacity, over, select};
use super::{Row, begun_by};
use crate::generate::declared::Declared;
use crate::semconv::{cgroup, metric as names, own, process, runtime};

/// What begins the names of families about the process, its runtime and its host.
pub(super) const PREFIXES: [&str; 5] = ["process_", "tokio_", "cgroup_", "pressure_", "system_"];

/// Of what there are so many: what is used, of how many, by which label; and what it is called, where there is none.
const FULL: [(&str, &str, &str, &str); 4] = [
    (names::RESOURCE_IN_USE, names::RESOURCE_CAPACITY, names::RESOURCE, ""),
    (names::QUEUE_DEPTH, names::QUEUE_CAPACITY, names::QUEUE, ""),
    (process::OPEN_FDS, process::MAX_FDS, "", "file descriptors"),
    (cgroup::MEMORY_WORKING_SET_BYTES, cgroup::MEMORY_MAX_BYTES, "", "memory of the container"),
];

/// What waits.
const WAITING: [(&str, &str); 3] = [
    (names::RESOURCE_WAITING, names::RESOURCE),
    (names::QUEUE_SENDERS_WAITING, names::QUEUE),
    (runtime::GLOBAL_QUEUE_DEPTH, ""),
];

/// How far something is behind.
const LAGS: [(&str, &str); 2] =
    [(names::QUEUE_LAG_SECONDS, names::QUEUE), (names::REPLICA_LAG_SECONDS, names::REPLICA)];

/// How far queues and replicas are behind: it stands beside the objectives.
pub(super) fn lag(declared: &Declared) -> Vec<Panel> {
    let text = "How long queues stand still, and how far replicas are behind: the largest of all instances.";
    let mut panel = Panel::lines("Lag", "s", text);
    for (family, label) in LAGS {
        let Some(called) = declared.family(family) else { continue };
        let by: Vec<&str> = called.label(label).into_iter().collect();
        panel = panel.query(over("max", &by, &select(called.name, "")), legend(&by));
    }
    if panel.is_empty() { Vec::new() } else { vec![panel] }
}

/// What stands on top: how full everything is, and how many wait.
pub(super) fn summary(declared: &Declared) -> Vec<Panel> {
    [utilisation(declared), waiting(declared)].into_iter().filter(|panel| !panel.is_empty()).collect()
}

fn utilisation(declared: &Declared) -> Panel {
    let text = "Which share of each resource is held, how full queues are, and how much of its limits the process has used up: of all \
                instances.";
    let mut panel =
        Panel::lines("Utilisation", "percentunit", text).steps("green", &[(0.8, "orange"), (0.95, "red")]);
    for (used, capacity, label, name) in FULL {
        let (Some(used), Some(capacity)) = (declared.family(used), declared.family(capacity)) else {
            continue;
        };
        let by: Vec<&str> = used.label(label).filter(|label| !label.is_empty()).into_iter().collect();
        let name = if by.is_empty() { name.to_owned() } else { legend(&by) };
        panel = panel.query(of_capacity(&by, &select(used.name, ""), &select(capacity.name, "")), name);
    }
    panel
}

fn waiting(declared: &Declared) -> Panel {
    let text =
        "How many wait: for a resource, for room in a queue, for a thread of the runtime. Of all instances.";
    let mut panel = Panel::lines("Waiting", "short", text);
    for (family, label) in WAITING {
        let Some(called) = declared.family(family) else { continue };
        let by: Vec<&str> = called.label(label).filter(|label| !label.is_empty()).into_iter().collect();
        let name = if by.is_empty() { "tasks".to_owned() } else { legend(&by) };
        panel = panel.query(over("sum", &by, &select(called.name, "")), name);
    }
    panel
}

pub(super) fn rows(declared: &Declared) -> Vec<Row> {
    let titled = |families: &[(&str, &str)]| -> Vec<Panel> {
        families.iter().flat_map(|(family, title)| family::titled(declared, family, title)).collect()
    };
    let mut rows = vec![
        Row::new("Utilisation and saturation", [summary(declared), lag(declared)].concat()),
        Row::new(
            "Resources",
            titled(&[
                (names::RESOURCE_IN_USE, "Held"),
                (names::RESOURCE_ERRORS_TOTAL, "Errors"),
                (names::RESOURCE_WAIT_DURATION_SECONDS, "Wait"),
                (names::RESOURCE_USE_DURATION_SECONDS, "Use"),
            ]),
        ),
    ];
    // Whatever else is known of queues and replicas, under whatever name.
    let mut queues = titled(&[
        (names::QUEUE_DEPTH, "In the queue"),
        (names::QUEUE_REJECTED_TOTAL, "Refused"),
        (names::QUEUE_WAIT_DURATION_SECONDS, "Time in the queue"),
    ]);
    let is_shown = |name: &str| {
        [
            names::QUEUE_DEPTH,
            names::QUEUE_CAPACITY,
            names::QUEUE_REJECTED_TOTAL,
            names::QUEUE_WAIT_DURATION_SECONDS,
        ]
        .into_iter()
        .chain(LAGS.map(|(family, _)| family))
        .filter_map(|family| declared.family(family))
        .any(|called| called.name == name)
    };
    queues.extend(
        begun_by(declared, &["queue_", "replica_"])
            .into_iter()
            .filter(|name| !is_shown(name))
            .flat_map(|name| family::of(declared, name)),
    );
    rows.push(Row::new("Queues", queues));
    for (prefix, title) in PREFIXES.into_iter().zip(["Process", "Runtime", "Container", "Pressure", "Host"]) {
        let families = begun_by(declared, &[prefix]).into_iter();
        let families = families.filter(|name| *name != own::PROCESS_START_TIME_SECONDS);
        rows.push(Row::new(title, families.flat_map(|name| family::of(declared, name)).collect()));
    }
    rows
}
