//! The same series in this library and in others: what `scrape`, `memory` and `growth` measure.
//!
//! Three labels: a method of 2, a region of 4, and a tenant, of which there are as many as it takes.

use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Buckets, Counter, Family, Histogram};
use observe_core::{Format, Registry};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// What the series are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counters,
    /// Of 14 bounds.
    Histograms,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Counters => "bench_requests_total",
            Kind::Histograms => "bench_request_duration_seconds",
        }
    }
}

/// A library with nothing but series of one kind.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    /// Adds so much to a series, looked up by its labels; a histogram observes so many nanoseconds.
    pub(crate) record: Record,
    /// Appends the exposition.
    pub(crate) encode: Encode,
}

type Record = Box<dyn Fn(usize, u64)>;
type Encode = Box<dyn Fn(&mut Vec<u8>)>;

const HELP: &str = "Requests.";

/// The texts of the labels, in the order of their codes.
const METHODS: [&str; 2] = ["card", "paypal"];
const REGIONS: [&str; 4] = ["north", "south", "east", "west"];

/// More than any scenario takes.
static TENANTS: LazyLock<Vec<String>> =
    LazyLock::new(|| (0..12_500).map(|n| format!("tenant-{n:05}")).collect());

fn texts(series: usize) -> [&'static str; 3] {
    [METHODS[series % 2], REGIONS[series / 2 % 4], TENANTS[series / 8].as_str()]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
pub(crate) enum Method {
    Card,
    Paypal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
pub(crate) enum Region {
    North,
    South,
    East,
    West,
}

fn typed(series: usize) -> (Method, Region, &'static str) {
    let method = [Method::Card, Method::Paypal][series % 2];
    let region = [Region::North, Region::South, Region::East, Region::West][series / 2 % 4];
    (method, region, TENANTS[series / 8].as_str())
}

/// A set of labels of this library.
pub(crate) trait Labels: LabelSet {
    fn of(series: usize) -> Self;
}

/// Sets with a tenant that is open, of at most so many. A tenant's texts are kept once in a process: whoever counts
/// their bytes has a type of their own.
macro_rules! open {
    ($($name:ident: $max:literal),* $(,)?) => {$(
        pub(crate) mod $name {
            use super::{LabelId, LabelSet, LabelValue, Method, Region};

            #[derive(Clone, Copy, LabelValue)]
            #[label(open, max = $max)]
            pub(crate) struct Tenant(LabelId);

            #[derive(Clone, Copy, LabelSet)]
            pub(crate) struct Open {
                method: Method,
                region: Region,
                tenant: Tenant,
            }

            impl super::Labels for Open {
                fn of(series: usize) -> Self {
                    let (method, region, tenant) = super::typed(series);
                    Self { method, region, tenant: Tenant::from(tenant) }
                }
            }
        }
    )*};
}

open!(
    scraped_counters: 1_250,
    scraped_histograms: 125,
    held_counters: 1_250,
    held_histograms: 1_250,
    tens: 2,
    hundreds: 13,
    thousands: 125,
    ten_thousands: 1_250,
    hundred_thousands: 12_500,
);

/// A tenant of which all are known.
#[derive(Clone, Copy)]
pub(crate) struct Known(u32);

impl LabelValue for Known {
    const CARDINALITY: u32 = 1_250;

    fn code(self) -> u32 {
        self.0
    }

    fn text(code: u32) -> &'static str {
        TENANTS[code as usize].as_str()
    }
}

/// Labels of which all are known: 10,000 combinations.
#[derive(Clone, Copy, LabelSet)]
pub(crate) struct Closed {
    method: Method,
    region: Region,
    tenant: Known,
}

impl Labels for Closed {
    fn of(series: usize) -> Self {
        let (method, region, _) = typed(series);
        Self { method, region, tenant: Known((series / 8) as u32) }
    }
}

/// This library. Of `most` series at most, unless all its labels are closed.
pub(crate) fn ours<L: Labels>(name: &'static str, kind: Kind, most: usize) -> Library {
    let registry = Registry::new();
    let record: Record = match kind {
        Kind::Counters => {
            let family = Family::<L, Counter>::counter(kind.name(), HELP).max_series(most as u32);
            let family: Arc<Family<L, Counter>> = registry.register(family).expect("a good name");
            Box::new(move |series, n| family.with(L::of(series)).add(n))
        }
        Kind::Histograms => {
            let family = Family::<L, Histogram>::histogram(kind.name(), HELP, Buckets::SECONDS);
            let family = family.max_series(most as u32);
            let family: Arc<Family<L, Histogram>> = registry.register(family).expect("a good name");
            Box::new(move |series, nanos| family.with(L::of(series)).observe_nanos(nanos))
        }
    };
    Library { name, record, encode: Box::new(move |out| registry.encode(Format::Text, out)) }
}

const LABELS: [&str; 3] = ["method", "region", "tenant"];

/// `prometheus`: labels are texts.
pub(crate) fn prometheus(kind: Kind) -> Library {
    use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, Opts, TextEncoder};
    let registry = prometheus::Registry::new();
    let record: Record = match kind {
        Kind::Counters => {
            let family = IntCounterVec::new(Opts::new(kind.name(), HELP), &LABELS).expect("a good name");
            registry.register(Box::new(family.clone())).expect("the first");
            Box::new(move |series, n| family.with_label_values(&texts(series)).inc_by(n))
        }
        Kind::Histograms => {
            let opts = HistogramOpts::new(kind.name(), HELP).buckets(Buckets::SECONDS.bounds().to_vec());
            let family = HistogramVec::new(opts, &LABELS).expect("a good name");
            registry.register(Box::new(family.clone())).expect("the first");
            Box::new(move |series, nanos| {
                family.with_label_values(&texts(series)).observe(nanos as f64 / 1e9);
            })
        }
    };
    let encode: Encode =
        Box::new(move |out| TextEncoder::new().encode(&registry.gather(), out).expect("it is valid"));
    Library { name: "prometheus", record, encode }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelSet)]
