//! The smallest plain hyper service under observation.

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use observe_core::{Telemetry, observed};
use observe_tower::{ObserveLayer, RequestHead, ScrapeService};
use std::{convert::Infallible, time::Duration};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = Telemetry::builder("smallest-hyper").install()?;
    let layer = ObserveLayer::new(&telemetry).route(route);
    let service = TowerToHyperService::new(layer.layer(service_fn(hello)));
    let scrape = TowerToHyperService::new(ScrapeService::new(&telemetry));
    let mut addresses = std::env::args().skip(1);
    let public = TcpListener::bind(addresses.next().as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let private = TcpListener::bind(addresses.next().as_deref().unwrap_or("127.0.0.1:3001")).await?;
    loop {
        tokio::select! {
            Ok((stream, _)) = public.accept() => {
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone()));
            }
            Ok((stream, _)) = private.accept() => {
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), scrape.clone()));
            }
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    telemetry.shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}

/// What stands for the path in metrics: there is no router that knows.
fn route(head: &RequestHead<'_>) -> Option<&'static str> {
    head.path().starts_with("/hello/").then_some("/hello/{name}")
}

async fn hello(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(greeting(request.uri().path()).await))
}

#[observed]
async fn greeting(path: &str) -> String {
    tracing::info!(path, "greeting somebody");
    "Hello!\n".to_owned()
}
