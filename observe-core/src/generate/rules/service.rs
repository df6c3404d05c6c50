//! The alerts that belong to no objective.

use super::super::alert::Alert;
use super::super::declared::Declared;
use super::super::template::plain;
use super::ceilings::ceilings;
use crate::semconv::{alert as names, metric, own};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// So many starts in a quarter of an hour are a loop.
const STARTS: u32 = 3;

/// Every alert that belongs to no objective.
pub(in super::super) fn service_alerts(declared: &Declared) -> Vec<Alert<'static>> {
    let mut alerts = vec![
        crash_loop_page(declared),
        crash_loop_ticket(declared),
        job_absent(declared),
        label_overflow(declared),
        telemetry_dropped(declared),
    ];
    alerts.extend(ceilings(declared));
    alerts.extend(lags(declared));
    alerts.push(traces_dropped_early(declared));
    alerts
}

/// No process can judge that about itself: what it would have answered is counted nowhere.
fn crash_loop_page(declared: &Declared) -> Alert<'static> {
    let started = declared.of_job(own::PROCESS_START_TIME_SECONDS);
    let expr =
        format!("count(changes({started}[15m]) >= {STARTS})\n/ count(max_over_time({started}[15m]))\n>= 0.5");
    let mut alert = Alert::new(names::CRASH_LOOP_PAGE, None, expr);
    alert.pages = true;
    alert.keeps = 5 * MINUTE;
    alert.summary = format!("{}: its instances start over and over", plain(&declared.service));
    alert.description = format!(
        "{{{{ $value | humanizePercentage }}}} of the instances started {STARTS} times or more in 15 minutes. What they cannot answer is counted in no objective."
    );
    crash_loop_help(&mut alert);
    alert
}

fn crash_loop_ticket(declared: &Declared) -> Alert<'static> {
    let started = declared.of_job(own::PROCESS_START_TIME_SECONDS);
    let expr = format!("changes({started}[15m]) >= {STARTS}");
    let mut alert = Alert::new(names::CRASH_LOOP_TICKET, None, expr);
    alert.keeps = 5 * MINUTE;
    alert.summary = format!("{}: {{{{ $labels.instance }}}} starts over and over", plain(&declared.service));
    alert.description = "It started {{ $value }} times in 15 minutes.".to_owned();
    crash_loop_help(&mut alert);
    alert
}

fn crash_loop_help(alert: &mut Alert<'_>) {
    alert.causes = [
        "A change that was deployed, or its configuration.",
        "Memory: the system killed it.",
        "What it needs at its start is not there.",
    ]
    .map(str::to_owned)
    .to_vec();
    alert.first_actions = ["Read the last lines before it ended.", "Roll back what was deployed last."]
        .map(str::to_owned)
        .to_vec();
}

/// All the other rules here ask by this job: if it has another name, they are silent for good.
fn job_absent(declared: &Declared) -> Alert<'static> {
    let expr = format!("absent({})", declared.of_job(own::BUILD_INFO));
    let mut alert = Alert::new(names::JOB_ABSENT, None, expr);
    alert.lasts = 10 * MINUTE;
    let service = plain(&declared.service);
    alert.summary = format!("{service}: Prometheus knows no job of this name");
    alert.description = format!(
        "No instance of the job {service} was scraped for 10 minutes, so that the alerts of the service itself are silent."
    );
    alert.causes = vec![
        "No instance runs.".to_owned(),
        "The scrape job is named otherwise than the service.".to_owned(),
    ];
    alert.first_actions = vec!["Look at the targets of Prometheus.".to_owned()];
    alert
}

fn label_overflow(declared: &Declared) -> Alert<'static> {
    let (by, overflow) = (
        format!("{}, {}", metric::METRIC, metric::LABEL),
        declared.of_job(metric::OBSERVE_LABEL_OVERFLOW_TOTAL),
    );
    let expr = format!("sum by ({by}) (increase({overflow}[1h])) > 0");
    let mut alert = Alert::new(names::LABEL_OVERFLOW, None, expr);
    alert.summary = format!("{}: a label has more values than its limit", plain(&declared.service));
    alert.description = "{{ $value | humanize }} look-ups in an hour for values of {{ $labels.label }} of {{ $labels.metric }} past its limit: they are counted as _OTHER.".to_owned();
    alert.causes =
        vec!["A value that has no bound is used as a label: an id, a path, a text of a client.".to_owned()];
    alert.first_actions =
        vec!["Use fewer values, or raise the limit; what has no bound belongs on the span.".to_owned()];
    alert
}

