//! A collector by gRPC: tonic's server with `opentelemetry-proto`'s services.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::runtime::Runtime;
use tonic::codec::CompressionEncoding;
use tonic::metadata::KeyAndValueRef;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::tls::Tls;
use crate::{Collector, Desk, Reply};

struct Service(Arc<Desk>);

impl Service {
    /// How many are rejected of a request.
    async fn reply<M>(&self, request: &Request<M>) -> Result<i64, Status> {
        let head = request.metadata().iter().filter_map(|pair| match pair {
            KeyAndValueRef::Ascii(name, value) => Some((name.to_string(), value.to_str().ok()?.to_owned())),
            KeyAndValueRef::Binary(..) => None,
        });
        match self.0.reply(head.collect()) {
            Reply::Take => {}
            Reply::Reject(count) => return Ok(count),
            Reply::Slow(time) => tokio::time::sleep(time).await,
            Reply::Status(code, wait) => {
                let code = Code::from_i32(code.into());
                let details = ErrorDetails::with_retry_info(wait.map(Duration::from_secs));
                return Err(match wait {
                    Some(_) => Status::with_error_details(code, "no", details),
                    None => Status::new(code, "no"),
                });
            }
            Reply::Reset
            | Reply::TakeAndReset
            | Reply::Garbage
            | Reply::Page
            | Reply::Elsewhere
            | Reply::Flood => {
                return Err(Status::new(Code::Unknown, "what?"));
            }
        }
        Ok(0)
    }
}

const WHY: &str = "not these";

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let rejected_spans = self.reply(&request).await?;
        self.0.take(request.into_inner());
        let partial = ExportTracePartialSuccess { rejected_spans, error_message: WHY.to_owned() };
        let partial_success = (rejected_spans > 0).then_some(partial);
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let rejected_data_points = self.reply(&request).await?;
        self.0.take_metrics(request.into_inner());
        let partial = ExportMetricsPartialSuccess { rejected_data_points, error_message: WHY.to_owned() };
        let partial_success = (rejected_data_points > 0).then_some(partial);
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}

/// Dropped, it waits for nobody.
struct Stop(Option<Runtime>);

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Collector {
    /// One that listens on a port of its own.
    pub fn grpc() -> Self {
        Self::serving(Server::builder(), "http://127.0.0.1")
    }

    /// One that is reached by TLS, as `localhost`.
    pub fn grpcs(tls: &Tls) -> Self {
        let identity = Identity::from_pem(&tls.server.0, &tls.server.1);
        let mut config = ServerTlsConfig::new().identity(identity);
        if tls.asks_for_client {
            config = config.client_ca_root(Certificate::from_pem(&tls.authority));
        }
        Self::serving(Server::builder().tls_config(config).unwrap(), "https://localhost")
    }

    fn serving(mut server: Server, host: &str) -> Self {
        let desk = Arc::<Desk>::default();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let incoming = {
            let _inside = runtime.enter();
            TcpIncoming::bind(address).unwrap()
        };
        let address = incoming.local_addr().unwrap();
        let service = TraceServiceServer::new(Service(Arc::clone(&desk)))
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        let metrics = MetricsServiceServer::new(Service(Arc::clone(&desk)))
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        let server = server.add_service(service).add_service(metrics);
        runtime.spawn(server.serve_with_incoming(incoming));
        Self { desk, endpoint: format!("{host}:{}", address.port()), _stop: Box::new(Stop(Some(runtime))) }
    }
}
