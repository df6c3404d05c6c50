//! Hard ceilings: what ends in an outage when it is reached.

use super::super::alert::Alert;
use super::super::declared::Declared;
use super::super::template::plain;
use crate::semconv::{alert as names, metric};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// Of what is declared: pools and file systems. Those that page are near an outage; a ticket comes before.
pub(super) fn ceilings(declared: &Declared) -> Vec<Alert<'static>> {
    let mut alerts = Vec::new();
    if declared.has(metric::RESOURCE_CAPACITY) && declared.has(metric::RESOURCE_IN_USE) {
        alerts.push(resource_exhausted(declared));
        alerts.push(resource_filling(declared));
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
