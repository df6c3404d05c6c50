//! A counter: held, and looked up by its labels.

use crate::harness::{Contender, Kind, calls, compare};
use crate::metric_peers::{Sdk, on_page, proven, recorder};
use metrics::with_local_recorder;
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Counter, Family, HotCounter};
use opentelemetry::KeyValue;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use std::cell::Cell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

const TIMES: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue, EncodeLabelValue)]
pub(super) enum Method {
    Card,
    Paypal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue, EncodeLabelValue)]
pub(super) enum Region {
    North,
    South,
    East,
    West,
}

pub(super) const REGIONS: [Region; 4] = [Region::North, Region::South, Region::East, Region::West];

impl Method {
    pub(super) fn of(turn: usize) -> Self {
        if turn & 1 == 0 { Method::Card } else { Method::Paypal }
    }

    pub(super) fn text(self) -> &'static str {
        if self == Method::Card { "card" } else { "paypal" }
    }
}

impl Region {
    pub(super) fn of(turn: usize) -> Self {
        REGIONS[turn & 3]
    }

    pub(super) fn text(self) -> &'static str {
        ["north", "south", "east", "west"][self as usize]
    }
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 100)]
struct Tenant(LabelId);

#[derive(Clone, Copy, LabelSet)]
pub(super) struct Closed {
    pub(super) method: Method,
    pub(super) region: Region,
    pub(super) retried: bool,
}

impl Closed {
    pub(super) fn of(turn: usize) -> Self {
        Self { method: Method::of(turn), region: Region::of(turn), retried: turn & 4 == 0 }
    }
}

/// For `prometheus-client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ClosedClient {
    method: Method,
    region: Region,
    retried: bool,
}

impl ClosedClient {
    pub(super) fn of(turn: usize) -> Self {
        let Closed { method, region, retried } = Closed::of(turn);
        Self { method, region, retried }
    }
}

#[derive(Clone, Copy, LabelSet)]
struct Open {
    method: Method,
    region: Region,
    tenant: Tenant,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OpenClient {
    method: Method,
    region: Region,
    tenant: String,
}

/// FNV-1a.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(super) fn counter() {
    held();
    closed();
    open();
}

fn held() {
    thread_local! {
        static CELL: Cell<u64> = const { Cell::new(0) };
    }
    let floor = AtomicU64::new(0);
    let plain = Family::<(), Counter>::counter("bench_total", "Held.");
    let hot = Family::<(), HotCounter>::hot_counter("bench_hot_total", "Held.");
    let (plain, hot) = (plain.with(()), hot.with(()));
    let prometheus = prometheus::IntCounter::new("bench_total", "Held.").expect("a good name");
    let client = prometheus_client::metrics::counter::Counter::<u64>::default();
    let recorder = recorder();
    let metrics = with_local_recorder(&recorder, || metrics::counter!("bench_total"));
    let sdk = Sdk::new();
    let otel = sdk.meter().u64_counter("bench").build().bind(&[]);
    compare(
        "counter, handle held",
        TIMES,
        &mut [
            Contender::floor("one fetch_add", || {
                black_box(&floor).fetch_add(1, Ordering::Relaxed);
            }),
            Contender::other("a cell of this thread: the floor of the hot kind", || {
                CELL.with(|cell| cell.set(black_box(cell).get() + 1));
            }),
            Contender::ours("plain", || black_box(plain).inc()),
            Contender::ours("hot", || black_box(hot).inc()),
            Contender::peer("prometheus", || black_box(&prometheus).inc()),
            Contender::peer("prometheus-client", || {
                black_box(&client).inc();
            }),
            Contender::peer("metrics, metrics-exporter-prometheus", || black_box(&metrics).increment(1)),
            Contender::peer("opentelemetry_sdk, bound", || black_box(&otel).add(1)),
        ],
        &["Bound instruments are experimental in `opentelemetry` 0.33."],
    );
    let asked = calls(TIMES);
    proven("floor", floor.load(Ordering::Relaxed), asked);
    proven("cell", CELL.get(), asked);
    proven("plain", plain.get(), asked);
    proven("hot", hot.get(), asked);
    proven("prometheus", prometheus.get(), asked);
    proven("prometheus-client", client.get(), asked);
    proven("metrics", on_page(&recorder, "bench_total"), asked);
    proven("opentelemetry_sdk", sdk.recorded("bench"), asked);
}

