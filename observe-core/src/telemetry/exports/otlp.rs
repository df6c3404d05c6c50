//! Spans by OTLP and to the console, as code and environment ask for them.

use super::{Exports, Figures, Outlet};
use crate::error::Error;
use crate::export::otlp::{Attributes, Environment, Otlp, OtlpSpans, Plan, unknown_service};
use crate::export::spans::console::Console;
use crate::export::spans::{Attempt, SpanLoss, SpanQueue};
use crate::hub::Hub;
use crate::semconv::log;
use std::sync::Arc;
use std::time::Duration;

/// What the code asks for.
#[derive(Default)]
pub(in crate::telemetry) struct Asked {
    pub(in crate::telemetry) otlp: Option<Otlp>,
    pub(in crate::telemetry) console: bool,
}

/// What is to be.
pub(in crate::telemetry) struct Decided {
    plan: Plan,
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
        let plan = Plan::decide(&environment, self.otlp.as_ref(), self.console)?;
        let resource = self.otlp.map(|otlp| otlp.resource).unwrap_or_default();
        let service = reads_environment.then(|| environment.service_name());
        Ok(Decided { plan, environment, resource, service })
    }
}

impl Decided {
    /// What goes where, and by whose word.
    pub(in crate::telemetry) fn told(&self) -> Option<String> {
        Some(self.plan.told())
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
        let Plan { otlp, console, limits, mut complaints, .. } = self.plan;
        let mut outlets: Vec<Arc<dyn Outlet>> = Vec::new();
        if let Some(target) = otlp {
            let mut attributes = Attributes::default();
            let service = if service.is_empty() { unknown_service() } else { service.to_owned() };
            attributes.add(log::SERVICE_NAME, service);
            if !version.is_empty() {
                attributes.add(log::SERVICE_VERSION, version.to_owned());
            }
            self.resource.into_iter().for_each(|(name, value)| attributes.add(name, value));
            self.environment.describe(&mut attributes, &mut complaints);
            attributes.detect();
            let resource = attributes.resource();
            let make = move || OtlpSpans::new(&target, resource.clone());
            outlets.push(Arc::new(SpanQueue::start("observe-otlp", limits, make)?));
        }
        if console {
            let make = || Ok(Console::stdout());
            outlets.push(Arc::new(SpanQueue::start("observe-console", limits, make)?));
        }
        Ok((Exports::new(outlets), complaints))
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
            *figures.dropped.entry(loss.as_str()).or_default() += stats.dropped(loss);
        }
        for attempt in Attempt::ALL {
            *figures.attempts.entry(attempt.as_str()).or_default() += stats.attempts(attempt);
        }
        figures.apart += stats.apart();
        figures.waiting += self.len() as u64;
    }
}
