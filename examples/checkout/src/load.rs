//! Customers: most of them well-behaved.

use crate::order::{Item, Method, NewOrder, Simulate};
use crate::shutdown::Shutdown;
use axum::body::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::hash::{BuildHasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// At most so many requests wait for their answers; a customer who comes then goes away at once.
const CUSTOMERS: usize = 256;

/// How long a customer waits; but some lose their patience early.
const PATIENCE: Duration = Duration::from_secs(5);
const IMPATIENCE: Duration = Duration::from_millis(150);

const SHOPS: [&str; 3] = ["north", "south", "online"];

/// What one customer does. They come in turn, so that all of it is seen within a few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Customer {
    Buys,
    Looks,
    /// Payment takes more than a second.
    WaitsLong,
    /// The same, and goes away meanwhile.
    GoesAway,
    IsDeclined,
    /// Payment answers an error.
    MeetsFailure,
    /// Payment's handler panics.
    MeetsPanic,
    /// Checkout's own.
    MeetsOwnFailure,
    MeetsOwnPanic,
    SendsBadJson,
    SendsBadContext,
    SearchesHoles,
    /// Reads `/events` for a while.
    Watches,
    /// Asks for orders over a WebSocket, and goes with or without a word.
    Talks,
}

/// Which of `number` comes.
fn customer(number: usize) -> Customer {
    match number % 40 {
        1 => Customer::Watches,
        3 => Customer::WaitsLong,
        7 => Customer::IsDeclined,
        10 => Customer::SearchesHoles,
        13 => Customer::MeetsFailure,
        17 => Customer::GoesAway,
        21 => Customer::Talks,
        22 => Customer::SendsBadJson,
        25 => Customer::MeetsOwnFailure,
        28 => Customer::SendsBadContext,
        33 => Customer::MeetsPanic,
        37 => Customer::MeetsOwnPanic,
        rest if rest % 4 == 2 => Customer::Looks,
        _ => Customer::Buys,
    }
}

/// Sends `rate` requests a second until it is time to end, and waits for their answers.
pub(crate) async fn run(address: SocketAddr, rate: u32, shutdown: Shutdown) {
    let Some(pause) = pause(rate) else { return };
    let street = Arc::new(Street { http: Client::builder(TokioExecutor::new()).build_http(), address });
    let places = Arc::new(Semaphore::new(CUSTOMERS));
    let mut customers = JoinSet::new();
    let come = async {
        let mut bell = interval(pause);
        bell.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0.. {
            bell.tick().await;
            while customers.try_join_next().is_some() {}
            if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                let street = Arc::clone(&street);
                customers.spawn(async move {
                    street.send(number).await;
                    drop(place);
                });
            }
        }
    };
    tokio::select! {
        () = come => {}
        () = shutdown.requested() => {}
    }
    while customers.join_next().await.is_some() {}
}

/// What is between two customers, never nothing; `None`: nobody comes.
fn pause(rate: u32) -> Option<Duration> {
    Duration::from_secs(1).checked_div(rate).map(|pause| pause.max(Duration::from_micros(1)))
}

/// The way to checkout.
struct Street {
    http: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl Street {
    /// What becomes of it is seen in checkout's metrics and log; here nobody asks.
    async fn send(&self, number: usize) {
        let customer = customer(number);
        if customer == Customer::Talks {
            let _ = timeout(PATIENCE, self.talk(number)).await;
            return;
        }
        let Ok(request) = self.request(customer, number) else { return };
        let patience = match customer {
            Customer::GoesAway => IMPATIENCE,
            Customer::Watches => Duration::from_millis(random(3_000)),
            _ => PATIENCE,
        };
        let _ = timeout(patience, async {
            self.http.request(request).await.ok()?.into_body().collect().await.ok()
        })
        .await;
    }

    async fn talk(&self, number: usize) -> Option<()> {
        let url = format!("ws://{}/ws", self.address);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.ok()?;
        for order in 0..random(4) {
            socket.send((number as u64 / 2 + order).to_string().into()).await.ok()?;
            socket.next().await?.ok()?;
        }
        match random(3) {
            0 => {
                socket.send("bye".into()).await.ok()?;
                while let Some(Ok(_)) = socket.next().await {}
            }
            1 => socket.close(None).await.ok()?,
            _ => {}
        }
        Some(())
    }

    fn request(&self, customer: Customer, number: usize) -> http::Result<Request<Full<Bytes>>> {
        let get = |path: &str| (http::Method::GET, path.to_owned(), Bytes::new());
        let charge = |body| (http::Method::POST, "/charge".to_owned(), body);
        let (method, path, body) = match customer {
            Customer::Looks => get(&format!("/orders/{}", number / 2 + 1)),
            Customer::Watches => get("/events"),
            Customer::MeetsOwnFailure => get("/fail?how=error"),
            Customer::MeetsOwnPanic => get("/panic?now=true"),
            Customer::SearchesHoles => get(&format!("/wp-admin/{number}")),
            Customer::SendsBadJson => charge(Bytes::from_static(b"{\"item\":")),
            _ => charge(Bytes::from(serde_json::to_vec(&order(customer, number)).unwrap_or_default())),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("content-type", "application/json");
        let request = match customer {
            Customer::SendsBadContext => request
                .header("traceparent", "00-00000000000000000000000000000000-zzzzzzzzzzzzzzzz-01")
                .header("x-correlation-id", "not\tallowed"),
            _ => request,
        };
        request.body(Full::from(body))
    }
}

fn random(below: u64) -> u64 {
    RandomState::new().hash_one(()) % below
}

fn order(customer: Customer, number: usize) -> NewOrder {
    NewOrder {
        item: Item::ALL[number / 2 % Item::ALL.len()],
        quantity: if number.is_multiple_of(7) { 9 } else { 2 },
        method: Method::ALL[number / 3 % Method::ALL.len()],
        customer: format!("customer {}", number % 1000),
        shop: SHOPS[number % SHOPS.len()].to_owned(),
        simulate: match customer {
            Customer::WaitsLong | Customer::GoesAway => Some(Simulate::Slow),
            Customer::IsDeclined => Some(Simulate::Decline),
            Customer::MeetsFailure => Some(Simulate::Fail),
            Customer::MeetsPanic => Some(Simulate::Panic),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A timer panics without a period.
    #[test]
    fn any_rate_is_a_pause_or_none() {
        assert_eq!(pause(0), None);
        assert_eq!(pause(20), Some(Duration::from_millis(50)));
        assert_eq!(pause(u32::MAX), Some(Duration::from_micros(1)));
    }
}
