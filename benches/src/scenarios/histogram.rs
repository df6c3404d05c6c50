//! A histogram of fourteen buckets: held, and looked up by its labels.

use crate::bounds::{NANOS, SECONDS};
use crate::harness::{Contender, Kind, calls, compare};
use crate::metric_peers::{Sdk, on_page, proven, recorder};
use crate::scenarios::counter::{Closed, ClosedClient, Method, Region};
use metrics::with_local_recorder;
use observe_core::metric::{Buckets, Family, Histogram, HotHistogram};
use opentelemetry::KeyValue;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

const TIMES: u64 = 10_000;

/// What is observed, from nothing to two seconds.
pub(super) struct Observed {
    nanos: Vec<u64>,
    seconds: Vec<f64>,
}

impl Observed {
    pub(super) fn new() -> Self {
        let nanos: Vec<u64> = (0..1024_u64).map(|n| n * n * 7_919 % 2_000_000_000).collect();
        Self { seconds: nanos.iter().map(|nanos| *nanos as f64 / 1e9).collect(), nanos }
    }

    #[inline]
    pub(super) fn nanos(&self, turn: usize) -> u64 {
        self.nanos[turn & 1023]
    }

    /// The same in what the peers take.
    #[inline]
    pub(super) fn seconds(&self, turn: usize) -> f64 {
        self.seconds[turn & 1023]
    }
}

/// By hand: a scan, two `fetch_add`.
#[derive(Default)]
pub(super) struct Floor {
    counts: [AtomicU64; 15],
    sum: AtomicU64,
}

impl Floor {
    #[inline]
    pub(super) fn observe(&self, nanos: u64) {
        let bucket = NANOS.iter().position(|bound| nanos <= *bound).unwrap_or(14);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }
}

thread_local! {
    static CELLS: [Cell<u64>; 16] = const { [const { Cell::new(0) }; 16] };
}

/// By hand: a scan, two cells of this thread.
#[inline]
pub(super) fn observe_here(nanos: u64) {
    let bucket = NANOS.iter().position(|bound| nanos <= *bound).unwrap_or(14);
    CELLS.with(|cells| {
        cells[bucket].set(cells[bucket].get() + 1);
        cells[15].set(cells[15].get() + nanos);
    });
}

pub(super) fn prometheus_opts() -> prometheus::HistogramOpts {
    prometheus::HistogramOpts::new("bench_seconds", "Observed.").buckets(SECONDS.to_vec())
}

pub(super) fn client() -> prometheus_client::metrics::histogram::Histogram {
    prometheus_client::metrics::histogram::Histogram::new(SECONDS)
}

const NOTES: [&str; 2] = [
    "Each is given the time in what it counts in, made beforehand: ours and the floor whole nanoseconds, the peers seconds as an `f64`.",
    "`metrics-exporter-prometheus` keeps every sample until somebody reads, and finds the buckets then.",
];

pub(super) fn histogram() {
    held();
    closed();
}

fn held() {
    let observed = Observed::new();
    let floor = Floor::default();
    let plain = Family::<(), Histogram>::histogram("bench_seconds", "Held.", Buckets::SECONDS);
    let hot = Family::<(), HotHistogram>::hot_histogram("bench_seconds", "Held.", Buckets::SECONDS);
    let (plain, hot) = (plain.with(()), hot.with(()));
    let prometheus = prometheus::Histogram::with_opts(prometheus_opts()).expect("a good name");
    let client = client();
    let recorder = recorder();
    let metrics = with_local_recorder(&recorder, || metrics::histogram!("bench_seconds"));
    let sdk = Sdk::new();
    let otel = sdk.meter().f64_histogram("bench").with_boundaries(SECONDS.to_vec()).build().bind(&[]);
    let mut turns = [0_usize; 8];
    let [a, b, c, d, e, f, g, h] = &mut turns;
    let next = |turn: &mut usize| {
        *turn += 1;
        *turn
    };
    compare(
        "histogram of 14 buckets, handle held",
        TIMES,
        &mut [
            Contender::floor("scan, two fetch_add", || floor.observe(observed.nanos(next(a)))),
            Contender::other("scan, two cells of this thread: the floor of the hot kind", || {
                observe_here(observed.nanos(next(b)));
            }),
            Contender::ours("plain", || black_box(plain).observe_nanos(observed.nanos(next(c)))),
            Contender::ours("hot", || black_box(hot).observe_nanos(observed.nanos(next(d)))),
            Contender::peer("prometheus", || black_box(&prometheus).observe(observed.seconds(next(e)))),
            Contender::peer("prometheus-client", || black_box(&client).observe(observed.seconds(next(f)))),
            Contender::peer("metrics, metrics-exporter-prometheus", || {
                black_box(&metrics).record(observed.seconds(next(g)));
            }),
            Contender::peer("opentelemetry_sdk, bound", || {
                black_box(&otel).record(observed.seconds(next(h)));
            }),
        ],
        &NOTES,
    );
    let asked = calls(TIMES);
    proven("floor", floor.count(), asked);
    proven("cells", CELLS.with(|cells| cells.iter().take(15).map(Cell::get).sum()), asked);
    proven("plain", plain.count(), asked);
    proven("hot", hot.count(), asked);
    proven("prometheus", prometheus.get_sample_count(), asked);
    let mut page = String::new();
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("bench_seconds", "Held.", client);
    prometheus_client::encoding::text::encode(&mut page, &registry).expect("it is text");
    let count = page.lines().find_map(|line| line.strip_prefix("bench_seconds_count ")?.parse().ok());
    proven("prometheus-client", count.unwrap_or(0), asked);
    proven("metrics", on_page(&recorder, "bench_seconds_count"), asked);
    proven("opentelemetry_sdk", sdk.recorded("bench"), asked);
}

