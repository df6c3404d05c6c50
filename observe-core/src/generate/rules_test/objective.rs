//! What every objective has to keep.

use super::super::alert::Alert;
use super::super::declared::Declared;
use super::super::promql::{quoted, tidy};
use super::super::rules::slo_alerts;
use super::traffic::{Phase, traffic};
use super::{Case, Check};
use crate::semconv::alert as names;
use crate::slo::{BurnRule, Indicator, Slo};
use std::time::Duration;

/// The shortest window in ticks, and one more: by then it has nothing of what was before.
const PASSED: u32 = 11;
/// How long a phase is that alerts are to see.
const LONG: u32 = 12;
/// How long nothing is known of an objective before somebody is told.
const ABSENT: u32 = 20;
/// How long an alert is told on.
const KEPT: u32 = 10;

/// Objectives of one pace: what happens to them happens side by side.
struct Scene<'a> {
    declared: &'a Declared,
    slos: Vec<&'a Slo>,
    what: String,
}

/// Of the objectives of this pace.
pub(super) fn cases(declared: &Declared, pace: Duration) -> Vec<Case> {
    [false, true]
        .into_iter()
        .flat_map(|is_external| {
            let slos = declared
                .slos
                .iter()
                .filter(|slo| slo.pace() == pace && slo.is_external() == is_external && can_be_tested(slo));
            let slos: Vec<_> = slos.collect();
            let listed: Vec<_> = slos.iter().map(|slo| slo.name()).collect();
            let what = if is_external { ", as recorded" } else { "" };
            let what = format!("{}{what}", listed.join(", "));
            Scene { declared, slos, what }.cases()
        })
        .collect()
}

/// What is measured elsewhere by queries that answer also without data would be in the way of what a test gives.
fn can_be_tested(slo: &Slo) -> bool {
    match slo.indicator() {
        Indicator::External { total, bad } => {
            ![total, bad].into_iter().any(|query| query.contains("vector(") || query.contains("absent"))
        }
        _ => true,
    }
}

/// Which objectives have no tests.
pub(super) fn left_out(declared: &Declared, pace: Duration) -> String {
    let untested = declared.slos.iter().filter(|slo| slo.pace() == pace && !can_be_tested(slo));
    untested
        .map(|slo| {
            format!("SLO {}: no tests, since its queries answer also where there is nothing.\n", slo.name())
        })
        .collect()
}

