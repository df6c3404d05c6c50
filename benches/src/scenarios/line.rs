//! A JSON line inside two spans, with ids.

use crate::harness::{Contender, compare};
use observe_core::Telemetry;
use std::io;
use std::time::{Duration, Instant};

/// The floor renders the same line by hand into a buffer that is used again, and hands it to nobody.
pub fn line() {
    let telemetry =
        Telemetry::builder("bench").version("1.0.0").log_writer(io::sink()).build().expect("it starts");
    let start = Instant::now();
    let mut buffer = Vec::with_capacity(1024);
    let (mut order, mut total) = (0_u64, 0_u64);
    telemetry.run(|| {
        let outer = tracing::info_span!("outer", customer = "acme", attempt = 1).entered();
        let inner = tracing::info_span!("inner", shard = 7).entered();
        compare(
            "line inside two spans",
            4_000,
            &mut [
                Contender::new("floor: by hand", || {
                    order += 1;
                    by_hand(&mut buffer, start, order);
                    std::hint::black_box(&buffer);
                }),
                Contender {
                    name: "tracing::info!",
                    work: Box::new(|times| {
                        for _ in 0..times {
                            total += 1;
                            tracing::info!(order.id = total, paid = true, "payment authorised");
                        }
                    }),
                },
            ],
        );
        drop((inner, outer));
    });
    telemetry.shutdown(Duration::from_secs(10)).expect("all is written");
}

fn by_hand(line: &mut Vec<u8>, start: Instant, order: u64) {
    line.clear();
    line.extend_from_slice(b"{\"timestamp\":\"2026-01-01T00:00:00.");
    line.extend_from_slice(itoa::Buffer::new().format(start.elapsed().subsec_micros()).as_bytes());
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
