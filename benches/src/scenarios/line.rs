//! A JSON line inside two spans, with ids.

use crate::by_hand::digits;
use crate::harness::Kind;
use crate::peers;
use crate::processes::{Checks, Entry, Race, Rig, compare};
use crate::telemetry::{Door, Own};
use std::time::Instant;

/// The floor renders the same line by hand into a buffer that is used again, and hands it to nobody. The others hand
/// theirs to a queue, which a thread writes into nothing.
pub(super) fn line() {
    compare(&RACE);
}

pub(crate) static RACE: Race = Race {
    name: "line",
    title: "line inside two spans",
    floor: "by hand",
    times: 4_000,
    entries: &[
        Entry { kind: Kind::Ours, name: "install()", make: || ours(Door::Install) },
        Entry { kind: Kind::Ours, name: "layer()", make: || ours(Door::Layer) },
        Entry { kind: Kind::Peer, name: "json-subscriber, tracing-opentelemetry", make: json_subscriber },
        Entry { kind: Kind::Peer, name: "tracing-subscriber, JSON, tracing-opentelemetry", make: fmt_json },
    ],
    notes: &[
        "The floor has no queue. The peers have one, and a thread, as ours. For them `tracing-opentelemetry` samples 1 % of \
         traces.",
        "The lines of the last have no trace id; ours and those of `json-subscriber` have. Ours are also held for the flight \
         recorder.",
        "The two spans are made anew for every hundred lines, by all but the floor.",
    ],
};

const MESSAGE: &str = "payment authorised";

fn rig(checks: Checks) -> Rig {
    let start = Instant::now();
    let mut line = Vec::with_capacity(1_024);
    let floor = move |times| {
        for order in 0..times {
            by_hand(&mut line, start, order);
            std::hint::black_box(&line);
        }
    };
    Rig { floor: Box::new(floor), bare: None, own: Box::new(inside_two_spans), checks }
}

fn ours(door: Door) -> Rig {
    rig(Own::new(door, |builder| builder).messages(MESSAGE))
}

fn json_subscriber() -> Rig {
    rig(peers::json_subscriber(&["acme", MESSAGE, "trace"]))
}

fn fmt_json() -> Rig {
    rig(peers::fmt_json(&["acme", MESSAGE]))
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
    line.extend_from_slice(b"{\"timestamp\":\"2026-01-01T");
    let now = start.elapsed();
    digits(line, now.as_secs() / 3_600 % 24, 2);
    line.push(b':');
    digits(line, now.as_secs() / 60 % 60, 2);
    line.push(b':');
    digits(line, now.as_secs() % 60, 2);
    line.push(b'.');
    digits(line, now.subsec_micros().into(), 6);
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
