//! An operation opened by hand: a span with ids, its duration recorded, the decision whether its trace is kept.

use crate::harness::{Contender, compare};
use crate::telemetry;
use observe_core::Outcome;
use std::hint::black_box;
use std::time::Instant;

/// The floor reads the clock twice and fills 64 bytes.
pub(super) fn operation() {
    let telemetry = telemetry::installed();
    let mut record = [0_u64; 8];
    compare(
        "operation",
        4_000,
        &mut [
            Contender::floor("two clock reads, 64 bytes", || {
                let start = Instant::now();
                record.fill(black_box(7));
                record[0] = start.elapsed().subsec_nanos().into();
                black_box(&record);
            }),
            Contender::ours("start, finish", || telemetry.operation("bench").start().finish(Outcome::Ok)),
            Contender::ours("start, one poll, finish", || {
                telemetry.operation("bench").start().run(|| black_box(()));
            }),
            Contender::ours("span with three fields, entered", || {
                tracing::info_span!("bench", a = black_box(1), b = "two", c = true).in_scope(|| black_box(0));
            }),
            Contender::ours("event of a level that is off", || tracing::trace!(a = 1, "never")),
        ],
        &[],
    );
}
