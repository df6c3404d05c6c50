//! Each objective as a document, for people who do not read code.

use super::folder::MARK;
use super::words::{code, events, excluded, good, line, number, percent, time};
use super::{Declared, File};
use crate::semconv::alert;
use crate::slo::{BurnRule, Indicator, Severity, Slo};
use std::fmt::Write as _;
use std::time::Duration;

/// How much of the budget is left, and what holds then ("The Site Reliability Workbook", appendix B, "Example Error Budget
/// Policy").
const POLICY: [(&str, &str); 4] = [
    ("more than 50 %", "as usual"),
    ("25 to 50 %", "more care: smaller changes, and a look at what spends it"),
    ("less than 25 %", "no risky changes"),
    ("none", "nothing but reliability, until there is some again"),
];

pub(super) fn file(declared: &Declared) -> File {
    File { path: "slo.md".to_owned(), text: document(declared) }
}

fn document(declared: &Declared) -> String {
    let mut out = format!(
        "# Objectives of {}\n\n<!-- {MARK}: what is declared in code says it otherwise. -->\n",
        line(&declared.service)
    );
    if declared.slos.is_empty() {
        out.push_str("\nNone is declared.\n");
        return out;
    }
    for slo in &declared.slos {
        objective(slo, declared, &mut out);
    }
    out.push_str(
        "\n## What the budget allows\n\n\
         For each objective, by how much of it is left over the period:\n\n\
         | left | what holds |\n| --- | --- |\n",
    );
    for (left, what) in POLICY {
        let _ = writeln!(out, "| {left} | {what} |");
    }
    let _ = writeln!(
        out,
        "\nPrometheus has both: what is left as `{}`, and the row as `{}`, 0 to 3.",
        alert::BUDGET_REMAINING,
        alert::BUDGET_POLICY,
    );
    out
}

fn objective(slo: &Slo, declared: &Declared, out: &mut String) {
    let alerting = &declared.alerting;
    let (budget, period) = (slo.error_budget(), time(slo.period()));
    let _ = writeln!(
        out,
        "\n## {}\n\n{} % of the {} are good, over {period}, rolling.\n",
        slo.name(),
        number(slo.objective()),
        events(slo),
    );
    let mut point = |what: &str, text: &str| {
        let _ = writeln!(out, "- **{what}:** {}", line(text));
    };
    point("Good", &format!("{}.", good(slo)));
    let excluded = excluded(slo);
    if !excluded.is_empty() {
        let excluded: Vec<_> =
            excluded.iter().map(|(reason, what)| format!("{what} ({})", code(reason))).collect();
        point("Not counted", &format!("{}.", excluded.join("; ")));
    }
    let lost = |budget: f64| time(whole_seconds(slo.period().mul_f64(budget.clamp(0.0, 1.0))));
    point(
        "Error budget",
        &format!(
            "{}: {} bad events of a million; or everything bad for {} of {period}.",
            percent(budget),
            number(budget * 1e6),
            lost(budget),
        ),
    );
    if let Some(contract) = slo.contract() {
        let lost = lost((100.0 - contract) / 100.0);
        point("Promised by contract", &format!("{} %: everything bad for {lost}.", number(contract)));
    }
    let about = slo.about();
    let texts = [
        ("Owner", alerting.owner_of(Some(slo))),
        ("When it is missed", about.impact.as_deref()),
        ("Dashboard", alerting.dashboard_of(Some(slo))),
    ];
    for (what, text) in texts {
        if let Some(text) = text {
            point(what, text);
        }
    }
    let own = format!("[{0}/{1}.md]({0}/{1}.md)", super::RUNBOOKS, slo.name());
    point("Runbook", &alerting.runbook_of(slo).unwrap_or(own));
    if let Indicator::External { total, bad } = slo.indicator() {
        for (what, query) in [("All events", total), ("Bad events", bad)] {
            let _ = writeln!(out, "\n{what}, as PromQL:\n\n```promql\n{}\n```", query.trim());
        }
    }
    told(slo, declared, out);
}

