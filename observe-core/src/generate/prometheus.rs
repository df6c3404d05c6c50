//! The configuration of a Prometheus that scrapes the service and knows its rules.

use super::folder::MARK;
use super::yaml::Yaml;
use super::{Declared, File, TARGETS};
use crate::slo::{Slo, promql_duration};
use std::time::Duration;

/// How often is scraped, where no objective is shorter: often enough for a rate over five minutes.
pub(super) const SCRAPE: Duration = Duration::from_secs(15);

/// How often is scraped at most.
const SCRAPE_MIN: Duration = Duration::from_millis(100);

/// How long data is kept at least, which is Prometheus' own default; and beyond the longest period.
const KEPT: Duration = Duration::from_secs(15 * 24 * 3600);
const BEYOND: Duration = Duration::from_secs(5 * 24 * 3600);

/// The configuration, and the files that say where things are.
pub(super) fn files(declared: &Declared) -> Vec<File> {
    let service = &declared.service;
    let path = |name: &str| format!("{TARGETS}/{name}");
    vec![
        File { path: "prometheus.yaml".to_owned(), text: configuration(declared) },
        File {
            path: path("service.yaml"),
            text: targets(&format!("Every instance of `{service}`, by address and port."), "127.0.0.1:3000"),
        },
        File {
            path: path("alertmanagers.yaml"),
            text: targets("Every Alertmanager, by address and port.", "127.0.0.1:9093"),
        },
    ]
}

fn configuration(declared: &Declared) -> String {
    let scrape = declared.shortened(SCRAPE).max(SCRAPE_MIN);
    let evaluation = declared.slos.iter().map(Slo::pace).min().unwrap_or(2 * SCRAPE);
    let longest = declared.slos.iter().map(Slo::period).max().unwrap_or_default();
    let head = format!(
        "{MARK}: Prometheus for `{}`.\n\
         \n\
         prometheus --config.file=prometheus.yaml \\\n\
         \x20   --storage.tsdb.retention.time={} \\\n\
         \x20   --enable-feature=exemplar-storage\n\
         \n\
         It keeps data for longer than the longest objective's period; its own default of 15 days is less than 30. With exemplars, a\n\
         panel of durations leads to traces. Where instances and Alertmanagers are is in {TARGETS}/: those files are yours.",
        declared.service,
        promql_duration((longest + BEYOND).max(KEPT)),
    );
    let files = |name: &str| {
        Yaml::list([Yaml::map([("files", Yaml::list([Yaml::text(format!("{TARGETS}/{name}"))]))])])
    };
    Yaml::map([
        (
            "global",
            Yaml::map([
                ("scrape_interval", Yaml::text(promql_duration(scrape))),
                ("evaluation_interval", Yaml::text(promql_duration(evaluation))),
            ]),
        ),
        ("rule_files", Yaml::list([Yaml::text("rules.yaml")])),
        (
            "alerting",
            Yaml::map([(
                "alertmanagers",
                Yaml::list([Yaml::map([("file_sd_configs", files("alertmanagers.yaml"))])]),
            )]),
        ),
        (
            "scrape_configs",
            Yaml::list([Yaml::map([
                ("job_name", Yaml::text(&declared.service)),
                ("metrics_path", Yaml::text("/metrics")),
                ("file_sd_configs", files("service.yaml")),
            ])]),
        ),
    ])
    .document(&head)
}

fn targets(what: &str, example: &str) -> String {
    let head = format!("{MARK}, once: this file is yours. {what}");
    Yaml::list([Yaml::map([("targets", Yaml::list([Yaml::text(example)]))])]).document(&head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Telemetry;

    fn made(slos: Vec<Slo>) -> String {
        let builder = slos.into_iter().fold(Telemetry::builder("checkout"), crate::telemetry::Builder::slo);
        configuration(&Declared::of(&builder.build().unwrap()))
    }

    // Mutation caught: data that is thrown away before the period is over.
    #[test]
    fn data_is_kept_for_longer_than_the_longest_period() {
        let month = made(vec![Slo::availability("a", 99.0)]);
        assert!(month.contains("retention.time=35d"), "{month}");
        assert!(month.contains("scrape_interval: \"15s\"") && month.contains("evaluation_interval: \"30s\""));
    }

    #[test]
    fn short_periods_are_scraped_more_often() {
        let hours = Duration::from_secs(3600);
        let short = made(vec![Slo::availability("a", 99.0), Slo::availability("b", 99.0).window(12 * hours)]);
        assert!(
            short.contains("scrape_interval: \"250ms\"") && short.contains("evaluation_interval: \"500ms\"")
        );
        let shorter = made(vec![Slo::availability("a", 99.0).window(hours)]);
        assert!(shorter.contains("scrape_interval: \"100ms\""), "{shorter}");
    }

    #[test]
    fn a_service_without_objectives_has_one_too() {
        let none = made(Vec::new());
        assert!(none.contains("job_name: checkout") && none.contains("retention.time=15d"), "{none}");
    }
}
