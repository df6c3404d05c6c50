//! An operation opened by hand: a span with ids, its duration recorded, the decision whether its trace is kept.

use crate::harness::{Contender, compare};
use observe_core::{Outcome, Telemetry};
use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

/// The floor reads the clock twice and fills 64 bytes.
pub fn operation() {
    let telemetry = Telemetry::builder("bench").log_writer(io::sink()).build().expect("it starts");
    let elsewhere = telemetry.clone();
    let mut record = [0_u64; 8];
    telemetry.run(|| {
        compare(
            "operation",
            4_000,
            &mut [
                Contender::new("floor: two clock reads, 64 bytes", || {
                    let start = Instant::now();
                    record.fill(black_box(7));
                    record[0] = start.elapsed().subsec_nanos().into();
                    black_box(&record);
                }),
                Contender::new("start, finish", || {
                    elsewhere.operation("bench").start().finish(Outcome::Ok);
                }),
                Contender::new("start, one poll, finish", || {
                    elsewhere.operation("bench").start().run(|| black_box(()));
                }),
                Contender::new("event of a level that is off", || tracing::trace!(a = 1, "never")),
            ],
        );
    });
    telemetry.shutdown(Duration::from_secs(10)).expect("all is written");
}
