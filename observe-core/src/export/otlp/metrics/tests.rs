use super::*;
use crate::context::{SpanId, TraceId};
use crate::export::prometheus::Format;
use crate::label::{LabelSet, LabelValue, Shape};
use crate::metric::{
    AnyFamily, Buckets, Exemplar as Seen, Family, Histogram, Info, NativeBuckets, Pairs, Reshape, Window,
    show,
};
use crate::registry::Collect;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use std::collections::BTreeMap;
use std::fmt::Write as _;

const START: u64 = 1_700_000_000_000_000_000;
const NOW: u64 = 1_700_000_060_000_000_000;

fn read(registry: &Registry) -> Vec<Metric> {
    metrics(&requests(registry, &Resource::default(), START, NOW))
}

fn metrics(requests: &[ExportMetricsServiceRequest]) -> Vec<Metric> {
    let resources = requests.iter().flat_map(|request| &request.resource_metrics);
    resources.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics).cloned().collect()
}

fn metric<'a>(metrics: &'a [Metric], name: &str) -> &'a Metric {
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn labels(attributes: &[KeyValue]) -> String {
    let pairs = attributes.iter().map(|pair| match pair.value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => format!("{}={text}", pair.key.replace('.', "_")),
        Some(Any::IntValue(number)) => format!("{}={number}", pair.key.replace('.', "_")),
        other => panic!("{other:?}"),
    });
    pairs.collect::<Vec<_>>().join(",")
}

#[derive(Clone, Copy)]
struct Letter(u32);

const TEXTS: [&str; 3] = ["a\"\\\n", "é", ""];

impl LabelValue for Letter {
    const CARDINALITY: u32 = 3;

    fn code(self) -> u32 {
        self.0
    }

    fn text(code: u32) -> &'static str {
        TEXTS[code as usize]
    }
}

impl LabelSet for Letter {
    const NAMES: &'static [&'static str] = &["letter"];
    const SHAPE: &'static [Shape] = &[Shape::of::<Letter>()];

    fn index(self) -> u64 {
        self.0.into()
    }

    fn overflow(self) -> u32 {
        0
    }

    fn text(index: u64, _: usize) -> &'static str {
        TEXTS[index as usize]
    }
}

fn exemplar(value: f64, n: u8) -> Seen {
    Seen {
        value,
        trace_id: TraceId::from_bytes([n; 16]).unwrap(),
        span_id: SpanId::from_bytes([n; 8]).unwrap(),
        unix_nanos: START + u64::from(n),
    }
}

/// One family of each kind, and two collectors.
fn registry() -> Registry {
    let registry = Registry::new();
    let orders = registry.counter::<Letter>("orders_total", "Orders.").unwrap();
    orders.with(Letter(0)).add(3);
    orders.with(Letter(1)).add(4);
    orders.with(Letter(2)).add(5);
    registry.gauge::<()>("depth", "Depth.").unwrap().set(-2);
    registry.gauge::<()>("jobs_in_flight", "Jobs.").unwrap().set(6);
    registry.gauge_f64::<()>("hit_ratio", "Share.").unwrap().set(0.25);
    let waits = registry.histogram::<Letter>("wait_seconds", "Waits.", Buckets::new(&[0.5, 1.0])).unwrap();
    for value in [0.25, 0.5, 0.75, 2.0] {
        waits.with(Letter(0)).observe(value);
    }
    waits.with(Letter(0)).exemplify(&exemplar(0.75, 1));
    waits.with(Letter(0)).exemplify(&exemplar(2.0, 2));
    waits.with(Letter(1)).observe(0.125);
    registry.histogram::<()>("drift", "Drift.", Buckets::new(&[-1.0, 1.0])).unwrap().observe(-0.5);
    let sizes = registry.summary::<()>("size_bytes", "Sizes.", Window::MINUTE).unwrap();
    (1..=100).for_each(|size| sizes.observe(f64::from(size)));
    registry.summary::<()>("idle_bytes", "Nothing yet.", Window::MINUTE).unwrap();
    registry.register(Info::new("build_info", "Build.", &[("version", "1.2")]).unwrap()).unwrap();
    registry.collector(|out: &mut Collect<'_>| {
        out.counter("cpu_seconds_total", "Time.", &[("mode", "user"), ("none", "")], 1.5);
        out.gauge("threads", "Threads.", &[], u64::MAX);
    });
    registry
}