fn closed() {
    let observed = Observed::new();
    let floor: [Floor; 16] = Default::default();
    let plain = Family::<Closed, Histogram>::histogram("bench_seconds", "Closed.", Buckets::SECONDS);
    let hot = Family::<Closed, HotHistogram>::hot_histogram("bench_seconds", "Closed.", Buckets::SECONDS);
    let names = ["method", "region", "retried"];
    let prometheus = prometheus::HistogramVec::new(prometheus_opts(), &names).expect("good names");
    let clients = prometheus_client::metrics::family::Family::<
        ClosedClient,
        prometheus_client::metrics::histogram::Histogram,
        _,
    >::new_with_constructor(client as fn() -> _);
    let recorder = recorder();
    let sdk = Sdk::new();
    let otel = sdk.meter().f64_histogram("bench").with_boundaries(SECONDS.to_vec()).build();
    let mut turns = [0_usize; 7];
    let [a, b, c, d, e, f, g] = &mut turns;
    let next = |turn: &mut usize| {
        *turn += 1;
        *turn
    };
    let texts = |turn| {
        let turn = black_box(turn);
        let (method, region) = (Method::of(turn).text(), Region::of(turn).text());
        [method, region, if turn & 4 == 0 { "true" } else { "false" }]
    };
    compare(
        "histogram of 14 buckets, 3 closed labels looked up",
        TIMES,
        &mut [
            Contender::floor("index, scan, two fetch_add", || {
                let turn = next(a);
                let at = Closed::of(black_box(turn));
                let at = (at.method as usize * 4 + at.region as usize) * 2 + usize::from(at.retried);
                floor[at & 15].observe(observed.nanos(turn));
            }),
            Contender::ours("plain", || {
                let turn = next(b);
                plain.with(Closed::of(black_box(turn))).observe_nanos(observed.nanos(turn));
            }),
            Contender::ours("hot", || {
                let turn = next(c);
                hot.with(Closed::of(black_box(turn))).observe_nanos(observed.nanos(turn));
            }),
            Contender::peer("prometheus", || {
                let turn = next(d);
                prometheus.with_label_values(&texts(turn)).observe(observed.seconds(turn));
            }),
            Contender::peer("prometheus-client", || {
                let turn = next(e);
                clients.get_or_create(&ClosedClient::of(black_box(turn))).observe(observed.seconds(turn));
            }),
            Contender::batch(Kind::Peer, "metrics, metrics-exporter-prometheus", |times| {
                with_local_recorder(&recorder, || {
                    for _ in 0..times {
                        let turn = next(f);
                        let [method, region, retried] = texts(turn);
                        metrics::histogram!("bench_seconds", "method" => method, "region" => region, "retried" => retried)
                            .record(observed.seconds(turn));
                    }
                });
            }),
            Contender::peer("opentelemetry_sdk", || {
                let turn = next(g);
                let [method, region, retried] = texts(turn);
                let labels = [
                    KeyValue::new("method", method),
                    KeyValue::new("region", region),
                    KeyValue::new("retried", retried),
                ];
                otel.record(observed.seconds(turn), &labels);
            }),
        ],
        &NOTES,
    );
    let asked = calls(TIMES);
    let all = (0..8).map(Closed::of);
    proven("floor", floor.iter().map(Floor::count).sum(), asked);
    proven("plain", all.clone().map(|labels| plain.with(labels).count()).sum(), asked);
    proven("hot", all.map(|labels| hot.with(labels).count()).sum(), asked);
    let counts = (0..8).map(|turn| prometheus.with_label_values(&texts(turn)).get_sample_count());
    proven("prometheus", counts.sum(), asked);
    let mut page = String::new();
    let mut registry = prometheus_client::registry::Registry::default();
    registry.register("bench_seconds", "Closed.", clients);
    prometheus_client::encoding::text::encode(&mut page, &registry).expect("it is text");
    let counts = page.lines().filter(|line| line.starts_with("bench_seconds_count{"));
    let counts = counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
    proven("prometheus-client", counts.sum(), asked);
    proven("metrics", on_page(&recorder, "bench_seconds_count"), asked);
    proven("opentelemetry_sdk", sdk.recorded("bench"), asked);
}
