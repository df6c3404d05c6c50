//! A JSON line inside two spans, with ids.

use crate::harness::{Contender, Kind, compare};
use crate::{peers, telemetry};
use std::time::Instant;
use tracing::dispatcher::with_default;

/// The floor renders the same line by hand into a buffer that is used again, and hands it to nobody. The others hand
/// theirs to a queue, which a thread writes into nothing.
pub(super) fn line() {
    telemetry::installed();
    let start = Instant::now();
    let mut buffer = Vec::with_capacity(1024);
    let mut floor = 0_u64;
    let (fmt, json) = (peers::fmt_json(), peers::json_subscriber());
    compare(
        "line inside two spans",
        4_000,
        &mut [
            Contender::floor("by hand", || {
                floor += 1;
                by_hand(&mut buffer, start, floor);
                std::hint::black_box(&buffer);
            }),
            Contender::batch(Kind::Ours, "tracing::info!", inside_two_spans),
            Contender::batch(Kind::Peer, "tracing-subscriber, JSON, with tracing-opentelemetry", |times| {
                with_default(&fmt.dispatch, || inside_two_spans(times));
            }),
            Contender::batch(Kind::Peer, "json-subscriber, with tracing-opentelemetry", |times| {
                with_default(&json.dispatch, || inside_two_spans(times));
            }),
        ],
        &[
            "The peers have a queue and a thread as ours. For them `tracing-opentelemetry` samples 1 % of traces.",
            "The lines of the first peer have no trace id; ours and those of the second have. Ours is also held for the \
             flight recorder.",
        ],
    );
    for peer in [fmt, json] {
        peer.check("payment authorised");
    }
}

/// New spans now and then: what libraries remember of a span's events grows with them.
fn inside_two_spans(times: u64) {
    for begin in (0..times).step_by(100) {
        let _outer = tracing::info_span!("outer", customer = "acme", attempt = 1).entered();
        let _inner = tracing::info_span!("inner", shard = 7).entered();
        for order in begin..times.min(begin + 100) {
            tracing::info!(order.id = order, paid = true, "payment authorised");
        }
    }
}

fn by_hand(line: &mut Vec<u8>, start: Instant, order: u64) {
    line.clear();
    line.extend_from_slice(b"{\"timestamp\":\"2026-01-01T00:");
    let now = start.elapsed();
    for part in [now.as_secs() / 60 % 60, now.as_secs() % 60] {
        line.extend_from_slice(itoa::Buffer::new().format(part).as_bytes());
        line.push(b':');
    }
    line.extend_from_slice(itoa::Buffer::new().format(now.subsec_micros()).as_bytes());
    line.extend_from_slice(
        b"Z\",\"level\":\"INFO\",\"message\":\"payment authorised\",\"target\":\"benches::scenarios::line\"",
    );
    line.extend_from_slice(b",\"service.name\":\"bench\",\"service.version\":\"1.0.0\"");
    line.extend_from_slice(
        b",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\"",
    );
    line.extend_from_slice(
        b",\"trace_flags\":\"02\",\"customer\":\"acme\",\"attempt\":1,\"shard\":7,\"order.id\":",
    );
    line.extend_from_slice(itoa::Buffer::new().format(order).as_bytes());
    line.extend_from_slice(b",\"paid\":true}\n");
}
