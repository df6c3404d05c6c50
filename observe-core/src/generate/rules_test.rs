//! `rules_test*.yaml`: what `promtool test rules` holds the rules against.

mod deployment;
mod objective;
mod service;
mod traffic;

use super::folder::MARK;
use super::rules;
use super::yaml::Yaml;
use super::{Declared, File};
use crate::slo::{Slo, promql_duration};
use std::collections::BTreeSet;
use std::time::Duration;

/// How far values are apart that are about no objective, or about one whose windows are as they were chosen.
const TICK: Duration = Duration::from_secs(30);

/// So many ticks are between two evaluations: each rule is evaluated each time, which is what takes promtool so long.
const EVALUATION: u32 = 2;

/// The files, by name. promtool evaluates a file at one interval, and with it all rules: objectives whose windows are
/// shortened have a file of their own.
pub(super) fn files(declared: &Declared) -> Vec<File> {
    let mut cases = objective::cases(declared, TICK);
    cases.extend(deployment::cases(declared, TICK));
    cases.extend(service::cases(declared));
    let mut files = vec![file("rules_test.yaml".to_owned(), declared, TICK, &cases)];
    let others: BTreeSet<_> = declared.slos.iter().map(Slo::pace).filter(|pace| *pace != TICK).collect();
    for tick in others {
        let mut cases = objective::cases(declared, tick);
        cases.extend(deployment::cases(declared, tick));
        let name = format!("rules_test_{}.yaml", promql_duration(tick));
        files.push(file(name, declared, tick, &cases));
    }
    files
}

fn file(path: String, declared: &Declared, tick: Duration, cases: &[Case]) -> File {
    let head = format!(
        "{MARK}: tests of {}.\n\npromtool test rules rules_test*.yaml\n{}",
        rules::FILE,
        objective::left_out(declared, tick),
    );
    let groups = rules::group_names(declared).into_iter().map(Yaml::Text);
    let tests = Yaml::map([
        ("rule_files", Yaml::list([Yaml::text(rules::FILE)])),
        ("evaluation_interval", Yaml::text(promql_duration(tick * EVALUATION))),
        ("group_eval_order", Yaml::list(groups)),
        ("tests", Yaml::list(cases.iter().map(|case| case.yaml(tick)))),
    ]);
    File { path, text: tests.document(head.trim_end()) }
}

/// What is given, and what is to come of it.
struct Case {
    name: String,
    /// Series, and their values as promtool writes them.
    given: Vec<(String, String)>,
    checks: Vec<Check>,
}

/// What a query is to answer.
struct Check {
    expr: String,
    /// After so many ticks.
    at: u32,
    samples: Vec<(String, f64)>,
}

impl Check {
    /// That this is so.
    fn holds(expr: String, at: u32) -> Self {
        Self { expr, at, samples: vec![("{}".to_owned(), 1.0)] }
    }

    /// That this is nothing.
    fn nothing(expr: String, at: u32) -> Self {
        Self { expr, at, samples: Vec::new() }
    }
}

impl Case {
    fn yaml(&self, tick: Duration) -> Yaml {
        let given = self.given.iter().map(|(series, values)| {
            Yaml::map([("series", Yaml::text(series)), ("values", Yaml::text(values))])
        });
        let checks = self.checks.iter().map(|check| {
            let samples = check.samples.iter().map(|(labels, value)| {
                Yaml::map([("labels", Yaml::text(labels)), ("value", Yaml::bare(value))])
            });
            Yaml::map([
                ("expr", Yaml::text(&check.expr)),
                ("eval_time", Yaml::text(promql_duration(tick * check.at))),
                ("exp_samples", Yaml::list(samples)),
            ])
        });
        Yaml::map([
            ("name", Yaml::text(&self.name)),
            ("interval", Yaml::text(promql_duration(tick))),
            ("input_series", Yaml::list(given)),
            ("promql_expr_test", Yaml::list(checks)),
        ])
    }
}
