//! The variables of each signal.

use std::env;

use super::Environment;
use crate::semconv::otel;

/// A variable of one signal, and the one for all: the first that says something counts.
pub(super) type Names = (&'static str, &'static str);

/// What is exported, and what the variables about it are called.
pub(super) struct Signal {
    /// For people.
    pub(super) told: &'static str,
    /// What is added to an endpoint of all signals, by HTTP.
    pub(super) path: &'static str,
    pub(super) exporter: &'static str,
    /// What it may name.
    pub(super) exporters: &'static [&'static str],
    /// Endpoints that ask for an export where no exporter is named.
    pub(super) asked_by: &'static [&'static str],
    pub(super) endpoint: Names,
    pub(super) headers: Names,
    pub(super) protocol: Names,
    pub(super) compression: Names,
    pub(super) timeout: Names,
    pub(super) certificate: Names,
    pub(super) client_certificate: Names,
    pub(super) client_key: Names,
    pub(super) insecure: Names,
    /// More variables, of this signal alone.
    pub(super) others: &'static [&'static str],
}

pub(super) const SPANS: Signal = Signal {
    told: "spans",
    path: "v1/traces",
    exporter: otel::TRACES_EXPORTER,
    exporters: &["otlp", "console", "none"],
    asked_by: &[otel::TRACES_ENDPOINT, otel::ENDPOINT],
    endpoint: (otel::TRACES_ENDPOINT, otel::ENDPOINT),
    headers: (otel::TRACES_HEADERS, otel::HEADERS),
    protocol: (otel::TRACES_PROTOCOL, otel::PROTOCOL),
    compression: (otel::TRACES_COMPRESSION, otel::COMPRESSION),
    timeout: (otel::TRACES_TIMEOUT, otel::TIMEOUT),
    certificate: (otel::TRACES_CERTIFICATE, otel::CERTIFICATE),
    client_certificate: (otel::TRACES_CLIENT_CERTIFICATE, otel::CLIENT_CERTIFICATE),
    client_key: (otel::TRACES_CLIENT_KEY, otel::CLIENT_KEY),
    insecure: (otel::TRACES_INSECURE, otel::INSECURE),
    others: &[
        otel::BSP_MAX_QUEUE_SIZE,
        otel::BSP_MAX_EXPORT_BATCH_SIZE,
        otel::BSP_SCHEDULE_DELAY,
        otel::BSP_EXPORT_TIMEOUT,
    ],
};

pub(super) const METRICS: Signal = Signal {
    told: "metrics",
    path: "v1/metrics",
    exporter: otel::METRICS_EXPORTER,
    // Who is scraped is not pushed: that is the same as none.
    exporters: &["otlp", "console", "none", "prometheus"],
    asked_by: &[otel::METRICS_ENDPOINT],
    endpoint: (otel::METRICS_ENDPOINT, otel::ENDPOINT),
    headers: (otel::METRICS_HEADERS, otel::HEADERS),
    protocol: (otel::METRICS_PROTOCOL, otel::PROTOCOL),
    compression: (otel::METRICS_COMPRESSION, otel::COMPRESSION),
    timeout: (otel::METRICS_TIMEOUT, otel::TIMEOUT),
    certificate: (otel::METRICS_CERTIFICATE, otel::CERTIFICATE),
    client_certificate: (otel::METRICS_CLIENT_CERTIFICATE, otel::CLIENT_CERTIFICATE),
    client_key: (otel::METRICS_CLIENT_KEY, otel::CLIENT_KEY),
    insecure: (otel::METRICS_INSECURE, otel::INSECURE),
    others: &[otel::METRIC_EXPORT_INTERVAL, otel::METRIC_EXPORT_TIMEOUT],
};

impl Signal {
    /// All of them.
    fn variables(&self) -> impl Iterator<Item = &'static str> {
        let pairs = [
            self.endpoint,
            self.headers,
            self.protocol,
            self.compression,
            self.timeout,
            self.certificate,
            self.client_certificate,
            self.client_key,
            self.insecure,
        ];
        let pairs = pairs.into_iter().flat_map(|(own, all)| [own, all]);
        pairs.chain([self.exporter]).chain(self.others.iter().copied())
    }
}

impl Environment {
    /// Reads them.
    pub(crate) fn read() -> Self {
        let alone = [otel::SDK_DISABLED, otel::SERVICE_NAME_VARIABLE, otel::RESOURCE_ATTRIBUTES];
        let names = SPANS.variables().chain(METRICS.variables()).chain(alone);
        names.filter_map(|name| Some((name, env::var(name).ok()?))).collect()
    }
}
