//! Orders as they are placed, for those who watch; and orders for those who ask.

use crate::order::Order;
use crate::shop::Shop;
use crate::shutdown::Shutdown;
use axum::extract::ws::{Message, WebSocket};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::{Stream, stream};
use observe_core::{Outcome, StreamMeter};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::timeout;

/// Who is so many orders behind misses some.
const BACKLOG: usize = 64;
/// How long the last word to a client may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Where nothing is ordered, who has gone is found out by a word now and then.
const WORD: Duration = Duration::from_secs(5);

/// Tells everybody who watches.
pub(crate) struct Feed {
    watchers: broadcast::Sender<Arc<str>>,
    shutdown: Shutdown,
}

impl Feed {
    pub(crate) fn new(shutdown: Shutdown) -> Self {
        Self { watchers: broadcast::Sender::new(BACKLOG), shutdown }
    }

    pub(crate) fn tell(&self, order: &Order) {
        if self.watchers.receiver_count() > 0
            && let Ok(order) = serde_json::to_string(order)
        {
            // Nobody watches any more: that is all right.
            let _ = self.watchers.send(order.into());
        }
    }

    /// The orders from now on, until the service ends.
    pub(crate) fn events(&self) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let watcher = (self.watchers.subscribe(), self.shutdown.clone());
        Sse::new(stream::unfold(watcher, |(mut orders, shutdown)| async move {
            let order = tokio::select! {
                order = next(&mut orders) => order?,
                () = shutdown.clone().requested() => return None,
            };
            Some((Ok(Event::default().event("order").data(order)), (orders, shutdown)))
        }))
        .keep_alive(KeepAlive::new().interval(WORD))
    }
}

async fn next(orders: &mut broadcast::Receiver<Arc<str>>) -> Option<Arc<str>> {
    loop {
        match orders.recv().await {
            Ok(order) => return Some(order),
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "a watcher is too slow"),
            Err(RecvError::Closed) => return None,
        }
    }
}

/// Answers a client's questions until it leaves, says `bye`, or the service ends.
pub(crate) async fn answer(mut socket: WebSocket, shop: &Shop, bytes: &StreamMeter) -> Outcome {
    let outcome = tokio::select! {
        outcome = talk(&mut socket, shop, bytes) => outcome,
        () = shop.feed.shutdown.clone().requested() => Outcome::Ok,
    };
    if outcome == Outcome::Ok {
        let _ = timeout(FAREWELL, socket.send(Message::Close(None))).await;
    }
    outcome
}

async fn talk(socket: &mut WebSocket, shop: &Shop, bytes: &StreamMeter) -> Outcome {
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(question) = message else { continue };
        bytes.received(question.len() as u64);
        if question.as_str() == "bye" {
            return Outcome::Ok;
        }
        let answer = match question.parse() {
            Ok(id) => match shop.store.find_order(id).await {
                Ok(order) => serde_json::json!({ "order": order }),
                Err(error) => {
                    observe_core::cause(&error);
                    return Outcome::Error;
                }
            },
            Err(_) => serde_json::json!({ "error": "the number of an order, or bye" }),
        };
        let answer = answer.to_string();
        bytes.sent(answer.len() as u64);
        if socket.send(Message::text(answer)).await.is_err() {
            break;
        }
    }
    // The client left.
    Outcome::Cancelled
}
