//! The service that takes money, or does not.

use crate::order::{Authorization, Method, Payment, Simulate};
use crate::server;
use crate::shutdown::Shutdown;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use observe_core::label::LabelValue;
use observe_core::{Telemetry, observed};
use std::error::Error;
use std::fmt;
use std::net::TcpListener;
use std::time::Duration;

/// What nobody may spend at once, in cents.
const LIMIT: u32 = 200_000;

pub(crate) async fn run(
    listener: TcpListener,
    telemetry: &Telemetry,
    shutdown: Shutdown,
) -> Result<(), Box<dyn Error>> {
    let routes = Router::new().route("/authorize", post(authorize));
    server::serve(listener, server::app(routes, telemetry), shutdown).await?;
    Ok(())
}

async fn authorize(Json(payment): Json<Payment>) -> Result<Json<Authorization>, StatusCode> {
    observe_core::annotate("payment.method", payment.method.name());
    observe_core::annotate("payment.total_cents", payment.total_cents);
    match ask_the_bank(&payment).await {
        Ok(Some(authorization)) => Ok(Json(Authorization { authorization })),
        Ok(None) => Err(StatusCode::PAYMENT_REQUIRED),
        Err(BankDown) => {
            observe_core::fail(Failure::BankDown);
            Err(StatusCode::SERVICE_UNAVAILABLE)
        }
    }
}

/// What the bank calls the payment; `None`: it declined.
#[observed(dependency = "bank")]
async fn ask_the_bank(payment: &Payment) -> Result<Option<String>, BankDown> {
    let mut patience = match payment.method {
        Method::Card => Duration::from_millis(4 + u64::from(payment.total_cents % 13)),
        Method::Paypal => Duration::from_millis(9 + u64::from(payment.total_cents % 31)),
    };
    match payment.simulate {
        Some(Simulate::Slow) => patience += Duration::from_millis(1200),
        Some(Simulate::Hang) => patience += Duration::from_secs(60),
        _ => {}
    }
    tokio::time::sleep(patience).await;
    match payment.simulate {
        Some(Simulate::Fail) => Err(BankDown),
        Some(Simulate::Decline) => Ok(None),
        _ if payment.total_cents > LIMIT => Ok(None),
        Some(Simulate::Panic) => panic!("the bank's answer was not understood"),
        Some(Simulate::Slow | Simulate::Hang) | None => {
            Ok(Some(format!("{}-{}", payment.method.name(), payment.total_cents)))
        }
    }
}

/// The bank cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct BankDown;

impl fmt::Display for BankDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bank cannot be reached")
    }
}

/// What goes wrong here: the label `error_type`.
#[derive(Clone, Copy, LabelValue)]
enum Failure {
    BankDown,
}
