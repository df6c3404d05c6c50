//! OTLP by gRPC.

use std::error::Error as _;
use std::time::Duration;

use http::HeaderMap;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::target::Target;
use super::{answer, invalid};
use crate::error::Error;
use crate::export::spans::Answer;

pub(super) struct Grpc {
    channel: Channel,
    headers: HeaderMap,
    timeout: Duration,
    gzip: bool,
}

impl Grpc {
    /// Connects with the first request. Called within a runtime.
    pub(super) fn new(target: &Target) -> Result<Self, Error> {
        let mut endpoint = Endpoint::from_shared(target.url.to_string())
            .map_err(|error| invalid("the endpoint is no address of a gRPC server").caused_by(error))?
            .connect_timeout(target.timeout)
            .user_agent(concat!("observe/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| invalid("the user agent is no header").caused_by(error))?;
        if target.url.scheme() == "https" {
            // tonic passes over files that have nothing in them.
            target.tls.config(true)?;
            let mut tls = ClientTlsConfig::new();
            tls = match &target.tls.authorities {
                Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
                None => tls.with_native_roots(),
            };
            if let Some((certificate, key)) = &target.tls.client {
                tls = tls.identity(Identity::from_pem(certificate, key));
            }
            endpoint = endpoint
                .tls_config(tls)
                .map_err(|error| invalid("the certificates cannot be used").caused_by(error))?;
        }
        let (headers, timeout, gzip) = (target.headers.clone(), target.timeout, target.gzip);
        Ok(Self { channel: endpoint.connect_lazy(), headers, timeout, gzip })
    }

    pub(super) async fn send_spans(&self, message: ExportTraceServiceRequest) -> Answer {
        let mut client =
            TraceServiceClient::new(self.channel.clone()).accept_compressed(CompressionEncoding::Gzip);
        if self.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        self.call(client.export(self.request(message)), |response| {
            let partial = response.partial_success.unwrap_or_default();
            answer::taken(partial.rejected_spans, &partial.error_message)
        })
        .await
    }

    pub(super) async fn send_metrics(&self, message: ExportMetricsServiceRequest) -> Answer {
        let mut client =
            MetricsServiceClient::new(self.channel.clone()).accept_compressed(CompressionEncoding::Gzip);
        if self.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        self.call(client.export(self.request(message)), |response| {
            let partial = response.partial_success.unwrap_or_default();
            answer::taken(partial.rejected_data_points, &partial.error_message)
        })
        .await
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        *request.metadata_mut() = MetadataMap::from_headers(self.headers.clone());
        request.set_timeout(self.timeout);
        request
    }

    async fn call<R>(
        &self,
        call: impl Future<Output = Result<Response<R>, Status>>,
        taken: impl FnOnce(R) -> Answer,
    ) -> Answer {
        match tokio::time::timeout(self.timeout, call).await {
            Ok(Ok(response)) => taken(response.into_inner()),
            Ok(Err(status)) => answered(&status),
            Err(_) => Answer::failed("no answer in time"),
        }
    }
}

/// OTLP specification, "OTLP/gRPC Response", "Failures".
fn answered(status: &Status) -> Answer {
    let code = status.code();
    let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let is_own = status.source().is_some();
    let is_passing = match code {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => wait.is_some(),
        // What happened on the way has a cause here.
        _ => is_own,
    };
    let why = format!("gRPC {code:?}: {}", answer::clipped(&innermost(status)));
    if is_passing { Answer::Later { wait, why } } else { Answer::Refused(why) }
}

fn innermost(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut inner = status.source();
    while let Some(error) = inner {
        text = error.to_string();
        inner = error.source();
    }
    text
}
