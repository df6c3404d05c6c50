//! A span with three fields, recorded, and the decision whether its trace is kept.

use crate::harness::Kind;
use crate::peers;
use crate::processes::{Checks, Entry, Race, Rig, compare};
use crate::telemetry::{Door, Own};
use fastrace::local::LocalSpan;
use opentelemetry_sdk::trace::Sampler;
use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Each a trace of its own, and a hundred in one.
pub(super) fn span() {
    compare(&ALONE);
    compare(&MANY);
}

const NOTES: &[&str] = &[
    "Ours decides at the end whether the trace is kept, and remembers all in the flight recorder; `tracing-opentelemetry` \
     decides at the beginning; `fastrace` could cancel a trace at its end, and here sends every span to its collector, \
     which gives them to a counter; sampled ones of `tracing-opentelemetry` go through a batch to a counter.",
    "`fastrace` does most of its work on its collector's thread: see `all threads`. Its properties are texts.",
    "The bare registry keeps no field and no time. It is there to read the layers by: `layer()` and \
     `tracing-opentelemetry` stand on it.",
];

pub(crate) static ALONE: Race = Race {
    name: "span",
    title: "span with three fields, a trace of its own",
    floor: "two clock reads, 64 bytes",
    times: 2_000,
    entries: &[
        Entry { kind: Kind::Ours, name: "install()", make: || ours(Door::Install, 1) },
        Entry { kind: Kind::Ours, name: "layer()", make: || ours(Door::Layer, 1) },
        Entry { kind: Kind::Peer, name: "fastrace", make: || fastrace(1) },
        Entry { kind: Kind::Peer, name: "tracing-opentelemetry, unsampled", make: || unsampled(1) },
        Entry { kind: Kind::Peer, name: "tracing-opentelemetry, sampled", make: || sampled(1) },
        Entry { kind: Kind::Other, name: "bare registry", make: || registry(1) },
    ],
    notes: NOTES,
};

pub(crate) static MANY: Race = Race {
    name: "spans",
    title: "span with three fields, one of 100 in a trace",
    floor: "two clock reads, 64 bytes",
    times: 2_000,
    entries: &[
        Entry { kind: Kind::Ours, name: "install()", make: || ours(Door::Install, 100) },
        Entry { kind: Kind::Ours, name: "layer()", make: || ours(Door::Layer, 100) },
        Entry { kind: Kind::Peer, name: "fastrace", make: || fastrace(100) },
        Entry { kind: Kind::Peer, name: "tracing-opentelemetry, unsampled", make: || unsampled(100) },
        Entry { kind: Kind::Peer, name: "tracing-opentelemetry, sampled", make: || sampled(100) },
        Entry { kind: Kind::Other, name: "bare registry", make: || registry(100) },
    ],
    notes: &["The root is measured, too, and is not counted: its cost is spread over the hundred."],
};

/// Two clock reads, and 64 bytes that say what was.
pub(super) fn floor() -> impl FnMut(u64) {
    let mut record = [0_u64; 8];
    move |times| {
        for _ in 0..times {
            let start = Instant::now();
            record.fill(black_box(7));
            record[0] = start.elapsed().subsec_nanos().into();
            black_box(&record);
        }
    }
}

fn step(number: u64) {
    tracing::info_span!("step", number = black_box(number), tenant = "acme", retried = false)
        .in_scope(|| black_box(()));
}

/// So many spans in a trace; one is its root itself.
fn spans(times: u64, in_a_trace: u64) {
    if in_a_trace == 1 {
        return (0..times).for_each(step);
    }
    for begin in (0..times).step_by(in_a_trace as usize) {
        tracing::info_span!("root").in_scope(|| (begin..begin + in_a_trace).for_each(step));
    }
}

fn rig(in_a_trace: u64, checks: Checks) -> Rig {
    let own = move |times| spans(times, in_a_trace);
    Rig { floor: Box::new(floor()), bare: None, own: Box::new(own), checks }
}

fn ours(door: Door, in_a_trace: u64) -> Rig {
    rig(in_a_trace, Own::new(door, |builder| builder).spans("step", in_a_trace))
}

fn unsampled(in_a_trace: u64) -> Rig {
    rig(in_a_trace, peers::opentelemetry_spans(Sampler::AlwaysOff))
}

fn sampled(in_a_trace: u64) -> Rig {
    rig(in_a_trace, peers::opentelemetry_spans(Sampler::AlwaysOn))
}

fn registry(in_a_trace: u64) -> Rig {
    tracing_subscriber::registry().init();
    let checks = Checks { settle: Box::new(|_| ()), proof: Box::new(|_| "nothing".to_owned()) };
    rig(in_a_trace, checks)
}

fn fastrace(in_a_trace: u64) -> Rig {
    let properties = |number: u64| {
        let number = Cow::Owned(black_box(number).to_string());
        [("number", number), ("tenant", Cow::Borrowed("acme")), ("retried", Cow::Borrowed("false"))]
    };
    let own = move |times: u64| {
        if in_a_trace == 1 {
            for number in 0..times {
                let root = fastrace::Span::root("step", fastrace::prelude::SpanContext::random());
                let _recorded = black_box(root.with_properties(|| properties(number)));
            }
            return;
        }
        for begin in (0..times).step_by(in_a_trace as usize) {
            let root = fastrace::Span::root("root", fastrace::prelude::SpanContext::random());
            let _within = root.set_local_parent();
            for number in begin..begin + in_a_trace {
                let span = LocalSpan::enter_with_local_parent("step");
                let _recorded = black_box(span.with_properties(|| properties(number)));
            }
        }
    };
    Rig { floor: Box::new(floor()), bare: None, own: Box::new(own), checks: peers::fastrace(in_a_trace) }
}
