//! The work queue: receipts are written after the client has its answer.

use crate::objectives;
use crate::pool::PoolError;
use crate::store::Store;
use observe_core::{Kind, SloEvents, Telemetry, mpsc};
use std::collections::HashMap;
use std::error::Error;
use tokio::task::JoinHandle;

const LENGTH: usize = 1024;

/// Where receipts are asked for. When the last clone is gone, the worker finishes what is queued and ends.
#[derive(Clone)]
pub(crate) struct Receipts {
    messages: mpsc::Sender<Message>,
}

struct Message {
    order: i64,
    /// On behalf of what: the trace goes on in the worker.
    headers: HashMap<String, String>,
}

impl Receipts {
    /// Starts the worker.
    pub(crate) fn start(
        store: Store,
        telemetry: &Telemetry,
    ) -> Result<(Self, JoinHandle<()>), Box<dyn Error>> {
        let (sender, messages) = mpsc::channel(telemetry.registry(), "receipts", LENGTH)?;
        let promised = telemetry.slo_events(objectives::RECEIPTS)?;
        let worker = tokio::spawn(work(messages, store, telemetry.clone(), promised));
        Ok((Self { messages: sender }, worker))
    }

    /// Asks for the receipt of an order. Waits for room when the queue is full.
    pub(crate) async fn ask(&self, order: i64) {
        let Ok(room) = self.messages.reserve().await else {
            tracing::error!(order.id = order, "there is nobody to write receipts");
            return;
        };
        let mut headers = HashMap::new();
        observe_core::inject(&mut headers);
        room.send(Message { order, headers });
    }
}

async fn work(
    mut messages: mpsc::Receiver<Message>,
    store: Store,
    telemetry: Telemetry,
    promised: SloEvents,
) {
    while let Some(Message { order, headers }) = messages.recv().await {
        let parent = telemetry.extract(&headers);
        let operation = telemetry.operation("write receipt").kind(Kind::Consumer).parent(&parent).start();
        // Its line tells of a failure.
        match operation.instrument_result(write(order, &store)).await {
            Ok(()) => promised.good(),
            Err(_) => promised.bad(),
        }
    }
}

async fn write(order: i64, store: &Store) -> Result<(), PoolError> {
    store.insert_receipt(order).await?;
    tracing::info!(order.id = order, "receipt written");
    Ok(())
}
