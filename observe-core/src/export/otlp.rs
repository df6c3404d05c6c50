//! OTLP: spans and metrics to a collector, by HTTP or gRPC.
//!
//! The messages are OpenTelemetry's (`opentelemetry-proto`); the way to the collector is ours: see
//! `docs/decisions/0007-the-way-to-a-collector.md`.

mod answer;
mod connect;
mod convert;
pub(crate) mod environment;
#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod metrics;
mod target;
mod tls;
mod transport;

pub(crate) use super::resource::{Attributes, unknown_service};
pub(crate) use convert::resource;
pub(crate) use environment::{Environment, Plan};
pub(crate) use opentelemetry_proto::tonic::resource::v1::Resource;
pub(crate) use target::Target;
pub(crate) use transport::{OtlpMetrics, OtlpSpans};

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::export::spans::SpanLimits;

/// Where kept traces go by OTLP, and how: [`Builder::otlp`](crate::Builder::otlp); and where metrics are pushed:
/// [`Builder::otlp_metrics`](crate::Builder::otlp_metrics).
///
/// What is not said here is what the `OTEL_EXPORTER_OTLP_…` variables say, else the default; where both say
/// something this counts, except where to: an endpoint in the environment counts before one in code, and with it the
/// environment's protocol, headers and certificates. A telemetry of [`build`](crate::Builder::build) reads no variable.
///
/// ```
/// use observe_core::{Otlp, Telemetry};
/// use std::time::Duration;
///
/// let otlp = Otlp::http()
///     .endpoint("http://collector:4318") // spans go to http://collector:4318/v1/traces
///     .header("api-key", "secret")
///     .gzip()
///     .timeout(Duration::from_secs(3))
///     .resource("deployment.environment.name", "production");
/// let telemetry = Telemetry::builder("checkout").otlp(otlp).build()?;
/// # drop(telemetry);
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until a builder has it"]
pub struct Otlp {
    pub(crate) protocol: Option<Protocol>,
    pub(crate) endpoint: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) gzip: Option<bool>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) client: Option<(PathBuf, PathBuf)>,
    pub(crate) limits: Option<SpanLimits>,
    pub(crate) interval: Option<Duration>,
    pub(crate) push_timeout: Option<Duration>,
    pub(crate) resource: Vec<(String, String)>,
}

/// How requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Grpc,
}

impl Protocol {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http/protobuf",
            Protocol::Grpc => "grpc",
        }
    }
}

impl Otlp {
    /// By whatever protocol the environment names, else HTTP.
    pub fn new() -> Self {
        Self::default()
    }

    /// By HTTP, in protobuf.
    pub fn http() -> Self {
        Self { protocol: Some(Protocol::Http), ..Self::default() }
    }

    /// By gRPC.
    #[cfg(feature = "otlp-grpc")]
    pub fn grpc() -> Self {
        Self { protocol: Some(Protocol::Grpc), ..Self::default() }
    }

    /// Where to, as `OTEL_EXPORTER_OTLP_ENDPOINT` says it: for HTTP `/v1/traces` is added, for metrics `/v1/metrics`,
    /// unless it is there. Defaults to `http://localhost:4318`, by gRPC to `http://localhost:4317`.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// A header of each request; may be said again. Defaults to none.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// How long one request may take, at most an hour. Defaults to 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Compresses requests by gzip. Defaults to not.
    pub fn gzip(mut self) -> Self {
        self.gzip = Some(true);
        self
    }

    /// The authorities that the collector's certificate is checked against, a PEM file. Defaults to the system's.
    pub fn certificate(mut self, file: impl Into<PathBuf>) -> Self {
        self.certificate = Some(file.into());
        self
    }

    /// What the collector is shown when it asks who is there: a certificate and its key, PEM files. Defaults to none.
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client = Some((certificate.into(), key.into()));
        self
    }

    /// How often metrics are pushed: 10 ms to a day. Defaults to 60 s. For
    /// [`otlp_metrics`](crate::Builder::otlp_metrics) only.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// How long one push of metrics may take, all its requests together. Defaults to 30 s. For
    /// [`otlp_metrics`](crate::Builder::otlp_metrics) only.
    pub fn push_timeout(mut self, timeout: Duration) -> Self {
        self.push_timeout = Some(timeout);
        self
    }

    /// How many spans may wait, and for how long. For [`otlp`](crate::Builder::otlp) only.
    pub fn limits(mut self, limits: SpanLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// An attribute of the resource, which says whose spans they are; may be said again, and counts before what is
    /// detected. The service's name and version are the builder's.
    pub fn resource(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.push((name.into(), value.into()));
        self
    }
}

/// Without the values of headers: they are secrets.
impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("protocol", &self.protocol)
            .field("endpoint", &self.endpoint)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(Kind::Invalid, text)
}
