//! The way to a collector.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
#[cfg(feature = "otlp-grpc")]
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::Protocol;
use super::convert::{self, Scoped};
#[cfg(feature = "otlp-grpc")]
use super::grpc::Grpc;
use super::http::Http;
#[cfg(not(feature = "otlp-grpc"))]
use super::invalid;
use super::metrics;
use super::target::Target;
use crate::error::Error;
use crate::export::push::Pusher;
use crate::export::spans::{Answer, Exporter};
use crate::record::TraceRecord;
use crate::registry::Registry;

enum Transport {
    Http(Box<Http>),
    #[cfg(feature = "otlp-grpc")]
    Grpc(Grpc),
}

impl Transport {
    /// # Errors
    ///
    /// If what the target says cannot be used.
    fn new(target: &Target) -> Result<Self, Error> {
        match target.protocol {
            Protocol::Http => Ok(Transport::Http(Box::new(Http::new(target)?))),
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => Ok(Transport::Grpc(Grpc::new(target)?)),
            #[cfg(not(feature = "otlp-grpc"))]
            Protocol::Grpc => Err(invalid("gRPC needs the feature `otlp-grpc`")),
        }
    }
}

/// A batch of spans, as it is sent.
pub(crate) enum Packed {
    Body(Bytes),
    #[cfg(feature = "otlp-grpc")]
    Message(ExportTraceServiceRequest),
}

/// Spans by OTLP.
pub(crate) struct OtlpSpans {
    target: String,
    resource: Resource,
    transport: Transport,
}

impl OtlpSpans {
    /// # Errors
    ///
    /// If what the target says cannot be used.
    pub(crate) fn new(target: &Target, resource: Resource) -> Result<Self, Error> {
        Ok(Self { target: target.told(), resource, transport: Transport::new(target)? })
    }
}

impl Exporter for OtlpSpans {
    type Span = Scoped;
    type Batch = Packed;

    fn target(&self) -> &str {
        &self.target
    }

    fn read(&self, trace: &TraceRecord, take: &mut dyn FnMut(Scoped)) -> u64 {
        convert::read(trace, take)
    }

    fn weight(&self, span: &Scoped) -> usize {
        span.span.encoded_len()
    }

    fn pack(&self, spans: Vec<Scoped>) -> Packed {
        let request = convert::request(&self.resource, spans);
        match &self.transport {
            Transport::Http(http) => Packed::Body(http.pack(&request)),
            #[cfg(feature = "otlp-grpc")]
            Transport::Grpc(_) => Packed::Message(request),
        }
    }

    async fn send(&self, batch: &Packed) -> Answer {
        match (&self.transport, batch) {
            (Transport::Http(http), Packed::Body(body)) => http.send(body.clone()).await,
            #[cfg(feature = "otlp-grpc")]
            (Transport::Grpc(grpc), Packed::Message(message)) => grpc.send_spans(message.clone()).await,
            #[cfg(feature = "otlp-grpc")]
            _ => Answer::Refused("packed for another transport".to_owned()),
        }
    }
}

/// Metrics by OTLP.
pub(crate) struct OtlpMetrics {
    target: String,
    resource: Resource,
    transport: Transport,
}

impl OtlpMetrics {
    /// # Errors
    ///
    /// If what the target says cannot be used.
    pub(crate) fn new(target: &Target, resource: Resource) -> Result<Self, Error> {
        Ok(Self { target: target.told(), resource, transport: Transport::new(target)? })
    }
}

impl Pusher for OtlpMetrics {
    type Part = ExportMetricsServiceRequest;

    fn target(&self) -> &str {
        &self.target
    }

    fn read(&self, registry: &Registry, start: u64, now: u64) -> Vec<ExportMetricsServiceRequest> {
        metrics::requests(registry, &self.resource, start, now)
    }

    async fn send(&self, part: ExportMetricsServiceRequest) -> Answer {
        match &self.transport {
            Transport::Http(http) => http.send(http.pack(&part)).await,
            #[cfg(feature = "otlp-grpc")]
            Transport::Grpc(grpc) => grpc.send_metrics(part).await,
        }
    }
}