/// Who is told, and when.
fn told(slo: &Slo, declared: &Declared, out: &mut String) {
    out.push_str(
        "\n| budget spent | in | and still in | times too fast | bad events | then |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for rule in slo.burn_rules() {
        let then = if rule.can_fire() {
            severity(declared.alerting.severity(declared.alerting.pages(slo, rule.pair)))
        } else {
            "never: more than all events cannot be bad".to_owned()
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {then} |",
            percent(rule.spent),
            time(rule.long),
            time(rule.short),
            // Two digits are enough to read.
            number((rule.factor * 100.0).round() / 100.0),
            percent(rule.limit),
        );
    }
    let least = BurnRule::LEAST_BAD_EVENTS;
    let _ = writeln!(out, "\nFewer than {least} bad events in the longer time tell nobody.");
}

/// `page` (SEV2), to be looked at within 15 min.
fn severity(severity: &Severity) -> String {
    let level = severity.level_name().map(|level| format!(" ({})", line(level).replace('|', "\\|")));
    let response = severity.response_time().map(|response| format!(", looked at within {}", time(response)));
    [code(severity.label()), level.unwrap_or_default(), response.unwrap_or_default()].concat()
}

/// A budget of 43 min 12 s is not one of 43 min 11 s 999 ms.
fn whole_seconds(time: Duration) -> Duration {
    if time < Duration::from_secs(10) { time } else { Duration::from_secs(time.as_secs_f64().round() as u64) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::Alerting;
    use crate::telemetry::Telemetry;

    fn made(slo: Slo) -> String {
        let alerting = Alerting::new().owner("team-shop");
        let telemetry = Telemetry::builder("checkout").slo(slo).alerting(alerting).build().unwrap();
        document(&Declared::of(&telemetry))
    }

    // The figures are worked out by hand: 0.1 % of 30 days (43,200 min) are 43.2 min; 0.5 % are 3 h 36 min.
    // Mutations caught: a budget that is none of the objective's, a factor that is none of the period's.
    #[test]
    fn an_objective_is_said_with_its_figures() {
        let slo =
            Slo::availability("charge", 99.9).route("/charge").sla(99.5).impact("Customers\ncannot pay.");
        let expected = "# Objectives of checkout\n\
            \n\
            <!-- Generated by observe: what is declared in code says it otherwise. -->\n\
            \n\
            ## charge\n\
            \n\
            99.9 % of the requests with route `/charge` are good, over 30 days, rolling.\n\
            \n\
            - **Good:** it does not fail: no status of 500 and above, no declared failure, no panic (answers of 400 to 499 are no failures of the service).\n\
            - **Not counted:** those whose client went away before it had an answer (`cancelled`); what happens during maintenance that the code declares (`maintenance`).\n\
            - **Error budget:** 0.1 %: 1,000 bad events of a million; or everything bad for 43 min 12 s of 30 days.\n\
            - **Promised by contract:** 99.5 %: everything bad for 3 h 36 min.\n\
            - **Owner:** team-shop\n\
            - **When it is missed:** Customers cannot pay.\n\
            - **Runbook:** [runbooks/charge.md](runbooks/charge.md)\n\
            \n\
            | budget spent | in | and still in | times too fast | bad events | then |\n\
            | --- | --- | --- | --- | --- | --- |\n\
            | 2 % | 1 h | 5 min | 14.4 | 1.44 % | `page` (SEV2), looked at within 15 min |\n\
            | 5 % | 6 h | 30 min | 6 | 0.6 % | `ticket` (SEV3), looked at within 1 day |\n\
            | 10 % | 1 day | 2 h | 3 | 0.3 % | `ticket` (SEV3), looked at within 1 day |\n\
            | 10 % | 3 days | 6 h | 1 | 0.1 % | `ticket` (SEV3), looked at within 1 day |\n";
        let made = made(slo);
        assert!(made.starts_with(expected), "{made}");
        assert!(made.contains("\n| none | nothing but reliability, until there is some again |\n"), "{made}");
    }

    #[test]
    fn a_pair_that_cannot_fire_is_said_and_queries_are_shown() {
        let made = made(Slo::external("edge", 90.0, "sum(rate(a[$window]))", "sum(rate(b[$window]))"));
        assert!(made.contains("| 14.4 | 144 % | never"), "{made}");
        assert!(made.contains("```promql\nsum(rate(a[$window]))\n```"), "{made}");
        assert!(!made.contains("Not counted"), "{made}");
    }

    #[test]
    fn a_service_without_objectives_says_so() {
        let telemetry = Telemetry::builder("checkout").build().unwrap();
        assert!(document(&Declared::of(&telemetry)).ends_with("None is declared.\n"));
    }
}
