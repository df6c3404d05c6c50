//! The smallest axum service under observation.

use axum::{Router, extract::Path, routing::get};
use observe_core::{Telemetry, observed};
use observe_tower::{ObserveLayer, ScrapeService};
use std::time::Duration;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = Telemetry::builder("smallest-axum").install()?;
    let app = Router::new()
        .route("/hello/{name}", get(hello))
        .layer(ObserveLayer::new(&telemetry))
        .route_service("/metrics", ScrapeService::new(&telemetry));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).with_graceful_shutdown(ctrl_c()).await?;
    telemetry.shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}

async fn hello(Path(name): Path<String>) -> String {
    greeting(&name).await
}

#[observed]
async fn greeting(name: &str) -> String {
    tracing::info!(name, "greeting somebody");
    format!("Hello, {name}!\n")
}

async fn ctrl_c() {
    let _ = tokio::signal::ctrl_c().await;
}
