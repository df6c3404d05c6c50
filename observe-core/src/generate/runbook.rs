//! Runbooks, begun: what whoever is woken asks first. The rest is for those to write who know the service.

use super::alert::Alert;
use super::folder::MARK;
use super::promql::quoted;
use super::rules::service_alerts;
use super::words::{events, good, histogram, line, number, time};
use super::{Declared, File, RUNBOOKS};
use crate::semconv::{alert, http, metric, operation, own, rpc, slo as names};
use crate::slo::{Slo, Source, promql_duration};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One for each objective, and for each alert that belongs to none.
pub(super) fn files(declared: &Declared) -> Vec<File> {
    let objectives = declared.slos.iter().map(|slo| (slo.name(), of_objective(slo, declared)));
    // There may be several of one name: their labels tell them apart.
    let alerts: BTreeMap<_, _> =
        service_alerts(declared).into_iter().map(|alert| (alert.name, of_alert(alert))).collect();
    objectives.chain(alerts).map(|(name, runbook)| file(name, &runbook)).collect()
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

fn of_alert(alert: Alert<'_>) -> Runbook {
    let drill =
        format!("Not in production: {}. Who is told of it, and after how long?", drill_of_alert(alert.name));
    Runbook {
        meaning: vec![without_commands(&alert.summary) + ".", without_commands(&alert.description)],
        queries: vec![("What the alert asks.", alert.expr)],
        causes: alert.causes,
        first_actions: alert.first_actions,
        drill: vec![drill],
    }
}

/// How to see an alert of the service, where it hurts nobody.
fn drill_of_alert(name: &str) -> &'static str {
    match name {
        alert::CRASH_LOOP_PAGE | alert::CRASH_LOOP_TICKET => "let instances end right after their start",
        alert::JOB_ABSENT => "stop every instance, or give the job another name",
        alert::LABEL_OVERFLOW => "send more different values of a label than its limit",
        alert::TELEMETRY_DROPPED => "stop reading the log under load, or stop the collector",
        alert::TRACES_DROPPED_EARLY => "let the second tier of collectors hold a few traces only, under load",
        alert::RESOURCE_EXHAUSTED | alert::RESOURCE_FILLING => "lower the capacity under load",
        alert::DISK_FULL | alert::DISK_FILLING => "write a large file",
        alert::QUEUE_LAG => "stop what takes from the queue",
        alert::REPLICA_LAG => "stop the replication",
        _ => "bring it about",
    }
}

/// A template, as somebody reads it whom nobody told its labels and its value.
fn without_commands(template: &str) -> String {
    let mut parts = template.split("{{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push('…');
        out.push_str(part.split_once("}}").map_or("", |(_, rest)| rest));
    }
    line(&out)
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
    let window = slo.burn_rules().iter().map(|rule| rule.short).min().unwrap_or_default();
    let rate = |series: &str| format!("rate({series}[{}])", promql_duration(window));
    // Over every window, and over the period.
    let ratios = format!("__name__=~{}", quoted(&format!("{}.*", alert::ERROR_RATIO)));
    let ratios = declared.of_slo("", slo).replacen('{', &format!("{{{ratios},"), 1);
    let mut queries = vec![
        (
            "How fast the budget is spent: over each window, the share of bad events by the share that may be.",
            format!("{ratios} / {}", slo.error_budget()),
        ),
        ("How much of it is left.", declared.of_slo(alert::BUDGET_REMAINING, slo)),
    ];
    if !slo.is_external() {
        let bad = rate(&declared.of_slo(names::BAD_EVENTS_TOTAL, slo));
        let (version, info) = (own::VERSION, declared.of_job(own::BUILD_INFO));
        queries.push(("Which instances have the bad events.", format!("sum by (instance) ({bad})")));
        queries.push((
            "Which versions have them.",
            format!("sum by ({version}) ({bad} * on (job, instance) group_left ({version}) {info})"),
        ));
    }
    if let Some((family, matchers)) = histogram(slo).filter(|(family, _)| declared.has(family)) {
        let of = |end: &str| {
            rate(&declared.of_job_where(&format!("{}_{end}", declared.shown(family)), &matchers.join(",")))
        };
        let by = match (family, slo.source()) {
            (rpc::SERVER_CALL_DURATION_SECONDS, _) => {
                format!("{}, {}", rpc::STATUS_LABEL, http::ERROR_TYPE_LABEL)
            }
            (_, Source::Requests(_) | Source::Calls(_)) => {
                format!("{}, {}", http::STATUS_LABEL, http::ERROR_TYPE_LABEL)
            }
            _ => metric::OUTCOME.to_owned(),
        };
        queries.push(("How they end.", format!("sum by ({by}) ({})", of("count"))));
        let slowest = format!("histogram_quantile(0.95, sum by (le) ({}))", of("bucket"));
        queries.push(("How long the slowest twentieth takes.", slowest));
    }
    if matches!(slo.source(), Source::Requests(_) | Source::Function(_) | Source::Operation(_)) {
        queries.extend(of_what_it_needs(declared, rate));
    }
    queries
}

/// Of what the service depends on, and runs on.
fn of_what_it_needs(declared: &Declared, rate: impl Fn(&str) -> String) -> Vec<(&'static str, String)> {
    let mut queries = Vec::new();
    if declared.has(operation::DEPENDENCY_DURATION_SECONDS) {
        let outcome = metric::OUTCOME;
        let calls = format!("{}_count", declared.shown(operation::DEPENDENCY_DURATION_SECONDS));
        let failed = rate(&declared.of_job_where(&calls, &format!("{outcome}!=\"ok\"")));
        let query = format!("sum by ({}, {outcome}) ({failed})", operation::DEPENDENCY);
        queries.push(("Whether what it depends on fails.", query));
    }
    if declared.has(metric::RESOURCE_IN_USE) && declared.has(metric::RESOURCE_CAPACITY) {
        let of = |name: &str| declared.of_job(name);
        let (in_use, capacity) = (of(metric::RESOURCE_IN_USE), of(metric::RESOURCE_CAPACITY));
        let query = format!("max by ({}) ({in_use} / {capacity})", metric::RESOURCE);
        queries.push(("Whether something is used up.", query));
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

    // Mutation caught: an alert whose runbook's address leads nowhere.
    #[test]
    fn an_alert_of_no_objective_has_one_too() {
        let declared = Declared::of(&Telemetry::builder("checkout").build().unwrap());
        let files = files(&declared);
        for alert in service_alerts(&declared) {
            let path = format!("runbooks/{}.md", alert.name);
            let runbook = files.iter().find(|file| file.path == path).unwrap();
            assert!(runbook.text.contains(&alert.expr), "{}", runbook.text);
            assert!(
                !runbook.text.contains("{{") && !runbook.text.contains("bring it about"),
                "{}",
                runbook.text
            );
        }
    }

    #[test]
    fn templates_are_read_without_their_commands() {
        assert_eq!(without_commands("{{ $value }} of {{ $labels.x }} are bad"), "… of … are bad");
        assert_eq!(without_commands("a {{ b"), "a …");
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
            "slo:error_budget_remaining:ratio{slo=\"charge\",service=\"checkout\"}",
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
