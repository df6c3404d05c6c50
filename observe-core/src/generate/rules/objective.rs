//! The rules of an objective.

use super::super::alert::Alert;
use super::super::declared::Declared;
use super::super::promql::over;
use super::super::template::plain;
use super::super::words::{number, percent};
use super::super::yaml::Yaml;
use super::deployment::deployment_worse;
use crate::semconv::{alert as names, slo as metrics};
use crate::slo::{BurnPair, BurnRule, Indicator, Slo, WINDOW, promql_duration};
use std::time::Duration;

/// The values of the period are made less often than the others; often enough that none is taken to be stale, which
/// Prometheus does after 5 minutes.
pub(super) const PACES_OF_PERIOD: u32 = 4;

/// How long an alert that a threshold is passed is told on.
const KEEPS: Duration = Duration::from_secs(5 * 60);
/// How long nothing is known of an objective before somebody is told.
const ABSENT_FOR: Duration = Duration::from_secs(10 * 60);

/// Below these shares of the budget the next level of its policy begins: more care, no risky changes, reliability only.
const POLICY: [(&str, f64); 3] = [("<=", 0.5), ("<", 0.25), ("<=", 0.0)];

/// Events and bad ones a second, and their ratio, over each window.
pub(super) fn windows(declared: &Declared, slo: &Slo) -> Vec<Yaml> {
    let record = |name: &str, window: Duration, expr: String| record(declared, slo, name, window, expr);
    let of = |name: &str, window: Duration| declared.over(name, window, slo);
    let mut rules = Vec::new();
    for window in slo.windows() {
        let [total, bad] = rates(declared, slo, window);
        rules.push(record(names::TOTAL_RATE, window, total));
        rules.push(record(names::BAD_RATE, window, bad));
        let (total, bad) = (of(names::TOTAL_RATE, window), of(names::BAD_RATE, window));
        // Nothing where there is no traffic, instead of what is no number.
        rules.push(record(names::ERROR_RATIO, window, format!("{bad}\n  / ({total} > 0)")));
    }
    for rule in slo.burn_rules() {
        let bad = of(names::BAD_RATE, rule.long);
        let expr = format!("{bad} * {}", rule.long.as_secs_f64());
        rules.push(record(names::BAD_INCREASE, rule.long, expr));
    }
    rules
}

/// Events and bad ones a second over a window.
fn rates(declared: &Declared, slo: &Slo, window: Duration) -> [String; 2] {
    let window = promql_duration(window);
    let [total, bad] = match slo.indicator() {
        // Lines of their own: they may end in a comment.
        Indicator::External { total, bad } => {
            [total, bad].map(|query| format!("sum(\n{}\n)", query.trim().replace(WINDOW, &window)))
        }
        _ => [metrics::EVENTS_TOTAL, metrics::BAD_EVENTS_TOTAL]
            .map(|name| format!("sum(rate({}[{window}]))", declared.of_slo(name, slo))),
    };
    // Not `or vector(0)`, which says 0 of a service that is gone.
    let bad = format!("{bad}\nor 0 * {total}");
    [total, bad]
}

/// The period: weighted by traffic, of the rates over the shortest window that were recorded. To look at all samples of
/// the period each time would be far too dear.
pub(super) fn period(declared: &Declared, slo: &Slo) -> Vec<Yaml> {
    let period = slo.period();
    let record = |name: &str, window: Duration, expr: String| record(declared, slo, name, window, expr);
    let plainly = |name: &str, expr: String| {
        Yaml::map([
            ("record", Yaml::text(name)),
            ("expr", Yaml::block(expr)),
            ("labels", labels(declared, slo, period)),
        ])
    };
    let sum = |name: &str| {
        let rates = slo.windows().first().map(|shortest| declared.over(name, *shortest, slo));
        let (rates, span) = (rates.unwrap_or_default(), promql_duration(period));
        format!("sum_over_time({rates}[{span}]) * {}", slo.pace().as_secs_f64())
    };
    let of = |name: &str| declared.over(name, period, slo);
    let (bad, total) = (of(names::BAD_INCREASE), of(names::TOTAL_INCREASE));
    let (ratio, budget) = (of(names::ERROR_RATIO), slo.error_budget());
    let left = declared.of_slo(names::BUDGET_REMAINING, slo);
    let levels = POLICY.map(|(below, share)| format!("({left} {below} bool {share})"));
    vec![
        record(names::TOTAL_INCREASE, period, sum(names::TOTAL_RATE)),
        record(names::BAD_INCREASE, period, sum(names::BAD_RATE)),
        record(names::ERROR_RATIO, period, format!("{bad}\n  / ({total} > 0)")),
        plainly(names::BUDGET_REMAINING, format!("1 - {ratio} / {budget}")),
        plainly(names::BUDGET_POLICY, levels.join("\n+ ")),
    ]
}

