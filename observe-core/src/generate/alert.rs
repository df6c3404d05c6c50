//! An alert, before it is text.

use super::declared::Declared;
use super::promql::series;
use super::template::{listed, plain};
use super::words::events;
use super::yaml::Yaml;
use crate::semconv::alert as names;
use crate::semconv::slo;
use crate::slo::{Slo, promql_duration};
use std::time::Duration;

/// An alert of an objective, or of the service.
pub(super) struct Alert<'a> {
    pub(super) name: &'static str,
    pub(super) slo: Option<&'a Slo>,
    pub(super) pages: bool,
    pub(super) expr: String,
    /// How long it has to be so.
    pub(super) lasts: Duration,
    /// How long it is told on when it is no longer so.
    pub(super) keeps: Duration,
    /// In a line what is wrong. A template.
    pub(super) summary: String,
    /// With its value. A template.
    pub(super) description: String,
    /// What is likely behind it, and what to do first; what its objective says of that comes after.
    pub(super) causes: Vec<String>,
    pub(super) first_actions: Vec<String>,
}

impl<'a> Alert<'a> {
    /// One that nobody is woken by, which is told as long as it is so.
    pub(super) fn new(name: &'static str, slo: Option<&'a Slo>, expr: impl Into<String>) -> Self {
        Self {
            name,
            slo,
            pages: false,
            expr: expr.into(),
            lasts: Duration::ZERO,
            keeps: Duration::ZERO,
            summary: String::new(),
            description: String::new(),
            causes: Vec::new(),
            first_actions: Vec::new(),
        }
    }

    /// The labels that it adds, as they are told.
    pub(super) fn labels(&self, declared: &Declared) -> Vec<(&'static str, String)> {
        let alerting = &declared.alerting;
        let severity = alerting.severity(self.pages);
        let labels = [
            (names::SEVERITY, Some(severity.label())),
            (names::LEVEL, severity.level_name()),
            (names::OWNER, alerting.owner_of(self.slo)),
            (slo::SERVICE, Some(&*declared.service)),
            (slo::SLO, self.slo.map(Slo::name)),
        ];
        let labels = labels.into_iter().filter_map(|(label, value)| Some((label, value?.to_owned())));
        labels.filter(|(_, value)| !value.trim().is_empty()).collect()
    }

    /// The series that Prometheus keeps of it while it fires; `others` are the labels that come from what it asks.
    pub(super) fn firing(&self, declared: &Declared, others: &[(&str, &str)]) -> String {
        let own = self.labels(declared);
        let own = own.iter().map(|(label, value)| (*label, value.as_str()));
        let fixed = [("alertname", self.name), ("alertstate", "firing")];
        series("ALERTS", fixed.into_iter().chain(own).chain(others.iter().copied()))
    }

    fn annotations(&self, declared: &Declared) -> Vec<(&'static str, String)> {
        let alerting = &declared.alerting;
        let about = self.slo.map(Slo::about);
        let response = alerting.severity(self.pages).response_time().map(promql_duration);
        let runbook = match self.slo {
            Some(slo) => alerting.runbook_of(slo),
            None => alerting.runbook_named(self.name),
        };
        let both =
            |own: &[String], said: Option<&Vec<String>>| listed(own.iter().chain(said.into_iter().flatten()));
        let text = |text: Option<&str>| text.map(plain).unwrap_or_default();
        let annotations = [
            (names::SUMMARY, self.summary.clone()),
            (names::DESCRIPTION, self.description.clone()),
            (names::IMPACT, text(about.and_then(|about| about.impact.as_deref()))),
            (names::CAUSES, both(&self.causes, about.map(|about| &about.causes))),
            (names::FIRST_ACTIONS, both(&self.first_actions, about.map(|about| &about.first_actions))),
            (names::COVERS, self.slo.map(|slo| plain(&events(slo))).unwrap_or_default()),
            (names::RESPONSE, response.unwrap_or_default()),
            (names::DASHBOARD_URL, text(alerting.dashboard_of(self.slo))),
            (names::RUNBOOK_URL, text(runbook.as_deref())),
        ];
        annotations.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect()
    }

    pub(super) fn yaml(&self, declared: &Declared) -> Yaml {
        let mut rule = vec![("alert", Yaml::text(self.name)), ("expr", Yaml::block(&self.expr))];
        for (key, time) in [("for", self.lasts), ("keep_firing_for", self.keeps)] {
            if !time.is_zero() {
                rule.push((key, Yaml::text(promql_duration(time))));
            }
        }
        let labels =
            self.labels(declared).into_iter().map(|(label, value)| (label, Yaml::text(plain(&value))));
        rule.push(("labels", Yaml::map(labels)));
        let annotations = self.annotations(declared).into_iter();
        let annotations = annotations.map(|(name, value)| {
            (name, if value.contains('\n') { Yaml::block(value) } else { Yaml::text(value) })
        });
        rule.push(("annotations", Yaml::map(annotations)));
        Yaml::map(rule)
    }
}
