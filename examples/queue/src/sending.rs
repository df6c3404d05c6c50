//! Who sends.

use crate::broker::{Headers, Message, Topic};
use observe_core::{Kind, Operation, OperationBuilder};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::SendError;

/// What OpenTelemetry's conventions for messaging call this broker.
const SYSTEM: &str = "in_process";

pub(crate) struct Producer {
    topic: &'static Topic,
    messages: Sender<Message>,
    next: AtomicU64,
}

impl Producer {
    pub(crate) fn new(topic: &'static Topic, messages: Sender<Message>) -> Self {
        Self { topic, messages, next: AtomicU64::new(1) }
    }

    /// Sends one message, with the context of its sending: whoever works on it goes on from there.
    pub(crate) async fn send(&self, body: Vec<u8>) -> Result<(), SendError<Message>> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let operation = describe(Operation::builder(self.topic.send), self.topic, "send")
            .kind(Kind::Producer)
            .attribute("messaging.message.id", id.to_string())
            .attribute("messaging.message.body.size", body.len())
            .start();
        let mut message = Message { id, headers: Headers::default(), body };
        let sending = async {
            observe_core::inject(&mut message.headers);
            self.messages.send(message).await
        };
        operation.instrument_result(sending).await
    }
}

/// What the conventions want of every span of messaging.
pub(crate) fn describe<'a>(
    operation: OperationBuilder<'a>,
    topic: &Topic,
    name: &'static str,
) -> OperationBuilder<'a> {
    operation
        .attribute("messaging.system", SYSTEM)
        .attribute("messaging.destination.name", topic.name)
        .attribute("messaging.operation.name", name)
        .attribute("messaging.operation.type", name)
}
