//! What belongs to no objective.

use super::super::declared::Declared;
use super::super::promql::series;
use super::super::rules::service_alerts;
use super::{Case, Check};
use crate::semconv::{alert as names, host, metric, own};

/// After so many ticks is asked what fires.
const END: u32 = 100;

/// An alert that fires, and the labels that come from what it asks.
type Firing<'a> = (&'a str, Vec<(&'a str, &'a str)>);

pub(super) fn cases(declared: &Declared) -> Vec<Case> {
    vec![troubled(declared), all_loop(declared), gone(declared)]
}

fn of(declared: &Declared, name: &str, labels: &[(&str, &str)]) -> String {
    let job = [(names::JOB, &*declared.service), (names::INSTANCE, "a")];
    series(declared.shown(name), job.into_iter().chain(labels.iter().copied()))
}

fn started(declared: &Declared, instance: &str) -> String {
    let name = declared.shown(own::PROCESS_START_TIME_SECONDS);
    series(name, [(names::JOB, &*declared.service), (names::INSTANCE, instance)])
}

/// Starts every fourth tick.
fn loops(ticks: u32) -> String {
    let starts: Vec<_> = (0..=ticks / 4).map(|start| format!("{}+0x3", 1000 + start)).collect();
    starts.join(" ")
}

fn stays(value: &str) -> String {
    format!("{value}+0x{END}")
}

/// Which of the alerts fire, all of them asked for.
fn firing(declared: &Declared, at: u32, expected: &[Firing<'_>]) -> Check {
    let labels = [("alertstate", "firing"), ("service", &*declared.service), ("slo", "")];
    let alerts = service_alerts(declared);
    let samples = expected.iter().filter_map(|(name, labels)| {
        let alert = alerts.iter().find(|alert| alert.name == *name)?;
        Some((alert.firing(declared, labels), 1.0))
    });
    Check { expr: series("ALERTS", labels), at, samples: samples.collect() }
}

/// Much that is wrong, beside as much of which nobody is to be told.
fn troubled(declared: &Declared) -> Case {
    let one = |name: &str, label: &str, value: &str| of(declared, name, &[(label, value)]);
    let lost = [(own::SIGNAL, "log"), (own::REASON, "queue_full")];
    let past = [(metric::METRIC, "requests"), (metric::LABEL, "tenant")];
    let growing = |from: &str| format!("{from}x{END}");
    let mut given = vec![
        (of(declared, own::BUILD_INFO, &[]), stays("1")),
        (started(declared, "a"), loops(END)),
        (started(declared, "b"), stays("1000")),
        // A deployment.
        (started(declared, "c"), format!("1000+0x50 2000+0x{}", END - 50)),
        (of(declared, own::DROPPED_TOTAL, &lost), growing("0+1")),
        (of(declared, own::DROPPED_TOTAL, &[(own::SIGNAL, "span"), (own::REASON, "refused")]), stays("7")),
        // It is meant to be.
        (
            of(declared, own::DROPPED_TOTAL, &[(own::SIGNAL, "snapshot"), (own::REASON, "too_often")]),
            growing("0+1"),
        ),
        (of(declared, metric::OBSERVE_LABEL_OVERFLOW_TOTAL, &past), growing("0+1")),
        (one(metric::QUEUE_LAG_SECONDS, metric::QUEUE, "behind"), growing("200+10")),
        (one(metric::QUEUE_LAG_SECONDS, metric::QUEUE, "catching_up"), growing("4000-10")),
        (one(metric::REPLICA_LAG_SECONDS, metric::REPLICA, "behind"), stays("90")),
        (one(metric::REPLICA_LAG_SECONDS, metric::REPLICA, "near"), stays("2")),
        (names::COLLECTOR_DROPPED_TOO_EARLY.to_owned(), growing("0+1")),
    ];
    for (resource, in_use, waiting) in [
        ("full", "99+0", Some("3")),
        // That is what a limit is for.
        ("busy", "100+0", Some("0")),
        ("unknown", "100+0", None),
        ("growing", "71+0.2", Some("0")),
        ("growing_below", "21+0.2", Some("0")),
    ] {
        given.push((one(metric::RESOURCE_CAPACITY, metric::RESOURCE, resource), stays("100")));
        given.push((one(metric::RESOURCE_IN_USE, metric::RESOURCE, resource), growing(in_use)));
        if let Some(waiting) = waiting {
            given.push((one(metric::RESOURCE_WAITING, metric::RESOURCE, resource), stays(waiting)));
        }
    }
    for (mountpoint, used, free) in [
        ("/full", "92+0.05", "8-0.05"),
        ("/full_tomorrow", "98+0.001", "2-0.001"),
        ("/filling", "60+0.05", "40-0.05"),
        ("/filling_below", "20+0.05", "80-0.05"),
        ("/steady", "95+0", "5-0"),
    ] {
        for (state, values) in [("used", used), ("free", free), ("reserved", "15+0")] {
            let labels = [(host::FILESYSTEM_MOUNTPOINT, mountpoint), (host::FILESYSTEM_STATE, state)];
            given.push((of(declared, host::FILESYSTEM_USAGE_BYTES, &labels), growing(values)));
        }
    }
    let resource = |name| vec![(metric::RESOURCE, name)];
    let disk = |name| {
        vec![(names::JOB, &*declared.service), (names::INSTANCE, "a"), (host::FILESYSTEM_MOUNTPOINT, name)]
    };
    let expected = [
        (names::CRASH_LOOP_TICKET, vec![(names::JOB, &*declared.service), (names::INSTANCE, "a")]),
        (names::TELEMETRY_DROPPED, lost.to_vec()),
        (names::LABEL_OVERFLOW, past.to_vec()),
        (names::RESOURCE_EXHAUSTED, resource("full")),
        (names::RESOURCE_EXHAUSTED, resource("unknown")),
        (names::RESOURCE_FILLING, resource("growing")),
        (names::DISK_FULL, disk("/full")),
        (names::DISK_FILLING, disk("/full")),
        (names::DISK_FILLING, disk("/full_tomorrow")),
        (names::DISK_FILLING, disk("/filling")),
        (names::QUEUE_LAG, vec![(metric::QUEUE, "behind")]),
        (names::REPLICA_LAG, vec![(metric::REPLICA, "behind")]),
        (names::TRACES_DROPPED_EARLY, Vec::new()),
    ];
    let checks = vec![firing(declared, END, &expected)];
    Case { name: "the service is in trouble".to_owned(), given, checks }
}

/// Half of the instances do: then it is more than a ticket.
fn all_loop(declared: &Declared) -> Case {
    const STARTED: u32 = 20;
    let given = vec![
        (of(declared, own::BUILD_INFO, &[]), stays("1")),
        (started(declared, "a"), loops(STARTED)),
        (started(declared, "b"), stays("1000")),
    ];
    let expected = [
        (names::CRASH_LOOP_PAGE, Vec::new()),
        (names::CRASH_LOOP_TICKET, vec![(names::JOB, &*declared.service), (names::INSTANCE, "a")]),
    ];
    let checks = vec![firing(declared, STARTED, &expected)];
    Case { name: "half of the instances start over and over".to_owned(), given, checks }
}

/// Nothing is scraped by the job that the rules ask for.
fn gone(declared: &Declared) -> Case {
    const ABSENT: u32 = 20;
    let expected = [(names::JOB_ABSENT, vec![(names::JOB, &*declared.service)])];
    Case {
        name: "no job of the service's name".to_owned(),
        given: Vec::new(),
        checks: vec![firing(declared, ABSENT - 2, &[]), firing(declared, ABSENT + 2, &expected)],
    }
}
