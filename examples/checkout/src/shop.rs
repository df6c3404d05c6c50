//! Placing an order: reserve the goods, have them paid, store the order, ask for a receipt.

use crate::client::{CallError, Client};
use crate::error::ShopError;
use crate::feed::Feed;
use crate::order::{Authorization, Goods, Item, Method, NewOrder, Order, Payment};
use crate::receipts::Receipts;
use crate::store::Store;
use http::StatusCode;
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Counter, Family};
use observe_core::{metric, observed};
use std::error::Error;

#[metric]
static ORDERS: Family<OrderLabels, Counter> = Family::counter("orders_total", "Orders placed.");

#[derive(Clone, Copy, LabelSet)]
struct OrderLabels {
    item: Item,
    method: Method,
    branch: Branch,
}

/// Whose shop an order came through. Customers write it: past the limit it is `_OTHER`.
#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 20)]
struct Branch(LabelId);

/// What it takes to sell something.
pub(crate) struct Shop {
    pub(crate) payment: Client,
    pub(crate) inventory: Client,
    pub(crate) store: Store,
    pub(crate) receipts: Receipts,
    pub(crate) feed: Feed,
}

impl Shop {
    #[observed(failure = ShopError::is_failure)]
    pub(crate) async fn place(&self, new: &NewOrder) -> Result<Order, ShopError> {
        let goods = Goods { item: new.item, quantity: new.quantity };
        if !self.reserve(goods).await.map_err(|error| ShopError::Unavailable("inventory", error))? {
            return Err(ShopError::SoldOut);
        }
        let paid = match self.authorize(new).await {
            Ok(Some(authorization)) => Ok(authorization),
            Ok(None) => Err(ShopError::Declined),
            Err(error) => Err(ShopError::Unavailable("payment", error)),
        };
        let authorization = match paid {
            Ok(authorization) => authorization,
            Err(error) => {
                tracing::info!(goods.quantity, "not paid: what was reserved is given back");
                if let Err(error) = self.release(goods).await {
                    tracing::warn!(error = &error as &dyn Error, "reserved goods were not given back");
                }
                return Err(error);
            }
        };
        let order = self.store.insert_order(new, authorization).await.map_err(ShopError::Store)?;
        self.receipts.ask(order.id).await;
        self.feed.tell(&order);
        let branch = Branch::from(new.shop.as_str());
        ORDERS.with(OrderLabels { item: new.item, method: new.method, branch }).inc();
        tracing::info!(order.id, order.total_cents, order.customer, "order placed");
        Ok(order)
    }

    /// Whether there were enough: to be sold out is an answer, not a failure of inventory.
    #[observed(dependency = "inventory")]
    async fn reserve(&self, goods: Goods) -> Result<bool, CallError> {
        match self.inventory.post::<()>("/reserve", &goods).await {
            Ok(()) => Ok(true),
            Err(CallError::Refused(StatusCode::CONFLICT)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    #[observed(dependency = "inventory")]
    async fn release(&self, goods: Goods) -> Result<(), CallError> {
        self.inventory.post("/release", &goods).await
    }

    /// What payment was authorised by; `None`: it was declined.
    #[observed(dependency = "payment")]
    async fn authorize(&self, new: &NewOrder) -> Result<Option<String>, CallError> {
        let payment = Payment { method: new.method, total_cents: new.total_cents(), simulate: new.simulate };
        match self.payment.post::<Authorization>("/authorize", &payment).await {
            Ok(answer) => Ok(Some(answer.authorization)),
            Err(CallError::Refused(StatusCode::PAYMENT_REQUIRED)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
