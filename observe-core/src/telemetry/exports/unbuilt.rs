//! Nothing is built in that exports: who asks for it is told.

use super::Exports;
use crate::error::Error;
use crate::semconv::otel;
use crate::telemetry::decide::is_disabled;
use std::env;

/// What the code asks for: it cannot.
#[derive(Default)]
pub(in crate::telemetry) struct Asked {}

/// What is to be.
pub(in crate::telemetry) struct Decided {
    asked_by: Option<&'static str>,
    /// The service's name, if the code says none.
    pub(in crate::telemetry) service: Option<String>,
}

impl Asked {
    pub(in crate::telemetry) fn decide(self, reads_environment: bool) -> Result<Decided, Error> {
        let asked_by = reads_environment.then(|| asked_by(|name| env::var(name).ok())).flatten();
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

/// Which variable asks for something to be exported.
fn asked_by(read: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    let says = |name| read(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
    if is_disabled(says(otel::SDK_DISABLED)) {
        return None;
    }
    let spans = match says(otel::TRACES_EXPORTER) {
        Some(value) => (value != "none").then_some(otel::TRACES_EXPORTER),
        None => [otel::TRACES_ENDPOINT, otel::ENDPOINT].into_iter().find(|name| says(name).is_some()),
    };
    let metrics = || match says(otel::METRICS_EXPORTER) {
        // The last is the way of who is scraped.
        Some(value) => (!["none", "prometheus"].contains(&value.as_str())).then_some(otel::METRICS_EXPORTER),
        None => says(otel::METRICS_ENDPOINT).map(|_| otel::METRICS_ENDPOINT),
    };
    spans.or_else(metrics)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each line is a rule; the mutation is to leave it out.
    #[test]
    fn who_asks_is_told() {
        let asked = |variables: &[(&str, &str)]| {
            let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
            asked_by(|name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        let endpoint = (otel::ENDPOINT, "http://collector:4318");
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[endpoint]), Some(otel::ENDPOINT));
        assert_eq!(asked(&[(otel::TRACES_EXPORTER, "console"), endpoint]), Some(otel::TRACES_EXPORTER));
        assert_eq!(asked(&[(otel::TRACES_EXPORTER, "none"), endpoint]), None);
        assert_eq!(asked(&[(otel::SDK_DISABLED, "true"), endpoint]), None);
        assert_eq!(asked(&[(otel::ENDPOINT, " ")]), None);
        assert_eq!(asked(&[(otel::METRICS_EXPORTER, "otlp")]), Some(otel::METRICS_EXPORTER));
        assert_eq!(asked(&[(otel::METRICS_EXPORTER, "prometheus")]), None);
    }
}
