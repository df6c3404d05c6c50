//! A service on its listener, from the first connection to the last answer.

use crate::shutdown::Shutdown;
use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::get;
use http::StatusCode;
use observe_core::Telemetry;
use observe_tower::{ObserveLayer, ReadyService, ScrapeService};
use std::io;
use std::net::TcpListener;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// How long requests may take to finish after the end was asked for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every service has besides its own routes.
pub(crate) fn app(routes: Router, telemetry: &Telemetry) -> Router {
    routes
        .route("/health", get(async || "ok"))
        .layer(ObserveLayer::new(telemetry).exclude("/health").trace_response(true))
        .route_service("/metrics", ScrapeService::new(telemetry))
        .route_service("/ready", ReadyService::new(telemetry))
        // Outermost: a panic is recorded as one before it becomes an answer.
        .layer(CatchPanicLayer::custom(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

/// Serves until it is time to end, then finishes what it has accepted.
pub(crate) async fn serve(listener: TcpListener, app: Router, shutdown: Shutdown) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let finished = axum::serve(listener, app).with_graceful_shutdown(shutdown.clone().requested());
    let too_long = async {
        shutdown.requested().await;
        tokio::time::sleep(PATIENCE).await;
    };
    tokio::select! {
        finished = async { finished.await } => finished,
        () = too_long => Err(io::Error::new(io::ErrorKind::TimedOut, "requests took too long to finish")),
    }
}