fn closed() {
    let floor: [AtomicU64; 16] = Default::default();
    let plain = Family::<Closed, Counter>::counter("bench_total", "Closed.");
    let hot = Family::<Closed, HotCounter>::hot_counter("bench_hot_total", "Closed.");
    let opts = prometheus::Opts::new("bench_total", "Closed.");
    let prometheus =
        prometheus::IntCounterVec::new(opts, &["method", "region", "retried"]).expect("good names");
    let client = prometheus_client::metrics::family::Family::<
        ClosedClient,
        prometheus_client::metrics::counter::Counter,
    >::default();
    let recorder = recorder();
    let sdk = Sdk::new();
    let otel = sdk.meter().u64_counter("bench").build();
    let mut turns = [0_usize; 7];
    let [a, b, c, d, e, f, g] = &mut turns;
    let next = |turn: &mut usize| {
        *turn += 1;
        *turn
    };
    compare(
        "counter, 3 closed labels looked up",
        TIMES,
        &mut [
            Contender::floor("index, fetch_add", || {
                let at = Closed::of(black_box(next(a)));
                let at = (at.method as usize * 4 + at.region as usize) * 2 + usize::from(at.retried);
                floor[at & 15].fetch_add(1, Ordering::Relaxed);
            }),
            Contender::ours("plain", || plain.with(Closed::of(black_box(next(b)))).inc()),
            Contender::ours("hot", || hot.with(Closed::of(black_box(next(c)))).inc()),
            Contender::peer("prometheus", || {
                let Closed { method, region, retried } = Closed::of(black_box(next(d)));
                let retried = if retried { "true" } else { "false" };
                prometheus.with_label_values(&[method.text(), region.text(), retried]).inc();
            }),
            Contender::peer("prometheus-client", || {
                client.get_or_create(&ClosedClient::of(black_box(next(e)))).inc();
            }),
            Contender::batch(Kind::Peer, "metrics, metrics-exporter-prometheus", |times| {
                with_local_recorder(&recorder, || {
                    for _ in 0..times {
                        let Closed { method, region, retried } = Closed::of(black_box(next(f)));
                        let retried = if retried { "true" } else { "false" };
                        metrics::counter!("bench_total", "method" => method.text(), "region" => region.text(), "retried" => retried)
                            .increment(1);
                    }
                });
            }),
            Contender::peer("opentelemetry_sdk", || {
                let Closed { method, region, retried } = Closed::of(black_box(next(g)));
                let labels = [
                    KeyValue::new("method", method.text()),
                    KeyValue::new("region", region.text()),
                    KeyValue::new("retried", retried),
                ];
                otel.add(1, &labels);
            }),
        ],
        &[
            "The peers' labels are texts that anybody could add to; ours and those of the floor are fixed by their types.",
        ],
    );
    let asked = calls(TIMES);
    let all = (0..8).map(Closed::of);
    proven("floor", floor.iter().map(|count| count.load(Ordering::Relaxed)).sum(), asked);
    proven("plain", all.clone().map(|labels| plain.with(labels).get()).sum(), asked);
    proven("hot", all.map(|labels| hot.with(labels).get()).sum(), asked);
    let texts = (0..8).map(|turn| (Method::of(turn).text(), Region::of(turn).text(), turn & 4 == 0));
    let prometheus = texts.map(|(method, region, retried)| {
        prometheus.with_label_values(&[method, region, if retried { "true" } else { "false" }]).get()
    });
    proven("prometheus", prometheus.sum(), asked);
    let client = (0..8).map(|turn| client.get_or_create(&ClosedClient::of(turn)).get());
    proven("prometheus-client", client.sum(), asked);
    proven("metrics", on_page(&recorder, "bench_total"), asked);
    proven("opentelemetry_sdk", sdk.recorded("bench"), asked);
}

