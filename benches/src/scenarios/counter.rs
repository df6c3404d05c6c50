//! A counter: held, and looked up by its labels.

use crate::harness::{Contender, compare};
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Buckets, Counter, Family, Histogram};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, LabelValue)]
enum Method {
    Card,
    Paypal,
}

#[derive(Clone, Copy, LabelValue)]
enum Region {
    North,
    South,
    East,
    West,
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Tenant(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Closed {
    method: Method,
    region: Region,
    retried: bool,
}

#[derive(Clone, Copy, LabelSet)]
struct Open {
    method: Method,
    region: Region,
    tenant: Tenant,
}

/// The floor is one `fetch_add`.
pub(super) fn counter() {
    let floor = AtomicU64::new(0);
    let held = Family::<(), Counter>::counter("bench_held_total", "Held.");
    let closed = Family::<Closed, Counter>::counter("bench_closed_total", "Closed.");
    let open = Family::<Open, Counter>::counter("bench_open_total", "Open.");
    let handle = held.with(());
    let regions = [Region::North, Region::South, Region::East, Region::West];
    let tenants: Vec<String> = (0..50).map(|n| format!("tenant-{n}")).collect();
    let (mut at, mut turn) = (0, 0);
    let prometheus = prometheus::IntCounter::new("bench_total", "Held.").expect("a good name");
    let client = prometheus_client::metrics::counter::Counter::<u64>::default();
    compare(
        "counter",
        100_000,
        &mut [
            Contender::floor("one fetch_add", || {
                black_box(&floor).fetch_add(1, Ordering::Relaxed);
            }),
            Contender::ours("handle held", || black_box(handle).inc()),
            Contender::ours("3 closed labels looked up", || {
                at += 1;
                let method = if at & 1 == 0 { Method::Card } else { Method::Paypal };
                let labels = Closed { method, region: regions[at & 3], retried: at & 4 == 0 };
                closed.with(labels).inc();
            }),
            Contender::ours("3 labels, one an open string", || {
                turn += 1;
                let labels = Open {
                    method: Method::Card,
                    region: regions[turn & 3],
                    tenant: Tenant::from(black_box(tenants[turn % 50].as_str())),
                };
                open.with(labels).inc();
            }),
            Contender::peer("prometheus, handle held", || black_box(&prometheus).inc()),
            Contender::peer("prometheus-client, handle held", || {
                black_box(&client).inc();
            }),
        ],
        &[],
    );
    assert!(floor.load(Ordering::Relaxed) > 0 && handle.get() > 0);
    assert!(prometheus.get() > 0, "prometheus, handle held");
    assert!(client.get() > 0, "prometheus-client, handle held");
}

/// The floor is a scan of fourteen bounds and two `fetch_add`.
pub(super) fn histogram() {
    const BOUNDS: [u64; 14] = [
        5_000_000,
        10_000_000,
        25_000_000,
        50_000_000,
        75_000_000,
        100_000_000,
        250_000_000,
        500_000_000,
        750_000_000,
        1_000_000_000,
        2_500_000_000,
        5_000_000_000,
        7_500_000_000,
        10_000_000_000,
    ];
    let cells: [AtomicU64; 15] = std::array::from_fn(|_| AtomicU64::new(0));
    let sum = AtomicU64::new(0);
    let family = Family::<Closed, Histogram>::histogram("bench_seconds", "Held.", Buckets::SECONDS);
    let handle = family.with(Closed { method: Method::Card, region: Region::North, retried: false });
    let times: Vec<u64> = (0..1024_u64).map(|n| n * n * 7_919 % 2_000_000_000).collect();
    let (mut a, mut b, mut c) = (0, 0, 0);
    compare(
        "histogram of 14 buckets",
        100_000,
        &mut [
            Contender::floor("scan, two fetch_add", || {
                a += 1;
                let nanos = times[a & 1023];
                let bucket = BOUNDS.iter().position(|bound| nanos <= *bound).unwrap_or(14);
                cells[bucket].fetch_add(1, Ordering::Relaxed);
                sum.fetch_add(nanos, Ordering::Relaxed);
            }),
            Contender::ours("handle held", || {
                b += 1;
                handle.observe_duration(Duration::from_nanos(times[b & 1023]));
            }),
            Contender::ours("3 closed labels looked up", || {
                c += 1;
                let labels = Closed { method: Method::Paypal, region: Region::West, retried: c & 1 == 0 };
                family.with(labels).observe_duration(Duration::from_nanos(times[c & 1023]));
            }),
        ],
        &[],
    );
    assert!(handle.count() > 0 && sum.load(Ordering::Relaxed) > 0);
}
