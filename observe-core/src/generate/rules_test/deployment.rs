//! A new version beside the one before.

use super::super::declared::Declared;
use super::super::promql::series;
use super::super::rules::slo_alerts;
use super::traffic::{counter, exact, of_instance};
use super::{Case, Check};
use crate::semconv::{alert as names, own, slo as metrics};
use crate::slo::Slo;
use std::time::Duration;

/// After so many ticks the new one comes.
const COMES: u32 = 14;
/// So many ticks later it is told, if it is worse: by then its rates are there, and of the one before what it was when this one
/// came.
const TOLD: u32 = COMES + 10;
/// By then it is no longer new, and told on no longer.
const END: u32 = COMES + 34;

/// Of the objectives of this pace.
pub(super) fn cases(declared: &Declared, pace: Duration) -> Vec<Case> {
    let is_watched = |slo: &&Slo| {
        let alerts = slo_alerts(declared, slo);
        slo.pace() == pace && alerts.iter().any(|alert| alert.name == names::DEPLOYMENT_WORSE)
    };
    let slos: Vec<_> = declared.slos.iter().filter(is_watched).collect();
    if slos.is_empty() {
        return Vec::new();
    }
    let bad = |slo: &Slo| f64::midpoint(slo.error_budget(), 1.0);
    let good = |slo: &Slo| slo.error_budget() / 10.0;
    vec![
        case(declared, &slos, "a new version is worse", |slo| (good(slo), bad(slo)), true),
        case(declared, &slos, "a new version is no worse", |slo| (bad(slo), bad(slo)), false),
    ]
}

/// Which share of the events of the old version and of the new one is bad.
fn case(
    declared: &Declared,
    slos: &[&Slo],
    name: &str,
    ratios: impl Fn(&Slo) -> (f64, f64),
    is_told: bool,
) -> Case {
    const BAD: f64 = 10.0;
    let service = &*declared.service;
    let build = |version: &str, instance: &str| {
        let labels = [
            (names::JOB, service),
            (names::INSTANCE, instance),
            (own::VERSION, version),
            (own::REVISION, instance),
        ];
        series(declared.shown(own::BUILD_INFO), labels)
    };
    let mut given = vec![
        (build("1", "a"), format!("1+0x{END}")),
        (build("2", "b"), format!("_x{COMES} 1+0x{}", END - COMES)),
    ];
    let mut checks = Vec::new();
    for slo in slos {
        let (before, after) = ratios(slo);
        for (instance, begins, ratio) in [("a", 0, before), ("b", COMES, after)] {
            for (metric, each) in [(metrics::EVENTS_TOTAL, BAD / ratio), (metrics::BAD_EVENTS_TOTAL, BAD)] {
                let name = of_instance(declared, slo, metric, instance);
                given.push((name, counter(begins, [(END - begins, exact(each))], false)));
            }
        }
        let alerts = slo_alerts(declared, slo);
        let alert = alerts.iter().find(|alert| alert.name == names::DEPLOYMENT_WORSE && is_told);
        let told = alert.map(|alert| alert.firing(declared, &[(own::VERSION, "2"), (own::REVISION, "b")]));
        let expr = declared.of_slo("ALERTS", slo);
        let expr = expr.trim_end_matches('}');
        let expr = format!("{expr},alertstate=\"firing\",alertname=\"{}\"}}", names::DEPLOYMENT_WORSE);
        let end = is_told.then_some((END, None));
        for (at, told) in [(COMES, None), (TOLD, told)].into_iter().chain(end) {
            let samples = told.into_iter().map(|told| (told, 1.0)).collect();
            checks.push(Check { expr: expr.clone(), at, samples });
        }
    }
    let listed: Vec<_> = slos.iter().map(|slo| slo.name()).collect();
    Case { name: format!("{name} ({})", listed.join(", ")), given, checks }
}
