//! Runbooks, begun: what whoever is woken asks first. The rest is for those to write who know the service.

use super::folder::MARK;
use super::words::{events, good, histogram, is, line, number, time};
use super::{Declared, File, RUNBOOKS};
use crate::semconv::{http, metric, operation, own, slo as names};
use crate::slo::{Slo, Source, promql_duration};
use std::fmt::Write as _;

pub(super) fn files(declared: &Declared) -> Vec<File> {
    declared.slos.iter().map(|slo| file(slo.name(), &of_objective(slo, declared))).collect()
}

fn file(name: &str, runbook: &Runbook) -> File {
    File { path: format!("{RUNBOOKS}/{name}.md"), text: runbook.text(name) }
}

/// What a runbook begins with. Texts are Markdown.
#[derive(Default)]
struct Runbook {
    /// What it means that somebody is told.
    meaning: Vec<String>,
    /// Queries that show more, with what each does.
    queries: Vec<(&'static str, String)>,
    causes: Vec<String>,
    first_actions: Vec<String>,
    /// How it is practised.
    drill: Vec<String>,
}

impl Runbook {
    fn text(&self, name: &str) -> String {
        let mut out = format!(
            "# {name}\n\n\
             <!-- {MARK}, once: this file is yours, and is never overwritten. -->\n"
        );
        for paragraph in &self.meaning {
            let _ = write!(out, "\n{paragraph}\n");
        }
        out.push_str("\n## What to look at\n");
        for (what, query) in &self.queries {
            let _ = write!(out, "\n{what}\n\n```promql\n{query}\n```\n");
        }
        for (head, texts, open) in [
            ("Likely causes", &self.causes, "What was it the last times?"),
            ("First actions", &self.first_actions, "What stops the damage before the cause is known?"),
            (
                "Practise it",
                &self.drill,
                "When was it practised last, by whom, and what did they find missing here?",
            ),
        ] {
            let _ = write!(out, "\n## {head}\n\n");
            let numbered = head == "First actions";
            for (index, text) in texts.iter().map(String::as_str).chain([open]).enumerate() {
                let _ = match numbered {
                    true => writeln!(out, "{}. {}", index + 1, line(text)),
                    false => writeln!(out, "- {}", line(text)),
                };
            }
        }
        out
    }
}

fn of_objective(slo: &Slo, declared: &Declared) -> Runbook {
    let about = slo.about();
    let mut meaning = Vec::new();
    meaning.extend(about.impact.as_deref().map(line));
    meaning.push(format!(
        "{} % of the {} are to be good, over {}: one is, if {}. Now so many are bad that the error budget is spent too fast.",
        number(slo.objective()),
        events(slo),
        time(slo.period()),
        good(slo),
    ));
    meaning
        .extend(declared.alerting.dashboard_of(Some(slo)).map(|url| format!("Dashboard: <{}>", line(url))));
    Runbook {
        meaning,
        queries: queries(slo, declared),
        causes: said(&about.causes, &causes(slo)),
        first_actions: said(&about.first_actions, &first_actions(slo)),
        drill: vec![
            drill(slo),
            "Say beforehand who is woken and after how long, and see whether it is so.".to_owned(),
        ],
    }
}

/// What was declared, before what holds for all.
fn said(declared: &[String], general: &[&str]) -> Vec<String> {
    declared.iter().cloned().chain(general.iter().map(|text| (*text).to_owned())).collect()
}

fn causes(slo: &Slo) -> Vec<&'static str> {
    let mut causes = vec!["A change: of the service, of its configuration, of what it calls."];
    match slo.source() {
        Source::Calls(_) | Source::Dependency(_) => {
            causes.push("What is called is down, slow, or refuses this service.");
            causes.push("The way there: names, certificates, connections that are used up.");
        }
        Source::ByHand | Source::External => {}
        _ => {
            causes.push("Something that it depends on fails or is slow.");
            causes.push("Something is used up: connections, memory, CPU, a queue.");
        }
    }
    causes
}

fn first_actions(slo: &Slo) -> Vec<&'static str> {
    let mut actions = vec![
        "Is it still so, and for whom? The first two queries; whether all instances and versions are alike.",
        "Did it begin with a change? Take the change back before looking for its fault.",
    ];
    if matches!(slo.source(), Source::Calls(_) | Source::Dependency(_)) {
        actions.push("Tell those whose service is called; do without it where that is possible.");
    }
    actions
}

/// How to see it happen, where it hurts nobody.
fn drill(slo: &Slo) -> String {
    let what = match slo.source() {
        Source::Requests(_) => "let a share of these requests fail, or answer late",
        Source::Calls(_) | Source::Dependency(_) => "block the way to what is called, or let it answer late",
        Source::Function(_) | Source::Operation(_) => "let a share of these calls fail, or take longer",
        Source::ByHand => "record bad events",
        Source::External => "let a share of these events be bad where they are measured",
    };
    format!(
        "Not in production: {what}. With `.window(Duration::from_secs(12 * 3600))` the alert needs a minute instead of an hour."
    )
}