impl Scene<'_> {
    fn cases(&self) -> Vec<Case> {
        if self.slos.is_empty() {
            return Vec::new();
        }
        vec![
            self.fast_burn(),
            self.slow_burn(),
            self.healthy(),
            self.low_traffic(),
            self.quiet_then_busy(),
            self.gone(),
            self.recovery(),
        ]
    }

    /// All at once, each with its own traffic.
    fn case(
        &self,
        name: &str,
        phases: impl Fn(&Slo) -> Vec<Phase>,
        gone: bool,
        checks: impl Fn(&Slo) -> Vec<Check>,
    ) -> Case {
        let slos = self.slos.iter();
        Case {
            name: format!("{name} ({})", self.what),
            given: slos.clone().flat_map(|slo| traffic(self.declared, slo, &phases(slo), gone)).collect(),
            checks: slos.flat_map(|slo| checks(slo)).collect(),
        }
    }

    /// Which alerts of an objective fire, of those that are asked for.
    fn firing(&self, slo: &Slo, asked: &[&str], at: u32, expected: impl Fn(&Alert<'_>) -> bool) -> Check {
        let expr = self.declared.of_slo("ALERTS", slo);
        let expr = expr.trim_end_matches('}');
        let expr = format!("{expr},alertstate=\"firing\",alertname=~{}}}", quoted(&asked.join("|")));
        let alerts = slo_alerts(self.declared, slo);
        let alerts = alerts.iter().filter(|alert| asked.contains(&alert.name) && expected(alert));
        let samples = alerts.map(|alert| (alert.firing(self.declared, &[]), 1.0)).collect();
        Check { expr, at, samples }
    }

    /// Which alerts fire where so many events are bad for long.
    fn steady(&self, slo: &Slo, ratio: f64, at: u32) -> Check {
        let mut asked = vec![names::BURN_RATE_PAGE, names::BURN_RATE_TICKET, names::METRIC_ABSENT];
        let broken = slo.contract().map(|sla| tidy((100.0 - sla) / 100.0));
        // On its very limit either may be.
        if broken.is_some_and(|broken| (ratio / broken - 1.0).abs() > 0.01) {
            asked.extend([names::SLA_AT_RISK, names::SLA_BROKEN]);
        }
        let broken = broken.unwrap_or(1.0);
        self.firing(slo, &asked, at, |alert| match alert.name {
            names::SLA_AT_RISK => ratio > slo.error_budget() && ratio <= broken,
            names::SLA_BROKEN => ratio > broken,
            names::METRIC_ABSENT => false,
            _ => self.limits(slo, Some(alert.pages)).into_iter().any(|limit| ratio > limit),
        })
    }

    /// The limits of those that page, of those that do not, or of all, from the lowest.
    fn limits(&self, slo: &Slo, pages: Option<bool>) -> Vec<f64> {
        let rules = slo.firing_rules(&self.declared.alerting).into_iter();
        let rules = rules.filter(|(_, of)| pages.is_none_or(|pages| pages == *of));
        let mut limits: Vec<_> = rules.map(|(BurnRule { limit, .. }, _)| limit).collect();
        limits.sort_by(f64::total_cmp);
        limits
    }

    /// Above every limit, and more than the budget.
    fn fast(&self, slo: &Slo) -> f64 {
        let highest = self.limits(slo, None).last().copied().unwrap_or_default();
        f64::midpoint(highest.max(slo.error_budget()), 1.0)
    }

    /// Above the lowest limit only.
    fn slow(&self, slo: &Slo) -> f64 {
        match *self.limits(slo, None) {
            [lowest, next, ..] => f64::midpoint(lowest, next),
            _ => self.fast(slo),
        }
    }

    /// Below every limit, and with more than half of the budget left.
    fn well(&self, slo: &Slo) -> f64 {
        let lowest = self.limits(slo, None).first().copied().unwrap_or(1.0);
        lowest.min(slo.error_budget()) * 0.4
    }

    fn fast_burn(&self) -> Case {
        self.case(
            "fast burn",
            |slo| vec![Phase::of_ratio(LONG, self.fast(slo))],
            false,
            |slo| vec![self.steady(slo, self.fast(slo), LONG), self.policy(slo, 3, LONG)],
        )
    }

    fn slow_burn(&self) -> Case {
        self.case(
            "slow burn",
            |slo| vec![Phase::of_ratio(LONG, self.slow(slo))],
            false,
            |slo| vec![self.steady(slo, self.slow(slo), LONG)],
        )
    }

    fn healthy(&self) -> Case {
        self.case(
            "healthy",
            |slo| vec![Phase::of_ratio(LONG, self.well(slo))],
            false,
            |slo| {
                let ratio = self.well(slo);
                vec![self.steady(slo, ratio, LONG), self.left(slo, ratio, LONG), self.policy(slo, 0, LONG)]
            },
        )
    }

    /// A few events, and all of them bad.
    fn low_traffic(&self) -> Case {
        const FEW: u32 = BurnRule::LEAST_BAD_EVENTS as u32 - 1;
        let asked = [names::BURN_RATE_PAGE, names::BURN_RATE_TICKET, names::SLA_AT_RISK, names::SLA_BROKEN];
        self.case(
            "low traffic",
            |_| vec![Phase::idle(LONG), Phase::new(FEW, 1.0, 1.0), Phase::idle(LONG)],
            false,
            |slo| {
                let told = [FEW, FEW + 2, LONG].map(|at| self.firing(slo, &asked, LONG + at, |_| false));
                // Before the first event nothing is said of the budget, not even what is no number.
                let left = self.declared.of_slo(names::BUDGET_REMAINING, slo);
                told.into_iter().chain([Check::nothing(left, LONG)]).collect()
            },
        )
    }

    /// A little that was bad, then much that was good: what counts is events, not time.
    fn quiet_then_busy(&self) -> Case {
        const QUIET: f64 = LONG as f64;
        const END: u32 = PASSED + LONG + LONG + PASSED;
        // Of the budget this is spent.
        let ratio = |slo: &Slo| slo.error_budget() * 0.7;
        self.case(
            "quiet, then busy",
            |slo| {
                let busy = (QUIET / ratio(slo) - QUIET) / f64::from(LONG);
                vec![
                    Phase::idle(PASSED),
                    Phase::new(LONG, 1.0, 1.0),
                    Phase::new(LONG, busy, 0.0),
                    Phase::idle(PASSED),
                ]
            },
            false,
            |slo| {
                let windows = slo.windows();
                let shortest = windows.first().copied().unwrap_or_default();
                let idle = self.declared.over(names::ERROR_RATIO, shortest, slo);
                vec![
                    self.left(slo, ratio(slo), END),
                    self.policy(slo, 1, END),
                    // Where nothing happens there is no ratio, not even one that is no number.
                    Check::nothing(idle, END),
                ]
            },
        )
    }

    fn gone(&self) -> Case {
        let asked = [names::METRIC_ABSENT, names::BURN_RATE_PAGE, names::BURN_RATE_TICKET];
        let is_absent = |alert: &Alert<'_>| alert.name == names::METRIC_ABSENT;
        self.case(
            "gone",
            // So well that nobody ever counted a bad one.
            |_| vec![Phase::new(LONG, 10.0, 0.0)],
            true,
            |slo| {
                let shortest = slo.windows().first().copied().unwrap_or_default();
                let of = |name: &str| self.declared.over(name, shortest, slo);
                vec![
                    Check::holds(format!("sum({}) == bool 0", of(names::ERROR_RATIO)), LONG),
                    self.firing(slo, &asked, LONG + ABSENT - 2, |_| false),
                    self.firing(slo, &asked, LONG + ABSENT + 4, is_absent),
                    // No 0 of whom nothing is known.
                    Check::nothing(of(names::BAD_RATE), LONG + ABSENT + 4),
                ]
            },
        )
    }

    /// What was bad becomes next to nothing beside what comes after it.
    fn recovery(&self) -> Case {
        let asked = [names::BURN_RATE_PAGE, names::BURN_RATE_TICKET];
        self.case(
            "recovery",
            |slo| {
                let lowest = self.limits(slo, None).first().copied().unwrap_or(1.0);
                let burnt = Phase::of_ratio(LONG, self.fast(slo));
                let after = Phase::new(2 * LONG, 10.0 * f64::from(LONG) * burnt.bad / lowest, 0.0);
                vec![burnt, after]
            },
            false,
            |slo| {
                vec![
                    self.firing(slo, &asked, LONG, |_| true),
                    self.firing(slo, &asked, LONG + KEPT - 2, |_| true),
                    self.firing(slo, &asked, LONG + KEPT + 4, |_| false),
                ]
            },
        )
    }

    /// That this share of the period's events was bad, and what that leaves of the budget.
    fn left(&self, slo: &Slo, ratio: f64, at: u32) -> Check {
        let (is, left) = (
            self.declared.over(names::ERROR_RATIO, slo.period(), slo),
            self.declared.of_slo(names::BUDGET_REMAINING, slo),
        );
        let budget = slo.error_budget();
        let near =
            |is: &str, expected: f64| format!("(abs(sum({is}) / {} - 1) < bool 0.01)", tidy_more(expected));
        let expr = format!("{} * {}", near(&is, ratio), near(&left, 1.0 - ratio / budget));
        Check::holds(expr, at)
    }

    fn policy(&self, slo: &Slo, level: u32, at: u32) -> Check {
        let expr = format!("sum({}) == bool {level}", self.declared.of_slo(names::BUDGET_POLICY, slo));
        Check::holds(expr, at)
    }
}

/// Four digits or so: enough to be read, and exact enough for what is compared with a hundredth of it.
fn tidy_more(value: f64) -> f64 {
    let scale = 10_f64.powf(4.0 - value.abs().log10().floor());
    (value * scale).round() / scale
}