fn telemetry_dropped(declared: &Declared) -> Alert<'static> {
    // Snapshots that come too often are left out by intent.
    let dropped = declared.of_job_where(own::DROPPED_TOTAL, &format!("{}!=\"too_often\"", own::REASON));
    let expr = format!("sum by ({}, {}) (increase({dropped}[1h])) > 0", own::SIGNAL, own::REASON);
    let mut alert = Alert::new(names::TELEMETRY_DROPPED, None, expr);
    alert.summary = format!(
        "{}: the library lost what it was to tell ({{{{ $labels.signal }}}})",
        plain(&declared.service)
    );
    alert.description = "{{ $value | humanize }} in an hour, signal {{ $labels.signal }}, reason {{ $labels.reason }}. Counts and durations are right all the same, unless the signal is metric.".to_owned();
    alert.causes = vec!["What takes it is slow or gone: a disk, a pipe, a collector.".to_owned()];
    alert.first_actions =
        vec!["Look up the reason in the reference of metrics, at observe_dropped_total.".to_owned()];
    alert
}

/// Of queues and replicas, if there are any.
fn lags(declared: &Declared) -> impl Iterator<Item = Alert<'static>> {
    let service = plain(&declared.service);
    let queue = declared.has(metric::QUEUE_LAG_SECONDS).then(|| {
        let lag = declared.of_job(metric::QUEUE_LAG_SECONDS);
        let expr = format!(
            "max by ({queue}) ({lag}) > 300\nand max by ({queue}) (deriv({lag}[15m])) > 0",
            queue = metric::QUEUE,
        );
        let mut alert = Alert::new(names::QUEUE_LAG, None, expr);
        alert.lasts = 15 * MINUTE;
        alert.summary = format!("{service}: the queue {{{{ $labels.queue }}}} falls behind");
        alert.description =
            "What left it last had waited {{ $value | humanizeDuration }}, and it becomes more.".to_owned();
        alert.causes =
            ["More comes in than is worked off.", "Nobody takes anything out."].map(str::to_owned).to_vec();
        alert.first_actions = vec!["Look whether its workers run, and what they wait for.".to_owned()];
        alert
    });
    let replica = declared.has(metric::REPLICA_LAG_SECONDS).then(|| {
        let expr =
            format!("max by ({}) ({}) > 60", metric::REPLICA, declared.of_job(metric::REPLICA_LAG_SECONDS));
        let mut alert = Alert::new(names::REPLICA_LAG, None, expr);
        alert.lasts = 10 * MINUTE;
        alert.summary = format!("{service}: the replica {{{{ $labels.replica }}}} is behind");
        alert.description =
            "It is {{ $value | humanizeDuration }} behind: so old is what is read from it.".to_owned();
        alert.causes = ["Much was written.", "The replica is slow, or cut off."].map(str::to_owned).to_vec();
        alert.first_actions = vec!["Look at the replica and at how much is written.".to_owned()];
        alert
    });
    queue.into_iter().chain(replica)
}

/// Of a tier of collectors, if there is one.
fn traces_dropped_early(declared: &Declared) -> Alert<'static> {
    // Newer collectors end the name with `_total`.
    let name = format!("{}(_total)?", names::COLLECTOR_DROPPED_TOO_EARLY);
    let expr = format!("sum(increase({{__name__=~\"{name}\"}}[10m])) > 0");
    let mut alert = Alert::new(names::TRACES_DROPPED_EARLY, None, expr);
    alert.lasts = 5 * MINUTE;
    alert.summary = format!("{}: collectors drop traces before they decide", plain(&declared.service));
    alert.description =
        "{{ $value | humanize }} traces in 10 minutes were dropped before their decision.".to_owned();
    alert.causes = vec!["num_traces is less than the new traces a second times decision_wait.".to_owned()];
    alert.first_actions = vec!["Raise num_traces of tail_sampling, or add collectors.".to_owned()];
    alert
}
