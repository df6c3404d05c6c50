//! What a service declares: all that is generated is made of it.

use crate::catalogue::{self, Entry};
use crate::function;
use crate::http_metrics::HttpNames;
use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};
use crate::metric::{Kind, View};
use crate::sampling::Sampling;
use crate::semconv::operation;
use crate::slo::{Alerting, Slo};
use crate::telemetry::Telemetry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How many values of a label are taken down: of those that are declared there are no more.
const MAX_VALUES: usize = 100;

/// What a service declares.
#[derive(Debug)]
pub(super) struct Declared {
    /// The service's name.
    pub(super) service: String,
    pub(super) slos: Vec<Slo>,
    pub(super) alerting: Alerting,
    /// Every family that a scrape shows, by the name that it has there.
    pub(super) families: BTreeMap<String, Shown>,
    /// How those are shown that are shown otherwise, by the name that they were declared with.
    pub(super) views: BTreeMap<String, View>,
    /// Under which names requests are shown.
    pub(super) http_names: HttpNames,
    /// The annotated functions of the program that have metrics and call no dependency.
    pub(super) functions: Vec<&'static str>,
    /// From which duration on a trace is kept as slow.
    pub(super) slow: Duration,
    /// Which traces are kept.
    pub(super) sampling: Sampling,
}

/// A family that a scrape shows.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) kind: Kind,
    pub(super) help: String,
    /// The values of each label that are there now.
    pub(super) labels: BTreeMap<String, BTreeSet<String>>,
}

impl Declared {
    pub(super) fn of(telemetry: &Telemetry) -> Self {
        let hub = telemetry.hub();
        let mut reading = Reading::default();
        telemetry.registry().visit(&mut reading);
        let mut declared = Self {
            service: hub.service.clone(),
            slos: hub.slos.declared().cloned().collect(),
            alerting: hub.slos.alerting().clone(),
            families: reading.families,
            views: telemetry.registry().views(),
            http_names: hub.http_names,
            functions: function::names(),
            slow: hub.slow,
            sampling: hub.sampling,
        };
        for what in telemetry.registry().what_is_read() {
            catalogue::read_of(what).for_each(|entry| declared.read(entry));
        }
        declared
    }

    /// A family that is read of the machine: the same whichever machine this is, and whatever that has of it.
    fn read(&mut self, entry: &Entry) {
        let Some((name, labels)) = self.called(entry.name).map(|called| {
            let labels = entry.labels.iter().filter_map(|label| called.label(label));
            (called.name.to_owned(), labels.map(|label| (label.to_owned(), BTreeSet::new())).collect())
        }) else {
            return;
        };
        let help =
            "Read where the service runs, when it is scraped: docs/use.md says what it means.".to_owned();
        self.families.insert(name, Shown { kind: entry.kind, help, labels });
    }

    /// A time that was chosen for a period of 30 days, as the objective with the shortest period has it.
    pub(super) fn shortened(&self, time: Duration) -> Duration {
        self.slos.iter().map(|slo| slo.scaled(time)).min().unwrap_or(time)
    }

    /// The family that was declared with this name, as it is called where it is shown; `None` if no view shows it.
    pub(super) fn called<'a>(&'a self, family: &'a str) -> Option<Called<'a>> {
        let view = self.views.get(family);
        if view.is_some_and(|view| !view.is_shown()) {
            return None;
        }
        Some(Called { name: view.and_then(View::new_name).unwrap_or(family), view })
    }

    /// The name by which the family that was declared with this one is shown, and any other name as it is.
    pub(super) fn shown<'a>(&'a self, family: &'a str) -> &'a str {
        self.called(family).map_or(family, |called| called.name)
    }

    /// The family that was declared with this name, if a scrape shows it.
    pub(super) fn family<'a>(&'a self, family: &'a str) -> Option<Called<'a>> {
        self.called(family).filter(|called| self.families.contains_key(called.name))
    }

    /// Whether a scrape shows the family that was declared with this name.
    pub(super) fn has(&self, family: &str) -> bool {
        self.family(family).is_some()
    }

    /// The values of a label of a family, both by the names that they were declared with.
    pub(super) fn values<'a>(&'a self, family: &'a str, label: &'a str) -> impl Iterator<Item = &'a str> {
        let called = self.family(family);
        let values =
            called.and_then(|called| self.families.get(called.name)?.labels.get(called.label(label)?));
        values.into_iter().flatten().map(String::as_str)
    }

    /// The dependencies that are called.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = &str> {
        self.values(operation::DEPENDENCY_DURATION_SECONDS, operation::DEPENDENCY)
    }
}

/// What a family is called where it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called<'a> {
    pub(super) name: &'a str,
    view: Option<&'a View>,
}

impl<'a> Called<'a> {
    /// What a label of its is called; `None` if it is left out.
    pub(super) fn label(&self, label: &'a str) -> Option<&'a str> {
        self.view.map_or(Some(label), |view| view.label(label))
    }
}

#[derive(Default)]
struct Reading {
    families: BTreeMap<String, Shown>,
    current: String,
}

impl Reading {
    fn rows(&mut self, rows: &Rows<'_>) {
        let Some(shown) = self.families.get_mut(&self.current) else { return };
        for row in 0..rows.len() {
            rows.labels(row, &mut |name, value| {
                let values = shown.labels.entry(name.to_owned()).or_default();
                if values.len() < MAX_VALUES {
                    values.insert(value.to_owned());
                }
            });
        }
    }
}

impl Visitor for Reading {
    fn family(&mut self, head: &Head<'_>) {
        self.current = head.name.to_owned();
        let shown = Shown { kind: head.kind, help: head.help.to_owned(), labels: BTreeMap::new() };
        self.families.insert(self.current.clone(), shown);
    }

    fn scalars(&mut self, rows: &Rows<'_>, _: Values<'_>) {
        self.rows(rows);
    }

    fn histograms(&mut self, rows: &Rows<'_>, _: &Histograms<'_>) {
        self.rows(rows);
    }

    fn summaries(&mut self, rows: &Rows<'_>, _: &[Quantiles]) {
        self.rows(rows);
    }
}
