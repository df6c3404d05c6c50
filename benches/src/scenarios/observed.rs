//! An annotated async function: rate, errors and duration, and a span.

use crate::by_hand::Red;
use crate::harness::Kind;
use crate::http::now;
use crate::peers;
use crate::processes::{Checks, Entry, Race, Rig, Work, compare};
use crate::telemetry::{Door, Own};
use observe_core::{Telemetry, observed};
use opentelemetry_sdk::trace::Sampler;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;
use tracing::instrument;

/// Called a hundred times in an operation, as by a request.
pub(super) fn observed() {
    compare(&RACE);
}

pub(crate) static RACE: Race = Race {
    name: "observed",
    title: "annotated async fn, one of 100 in an operation",
    floor: "two clock reads, 64 bytes, RED",
    times: 2_000,
    entries: &[
        Entry { kind: Kind::Ours, name: "#[observed]", make: || ours(Door::Install, Form::Whole) },
        Entry { kind: Kind::Ours, name: "span = off", make: || ours(Door::Install, Form::SpanOff) },
        Entry { kind: Kind::Ours, name: "a named argument", make: || ours(Door::Install, Form::Named) },
        Entry { kind: Kind::Ours, name: "layer(), #[observed]", make: || ours(Door::Layer, Form::Whole) },
        Entry { kind: Kind::Ours, name: "#[observed], a trace of its own", make: alone },
        Entry { kind: Kind::Peer, name: "#[instrument], tracing-opentelemetry", make: instrumented },
        Entry { kind: Kind::Peer, name: "the same, a named argument", make: instrumented_named },
    ],
    notes: &[
        "The peer samples 1 % of traces, and has no metrics.",
        "The bare function is called and polled as the others. What is added is the median less that of the bare one.",
    ],
};

#[observed]
async fn whole(order: u64) -> u64 {
    black_box(order)
}

#[observed(span = off)]
async fn span_off(order: u64) -> u64 {
    black_box(order)
}

#[observed(fields(order))]
async fn named(order: u64) -> u64 {
    black_box(order)
}

#[instrument(skip_all)]
async fn traced(order: u64) -> u64 {
    black_box(order)
}

#[instrument(skip_all, fields(order))]
async fn traced_named(order: u64) -> u64 {
    black_box(order)
}

async fn bare(order: u64) -> u64 {
    black_box(order)
}

static BY_HAND: LazyLock<Red> = LazyLock::new(Red::default);

async fn by_hand(order: u64, record: &mut [u64; 8]) -> u64 {
    let start = Instant::now();
    BY_HAND.start();
    record.fill(black_box(order));
    let result = black_box(order);
    let nanos = start.elapsed().as_nanos() as u64;
    record[0] = nanos;
    black_box(&record);
    BY_HAND.end(nanos);
    result
}

fn done(call: impl Future<Output = u64>) {
    black_box(now(call));
}

fn rig(own: Work, checks: Checks) -> Rig {
    let mut record = [0; 8];
    let floor = move |times| {
        (0..times).for_each(|order| done(by_hand(order, &mut record)));
    };
    let bare = |times| (0..times).for_each(|order| done(bare(order)));
    Rig {
        floor: Box::new(floor),
        bare: Some(Box::new(bare)),
        own,
        checks: checks.and_floor(|| BY_HAND.ended()),
    }
}

/// So many calls are in one operation, as in a request.
const IN_ONE: u64 = 100;

#[derive(Clone, Copy)]
enum Form {
    Whole,
    SpanOff,
    Named,
}

fn ours(door: Door, form: Form) -> Rig {
    let own = Own::new(door, |builder| builder);
    let telemetry = own.telemetry.clone();
    let (name, work): (_, Work) = match form {
        Form::Whole => ("whole", Box::new(move |times| in_operations(&telemetry, times, |n| done(whole(n))))),
        Form::SpanOff => {
            ("span_off", Box::new(move |times| in_operations(&telemetry, times, |n| done(span_off(n)))))
        }
        Form::Named => ("named", Box::new(move |times| in_operations(&telemetry, times, |n| done(named(n))))),
    };
    rig(work, own.calls(name, !matches!(form, Form::SpanOff)))
}

fn in_operations(telemetry: &Telemetry, times: u64, call: impl Fn(u64)) {
    for begin in (0..times).step_by(IN_ONE as usize) {
        telemetry.operation("job").start().run(|| (begin..begin + IN_ONE).for_each(&call));
    }
}

fn alone() -> Rig {
    let own = Own::new(Door::Install, |builder| builder);
    rig(Box::new(|times| (0..times).for_each(|order| done(whole(order)))), own.calls("whole", true))
}

fn instrumented() -> Rig {
    let checks = peers::opentelemetry_spans(Sampler::TraceIdRatioBased(0.01));
    rig(Box::new(|times| in_spans(times, |order| done(traced(order)))), checks)
}

fn instrumented_named() -> Rig {
    let checks = peers::opentelemetry_spans(Sampler::TraceIdRatioBased(0.01));
    rig(Box::new(|times| in_spans(times, |order| done(traced_named(order)))), checks)
}

fn in_spans(times: u64, call: impl Fn(u64)) {
    for begin in (0..times).step_by(IN_ONE as usize) {
        tracing::info_span!("job").in_scope(|| (begin..begin + IN_ONE).for_each(&call));
    }
}