fn record(declared: &Declared, slo: &Slo, name: &str, window: Duration, expr: String) -> Yaml {
    Yaml::map([
        ("record", Yaml::text(over(name, window))),
        ("expr", Yaml::block(expr)),
        ("labels", labels(declared, slo, window)),
    ])
}

fn labels(declared: &Declared, slo: &Slo, window: Duration) -> Yaml {
    Yaml::map([
        (metrics::SLO, Yaml::text(slo.name())),
        (metrics::SERVICE, Yaml::text(&declared.service)),
        (metrics::WINDOW, Yaml::text(promql_duration(window))),
    ])
}

/// Every alert of an objective.
pub(in super::super) fn slo_alerts<'a>(declared: &'a Declared, slo: &'a Slo) -> Vec<Alert<'a>> {
    let mut alerts = burn_alerts(declared, slo);
    alerts.push(absent(declared, slo));
    alerts.extend(contract(declared, slo));
    alerts.extend(deployment_worse(declared, slo));
    alerts
}

/// That the budget is spent too fast: one that pages and one that does not, of the pairs that there are.
fn burn_alerts<'a>(declared: &'a Declared, slo: &'a Slo) -> Vec<Alert<'a>> {
    let rules = slo.firing_rules(&declared.alerting);
    let of = |pages: bool| {
        let rules: Vec<_> = rules.iter().filter(|rule| rule.1 == pages).map(|rule| rule.0).collect();
        (!rules.is_empty()).then(|| burn_alert(declared, slo, pages, &rules))
    };
    [of(true), of(false)].into_iter().flatten().collect()
}

fn burn_alert<'a>(declared: &Declared, slo: &'a Slo, pages: bool, rules: &[BurnRule]) -> Alert<'a> {
    let name = if pages { names::BURN_RATE_PAGE } else { names::BURN_RATE_TICKET };
    let pairs: Vec<_> = rules.iter().map(|rule| passed(declared, slo, rule)).collect();
    // Of several pairs that are passed the worst: one alert.
    let expr = format!("max without (window) (\n  {}\n)", pairs.join("\n  or\n  "));
    let mut alert = Alert::new(name, Some(slo), expr);
    alert.pages = pages;
    alert.keeps = slo.scaled(KEEPS);
    alert.summary = format!(
        "{}: the error budget of {} is spent {}",
        plain(&declared.service),
        slo.name(),
        if pages { "fast" } else { "faster than it may be" },
    );
    let limits: Vec<_> = rules.iter().map(limit).collect();
    alert.description = format!(
        "{{{{ $value | humanizePercentage }}}} of the events were bad; over {} it may be {}. Told above {}.{}",
        promql_duration(slo.period()),
        percent(slo.error_budget()),
        limits.join(", or "),
        design_review(rules),
    );
    alert
}

/// The share of bad events is above a limit over both windows of a pair, and they are more than a few.
fn passed(declared: &Declared, slo: &Slo, rule: &BurnRule) -> String {
    let ratio = |window: Duration| declared.over(names::ERROR_RATIO, window, slo);
    let bad = declared.over(names::BAD_INCREASE, rule.long, slo);
    let (slo, service) = (metrics::SLO, metrics::SERVICE);
    format!(
        "({long} > {limit}\n    and on ({slo}, {service}) {short} > {limit}\n    and on ({slo}, {service}) {bad} >= {least})",
        long = ratio(rule.long),
        short = ratio(rule.short),
        limit = rule.limit,
        least = BurnRule::LEAST_BAD_EVENTS,
    )
}

