//! The shop: what it answers is asked for by the order's item.

use crate::proto::{Order, OrdersMethods, Receipt, Receipts};
use std::future::pending;
use tokio_stream::StreamExt;
use tonic::{Code, Status, Streaming};

/// Answers with the quantity; `not found`, `internal`, `deadline` fail, `panic` panics, `stuck` never answers. Of a stream
/// the item `breaks` fails after the first receipt, and `endless` has no end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Orders;

async fn receipt(order: Order) -> Result<Receipt, Status> {
    tracing::info!(order.item, order.quantity, "ordered");
    match order.item.as_str() {
        "not found" => Err(Status::not_found("there is no such item")),
        "internal" => Err(Status::internal("the store did not answer")),
        "deadline" => Err(Status::new(Code::DeadlineExceeded, "it took too long")),
        "stuck" => pending().await,
        item => {
            assert_ne!(item, "panic", "planned");
            Ok(Receipt { quantity: order.quantity })
        }
    }
}

impl OrdersMethods for Orders {
    async fn place(&self, order: Order) -> Result<Receipt, Status> {
        receipt(order).await
    }

    async fn watch(&self, order: Order) -> Result<Receipts, Status> {
        let last = match order.item.as_str() {
            "breaks" => tokio_stream::iter(vec![Err(Status::unavailable("the feed broke off"))]),
            _ => tokio_stream::iter(vec![Ok(Receipt { quantity: order.quantity })]),
        };
        let first = tokio_stream::iter(vec![Ok(Receipt { quantity: order.quantity })]);
        Ok(match order.item.as_str() {
            "endless" => Box::pin(first.chain(tokio_stream::pending())),
            _ => Box::pin(first.chain(last)),
        })
    }

    async fn import(&self, mut orders: Streaming<Order>) -> Result<Receipt, Status> {
        let mut quantity = 0;
        while let Some(order) = orders.message().await? {
            quantity += receipt(order).await?.quantity;
        }
        Ok(Receipt { quantity })
    }

    async fn talk(&self, orders: Streaming<Order>) -> Result<Receipts, Status> {
        Ok(Box::pin(orders.then(async |order| receipt(order?).await)))
    }
}
