//! Nothing is built in that exports spans or pushes metrics: who asks for it is told.

use super::Exports;
use crate::error::Error;
use crate::semconv::otel;
use std::env;

/// What the code asks for: it cannot.
#[derive(Default)]
pub(in crate::telemetry) struct Asked;

/// What is to be.
pub(in crate::telemetry) struct Decided {
    asked_by: Option<&'static str>,
    /// The service's name, if the code says none.
    pub(in crate::telemetry) service: Option<String>,
}

impl Asked {
    pub(in crate::telemetry) fn decide(self, reads_environment: bool) -> Result<Decided, Error> {
        let names = [
            otel::TRACES_EXPORTER,
            otel::TRACES_ENDPOINT,
            otel::ENDPOINT,
            otel::METRICS_EXPORTER,
            otel::METRICS_ENDPOINT,
        ];
        // The last is that of who is scraped.
        let is_no_ask = |value: &String| ["", "none", "prometheus"].contains(&value.trim());
        let says = |name: &str| env::var(name).ok().filter(|value| !is_no_ask(value));
        let asked_by = names.into_iter().find(|name| reads_environment && says(name).is_some());
        Ok(Decided { asked_by, service: None })
    }
}

impl Decided {
    pub(in crate::telemetry) fn told(&self) -> Option<String> {
        None
    }

    pub(in crate::telemetry) fn start(self, _: &str, _: &str) -> Result<(Exports, Vec<String>), Error> {
        let complaint = |name| {
            format!("{name} is set, but nothing is exported: observe-core's feature `otlp` is not built in")
        };
        Ok((Exports::default(), self.asked_by.map(complaint).into_iter().collect()))
    }
}
