//! What a service declares: all that is generated is made of it.

use crate::function;
use crate::metric::Kind;
use crate::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};
use crate::sampling::Sampling;
use crate::semconv::{metric as names, operation};
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
        Self {
            service: hub.service.clone(),
            slos: hub.slos.declared().cloned().collect(),
            alerting: hub.slos.alerting().clone(),
            families: reading.families,
            functions: function::names(),
            slow: hub.slow,
            sampling: hub.sampling,
        }
    }

    /// A time that was chosen for a period of 30 days, as the objective with the shortest period has it.
    pub(super) fn shortened(&self, time: Duration) -> Duration {
        self.slos.iter().map(|slo| slo.scaled(time)).min().unwrap_or(time)
    }

    /// Whether a scrape shows a family of this name.
    pub(super) fn has(&self, family: &str) -> bool {
        self.families.contains_key(family)
    }

    /// The values of a label of a family.
    pub(super) fn values(&self, family: &str, label: &str) -> impl Iterator<Item = &str> {
        let values = self.families.get(family).and_then(|shown| shown.labels.get(label));
        values.into_iter().flatten().map(String::as_str)
    }

    /// The dependencies that are called.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = &str> {
        self.values(operation::DEPENDENCY_DURATION_SECONDS, operation::DEPENDENCY)
    }

    /// The resources whose use is measured.
    pub(super) fn resources(&self) -> impl Iterator<Item = &str> {
        self.values(names::RESOURCE_CAPACITY, names::RESOURCE)
    }

    /// The queues that are measured.
    pub(super) fn queues(&self) -> impl Iterator<Item = &str> {
        self.values(names::QUEUE_DEPTH, names::QUEUE)
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
