//! The service that knows what is in stock.

use crate::order::{Goods, Item};
use crate::server;
use crate::shutdown::Shutdown;
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use observe_core::label::LabelSet;
use observe_core::metric::{Family, Gauge};
use observe_core::{Error as ObserveError, Registry, Telemetry};
use std::error::Error;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Clone, Copy, LabelSet)]
struct StockLabels {
    item: Item,
}

/// What is delivered of an item when it has run out.
const DELIVERY: u32 = 300;

pub(crate) async fn run(
    listener: TcpListener,
    telemetry: &Telemetry,
    shutdown: Shutdown,
) -> Result<(), Box<dyn Error>> {
    let stock = Arc::new(Stock::full(telemetry.registry())?);
    let routes =
        Router::new().route("/reserve", post(reserve)).route("/release", post(release)).with_state(stock);
    server::serve(listener, server::app(routes, telemetry), shutdown).await?;
    Ok(())
}

async fn reserve(State(stock): State<Arc<Stock>>, Json(goods): Json<Goods>) -> Result<Json<()>, StatusCode> {
    if stock.take(goods) { Ok(Json(())) } else { Err(StatusCode::CONFLICT) }
}

async fn release(State(stock): State<Arc<Stock>>, Json(goods): Json<Goods>) -> Json<()> {
    stock.give_back(goods);
    Json(())
}

/// How many there are of each item.
struct Stock {
    items: Mutex<[u32; Item::ALL.len()]>,
    /// On the registry, not a static: payment and checkout are the same program, and have no stock.
    gauge: Arc<Family<StockLabels, Gauge>>,
}

impl Stock {
    fn full(registry: &Registry) -> Result<Self, ObserveError> {
        let gauge = registry.gauge("stock_items", "How many there are of an item.")?;
        let stock = Self { items: Mutex::new([0; Item::ALL.len()]), gauge };
        for item in Item::ALL {
            stock.give_back(Goods { item, quantity: DELIVERY });
        }
        Ok(stock)
    }

    /// Takes the goods, all or nothing. Where there are too few more are delivered, for the next one.
    fn take(&self, goods: Goods) -> bool {
        self.change(goods.item, |left| match left.checked_sub(goods.quantity) {
            Some(rest) => (rest, true),
            None => (DELIVERY.max(left), false),
        })
    }

    fn give_back(&self, goods: Goods) {
        self.change(goods.item, |left| (left.saturating_add(goods.quantity), ()));
    }

    fn change<T>(&self, item: Item, change: impl FnOnce(u32) -> (u32, T)) -> T {
        let mut stock = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let left = &mut stock[item as usize];
        let (now, answer) = change(*left);
        *left = now;
        self.gauge.with(StockLabels { item }).set(now.into());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_sold_but_delivered() {
        let stock = Stock::full(&Registry::new()).unwrap();
        let some = |quantity| Goods { item: Item::Tea, quantity };
        assert!(stock.take(some(DELIVERY - 1)));
        assert!(!stock.take(some(2)));
        assert!(stock.take(some(2)));
        stock.give_back(some(2));
        assert!(stock.take(some(DELIVERY)));
    }
}
