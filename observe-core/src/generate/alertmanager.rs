//! The configuration of Alertmanager: who is told what, and what is not said twice.

use super::folder::MARK;
use super::yaml::Yaml;
use super::{Declared, File};
use crate::semconv::{alert, slo as names};
use crate::slo::{Severity, promql_duration};
use std::time::Duration;

/// How long is waited for further alerts before people are told: of a page, and of a ticket.
const WAIT_OF_PAGES: Duration = Duration::from_secs(10);
const WAIT: Duration = Duration::from_secs(30);

/// How long before people are told of what came after that.
const INTERVAL: Duration = Duration::from_secs(5 * 60);

/// Shorter than this no interval is made, however short an objective's period is.
const SHORTEST: Duration = Duration::from_secs(1);

/// How often people are told again.
const REPEAT_OF_PAGES: Duration = Duration::from_secs(4 * 3600);
const REPEAT: Duration = Duration::from_secs(3 * 24 * 3600);

/// The label of an alert's name.
const ALERTNAME: &str = "alertname";

pub(super) fn file(declared: &Declared) -> File {
    File { path: "alertmanager.yaml".to_owned(), text: configuration(declared) }
}

fn configuration(declared: &Declared) -> String {
    let (page, ticket) = (declared.alerting.severity(true), declared.alerting.severity(false));
    // Of one name there can be one receiver, and nothing to tell apart.
    let differ = page.label() != ticket.label();
    let wait = |time| Yaml::text(promql_duration(declared.shortened(time).max(SHORTEST)));
    let mut route = vec![
        ("receiver", Yaml::text(ticket.label())),
        ("group_by", texts([ALERTNAME, names::SERVICE, names::SLO])),
        ("group_wait", wait(WAIT)),
        ("group_interval", wait(INTERVAL)),
        ("repeat_interval", Yaml::text(promql_duration(REPEAT))),
    ];
    if differ {
        let pages = Yaml::map([
            ("receiver", Yaml::text(page.label())),
            ("matchers", texts([of(page).as_str()])),
            ("group_wait", wait(WAIT_OF_PAGES)),
            ("repeat_interval", Yaml::text(promql_duration(REPEAT_OF_PAGES))),
        ]);
        route.push(("routes", Yaml::list([pages])));
    }
    let mut all = vec![("route", Yaml::map(route))];
    if differ {
        // Without a word on `slo`, a page that has none would silence every ticket that has none: `equal` takes two
        // labels for the same that are both missing.
        let about_one = |severity| {
            let severity = of(severity);
            texts([severity.as_str(), "slo!=\"\""])
        };
        let inhibit = Yaml::map([
            ("source_matchers", about_one(page)),
            ("target_matchers", about_one(ticket)),
            ("equal", texts([names::SERVICE, names::SLO])),
        ]);
        all.push(("inhibit_rules", Yaml::list([inhibit])));
    }
    let receivers = [page, ticket].into_iter().take(if differ { 2 } else { 1 });
    all.push(("receivers", Yaml::list(receivers.map(receiver))));
    let head = format!(
        "{MARK}: Alertmanager for `{}`.\n\
         \n\
         alertmanager --config.file=alertmanager.yaml\n\
         \n\
         Pages and tickets go to their webhooks (`Severity::webhook`; without it, a placeholder that nobody answers). Whoever has\n\
         an Alertmanager already takes the routes and the inhibition from here, and the receivers from there.",
        declared.service,
    );
    Yaml::map(all).document(&head)
}

fn receiver(severity: &Severity) -> Yaml {
    let label = severity.label();
    let url = severity.webhook_url().map_or_else(|| format!("http://127.0.0.1:9095/{label}"), str::to_owned);
    let webhook = Yaml::map([("url", Yaml::text(url)), ("send_resolved", Yaml::bare(&true))]);
    Yaml::map([("name", Yaml::text(label)), ("webhook_configs", Yaml::list([webhook]))])
}

/// What matches alerts of a severity, whose label is no more than letters, digits, `_` and `-`.
fn of(severity: &Severity) -> String {
    format!("{}=\"{}\"", alert::SEVERITY, severity.label())
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Yaml {
    Yaml::list(texts.into_iter().map(Yaml::text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slo::{Alerting, Slo};
    use crate::telemetry::Telemetry;

    fn made(alerting: Alerting, slos: impl IntoIterator<Item = Slo>) -> String {
        let builder = Telemetry::builder("checkout").alerting(alerting);
        let builder = slos.into_iter().fold(builder, crate::telemetry::Builder::slo);
        configuration(&Declared::of(&builder.build().unwrap()))
    }

    // Mutation caught: a page of no objective that silences all tickets of none.
    #[test]
    fn a_page_silences_the_tickets_of_its_own_objective() {
        let made =
            made(Alerting::new().page(Severity::new("wake").webhook("https://pager.example.org/x")), []);
        let inhibition = r#"inhibit_rules:
  - source_matchers:
      - 'severity="wake"'
      - 'slo!=""'
    target_matchers:
      - 'severity="ticket"'
      - 'slo!=""'
    equal:
      - service
      - slo
"#;
        assert!(made.contains(inhibition), "{made}");
        assert!(made.contains("url: \"https://pager.example.org/x\""), "{made}");
        assert!(made.contains("url: \"http://127.0.0.1:9095/ticket\""), "{made}");
    }

    // Mutation caught: two receivers of one name, which Alertmanager refuses.
    #[test]
    fn one_severity_has_one_receiver() {
        let made = made(Alerting::new().ticket(Severity::new("page")), []);
        assert_eq!(made.matches("name: page").count(), 1, "{made}");
        assert!(!made.contains("inhibit_rules") && !made.contains("routes:"), "{made}");
    }

    #[test]
    fn short_periods_have_shorter_intervals_and_people_the_same_patience() {
        let made =
            made(Alerting::new(), [Slo::availability("a", 99.0).window(Duration::from_secs(12 * 3600))]);
        assert!(made.contains("group_interval: \"5s\"") && made.contains("group_wait: \"1s\""), "{made}");
        assert!(
            made.contains("repeat_interval: \"4h\"") && made.contains("repeat_interval: \"3d\""),
            "{made}"
        );
    }
}
