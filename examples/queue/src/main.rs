//! How does a trace go through a queue?
//!
//! Orders are sent one by one, and worked on one by one: each is one trace, from who sent it to who worked on it. Their
//! receipts are written in batches: a batch is a trace of its own, with a link to each of its messages.
//!
//! ```sh
//! cargo run -p queue
//! ```

mod broker;
mod sending;
mod working;

use broker::{Message, Topic};
use observe_core::{Operation, Telemetry};
use sending::Producer;
use std::error::Error;
use std::time::Duration;
use working::Consumer;

static ORDERS: Topic = Topic { name: "orders", send: "send orders", process: "process orders" };
static RECEIPTS: Topic = Topic { name: "receipts", send: "send receipts", process: "process receipts" };

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder("queue").install()?;
    work_off(&telemetry, ["tea", "coffee", "nothing", "water"]).await;
    telemetry.shutdown_async(Duration::from_secs(5)).await?;
    Ok(())
}

/// Ends when all of it is worked off: who works on a topic ends with those who send to it.
async fn work_off(telemetry: &Telemetry, wishes: impl IntoIterator<Item = &'static str>) {
    let (to_orders, orders) = broker::open();
    let (to_receipts, receipts) = broker::open();
    let (to_orders, to_receipts) = (Producer::new(&ORDERS, to_orders), Producer::new(&RECEIPTS, to_receipts));
    let place = async move {
        for wish in wishes {
            let order = Operation::builder("place order").start();
            let _ = order.instrument_result(to_orders.send(wish.into())).await;
        }
    };
    let take = async move {
        let orders = Consumer { telemetry, topic: &ORDERS, messages: orders };
        orders.each(async |order| take_order(order, &to_receipts).await).await;
    };
    let write = async {
        let receipts = Consumer { telemetry, topic: &RECEIPTS, messages: receipts };
        receipts.batches(16, async |receipts| write_receipts(receipts)).await;
    };
    tokio::join!(place, take, write);
}

async fn take_order(order: &Message, receipts: &Producer) -> Result<(), String> {
    let wish = String::from_utf8_lossy(&order.body);
    if wish == "nothing" {
        return Err("nobody can have nothing".to_owned());
    }
    tracing::info!(%wish, "order taken");
    receipts.send(format!("one {wish}").into_bytes()).await.map_err(|error| error.to_string())
}

fn write_receipts(receipts: &[Message]) -> Result<(), String> {
    for receipt in receipts {
        tracing::info!(receipt = %String::from_utf8_lossy(&receipt.body), "receipt written");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use observe_core::Sampling;
    use observe_core::testing::{Captured, Span};

    fn run(captured: &Captured, wishes: &[&'static str]) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let work = work_off(captured.telemetry(), wishes.iter().copied());
        runtime.block_on(captured.scope(work));
    }

    // Mutation caught: a message without its context, or a worker that does not read it.
    #[test]
    fn an_order_is_one_trace_from_who_sent_it_to_who_worked_on_it() {
        let captured = Captured::new();
        run(&captured, &["tea"]);
        let (placed, sent, processed) =
            (captured.span("place order"), captured.span("send orders"), captured.span("process orders"));
        assert_eq!((sent.parent(), processed.parent()), (Some(placed.span_id()), Some(sent.span_id())));
        assert_eq!(captured.line("order taken")["trace_id"], placed.trace_id().to_string());
        for (span, operation) in [(&sent, "send"), (&processed, "process")] {
            assert_eq!(span.field("messaging.system").unwrap(), "in_process");
            assert_eq!(span.field("messaging.destination.name").unwrap(), "orders");
            assert_eq!(span.field("messaging.operation.name").unwrap(), operation);
            assert_eq!(span.field("messaging.operation.type").unwrap(), operation);
            assert_eq!(span.field("messaging.message.id").unwrap(), "1");
        }
        assert_eq!(sent.field("messaging.message.body.size").unwrap(), 3);
    }

    // Mutation caught: a batch that hangs below one of its messages, or forgets one.
    #[test]
    fn a_batch_is_a_trace_of_its_own_with_a_link_to_each_message() {
        let captured = Captured::new();
        run(&captured, &["tea", "coffee", "water"]);
        let sent: Vec<_> = captured
            .spans()
            .named("send receipts")
            .iter()
            .map(|span| (span.trace_id(), span.span_id()))
            .collect();
        assert_eq!(sent.len(), 3);
        let batches = captured.spans().named("process receipts");
        let linked: Vec<_> = batches.iter().flat_map(Span::links).collect();
        assert_eq!(linked.iter().map(|link| (link.trace_id, link.span_id)).collect::<Vec<_>>(), sent);
        for batch in &batches {
            assert_eq!(batch.parent(), None);
            assert_eq!(batch.field("messaging.batch.message_count").unwrap(), batch.links().len());
            assert!(sent.iter().all(|(trace_id, _)| *trace_id != batch.trace_id()));
        }
        assert_eq!(captured.lines().with("message", "receipt written").len(), 3);
    }

    // Mutation caught: a worker that does not keep what the sender keeps.
    #[test]
    fn a_trace_that_is_kept_is_kept_on_both_sides() {
        let kept = Captured::with(|builder| builder.sampling(Sampling::always()));
        let worker = Captured::with(|builder| builder.sampling(Sampling::never()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (to_orders, orders) = broker::open();
        let producer = Producer::new(&ORDERS, to_orders);
        runtime.block_on(kept.scope(async move { producer.send("tea".into()).await.unwrap() }));
        let orders = Consumer { telemetry: worker.telemetry(), topic: &ORDERS, messages: orders };
        let work = async |_: &Message| {
            tracing::info!("taken");
            Ok::<(), String>(())
        };
        runtime.block_on(worker.scope(orders.each(work)));
        assert_eq!(worker.line("taken")["trace_flags"], "03");
    }

    // Mutation caught: a message that fails and takes the others along.
    #[test]
    fn one_that_fails_is_told_with_its_trace() {
        let captured = Captured::new();
        run(&captured, &["nothing", "tea"]);
        let failed = captured.line("process orders failed");
        assert_eq!(failed["error.message"], "nobody can have nothing");
        assert_eq!(captured.lines().with("message", "order taken").len(), 1);
    }
}
