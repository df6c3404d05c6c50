//! Work on other tasks and threads belongs to the operation that started it, or points to it from a trace of its own.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::{Baggage, Context, CorrelationId, SpanContext, TraceId};
use observe_core::testing::Captured;
use observe_core::{Current, ObserveFuture, Operation, Outcome};
use std::future::Future;

/// On two threads: what is spawned is polled on another one than what spawned it, as likely as not.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(future)
}

fn here() -> SpanContext {
    Context::current().span().unwrap()
}

/// A context as a message brings it.
fn brought(trace_id: u128) -> Context {
    let span =
        SpanContext { trace_id: TraceId::from_bytes(trace_id.to_be_bytes()).unwrap(), ..SpanContext::root() };
    let mut context = Context::new();
    context.set_span(Some(span));
    context.set_baggage(Baggage::parse([b"shop=north".as_slice()]).0);
    context.set_correlation_id(CorrelationId::new("order-4711").ok());
    context
}

// Mutation caught: a spawn without its context.
#[test]
fn what_is_spawned_is_a_part_of_its_operation() {
    let captured = Captured::new();
    let order = async {
        let id = here();
        let work = async {
            tokio::task::yield_now().await;
            tracing::info!("packed");
            Operation::builder("wrap").start().run(here)
        };
        assert_eq!(observe_core::spawn(work).await.unwrap().trace_id, id.trace_id);
        assert_eq!(tokio::spawn(async { here() }.in_current_operation()).await.unwrap(), id);
        assert_eq!(observe_core::spawn_blocking(here).await.unwrap(), id);
        id
    };
    let id = wait(captured.scope(async { Operation::builder("order").start().instrument(order).await }));
    assert_eq!(captured.span("wrap").parent(), Some(id.span_id));
    assert_eq!(captured.line("packed")["span_id"], id.span_id.to_string());
}

// Mutation caught: what was captured used up by the first thread, or left behind on it.
#[test]
fn threads_take_it_along_once_or_many_times() {
    let captured = Captured::new();
    captured.run(|| {
        Operation::builder("order").start().run(|| {
            let id = here();
            assert_eq!(std::thread::spawn(Current::capture().wrap(here)).join().unwrap(), id);
            // As a pool's workers share one closure.
            let current = Current::capture();
            std::thread::scope(|threads| {
                for _ in 0..4 {
                    threads.spawn(|| {
                        assert_eq!((current.run(here), current.run(here)), (id, id));
                        assert_eq!(Context::current(), Context::new());
                    });
                }
            });
        });
    });
}

// Mutations caught: a linked operation that hangs below, that forgets its link or the correlation id, or that leaves
// its telemetry when it leaves the thread.
#[test]
fn linked_work_has_a_trace_of_its_own() {
    let captured = Captured::new();
    let message = brought(7);
    wait(captured.scope(async {
        let order = Operation::builder("order").parent(&message).start();
        let asked = order.instrument(async {
            let index = async { tracing::info!("indexed") }.in_linked_operation("index");
            Some(tokio::spawn(index))
        });
        asked.await.unwrap().await.unwrap();
    }));
    let (order, index) = (captured.span("order"), captured.span("index"));
    assert_ne!(index.trace_id(), order.trace_id());
    assert_eq!((index.parent(), index.outcome()), (None, Some(Outcome::Ok)));
    let [link] = index.links() else { panic!("{:?}", index.links()) };
    assert_eq!((link.trace_id, link.span_id), (order.trace_id(), order.span_id()));
    let line = captured.line("indexed");
    assert_eq!(line["trace_id"], index.trace_id().to_string());
    assert_eq!(line["correlation_id"], "order-4711");
    assert!(order.links().is_empty());
}

// Mutation caught: a link without a span to point to; a context that is dropped with its span.
#[test]
fn what_is_linked_to_is_the_parent_that_was_given_else_what_is_running() {
    let captured = Captured::new();
    captured.run(|| {
        Operation::builder("alone").linked().start().finish(Outcome::Ok);
        Operation::builder("running").start().run(|| {
            let message = brought(7);
            Operation::builder("given").parent(&message).linked().start().run(|| {
                let context = Context::current();
                assert_eq!(context.baggage().get("shop").as_deref(), Some("north"));
                assert_ne!(context.span().unwrap().trace_id, message.span().unwrap().trace_id);
            });
        });
    });
    assert!(captured.span("alone").links().is_empty());
    let given = captured.span("given");
    assert_eq!(
        given.links().iter().map(|link| link.trace_id).collect::<Vec<_>>(),
        [brought(7).span().unwrap().trace_id]
    );
}

// Mutation caught: a link in the place of another; the link of an inner operation on the request's line.
#[test]
fn a_batch_points_to_each_of_its_messages() {
    let captured = Captured::new();
    let messages = [brought(7), brought(8), Context::new(), brought(9)];
    captured.run(|| {
        let outer = Operation::builder("outer").start();
        {
            let _entered = outer.enter();
            Operation::builder("inner").links(&messages).start().fail("not today");
        }
        outer.fail("so this failed, too");
        Operation::builder("outermost")
            .links(&messages)
            .attribute("messaging.batch.message_count", messages.len())
            .start()
            .fail("nor today");
    });
    let spans: Vec<_> = messages.iter().filter_map(Context::span).collect();
    assert_eq!(captured.span("inner").links(), spans);
    let outermost = captured.span("outermost");
    assert_eq!(outermost.links(), spans);
    assert_eq!(outermost.field("messaging.batch.message_count").unwrap(), 4);
    let lines = captured.lines();
    let line = lines.iter().find(|line| line["message"] == "outermost failed").unwrap();
    assert_eq!(line["link.trace_id"], spans[0].trace_id.to_string());
    assert_eq!(line["link.span_id"], spans[0].span_id.to_string());
    assert_eq!(line["messaging.batch.message_count"], 4);
    assert_eq!(lines.iter().filter(|line| line.get("link.trace_id").is_some()).count(), 1);
}

// Mutation caught: a linked operation that outlives its dropped future.
#[test]
fn a_linked_task_that_is_aborted_is_cancelled() {
    let captured = Captured::new();
    wait(captured.scope(async {
        let task = tokio::spawn(std::future::pending::<()>().in_linked_operation("poll forever"));
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }));
    assert_eq!(captured.span("poll forever").outcome(), Some(Outcome::Cancelled));
}
