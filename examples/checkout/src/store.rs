//! Orders, in SQLite.

use crate::order::{Item, Method, NewOrder, Order};
use crate::pool::{Pool, PoolError};
use observe_core::{Telemetry, observed};
use rusqlite::{OptionalExtension as _, Row};
use std::error::Error;
use std::path::Path;

const CONNECTIONS: usize = 4;

/// Orders and their receipts. Clones share them.
#[derive(Clone)]
pub(crate) struct Store {
    pool: Pool,
}

impl Store {
    /// Opens the file `orders.db` in `folder`; makes it if need be.
    pub(crate) async fn open(folder: &Path, telemetry: &Telemetry) -> Result<Self, Box<dyn Error>> {
        let pool = Pool::open(&folder.join("orders.db"), CONNECTIONS, telemetry)?;
        let store = Self { pool };
        store.create_tables().await?;
        Ok(store)
    }

    #[observed]
    async fn create_tables(&self) -> Result<(), PoolError> {
        let tables = "
            create table if not exists orders (
                id integer primary key, item text not null, quantity integer not null, method text not null,
                customer text not null, total_cents integer not null, authorization text not null);
            create table if not exists receipts (order_id integer primary key references orders (id));";
        self.pool.run(tables, move |connection| connection.execute_batch(tables)).await
    }

    #[observed]
    pub(crate) async fn insert_order(
        &self,
        new: &NewOrder,
        authorization: String,
    ) -> Result<Order, PoolError> {
        let mut order = Order {
            id: 0,
            item: new.item,
            quantity: new.quantity,
            method: new.method,
            customer: new.customer.clone(),
            total_cents: new.total_cents(),
            authorization,
        };
        let insert = "insert into orders (item, quantity, method, customer, total_cents, authorization)
                      values (?1, ?2, ?3, ?4, ?5, ?6)";
        self.pool
            .run(insert, move |connection| {
                let mut insert = connection.prepare_cached(insert)?;
                order.id = insert.insert((
                    order.item.name(),
                    order.quantity,
                    order.method.name(),
                    &order.customer,
                    order.total_cents,
                    &order.authorization,
                ))?;
                Ok(order)
            })
            .await
    }

    #[observed(fields(order.id = id))]
    pub(crate) async fn find_order(&self, id: i64) -> Result<Option<Order>, PoolError> {
        let find = "select id, item, quantity, method, customer, total_cents, authorization
                    from orders where id = ?1";
        self.pool
            .run(find, move |connection| connection.prepare_cached(find)?.query_row([id], order).optional())
            .await
    }

    #[observed(fields(order.id = order))]
    pub(crate) async fn insert_receipt(&self, order: i64) -> Result<(), PoolError> {
        let insert = "insert or ignore into receipts (order_id) values (?1)";
        self.pool
            .run(insert, move |connection| connection.prepare_cached(insert)?.execute([order]).map(drop))
            .await
    }
}

fn order(row: &Row<'_>) -> rusqlite::Result<Order> {
    Ok(Order {
        id: row.get("id")?,
        item: named(row, "item", &Item::ALL, Item::name)?,
        quantity: row.get("quantity")?,
        method: named(row, "method", &Method::ALL, Method::name)?,
        customer: row.get("customer")?,
        total_cents: row.get("total_cents")?,
        authorization: row.get("authorization")?,
    })
}

/// The one of `all` whose name is in `column`.
fn named<T: Copy>(
    row: &Row<'_>,
    column: &str,
    all: &[T],
    name: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    all.iter().copied().find(|&value| name(value) == text).ok_or(rusqlite::Error::InvalidQuery)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_order_is_found_again_also_by_more_readers_than_connections() {
        let folder = tempfile::tempdir().unwrap();
        let telemetry = Telemetry::builder("test").without_log().build().unwrap();
        let store = Store::open(folder.path(), &telemetry).await.unwrap();
        let new = serde_json::json!({"item": "tea", "quantity": 2, "method": "paypal", "customer": "ada"});
        let order =
            store.insert_order(&serde_json::from_value(new).unwrap(), "a-1".to_owned()).await.unwrap();
        assert_eq!(order.total_cents, 900);
        let found = futures(20, |_| {
            let store = store.clone();
            async move { store.find_order(order.id).await.unwrap().unwrap().customer }
        });
        assert_eq!(found.await, vec!["ada"; 20]);
        assert!(store.find_order(order.id + 1).await.unwrap().is_none());
    }

    async fn futures<F>(count: usize, make: impl Fn(usize) -> F) -> Vec<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let tasks: Vec<_> = (0..count).map(|at| tokio::spawn(make(at))).collect();
        let mut values = Vec::new();
        for task in tasks {
            values.push(task.await.unwrap());
        }
        values
    }
}
