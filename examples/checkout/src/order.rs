//! What is ordered, and how it travels between the services.

use observe_core::label::LabelValue;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What `POST /charge` takes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct NewOrder {
    pub(crate) item: Item,
    pub(crate) quantity: u32,
    pub(crate) method: Method,
    pub(crate) customer: String,
    /// Whose shop it came through.
    #[serde(default)]
    pub(crate) shop: String,
    /// What shall go wrong at payment.
    #[serde(default)]
    pub(crate) simulate: Option<Simulate>,
}

/// An order that was paid and stored.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(crate) item: Item,
    pub(crate) quantity: u32,
    pub(crate) method: Method,
    pub(crate) customer: String,
    pub(crate) total_cents: u32,
    pub(crate) authorization: String,
}

/// What there is to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, LabelValue)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Item {
    Tea,
    Coffee,
    Kettle,
    Teapot,
}

/// How it is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, LabelValue)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Method {
    Card,
    Paypal,
}

/// What payment does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Simulate {
    Slow,
    /// It does not answer before its caller has given up.
    Hang,
    Decline,
    Fail,
    Panic,
}

/// Why an order is not even tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    Quantity,
    Customer,
}

impl Item {
    pub(crate) const ALL: [Item; 4] = [Item::Tea, Item::Coffee, Item::Kettle, Item::Teapot];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Item::Tea => "tea",
            Item::Coffee => "coffee",
            Item::Kettle => "kettle",
            Item::Teapot => "teapot",
        }
    }

    pub(crate) const fn price_cents(self) -> u32 {
        match self {
            Item::Tea => 450,
            Item::Coffee => 790,
            Item::Kettle => 3900,
            Item::Teapot => 2800,
        }
    }
}

impl Method {
    pub(crate) const ALL: [Method; 2] = [Method::Card, Method::Paypal];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Method::Card => "card",
            Method::Paypal => "paypal",
        }
    }
}

impl NewOrder {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        if !(1..=100).contains(&self.quantity) {
            return Err(Invalid::Quantity);
        }
        if self.customer.is_empty() || self.customer.len() > 100 {
            return Err(Invalid::Customer);
        }
        Ok(())
    }

    pub(crate) fn total_cents(&self) -> u32 {
        self.quantity.saturating_mul(self.item.price_cents())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invalid::Quantity => "the quantity is 1 to 100",
            Invalid::Customer => "the customer's name has 1 to 100 bytes",
        })
    }
}

impl std::error::Error for Invalid {}

/// What inventory is asked for: `POST /reserve` and `POST /release`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Goods {
    pub(crate) item: Item,
    pub(crate) quantity: u32,
}

/// What payment is asked for: `POST /authorize`.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Payment {
    pub(crate) method: Method,
    pub(crate) total_cents: u32,
    pub(crate) simulate: Option<Simulate>,
}

/// What payment answers.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Authorization {
    pub(crate) authorization: String,
}