/// What a scraper would have read of it: sample and value.
fn as_text(metrics: &[Metric]) -> BTreeMap<String, f64> {
    let mut told = BTreeMap::new();
    let mut tell = |name: &str, labels: &str, value: f64| {
        assert_eq!(told.insert(format!("{name}{{{labels}}}"), value), None, "{name}{{{labels}}} came twice");
    };
    let number = |point: &NumberDataPoint| match point.value {
        Some(Value::AsInt(value)) => value as f64,
        Some(Value::AsDouble(value)) => value,
        None => panic!("{point:?}"),
    };
    for metric in metrics {
        // As the compatibility specification makes Prometheus' names of OTLP's.
        let mut name = metric.name.replace('.', "_");
        let unit = match metric.unit.as_str() {
            "s" => "_seconds",
            "By" => "_bytes",
            "1" => "_ratio",
            _ => "",
        };
        if !name.ends_with(unit) {
            name += unit;
        }
        match metric.data.as_ref().unwrap() {
            Data::Sum(sum) => {
                if sum.is_monotonic {
                    name += "_total";
                }
                sum.data_points
                    .iter()
                    .for_each(|point| tell(&name, &labels(&point.attributes), number(point)));
            }
            Data::Gauge(gauge) => {
                gauge
                    .data_points
                    .iter()
                    .for_each(|point| tell(&name, &labels(&point.attributes), number(point)));
            }
            Data::Histogram(histogram) => {
                for point in &histogram.data_points {
                    let (labels, mut total) = (labels(&point.attributes), 0);
                    for (count, bound) in
                        point.bucket_counts.iter().zip(point.explicit_bounds.iter().chain([&f64::INFINITY]))
                    {
                        total += count;
                        let mut with_le = labels.clone();
                        let comma = if labels.is_empty() { "" } else { "," };
                        write!(with_le, "{comma}le={bound:?}").unwrap();
                        tell(&format!("{name}_bucket"), &with_le.replace("inf", "+Inf"), total as f64);
                    }
                    tell(&format!("{name}_count"), &labels, point.count as f64);
                    if let Some(sum) = point.sum {
                        tell(&format!("{name}_sum"), &labels, sum);
                    }
                }
            }
            Data::Summary(summary) => {
                for point in &summary.data_points {
                    for at in &point.quantile_values {
                        tell(&name, &format!("quantile={:?}", at.quantile), at.value);
                    }
                    tell(&format!("{name}_count"), "", point.count as f64);
                    tell(&format!("{name}_sum"), "", point.sum);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    told
}

/// What a scraper reads.
fn scraped(registry: &Registry) -> BTreeMap<String, f64> {
    let mut text = Vec::new();
    registry.encode(Format::OpenMetrics, &mut text);
    let text = String::from_utf8(text).unwrap();
    let mut told = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let line = line.split(" # ").next().unwrap();
        let (sample, value) = line.rsplit_once(' ').unwrap();
        let sample = sample.replace("=\"", "=").replace("\",", ",").replace("\"}", "}");
        let sample = sample.replace("\\\"", "\"").replace("\\n", "\n").replace("\\\\", "\\");
        let sample = if sample.ends_with('}') { sample } else { format!("{sample}{{}}") };
        let value: f64 = value.parse().unwrap();
        if !value.is_nan() {
            told.insert(sample, value);
        }
    }
    told
}

// Catches: a kind, a label, a bucket or a value that is otherwise than on `/metrics`; bucket counts added up; a sample
// left out.
#[test]
fn what_is_pushed_is_what_a_scrape_shows() {
    let registry = registry();
    let (pushed, mut scraped) = (as_text(&read(&registry)), scraped(&registry));
    // OpenMetrics has neither of what can be negative.
    assert_eq!(pushed.get("drift_count{}"), Some(&1.0));
    scraped.insert("drift_count{}".to_owned(), 1.0);
    assert!(scraped.len() > 40, "{scraped:?}");
    assert_eq!(pushed, scraped);
}

// Catches: a kind of OTLP that adds up, or does not, where it must not, or must.
#[test]
fn kinds_units_and_times() {
    let metrics = read(&registry());
    let sum = |name: &str| match metric(&metrics, name).data.as_ref().unwrap() {
        Data::Sum(sum) => {
            assert_eq!(sum.aggregation_temporality(), AggregationTemporality::Cumulative);
            let point = &sum.data_points[0];
            assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (START, NOW), "{name}");
            Some(sum.is_monotonic)
        }
        Data::Gauge(gauge) => {
            let point = &gauge.data_points[0];
            assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (0, NOW), "{name}");
            None
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(sum("orders"), Some(true));
    assert_eq!(sum("cpu"), Some(true));
    assert_eq!(sum("jobs_in_flight"), Some(false));
    assert_eq!(sum("build_info"), Some(false));
    assert_eq!(sum("depth"), None);
    assert_eq!(sum("hit"), None);
    let units = ["orders", "cpu", "hit", "wait", "size"].map(|name| metric(&metrics, name).unit.as_str());
    assert_eq!(units, ["", "s", "1", "s", "By"]);
    assert_eq!(metric(&metrics, "wait").description, "Waits.");
    assert_eq!(labels(&metric(&metrics, "build_info").metadata), "prometheus_type=info");
    let Some(Data::Histogram(waits)) = &metric(&metrics, "wait").data else { panic!() };
    assert_eq!(waits.aggregation_temporality(), AggregationTemporality::Cumulative);
    assert_eq!(waits.data_points[0].start_time_unix_nano, START);
    let Some(Data::Summary(sizes)) = &metric(&metrics, "size").data else { panic!() };
    assert_eq!(
        (sizes.data_points[0].start_time_unix_nano, sizes.data_points[0].time_unix_nano),
        (START, NOW)
    );
}

// Catches: an exemplar of another bucket or series, or without its time, trace or span.
#[test]
fn exemplars_stand_in_their_buckets() {
    let metrics = read(&registry());
    let Some(Data::Histogram(waits)) = &metric(&metrics, "wait").data else { panic!() };
    let told: Vec<Vec<_>> = waits
        .data_points
        .iter()
        .map(|point| {
            let told = |seen: &Exemplar| {
                (seen.trace_id.clone(), seen.span_id.clone(), seen.time_unix_nano, seen.value)
            };
            point.exemplars.iter().map(told).collect()
        })
        .collect();
    let seen =
        |value, n: u8| (vec![n; 16], vec![n; 8], START + u64::from(n), Some(ExemplarValue::AsDouble(value)));
    assert_eq!(told, [vec![seen(0.75, 1), seen(2.0, 2)], vec![], vec![]]);
}

// Catches: one request that no collector takes; points lost, or a family's head, where one ends and another begins.
#[test]
fn what_is_too_much_for_one_request_goes_in_several() {
    let registry = Registry::new();
    let text = "x".repeat(200);
    registry.collector(move |out: &mut Collect<'_>| {
        for i in 0..9_000_u64 {
            out.counter("many_total", "Many.", &[("i", &format!("{i}{text}"))], i);
        }
    });
    let requests = requests(&registry, &Resource::default(), START, NOW);
    assert!(requests.len() > 1);
    for request in &requests {
        assert!(request.encoded_len() < REQUEST_BYTES + REQUEST_BYTES / 16, "{}", request.encoded_len());
    }
    let metrics = metrics(&requests);
    let many: Vec<_> = metrics.iter().filter(|metric| metric.name == "many").collect();
    assert_eq!(many.len(), requests.len());
    let points = many.iter().map(|metric| match metric.data.as_ref().unwrap() {
        Data::Sum(sum) if sum.is_monotonic => sum.data_points.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(points.sum::<usize>(), 9_000);
}

// Catches: the names of a family that has no series sent with nothing in it.
#[test]
fn nothing_is_said_of_what_has_no_series() {
    assert!(read(&Registry::new()).iter().all(|metric| metric.name != "observe_label_overflow"));
}

// Catches: indices as Prometheus counts them, empty buckets between two left out, a scale that is not the schema.
#[test]
fn native_histograms_are_exponential_ones() {
    let registry = Registry::new();
    let buckets = Buckets::SECONDS.and_native(NativeBuckets::new().schema(0));
    let waits = registry.histogram::<()>("wait_seconds", "W.", buckets).unwrap();
    [0.0, 1.0, 1.5, 2.0, 9.0].into_iter().for_each(|value| waits.observe(value));
    waits.exemplify(&Seen {
        value: 9.0,
        trace_id: TraceId::from_bytes([1; 16]).unwrap(),
        span_id: SpanId::from_bytes([2; 8]).unwrap(),
        unix_nanos: 7,
    });
    let drift = registry.native_histogram::<()>("drift", "D.", NativeBuckets::new().schema(0)).unwrap();
    [-3.0, 4.0].into_iter().for_each(|value| drift.observe(value));
    let metrics = read(&registry);
    let point = |name: &str| match metric(&metrics, name).data.as_ref().unwrap() {
        Data::ExponentialHistogram(histogram) => {
            assert_eq!(histogram.aggregation_temporality(), AggregationTemporality::Cumulative);
            histogram.data_points[0].clone()
        }
        other => panic!("{other:?}"),
    };
    let waits = point("wait");
    assert_eq!((waits.count, waits.sum, waits.scale, waits.zero_count), (5, Some(13.5), 0, 1));
    assert_eq!((waits.start_time_unix_nano, waits.time_unix_nano, waits.exemplars.len()), (START, NOW, 1));
    // The bucket 0 reaches from above 1 to 2.
    let positive = waits.positive.unwrap();
    assert_eq!((positive.offset, positive.bucket_counts), (-1, vec![1, 2, 0, 0, 1]));
    assert!(waits.negative.unwrap().bucket_counts.is_empty());
    let drift = point("drift");
    assert_eq!((drift.count, drift.sum, drift.zero_threshold), (2, None, (-64_f64).exp2()));
    assert_eq!(
        drift.negative.unwrap(),
        exponential_histogram_data_point::Buckets { offset: 1, bucket_counts: vec![1] }
    );
}

/// Shows a family as what it says, and of no kind of its own.
struct Plain;

impl Reshape for Plain {
    fn head<'a>(&'a self, head: &Head<'a>) -> Head<'a> {
        Head::new("plain_seconds", head.help, Kind::Histogram, head.unit)
    }

    fn labels(&self, _: &Pairs, _: &mut Pairs) {}
}

// Catches: points that go nowhere, since the family was said to be a classic one.
#[test]
fn a_native_histogram_is_one_under_any_name() {
    let buckets = Buckets::SECONDS.and_native(NativeBuckets::new());
    let waits = Family::<(), Histogram>::histogram("wait_seconds", "W.", buckets);
    waits.observe(0.3);
    let mut reading = Reading::new(START, NOW);
    show(&Plain, &mut reading, |visitor| waits.read(visitor));
    match reading.end().concat()[0].data.as_ref().unwrap() {
        Data::ExponentialHistogram(histogram) => assert_eq!(histogram.data_points[0].count, 1),
        other => panic!("{other:?}"),
    }
}
