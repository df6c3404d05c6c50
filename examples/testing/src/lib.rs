//! How to test what a service observes: this is the service, its tests are in `tests/`.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::{Router, routing::post};
use observe_core::clock::{Clock, Tick};
use observe_core::label::{LabelSet, LabelValue};
use observe_core::metric::{Counter, Family};
use observe_core::{Telemetry, metric, observed};
use observe_tower::ObserveLayer;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How an order is paid for.
#[derive(Clone, Copy, LabelValue)]
pub enum Payment {
    /// By card.
    Card,
    /// Later.
    Invoice,
}

/// What orders are counted by.
#[derive(Clone, Copy, LabelSet)]
pub struct OrderLabels {
    payment: Payment,
}

/// Every order that was placed.
#[metric]
pub static ORDERS: Family<OrderLabels, Counter> = Family::counter("shop_orders_total", "Orders placed.");

/// The service. It takes the telemetry that observes it, instead of looking for one: that is all a test needs.
pub fn app(telemetry: &Telemetry) -> Router {
    Router::new().route("/orders/{id}", post(place)).layer(ObserveLayer::new(telemetry))
}

async fn place(Path(id): Path<u64>) -> Result<&'static str, StatusCode> {
    match charge(id).await {
        Ok(payment) => {
            ORDERS.with(OrderLabels { payment }).inc();
            tracing::info!(order.id = id, "order placed");
            Ok("placed\n")
        }
        Err(declined) => {
            tracing::warn!(order.id = id, declined, "order refused");
            Err(StatusCode::PAYMENT_REQUIRED)
        }
    }
}

#[observed(dependency = "bank")]
async fn charge(id: u64) -> Result<Payment, String> {
    match id {
        0 => Err("no such order".to_owned()),
        id if id % 2 == 0 => Ok(Payment::Invoice),
        _ => Ok(Payment::Card),
    }
}

/// Lets the bank rest for a minute after it was overloaded: a rule about time, and so it is given a clock.
#[derive(Clone)]
pub struct Rest {
    clock: Clock,
    since: Arc<Mutex<Option<Tick>>>,
}

impl Rest {
    const LONG_ENOUGH: Duration = Duration::from_secs(60);

    /// By this clock.
    pub fn new(clock: impl Into<Clock>) -> Self {
        Self { clock: clock.into(), since: Arc::default() }
    }

    /// It is overloaded.
    pub fn begin(&self) {
        tracing::warn!("the bank is overloaded");
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.clock.now());
    }

    /// Whether it is to be left alone.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| self.clock.now().since(since) < Self::LONG_ENOUGH)
    }
}