fn open() {
    let tenants: Vec<String> = (0..50).map(|n| format!("tenant-{n}")).collect();
    let mut floor = HashMap::<(u8, u8, &str), AtomicU64, BuildHasherDefault<Fnv>>::default();
    for turn in 0..200 {
        floor.insert((0, Region::of(turn) as u8, &tenants[turn % 50]), AtomicU64::new(0));
    }
    let plain = Family::<Open, Counter>::counter("bench_total", "Open.");
    let hot = Family::<Open, HotCounter>::hot_counter("bench_hot_total", "Open.");
    let opts = prometheus::Opts::new("bench_total", "Open.");
    let prometheus =
        prometheus::IntCounterVec::new(opts, &["method", "region", "tenant"]).expect("good names");
    let client = prometheus_client::metrics::family::Family::<
        OpenClient,
        prometheus_client::metrics::counter::Counter,
    >::default();
    let recorder = recorder();
    let sdk = Sdk::new();
    let otel = sdk.meter().u64_counter("bench").build();
    let mut turns = [0_usize; 7];
    let [a, b, c, d, e, f, g] = &mut turns;
    let next = |turn: &mut usize| {
        *turn += 1;
        let tenant: &str = black_box(&tenants[*turn % 50]);
        (Method::Card, Region::of(*turn), tenant)
    };
    let labels = |(method, region, tenant)| Open { method, region, tenant: Tenant::from(tenant) };
    compare(
        "counter, 3 labels, one an open string",
        TIMES,
        &mut [
            Contender::floor("a HashMap by FNV, fetch_add", || {
                let (method, region, tenant) = next(a);
                if let Some(count) = floor.get(&(method as u8, region as u8, tenant)) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }),
            Contender::ours("plain", || plain.with(labels(next(b))).inc()),
            Contender::ours("hot", || hot.with(labels(next(c))).inc()),
            Contender::peer("prometheus", || {
                let (method, region, tenant) = next(d);
                prometheus.with_label_values(&[method.text(), region.text(), tenant]).inc();
            }),
            Contender::peer("prometheus-client", || {
                let (method, region, tenant) = next(e);
                let labels = OpenClient { method, region, tenant: tenant.to_owned() };
                client.get_or_create(&labels).inc();
            }),
            Contender::batch(Kind::Peer, "metrics, metrics-exporter-prometheus", |times| {
                with_local_recorder(&recorder, || {
                    for _ in 0..times {
                        let (method, region, tenant) = next(f);
                        metrics::counter!("bench_total", "method" => method.text(), "region" => region.text(), "tenant" => tenant.to_owned())
                            .increment(1);
                    }
                });
            }),
            Contender::peer("opentelemetry_sdk", || {
                let (method, region, tenant) = next(g);
                let labels = [
                    KeyValue::new("method", method.text()),
                    KeyValue::new("region", region.text()),
                    KeyValue::new("tenant", tenant.to_owned()),
                ];
                otel.add(1, &labels);
            }),
        ],
        &[
            "The floor knows all series from the start, and can have no new ones.",
            "Of the peers only `opentelemetry_sdk` bounds how many series a client can make (2,000); ours are at most 100 tenants.",
        ],
    );
    let asked = calls(TIMES);
    let all = (0..200).map(|turn| (Method::Card, Region::of(turn), tenants[turn % 50].as_str()));
    // Two hundred turns come by each of the hundred series twice.
    let half = |sum: u64| sum / 2;
    proven("floor", floor.values().map(|count| count.load(Ordering::Relaxed)).sum(), asked);
    proven("plain", half(all.clone().map(|of| plain.with(labels(of)).get()).sum()), asked);
    proven("hot", half(all.clone().map(|of| hot.with(labels(of)).get()).sum()), asked);
    let prometheus = all.clone().map(|(method, region, tenant)| {
        prometheus.with_label_values(&[method.text(), region.text(), tenant]).get()
    });
    proven("prometheus", half(prometheus.sum()), asked);
    let client = all.map(|(method, region, tenant)| {
        client.get_or_create(&OpenClient { method, region, tenant: tenant.to_owned() }).get()
    });
    proven("prometheus-client", half(client.sum()), asked);
    proven("metrics", on_page(&recorder, "bench_total"), asked);
    proven("opentelemetry_sdk", sdk.recorded("bench"), asked);
}
