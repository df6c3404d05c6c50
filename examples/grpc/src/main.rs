//! How are a gRPC server and its clients observed? The same two layers as for any other requests, with the feature `grpc`:
//! calls are known by their content type.

use grpc::orders::Orders;
use grpc::proto::{Order, OrdersClient, OrdersServer};
use observe_core::{Format, Telemetry};
use observe_tower::{ObserveClientLayer, ObserveLayer};
use std::error::Error;
use std::io::Write as _;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::TimeoutExpired;
use tonic::transport::{self, Channel, Server};
use tower::ServiceBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder("shop").install()?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = Server::builder()
        .layer(ObserveLayer::new(&telemetry))
        .add_service(OrdersServer::new(Orders))
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(server);

    let channel = Channel::from_shared(format!("http://{address}"))?.connect_lazy();
    let layer = ObserveClientLayer::new(&telemetry)
        // A channel's requests say no server, and its errors are of types of its own.
        .server(address.ip().to_string(), address.port())
        .errors::<transport::Error>()
        .timeouts::<TimeoutExpired>();
    let mut client = OrdersClient::new(ServiceBuilder::new().layer(layer).service(channel));

    let checkout = telemetry.operation("checkout").start();
    let placed = checkout.instrument(async move {
        for item in ["tea", "not found", "internal"] {
            let order = Order { item: item.to_owned(), quantity: 2 };
            // What the service answered is on `/metrics` and in the trace.
            let _ = client.place(order).await;
        }
    });
    placed.await;

    // What a scrape would read.
    let mut page = Vec::new();
    telemetry.registry().encode(Format::Text, &mut page);
    telemetry.shutdown_async(Duration::from_secs(5)).await?;
    let page = String::from_utf8(page)?;
    let calls = page.lines().filter(|line| line.contains("_call_duration_seconds_count"));
    let mut out = std::io::stdout().lock();
    for line in calls {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