struct ClientLabels {
    method: Method,
    region: Region,
    tenant: String,
}

impl ClientLabels {
    fn of(series: usize) -> Self {
        let (method, region, tenant) = typed(series);
        Self { method, region, tenant: tenant.to_owned() }
    }
}

macro_rules! client_label {
    ($name:ident) => {
        impl prometheus_client::encoding::EncodeLabelValue for $name {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> fmt::Result {
                fmt::Write::write_str(encoder, <Self as LabelValue>::text(self.code()))
            }
        }
    };
}

client_label!(Method);
client_label!(Region);

/// Bytes as what `prometheus-client` writes to.
struct Bytes<'a>(&'a mut Vec<u8>);

impl fmt::Write for Bytes<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// `prometheus-client`: labels are a type, as ours. It writes OpenMetrics, its only text format.
pub(crate) fn prometheus_client(kind: Kind) -> Library {
    use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};
    let mut registry = prometheus_client::registry::Registry::default();
    let record: Record = match kind {
        Kind::Counters => {
            let family = Family::<ClientLabels, Counter>::default();
            // It adds `_total` itself.
            registry.register("bench_requests", HELP, family.clone());
            Box::new(move |series, n| {
                family.get_or_create(&ClientLabels::of(series)).inc_by(n);
            })
        }
        Kind::Histograms => {
            let make = || Histogram::new(Buckets::SECONDS.bounds().iter().copied());
            let family = Family::<ClientLabels, Histogram, fn() -> Histogram>::new_with_constructor(make);
            registry.register(kind.name(), HELP, family.clone());
            Box::new(move |series, nanos| {
                family.get_or_create(&ClientLabels::of(series)).observe(nanos as f64 / 1e9);
            })
        }
    };
    let encode: Encode = Box::new(move |out| {
        prometheus_client::encoding::text::encode(&mut Bytes(out), &registry).expect("it is valid");
    });
    Library { name: "prometheus-client", record, encode }
}

/// `metrics` with `metrics-exporter-prometheus`: labels are texts.
pub(crate) fn metrics(kind: Kind) -> Library {
    use metrics::{Key, Label, Level, Metadata, Recorder};
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new()
        .set_buckets(Buckets::SECONDS.bounds())
        .expect("there are some")
        .build_recorder();
    let handle = recorder.handle();
    recorder.describe_counter(kind.name().into(), None, HELP.into());
    let metadata = Metadata::new("bench", Level::INFO, None);
    let key = move |series| {
        let labels = LABELS.iter().zip(texts(series)).map(|(name, text)| Label::new(*name, text));
        Key::from_parts(kind.name(), labels.collect::<Vec<_>>())
    };
    let record: Record = match kind {
        Kind::Counters => {
            Box::new(move |series, n| recorder.register_counter(&key(series), &metadata).increment(n))
        }
        Kind::Histograms => Box::new(move |series, nanos| {
            recorder.register_histogram(&key(series), &metadata).record(nanos as f64 / 1e9);
        }),
    };
    let encode: Encode =
        Box::new(move |out| handle.render_to_write(out).expect("writing to memory does not fail"));
    Library { name: "metrics-exporter-prometheus", record, encode }
}

/// All of them but this.
pub(crate) const PEERS: [fn(Kind) -> Library; 3] = [prometheus, prometheus_client, metrics];

/// Makes the first `series` series, with as many digits as such would have: a counter has counted up to a million,
/// a histogram has observed twenty times.
pub(crate) fn fill(library: &Library, kind: Kind, series: usize) {
    let mut random = Random::default();
    for at in 0..series {
        match kind {
            Kind::Counters => (library.record)(at, random.next() >> 44),
            // Up to 17 s, small ones more often.
            Kind::Histograms => (0..20).for_each(|_| {
                let random = random.next();
                (library.record)(at, (random >> 30) >> (random >> 5 & 7));
            }),
        }
    }
}

/// A row of numbers, always the same.
pub(crate) struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        Self(1)
    }
}

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
}

pub(crate) fn exposition(library: &Library) -> Vec<u8> {
    let mut out = Vec::new();
    (library.encode)(&mut out);
    out
}

/// How many samples of ours an exposition has, and the sum of their values.
pub(crate) fn samples(exposition: &[u8]) -> (usize, f64) {
    let text = std::str::from_utf8(exposition).expect("it is text");
    let lines = text.lines().filter(|line| line.starts_with("bench_"));
    let values = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.fold((0, 0.0), |(count, sum), value| (count + 1, sum + value))
}

/// Fails unless a library shows the same samples as `ours`.
pub(crate) fn check(library: &Library, ours: (usize, f64)) {
    let (count, sum) = samples(&exposition(library));
    let same = count == ours.0 && ((sum - ours.1) / ours.1).abs() < 1e-9;
    assert!(same, "{} shows {count} samples of {sum} in all, not {ours:?}", library.name);
}
