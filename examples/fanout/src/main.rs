//! A service that calls whoever it is told to: a trace goes through it, and no line here reads or writes a header of
//! its context.
//!
//! `POST /test` takes a JSON array of `{"url": …, "arguments": [ … ]}`, posts the `arguments` of each to its `url`, and
//! answers when all of them have answered. It is what the W3C's own suite for Trace Context drives. It calls any
//! address for anybody who reaches it, and so listens on this machine's own address unless it is told otherwise.

mod args;
mod calls;

use args::Args;
use axum::extract::State;
use axum::{Json, Router, routing::post};
use calls::{Call, Caller};
use http::StatusCode;
use observe_core::{Sampling, Telemetry};
use observe_tower::ObserveLayer;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse(lexopt::Parser::from_env())?;
    if args.help {
        use std::io::Write as _;
        return Ok(writeln!(std::io::stdout(), "{}", args::HELP)?);
    }
    // All alike: a trace in the baseline would go on with a member of our own in `tracestate`.
    let telemetry = Telemetry::builder("fanout").sampling(Sampling::never()).install()?;
    let app = Router::new()
        .route("/test", post(test))
        .with_state(Caller::new(&telemetry))
        .layer(ObserveLayer::new(&telemetry));

    let listener = TcpListener::bind(args.listen).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    axum::serve(listener, app).with_graceful_shutdown(asked_to_end()).await?;
    telemetry.shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}

async fn test(State(caller): State<Caller>, Json(calls): Json<Vec<Call>>) -> StatusCode {
    match caller.call_all(calls).await {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            observe_core::cause(&error);
            error.status()
        }
    }
}

async fn asked_to_end() {
    let _ = tokio::signal::ctrl_c().await;
}
