//! `rules.yaml`: what Prometheus records of the objectives, and whom it tells of what.

mod ceilings;
mod deployment;
mod objective;
mod service;

pub(super) use self::objective::slo_alerts;
pub(super) use self::service::service_alerts;

use super::folder::MARK;
use super::words::percent;
use super::yaml::Yaml;
use super::{Declared, File};
use crate::slo::{BurnRule, Slo, promql_duration};
use std::time::Duration;

/// The name of the file.
pub(super) const FILE: &str = "rules.yaml";

/// How often the alerts of the service are looked at.
const PACE: Duration = Duration::from_secs(30);

pub(super) fn file(declared: &Declared) -> File {
    File { path: FILE.to_owned(), text: rules(declared) }
}

fn rules(declared: &Declared) -> String {
    let groups = groups(declared).into_iter().map(|group| {
        Yaml::map([
            ("name", Yaml::text(group.name)),
            ("interval", Yaml::text(promql_duration(group.interval))),
            ("rules", Yaml::list(group.rules)),
        ])
    });
    Yaml::map([("groups", Yaml::list(groups))]).document(&head(declared))
}

/// The names of the groups, in their order.
pub(super) fn group_names(declared: &Declared) -> Vec<String> {
    groups(declared).into_iter().map(|group| group.name).collect()
}

/// Rules that are evaluated one behind the other.
struct Group {
    name: String,
    interval: Duration,
    rules: Vec<Yaml>,
}

fn groups(declared: &Declared) -> Vec<Group> {
    let service = &declared.service;
    let mut groups = Vec::new();
    for slo in &declared.slos {
        let name = |what: &str| format!("{service}: {} {what}", slo.name());
        let pace = slo.pace();
        groups.push(Group {
            name: name("windows"),
            interval: pace,
            rules: objective::windows(declared, slo),
        });
        groups.push(Group {
            name: name("period"),
            interval: pace * objective::PACES_OF_PERIOD,
            rules: objective::period(declared, slo),
        });
        let alerts = slo_alerts(declared, slo).iter().map(|alert| alert.yaml(declared)).collect();
        groups.push(Group { name: name("alerts"), interval: pace, rules: alerts });
    }
    let alerts = service_alerts(declared).iter().map(|alert| alert.yaml(declared)).collect();
    groups.push(Group { name: format!("{service}: service"), interval: PACE, rules: alerts });
    groups
}

fn head(declared: &Declared) -> String {
    let mut head = format!(
        "{MARK}: the alert rules of {}. They need Prometheus 2.42 or newer, and a scrape job of the service's name.",
        declared.service.escape_debug(),
    );
    for slo in &declared.slos {
        let silent = slo.burn_rules().into_iter().filter(|rule| !rule.can_fire());
        head.extend(silent.map(|rule| left_out(slo, &rule)));
    }
    head
}

/// Why a pair of windows is not there.
fn left_out(slo: &Slo, rule: &BurnRule) -> String {
    format!(
        "\nSLO {}: no alert over {} and {}: {} times the error budget of {} is more than all.",
        slo.name(),
        promql_duration(rule.long),
        promql_duration(rule.short),
        rule.factor,
        percent(slo.error_budget()),
    )
}
