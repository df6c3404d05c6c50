//! Who works on messages: one by one, or many at once.

use crate::broker::{Message, Topic};
use crate::sending::describe;
use observe_core::context::Context;
use observe_core::{Kind, Telemetry};
use std::fmt::Display;
use tokio::sync::mpsc::Receiver;

pub(crate) struct Consumer<'a> {
    pub(crate) telemetry: &'a Telemetry,
    pub(crate) topic: &'static Topic,
    pub(crate) messages: Receiver<Message>,
}

impl Consumer<'_> {
    /// Works on each message below its sending: the trace goes on. One that fails is told, and the next is taken.
    pub(crate) async fn each<E: Display>(mut self, work: impl AsyncFn(&Message) -> Result<(), E>) {
        while let Some(message) = self.messages.recv().await {
            let sent = self.telemetry.extract(&message.headers);
            let operation = describe(self.telemetry.operation(self.topic.process), self.topic, "process")
                .kind(Kind::Consumer)
                .parent(&sent)
                // Nobody but our own services can write to this broker: a trace that they keep is kept here, too.
                .trusted(true)
                .attribute("messaging.message.id", message.id.to_string())
                .start();
            let _ = operation.instrument_result(work(&message)).await;
        }
    }

    /// Works on up to `most` messages at once. A span hangs below one other at most: a batch is a trace of its own, with
    /// a link to each sending.
    pub(crate) async fn batches<E: Display>(
        mut self,
        most: usize,
        work: impl AsyncFn(&[Message]) -> Result<(), E>,
    ) {
        let mut batch = Vec::new();
        while self.messages.recv_many(&mut batch, most).await > 0 {
            let sent: Vec<_> = batch.iter().map(|message| self.telemetry.extract(&message.headers)).collect();
            let operation = describe(self.telemetry.operation(self.topic.process), self.topic, "process")
                .kind(Kind::Consumer)
                .parent(&Context::new())
                .links(&sent)
                .attribute("messaging.batch.message_count", batch.len())
                .start();
            let _ = operation.instrument_result(work(&batch)).await;
            batch.clear();
        }
    }
}
