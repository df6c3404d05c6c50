//! Spans and metrics by OTLP and to the console, as code and environment ask for them.

use super::{Exports, Figures, Outlet};
use crate::error::Error;
use crate::export::otlp;
use crate::export::otlp::{
    Attributes, Environment, Otlp, OtlpMetrics, OtlpSpans, Plan, Resource, unknown_service,
};
use crate::export::push::{self, Pace, Push};
use crate::export::spans::console::Console;
use crate::export::spans::{Attempt, SpanLoss, SpanQueue};
use crate::hub::Hub;
use crate::semconv::otel;
use std::sync::Arc;
use std::time::Duration;

/// What the code asks for.
#[derive(Default)]
pub(in crate::telemetry) struct Asked {
    pub(in crate::telemetry) otlp: Option<Otlp>,
    pub(in crate::telemetry) console: bool,
    pub(in crate::telemetry) metrics: Option<Otlp>,
}

/// What is to be.
pub(in crate::telemetry) struct Decided {
    spans: Plan,
    metrics: Plan<Pace>,
    environment: Environment,
    resource: Vec<(String, String)>,
    /// The service's name, if the code says none.
    pub(in crate::telemetry) service: Option<String>,
}

impl Asked {
    /// By the code's word and, where it is asked, the environment's.
    ///
    /// # Errors
    ///
    /// If the code's breaks a rule.
    pub(in crate::telemetry) fn decide(self, reads_environment: bool) -> Result<Decided, Error> {
        let environment = if reads_environment { Environment::read() } else { Environment::default() };
        let spans = Plan::decide(&environment, self.otlp.as_ref(), self.console)?;
        let metrics = Plan::decide_metrics(&environment, self.metrics.as_ref())?;
        let resource = self.otlp.into_iter().chain(self.metrics).flat_map(|otlp| otlp.resource).collect();
        let service = reads_environment.then(|| environment.service_name());
        Ok(Decided { spans, metrics, environment, resource, service })
    }
}

impl Decided {
    /// What goes where, and by whose word.
    pub(in crate::telemetry) fn told(&self) -> Option<String> {
        Some(format!("{}; {}", self.spans.told(), self.metrics.told()))
    }

    /// Starts it, and answers what the environment says that cannot be read.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started, or what it is told cannot be used.
    pub(in crate::telemetry) fn start(
        self,
        service: &str,
        version: &str,
    ) -> Result<(Exports, Vec<String>), Error> {
        let mut exports = Exports::default();
        let has_resource = self.spans.otlp.is_some() || self.metrics.otlp.is_some();
        let (resource, mut complaints) =
            if has_resource { self.resource(service, version) } else { Default::default() };
        let Decided { spans, metrics, .. } = self;
        complaints.extend(spans.complaints);
        // What is wrong for all signals is told once.
        let told = metrics.complaints.into_iter().filter(|text| !complaints.contains(text));
        let told: Vec<String> = told.collect();
        complaints.extend(told);
        if let Some(target) = spans.otlp {
            let resource = resource.clone();
            let make = move || OtlpSpans::new(&target, resource.clone());
            exports.traces(SpanQueue::start("observe-otlp", spans.limits, make)?);
        }
        if spans.console {
            let make = || Ok(Console::stdout());
            exports.traces(SpanQueue::start("observe-console", spans.limits, make)?);
        }
        if let Some(target) = metrics.otlp {
            let make = move || OtlpMetrics::new(&target, resource.clone());
            exports.metrics(Push::start("observe-metrics", metrics.limits, make)?);
        }
        if metrics.console {
            exports.metrics(Push::start("observe-console", metrics.limits, || Ok(push::console::Console))?);
        }
        Ok((exports, complaints))
    }

    /// Whose telemetry it is, and what the environment says of it that cannot be read.
    fn resource(&self, service: &str, version: &str) -> (Resource, Vec<String>) {
        let (mut attributes, mut complaints) = (Attributes::default(), Vec::new());
        let service = if service.is_empty() { unknown_service() } else { service.to_owned() };
        attributes.name(&service, version);
        for (name, value) in &self.resource {
            attributes.add(name.clone(), value.clone());
        }
        self.environment.describe(&mut attributes, &mut complaints);
        attributes.detect();
        (otlp::resource(&attributes), complaints)
    }
}

impl Outlet for SpanQueue {
    fn tell(&self, hub: &Arc<Hub>) {
        self.tell(hub);
    }

    fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.flush(patience)
    }

    fn close(&self, patience: Duration) {
        self.close(patience);
    }

    fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.shutdown(patience)
    }

    fn count(&self, figures: &mut Figures) {
        let stats = self.stats();
        for loss in SpanLoss::ALL {
            *figures.dropped.entry((otel::SPAN, loss.as_str())).or_default() += stats.dropped(loss);
        }
        for attempt in Attempt::ALL {
            *figures.attempts.entry((otel::SPAN, attempt.as_str())).or_default() += stats.attempts(attempt);
        }
        *figures.dropped.entry((otel::SPAN_EVENT, otel::APART)).or_default() += stats.apart();
        *figures.waiting.entry(otel::SPAN).or_default() += self.len() as u64;
    }
}

impl Outlet for Push {
    fn tell(&self, hub: &Arc<Hub>) {
        self.tell(hub);
    }

    fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.flush(patience)
    }

    fn close(&self, patience: Duration) {
        self.close(patience);
    }

    fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.shutdown(patience)
    }

    fn count(&self, figures: &mut Figures) {
        *figures.dropped.entry((otel::METRIC, SpanLoss::Rejected.as_str())).or_default() += self.rejected();
        for attempt in Attempt::ALL {
            *figures.attempts.entry((otel::METRIC, attempt.as_str())).or_default() += self.attempts(attempt);
        }
    }
}
