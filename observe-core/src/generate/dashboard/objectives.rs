//! How objectives stand: of what the generated rules record.

use super::panel::Panel;
use super::query::{over, rate, select};
use crate::generate::declared::Declared;
use crate::generate::promql::{quoted, series};
use crate::semconv::{alert, slo as names};
use crate::slo::promql_duration;

/// What the policy for the budget says, by its level.
const POLICY: [(&str, &str); 4] = [
    ("normal", "green"),
    ("more care", "yellow"),
    ("no risky changes", "orange"),
    ("reliability only", "red"),
];

/// What stands on top: the budget that is left, what follows from it, and how fast it is spent.
pub(super) fn summary(declared: &Declared) -> Vec<Panel> {
    if declared.slos.is_empty() {
        return Vec::new();
    }
    let of_all = |name| series(name, [(names::SERVICE, declared.service.as_str())]);
    let budget = Panel::stat(
        "Error budget left",
        "percentunit",
        "The share of each objective's error budget that is left over its period, of all instances, as the generated rules \
         record it. Below 0 it is overspent.",
    )
    .query(of_all(alert::BUDGET_REMAINING), "{{slo}}")
    .steps("red", &[(0.000_001, "orange"), (0.25, "yellow"), (0.5, "green")]);
    let policy = Panel::stat(
        "Budget policy",
        "none",
        "What the budget that is left asks for: above 50 % normal work, from 25 to 50 % more care, under 25 % no risky changes, \
         at 0 work on reliability only.",
    )
    .query(of_all(alert::BUDGET_POLICY), "{{slo}}")
    .words(&POLICY);
    vec![budget, policy, burn_rate(declared)]
}

/// How many times faster than allowed the budgets are spent.
fn burn_rate(declared: &Declared) -> Panel {
    let mut panel = Panel::lines(
        "Burn rate",
        "none",
        "How many times faster than allowed each budget is spent, in the long window of its fastest alert: 1 spends it in exactly \
         the objective's period. The upper line is where the fastest alert of the first objective begins.",
    );
    let mut limit = None;
    for slo in &declared.slos {
        let Some((rule, _)) = slo.firing_rules(&declared.alerting).into_iter().next() else { continue };
        limit = limit.or(Some(rule.factor));
        let window = promql_duration(rule.long);
        let burn = format!("{} / {}", declared.over(alert::ERROR_RATIO, rule.long, slo), slo.error_budget());
        panel = panel.query(burn, format!("{} ({window})", slo.name()));
    }
    match limit {
        Some(limit) => panel.steps("green", &[(1.0, "orange"), (limit, "red")]),
        None => panel,
    }
}

/// What the objectives were made of.
pub(super) fn details(declared: &Declared) -> Vec<Panel> {
    let mut panels = Vec::new();
    let of_service = of_service(declared);
    if let (Some(events), Some(bad)) =
        (declared.family(names::EVENTS_TOTAL), declared.family(names::BAD_EVENTS_TOTAL))
        && let (Some(slo), Some(_)) = (events.label(names::SLO), events.label(names::SERVICE))
    {
        panels.push(
            Panel::lines(
                "Events that count",
                "cps",
                "How many events a second each objective judged, and how many of them were bad.",
            )
            .query(over("sum", &[slo], &rate(events.name, &of_service)), format!("{{{{{slo}}}}}"))
            .query(over("sum", &[slo], &rate(bad.name, &of_service)), format!("{{{{{slo}}}}}: bad")),
        );
    }
    if let Some(excluded) = declared.family(names::EXCLUDED_EVENTS_TOTAL)
        && let (Some(slo), Some(reason)) = (excluded.label(names::SLO), excluded.label(names::REASON))
    {
        panels.push(
            Panel::lines(
                "Events that do not count",
                "cps",
                "How many events a second an objective does not count, and why: clients that left, their errors where that was \
                 chosen, maintenance.",
            )
            .query(
                over("sum", &[slo, reason], &rate(excluded.name, &of_service)),
                format!("{{{{{slo}}}}} {{{{{reason}}}}}"),
            ),
        );
    }
    if let Some(left) = declared.family(names::ERROR_BUDGET_REMAINING_RATIO)
        && let Some(slo) = left.label(names::SLO)
    {
        panels.push(
            Panel::lines(
                "Budget left since the start, by process",
                "percentunit",
                "The share of the budget that a process has left of the events since it started: not that of the period, but it \
                 needs no rules.",
            )
            .query(over("min", &[slo], &select(left.name, &of_service)), format!("{{{{{slo}}}}}")),
        );
    }
    panels
}

fn of_service(declared: &Declared) -> String {
    format!("{}={}", names::SERVICE, quoted(&declared.service))
}