/// What to ask first, of metrics that are there.
fn queries(slo: &Slo, declared: &Declared) -> Vec<(&'static str, String)> {
    let own = [is(names::SLO, slo.name()), is(names::SERVICE, &declared.service)].join(", ");
    let rules = slo.burn_rules();
    let shortest = rules.iter().map(|rule| rule.short).min().unwrap_or_default();
    let window = promql_duration(shortest);
    let mut queries = vec![
        (
            "How fast the budget is spent: over each window, the share of bad events by the share that may be.",
            format!("{{__name__=~\"slo:sli_error:ratio_rate.*\", {own}}} / {}", slo.error_budget()),
        ),
        ("How much of it is left.", format!("slo:error_budget_remaining:ratio{{{own}}}")),
    ];
    if !slo.is_external() {
        let bad = names::BAD_EVENTS_TOTAL;
        queries.push((
            "Which instances have the bad events.",
            format!("sum by (instance) (rate({bad}{{{own}}}[{window}]))"),
        ));
        queries.push((
            "Which versions have them.",
            format!(
                "sum by ({version}) (rate({bad}{{{own}}}[{window}]) * on (job, instance) group_left ({version}) {info})",
                version = own::VERSION,
                info = own::BUILD_INFO,
            ),
        ));
    }
    let job = is("job", &declared.service);
    if let Some((family, matchers)) = histogram(slo).filter(|(family, _)| declared.has(family)) {
        let chosen =
            std::iter::once(&job).chain(&matchers).map(String::as_str).collect::<Vec<_>>().join(", ");
        let by = match slo.source() {
            Source::Requests(_) | Source::Calls(_) => {
                format!("{}, {}", http::STATUS_LABEL, http::ERROR_TYPE_LABEL)
            }
            _ => metric::OUTCOME.to_owned(),
        };
        queries
            .push(("How they end.", format!("sum by ({by}) (rate({family}_count{{{chosen}}}[{window}]))")));
        queries.push((
            "How long the slowest twentieth takes.",
            format!("histogram_quantile(0.95, sum by (le) (rate({family}_bucket{{{chosen}}}[{window}])))"),
        ));
    }
    let is_own_work =
        matches!(slo.source(), Source::Requests(_) | Source::Function(_) | Source::Operation(_));
    let dependencies = operation::DEPENDENCY_DURATION_SECONDS;
    if is_own_work && declared.has(dependencies) {
        queries.push((
            "Whether what it depends on fails.",
            format!(
                "sum by ({}, {outcome}) (rate({dependencies}_count{{{job}, {outcome}!=\"ok\"}}[{window}]))",
                operation::DEPENDENCY,
                outcome = metric::OUTCOME,
            ),
        ));
    }
    if is_own_work && declared.has(metric::RESOURCE_CAPACITY) {
        queries.push((
            "Whether something is used up.",
            format!(
                "max by ({}) ({}{{{job}}} / {}{{{job}}})",
                metric::RESOURCE,
                metric::RESOURCE_IN_USE,
                metric::RESOURCE_CAPACITY,
            ),
        ));
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::Alerting;
    use crate::telemetry::Telemetry;

    fn made(slo: Slo) -> String {
        let alerting = Alerting::new().dashboard("https://grafana.example.org/d/checkout");
        let telemetry = Telemetry::builder("checkout").slo(slo).alerting(alerting).build().unwrap();
        files(&Declared::of(&telemetry)).remove(0).text
    }

    // Mutations caught: what was declared is missing, or stands behind what holds for all.
    #[test]
    fn what_was_declared_comes_first() {
        let made = made(
            Slo::availability("charge", 99.9)
                .route("/charge")
                .impact("Customers cannot pay.")
                .cause("The bank is down.")
                .first_action("Look at the bank's status page."),
        );
        assert!(made.starts_with("# charge\n\n<!-- Generated by observe, once"), "{made}");
        for text in [
            "\nCustomers cannot pay.\n",
            "Dashboard: <https://grafana.example.org/d/checkout>",
            "## Likely causes\n\n- The bank is down.\n- A change",
            "## First actions\n\n1. Look at the bank's status page.\n2. Is it still so",
            "## Practise it\n\n- Not in production: let a share of these requests fail",
            "slo:error_budget_remaining:ratio{slo=\"charge\", service=\"checkout\"}",
        ] {
            assert!(made.contains(text), "{text}: {made}");
        }
    }

    #[test]
    fn what_is_measured_elsewhere_is_not_asked_of_this_service() {
        let made = made(Slo::external("edge", 99.0, "a[$window]", "b[$window]"));
        assert!(!made.contains("slo_bad_events_total") && made.contains("slo:sli_error"), "{made}");
    }
}