fn limit(rule: &BurnRule) -> String {
    format!(
        "{} in {} and {} ({} of the budget in {})",
        percent(rule.limit),
        promql_duration(rule.long),
        promql_duration(rule.short),
        percent(rule.spent),
        promql_duration(rule.long),
    )
}

/// What the slowest pair says is no incident.
fn design_review(rules: &[BurnRule]) -> String {
    let Some(rule) = rules.iter().find(|rule| rule.pair == BurnPair::ThreeDays) else {
        return String::new();
    };
    let window = promql_duration(rule.long);
    match rules {
        [_] => " No incident is behind what is so slow: review the design.".to_owned(),
        _ => {
            format!(" Where only that over {window} is passed, no incident is behind it: review the design.")
        }
    }
}

/// That nothing is known: a service that is gone fails without a count.
fn absent<'a>(declared: &Declared, slo: &'a Slo) -> Alert<'a> {
    let (what, cause, first_action) = if slo.is_external() {
        let shortest = slo.windows().first().copied().unwrap_or_default();
        (
            declared.over(names::TOTAL_RATE, shortest, slo),
            "What measures it is gone, or its metric has another name.",
            "Ask Prometheus the objective's two queries.",
        )
    } else {
        (
            declared.of_slo(metrics::EVENTS_TOTAL, slo),
            "No instance runs, or Prometheus does not reach any.",
            "Look at `up` of the service's scrape job, and whether its instances run.",
        )
    };
    let mut alert = Alert::new(names::METRIC_ABSENT, Some(slo), format!("absent({what})"));
    alert.pages = slo.firing_rules(&declared.alerting).iter().any(|(_, pages)| *pages);
    alert.lasts = slo.scaled(ABSENT_FOR);
    alert.summary = format!("{}: nothing is known of {}", plain(&declared.service), slo.name());
    alert.description = format!(
        "Prometheus has had no series of the objective for {}: nothing that counts its events is scraped. An outage of all instances looks like this, and no other alert tells of it.",
        promql_duration(alert.lasts),
    );
    alert.causes = vec![cause.to_owned()];
    alert.first_actions = vec![first_action.to_owned()];
    alert
}

/// What was promised by contract.
fn contract<'a>(declared: &Declared, slo: &'a Slo) -> Vec<Alert<'a>> {
    let Some(sla) = slo.contract() else { return Vec::new() };
    // Without what the difference of two such numbers has behind the twelfth digit.
    let (missed, broken) = (slo.error_budget(), ((100.0 - sla) * 1e10).round() / 1e12);
    let ratio = declared.over(names::ERROR_RATIO, slo.period(), slo);
    let bad = declared.over(names::BAD_INCREASE, slo.period(), slo);
    let period = promql_duration(slo.period());
    let alert = |name: &'static str, range: &str, what: &str, so: &str| {
        let expr = format!(
            "max without (window) (\n  {ratio} {range}\n  and on ({}, {}) {bad} >= {}\n)",
            metrics::SLO,
            metrics::SERVICE,
            BurnRule::LEAST_BAD_EVENTS,
        );
        let mut alert = Alert::new(name, Some(slo), expr);
        alert.summary = format!("{}: the contract of {} is {what}", plain(&declared.service), slo.name());
        alert.description = format!(
            "{{{{ $value | humanizePercentage }}}} of the events of the last {period} that Prometheus knows of were bad: {so} The contract of {} % allows {}.",
            number(sla),
            percent(broken),
        );
        alert
    };
    vec![
        alert(
            names::SLA_AT_RISK,
            &format!("> {missed} <= {broken}"),
            "at risk",
            &format!("the objective of {} % is missed.", number(slo.objective())),
        ),
        alert(names::SLA_BROKEN, &format!("> {broken}"), "broken", "more than it allows."),
    ]
}
