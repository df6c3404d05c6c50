//! A new version that fails more often than the one before.

use super::super::alert::Alert;
use super::super::declared::Declared;
use super::super::template::plain;
use super::super::words::percent;
use crate::semconv::{alert as names, own, slo as metrics};
use crate::slo::{BurnPair, BurnRule, Slo, promql_duration};
use std::time::Duration;

/// How long a version is new.
const NEW: Duration = Duration::from_secs(10 * 60);
/// So many times as often as the version before.
const TIMES: u32 = 2;
/// How long it is told on.
const KEEPS: Duration = Duration::from_secs(5 * 60);

/// Of an objective that is counted in process: elsewhere nobody knows which version it was.
pub(super) fn deployment_worse<'a>(declared: &Declared, slo: &'a Slo) -> Option<Alert<'a>> {
    let hour = slo.burn_rules().into_iter().find(|rule| rule.pair == BurnPair::Hour)?;
    if slo.is_external() || !declared.has(own::BUILD_INFO) {
        return None;
    }
    let (window, ago) = (promql_duration(hour.short), promql_duration(slo.scaled(NEW)));
    let version = format!("{}, {}", own::VERSION, own::REVISION);
    let by = format!("{}, {}, {version}", metrics::SLO, metrics::SERVICE);
    let process = format!("{}, {}", names::JOB, names::INSTANCE);
    let build = declared.of_job(own::BUILD_INFO);
    // By version, of those that were not there ten minutes ago.
    let of_new = |function: &str, name: &str| {
        format!(
            "sum by ({by}) ({function}({}[{window}]) * on ({process}) group_left ({version})\n    ({build} unless on ({version}) {build} offset {ago}))",
            declared.of_slo(name, slo),
        )
    };
    // What the service did before, whichever version that was.
    let before = declared.over(names::ERROR_RATIO, hour.long, slo);
    let expr = format!(
        "(\n  {bad}\n  / ({total} > 0)\n  and {count} >= {least}\n) > {budget}\n> on ({slo}, {service}) group_left () {TIMES} * {before} offset {ago}",
        bad = of_new("rate", metrics::BAD_EVENTS_TOTAL),
        total = of_new("rate", metrics::EVENTS_TOTAL),
        count = of_new("increase", metrics::BAD_EVENTS_TOTAL),
        least = BurnRule::LEAST_BAD_EVENTS,
        budget = slo.error_budget(),
        slo = metrics::SLO,
        service = metrics::SERVICE,
    );
    let mut alert = Alert::new(names::DEPLOYMENT_WORSE, Some(slo), expr);
    alert.keeps = slo.scaled(KEEPS);
    alert.summary = format!(
        "{}: version {{{{ $labels.version }}}} fails more often than the one before",
        plain(&declared.service),
    );
    alert.description = format!(
        "Of its events of {} {{{{ $value | humanizePercentage }}}} were bad: more than {TIMES} times the share of the {} before it came, and more than the {} that may be.",
        slo.name(),
        promql_duration(hour.long),
        percent(slo.error_budget()),
    );
    alert.causes = vec!["The change that was deployed.".to_owned()];
    alert.first_actions = vec!["Roll back, then look for the cause.".to_owned()];
    Some(alert)
}
