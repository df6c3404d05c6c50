//! Hard ceilings: what ends in an outage when it is reached.

use super::super::alert::Alert;
use super::super::declared::Declared;
use super::super::template::plain;
use crate::semconv::{alert as names, host, metric};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Of what is declared: pools and file systems. Those that page are near an outage; a ticket comes before.
pub(super) fn ceilings(declared: &Declared) -> Vec<Alert<'static>> {
    let mut alerts = Vec::new();
    if declared.has(metric::RESOURCE_CAPACITY) && declared.has(metric::RESOURCE_IN_USE) {
        alerts.push(resource_exhausted(declared));
        alerts.push(resource_filling(declared));
    }
    if declared.has(host::FILESYSTEM_USAGE_BYTES) {
        alerts.push(disk_full(declared));
        alerts.push(disk_filling(declared));
    }
    alerts
}

/// Of all instances together: one that has used up its own is a matter of how requests are spread.
fn resource_exhausted(declared: &Declared) -> Alert<'static> {
    let sum = |name: &str| format!("sum by ({}) ({})", metric::RESOURCE, declared.of_job(name));
    // All in use is what a limit is for, unless somebody waits. Of some nobody knows that.
    let expr = format!(
        "{in_use}\n/ ({capacity} > 0) > 0.95\nunless {waiting} == 0",
        in_use = sum(metric::RESOURCE_IN_USE),
        capacity = sum(metric::RESOURCE_CAPACITY),
        waiting = sum(metric::RESOURCE_WAITING),
    );
    let mut alert = Alert::new(names::RESOURCE_EXHAUSTED, None, expr);
    alert.pages = true;
    alert.lasts = 5 * MINUTE;
    alert.keeps = 5 * MINUTE;
    alert.summary = format!("{}: {{{{ $labels.resource }}}} is used up", plain(&declared.service));
    alert.description =
        "{{ $value | humanizePercentage }} of it are in use for 5 minutes, and where that is known somebody waits for more."
            .to_owned();
    alert.causes = ["What it is needed for is slow, so that it is held for longer.", "It is not given back."]
        .map(str::to_owned)
        .to_vec();
    alert.first_actions =
        ["Look at what holds it: resource_use_duration_seconds.", "Shed load, or raise the capacity."]
            .map(str::to_owned)
            .to_vec();
    alert
}

fn resource_filling(declared: &Declared) -> Alert<'static> {
    let resource = metric::RESOURCE;
    let (in_use, capacity) =
        (declared.of_job(metric::RESOURCE_IN_USE), declared.of_job(metric::RESOURCE_CAPACITY));
    let capacity = format!("(sum by ({resource}) ({capacity}) > 0)");
    let expr = format!(
        "sum by ({resource}) (predict_linear({in_use}[6h], 4 * 3600))\n/ {capacity} > 0.95\nand sum by ({resource}) ({in_use})\n/ {capacity} > 0.7\nand sum by ({resource}) (deriv({in_use}[6h])) > 0"
    );
    let mut alert = Alert::new(names::RESOURCE_FILLING, None, expr);
    alert.lasts = 30 * MINUTE;
    alert.summary = format!("{}: {{{{ $labels.resource }}}} will be used up", plain(&declared.service));
    alert.description =
        "As it has grown for 6 hours, {{ $value | humanizePercentage }} of it will be in use 4 hours from now."
            .to_owned();
    alert.causes = ["More traffic.", "It is not given back."].map(str::to_owned).to_vec();
    alert.first_actions = vec!["Look at resource_in_use of the last days.".to_owned()];
    alert
}

/// Nearly full and steady may be meant so.
fn disk_full(declared: &Declared) -> Alert<'static> {
    let expr = format!("{} > 0.9\nand {}", share_used(declared), ends(declared, "1h", "4 * 3600"));
    let mut alert = Alert::new(names::DISK_FULL, None, expr);
    alert.pages = true;
    alert.lasts = 10 * MINUTE;
    alert.keeps = 5 * MINUTE;
    alert.summary = format!("{}: {} is nearly full, and fills up", plain(&declared.service), mountpoint());
    alert.description =
        "{{ $value | humanizePercentage }} of its space is used; as it goes, nothing is left within 4 hours."
            .to_owned();
    disk_help(&mut alert);
    alert
}

fn disk_filling(declared: &Declared) -> Alert<'static> {
    let expr = format!("{} > 0.5\nand {}", share_used(declared), ends(declared, "6h", "24 * 3600"));
    let mut alert = Alert::new(names::DISK_FILLING, None, expr);
    alert.lasts = 30 * MINUTE;
    alert.summary = format!("{}: {} will be full", plain(&declared.service), mountpoint());
    alert.description =
        "{{ $value | humanizePercentage }} of its space is used; as it goes, nothing is left within a day."
            .to_owned();
    disk_help(&mut alert);
    alert
}

fn disk_help(alert: &mut Alert<'_>) {
    alert.causes = ["Files that nobody deletes: logs, dumps, images.", "Data that has grown."]
        .map(str::to_owned)
        .to_vec();
    alert.first_actions =
        ["Look for what has grown.", "Delete what is not needed, or enlarge it."].map(str::to_owned).to_vec();
}

/// Where it is. A template.
fn mountpoint() -> String {
    format!("{{{{ $labels.{} }}}} of {{{{ $labels.{} }}}}", host::FILESYSTEM_MOUNTPOINT, names::INSTANCE)
}

/// Of what the service may use: some is for the superuser only.
fn share_used(declared: &Declared) -> String {
    format!("{}\n/ ({} > 0)", space(declared, "=\"used\""), space(declared, "=~\"used|free\""))
}

fn space(declared: &Declared, states: &str) -> String {
    let state = host::FILESYSTEM_STATE;
    let usage = declared.of_job_where(host::FILESYSTEM_USAGE_BYTES, &format!("{state}{states}"));
    format!("sum without ({state}) ({usage})")
}

/// As it went for so long, nothing is left so many seconds from now.
fn ends(declared: &Declared, since: &str, seconds: &str) -> String {
    let state = host::FILESYSTEM_STATE;
    let free = declared.of_job_where(host::FILESYSTEM_USAGE_BYTES, &format!("{state}=\"free\""));
    format!("sum without ({state}) (predict_linear({free}[{since}], {seconds})) < 0")
}
