//! Native histograms, and the protobuf format that shows them, read by types that `prost` derives from Prometheus's own
//! definitions.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]
#![cfg(feature = "macros")]

use observe_core::context::{Context, SpanId, TraceId};
use observe_core::http_server::HttpRequest;
use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric;
use observe_core::metric::{Buckets, Exemplar, Family, Info, NativeBuckets, NativeHistogram, View, Window};
use observe_core::{Collect, Format, Registry, Telemetry};
use prost::Message;

/// `io.prometheus.client`, of Prometheus's `client_model`.
mod client {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct MetricFamily {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(string, tag = "2")]
        pub(crate) help: String,
        #[prost(int32, optional, tag = "3")]
        pub(crate) kind: Option<i32>,
        #[prost(message, repeated, tag = "4")]
        pub(crate) metric: Vec<Metric>,
        #[prost(string, optional, tag = "5")]
        pub(crate) unit: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Metric {
        #[prost(message, repeated, tag = "1")]
        pub(crate) label: Vec<LabelPair>,
        #[prost(message, optional, tag = "2")]
        pub(crate) gauge: Option<Number>,
        #[prost(message, optional, tag = "3")]
        pub(crate) counter: Option<Number>,
        #[prost(message, optional, tag = "4")]
        pub(crate) summary: Option<Summary>,
        #[prost(message, optional, tag = "7")]
        pub(crate) histogram: Option<Histogram>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct LabelPair {
        #[prost(string, tag = "1")]
        pub(crate) name: String,
        #[prost(string, tag = "2")]
        pub(crate) value: String,
    }

    /// A gauge or a counter.
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Number {
        #[prost(double, tag = "1")]
        pub(crate) value: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Summary {
        #[prost(uint64, tag = "1")]
        pub(crate) sample_count: u64,
        #[prost(double, tag = "2")]
        pub(crate) sample_sum: f64,
        #[prost(message, repeated, tag = "3")]
        pub(crate) quantile: Vec<Quantile>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Quantile {
        #[prost(double, tag = "1")]
        pub(crate) quantile: f64,
        #[prost(double, tag = "2")]
        pub(crate) value: f64,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Histogram {
        #[prost(uint64, tag = "1")]
        pub(crate) sample_count: u64,
        #[prost(double, tag = "2")]
        pub(crate) sample_sum: f64,
        #[prost(message, repeated, tag = "3")]
        pub(crate) bucket: Vec<Bucket>,
        #[prost(sint32, optional, tag = "5")]
        pub(crate) schema: Option<i32>,
        #[prost(double, optional, tag = "6")]
        pub(crate) zero_threshold: Option<f64>,
        #[prost(uint64, optional, tag = "7")]
        pub(crate) zero_count: Option<u64>,
        #[prost(message, repeated, tag = "9")]
        pub(crate) negative_span: Vec<Span>,
        #[prost(sint64, repeated, tag = "10")]
        pub(crate) negative_delta: Vec<i64>,
        #[prost(message, repeated, tag = "12")]
        pub(crate) positive_span: Vec<Span>,
        #[prost(sint64, repeated, tag = "13")]
        pub(crate) positive_delta: Vec<i64>,
        #[prost(message, repeated, tag = "16")]
        pub(crate) exemplars: Vec<Exemplar>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Bucket {
        #[prost(uint64, tag = "1")]
        pub(crate) cumulative_count: u64,
        #[prost(double, tag = "2")]
        pub(crate) upper_bound: f64,
        #[prost(message, optional, tag = "3")]
        pub(crate) exemplar: Option<Exemplar>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Span {
        #[prost(sint32, tag = "1")]
        pub(crate) offset: i32,
        #[prost(uint32, tag = "2")]
        pub(crate) length: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Exemplar {
        #[prost(message, repeated, tag = "1")]
        pub(crate) label: Vec<LabelPair>,
        #[prost(double, tag = "2")]
        pub(crate) value: f64,
        #[prost(message, optional, tag = "3")]
        pub(crate) timestamp: Option<Timestamp>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct Timestamp {
        #[prost(int64, tag = "1")]
        pub(crate) seconds: i64,
        #[prost(int32, tag = "2")]
        pub(crate) nanos: i32,
    }
}

const COUNTER: Option<i32> = Some(0);
const GAUGE: Option<i32> = Some(1);
const SUMMARY: Option<i32> = Some(2);
const HISTOGRAM: Option<i32> = Some(4);

fn scrape(registry: &Registry) -> Vec<client::MetricFamily> {
    let mut out = b"before".to_vec();
    registry.encode(Format::Protobuf, &mut out);
    let mut rest = &out[6..];
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(client::MetricFamily::decode_length_delimited(&mut rest).unwrap());
    }
    families
}

fn family(registry: &Registry, name: &str) -> client::MetricFamily {
    let families = scrape(registry);
    let named = families.iter().find(|family| family.name == name);
    named.unwrap_or_else(|| panic!("no {name} in {families:?}")).clone()
}

fn only(mut family: client::MetricFamily) -> client::Metric {
    assert_eq!(family.metric.len(), 1, "{family:?}");
    family.metric.remove(0)
}

fn text(registry: &Registry, format: Format) -> String {
    let mut out = Vec::new();
    registry.encode(format, &mut out);
    String::from_utf8(out).unwrap()
}

/// Index and count of every bucket, as whoever reads spans and deltas has them.
fn buckets(spans: &[client::Span], deltas: &[i64]) -> Vec<(i32, i64)> {
    let (mut index, mut count, mut buckets) = (0, 0, Vec::new());
    let mut deltas = deltas.iter();
    for span in spans {
        index += span.offset;
        for _ in 0..span.length {
            count += deltas.next().unwrap();
            buckets.push((index, count));
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None);
    buckets
}

fn exemplar(value: f64) -> Exemplar {
    Exemplar {
        value,
        trace_id: TraceId::from_bytes([1; 16]).unwrap(),
        span_id: SpanId::from_bytes([2; 8]).unwrap(),
        unix_nanos: 1_700_000_000_012_000_000,
    }
}

fn pair(name: &str, value: &str) -> client::LabelPair {
    client::LabelPair { name: name.to_owned(), value: value.to_owned() }
}

#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 10)]
struct Town(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct Labels {
    town: Town,
    is_new: bool,
}

#[metric]
static STATIC: Family<(), NativeHistogram> =
    Family::native_histogram("static_wait_seconds", "Waits.", NativeBuckets::new());

// Catches: a field of another number, labels escaped as in text, a family without a name or of the wrong type.
#[test]
fn every_kind_is_in_the_protobuf_format() {
    let registry = Registry::new();
    registry.counter::<()>("orders_total", "Orders \"placed\"\nso far.").unwrap().add(u64::from(u32::MAX));
    registry.gauge::<()>("a_depth", "Depth.").unwrap().set(-2);
    registry.gauge_f64::<()>("b_ratio", "Share.").unwrap().set(0.25);
    let waits = registry.histogram::<Labels>("wait_seconds", "W.", Buckets::new(&[0.5, 1.0])).unwrap();
    let waits = waits.with(Labels { town: Town::from("a\"b\\c\nd"), is_new: true });
    [0.25, 0.75, 2.0, 3.0].into_iter().for_each(|value| waits.observe(value));
    waits.exemplify(&exemplar(0.75));
    waits.exemplify(&exemplar(2.0));
    let sizes = registry.summary::<()>("size_bytes", "Sizes.", Window::MINUTE).unwrap();
    sizes.observe(7.0);
    registry.register(Info::new("build_info", "Build.", &[("version", "1\"2")]).unwrap()).unwrap();
    registry.collector(|out: &mut Collect<'_>| {
        out.counter("c_seconds_total", "Time.", &[("mode", "user"), ("none", "")], 1.5);
    });
    registry.counter::<Labels>("none_total", "No series yet.").unwrap();

    let orders = family(&registry, "orders_total");
    assert_eq!((orders.kind, orders.help.as_str()), (COUNTER, "Orders \"placed\"\nso far."));
    assert_eq!(orders.unit, None);
    assert_eq!(only(orders).counter.unwrap().value, f64::from(u32::MAX));
    let depth = family(&registry, "a_depth");
    assert_eq!((depth.kind, only(depth).gauge.unwrap().value), (GAUGE, -2.0));
    assert_eq!(only(family(&registry, "b_ratio")).gauge.unwrap().value, 0.25);
    let info = family(&registry, "build_info");
    assert_eq!(info.kind, GAUGE);
    let info = only(info);
    assert_eq!((info.gauge.unwrap().value, info.label), (1.0, vec![pair("version", "1\"2")]));
    let collected = only(family(&registry, "c_seconds_total"));
    assert_eq!((collected.counter.unwrap().value, collected.label), (1.5, vec![pair("mode", "user")]));
    let sizes = family(&registry, "size_bytes");
    assert_eq!((sizes.kind, sizes.unit.as_deref()), (SUMMARY, Some("bytes")));
    let sizes = only(sizes).summary.unwrap();
    assert_eq!((sizes.sample_count, sizes.sample_sum, sizes.quantile.len()), (1, 7.0, 5));
    assert_eq!((sizes.quantile[4].quantile, sizes.quantile[4].value), (1.0, 7.0));
    let waits = family(&registry, "wait_seconds");
    assert_eq!((waits.kind, waits.unit.as_deref()), (HISTOGRAM, Some("seconds")));
    let waits = only(waits);
    assert_eq!(waits.label, [pair("town", "a\"b\\c\nd"), pair("is_new", "true")]);
    let waits = waits.histogram.unwrap();
    assert_eq!((waits.sample_count, waits.sample_sum, waits.schema), (4, 6.0, None));
    let said: Vec<_> = waits.bucket.iter().map(|of| (of.cumulative_count, of.upper_bound)).collect();
    assert_eq!(said, [(1, 0.5), (2, 1.0), (4, f64::INFINITY)]);
    let named = waits.bucket[2].exemplar.clone().unwrap();
    let ids = [pair("trace_id", &"01".repeat(16)), pair("span_id", &"02".repeat(8))];
    let timestamp = client::Timestamp { seconds: 1_700_000_000, nanos: 12_000_000 };
    assert_eq!((named.label, named.value, named.timestamp), (ids.to_vec(), 2.0, Some(timestamp)));
    assert!(waits.bucket[0].exemplar.is_none() && waits.bucket[1].exemplar.is_some());
    // A family without a series is left out: it says nothing.
    assert!(scrape(&registry).iter().all(|family| family.name != "none_total" && !family.metric.is_empty()));
}

// Catches: a span counted from the wrong place, the first delta forgotten, negative buckets among the others.
#[test]
fn exponential_buckets_are_spans_and_deltas() {
    let registry = Registry::new();
    let drift = registry.native_histogram::<()>("drift", "Drift.", NativeBuckets::new().schema(0)).unwrap();
    for value in [0.0, 1.0, 1.5, 2.0, 2.0, 3.0, 100.0, 0.01, -1.0, -7.0, -8.0] {
        drift.observe(value);
    }
    drift.exemplify(&exemplar(3.0));
    let drift = family(&registry, "drift");
    assert_eq!(drift.kind, HISTOGRAM);
    let drift = only(drift).histogram.unwrap();
    assert_eq!((drift.sample_count, drift.schema, drift.zero_count), (11, Some(0), Some(1)));
    assert_eq!(drift.zero_threshold, Some((-64_f64).exp2()));
    let positive = buckets(&drift.positive_span, &drift.positive_delta);
    assert_eq!(positive, [(-6, 1), (0, 1), (1, 3), (2, 1), (7, 1)]);
    assert_eq!(drift.positive_span.len(), 3);
    assert_eq!(buckets(&drift.negative_span, &drift.negative_delta), [(0, 1), (3, 2)]);
    assert_eq!((drift.bucket.len(), drift.exemplars.len()), (0, 1));
    assert!((drift.sample_sum - 93.51).abs() < 1e-9);
}

// Catches: the classic form not shown where text is asked for, or shown though it was not chosen.
#[test]
fn text_has_the_classic_form() {
    let registry = Registry::new();
    let alone = registry.native_histogram::<()>("a_seconds", "A.", NativeBuckets::new()).unwrap();
    let both = Buckets::new(&[0.5]).and_native(NativeBuckets::new());
    let both = registry.histogram::<()>("b_seconds", "B.", both).unwrap();
    for value in [0.25, 1.0] {
        alone.observe(value);
        both.observe(value);
    }
    alone.exemplify(&exemplar(1.0));
    both.exemplify(&exemplar(1.0));
    let page = text(&registry, Format::Text);
    let told = |name: &str| {
        let begin = format!("{name}_seconds");
        page.lines().filter(|line| line.starts_with(&begin)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told("a"), "a_seconds_bucket{le=\"+Inf\"} 2\na_seconds_sum 1.25\na_seconds_count 2");
    assert_eq!(
        told("b"),
        "b_seconds_bucket{le=\"0.5\"} 1\nb_seconds_bucket{le=\"+Inf\"} 2\nb_seconds_sum 1.25\nb_seconds_count 2"
    );
    assert!(page.contains("# TYPE a_seconds histogram\n"), "{page}");
    let page = text(&registry, Format::OpenMetrics);
    assert!(page.contains("b_seconds_bucket{le=\"+Inf\"} 2 # {trace_id=\"0101"), "{page}");

    let both = only(family(&registry, "b_seconds")).histogram.unwrap();
    assert_eq!((both.sample_count, both.schema, both.positive_span.len()), (2, Some(7), 2));
    let said: Vec<_> = both.bucket.iter().map(|of| (of.cumulative_count, of.upper_bound)).collect();
    assert_eq!(said, [(1, 0.5), (2, f64::INFINITY)]);
    assert!(both.bucket[1].exemplar.is_some() && both.exemplars.is_empty());
    let alone = only(family(&registry, "a_seconds")).histogram.unwrap();
    assert_eq!((alone.bucket.len(), alone.exemplars.len()), (0, 1));
}

// Catches: series that became one not added up, one of a lower schema added bucket by bucket.
#[test]
fn views_add_them_up() {
    let registry = Registry::new();
    let native = NativeBuckets::new().schema(3).max_buckets(16);
    let buckets = Buckets::new(&[0.5]).and_native(native);
    let waits = registry.histogram::<Labels>("wait_seconds", "W.", buckets).unwrap();
    let of = |town: &str, is_new| waits.with(Labels { town: town.into(), is_new });
    // So many that its schema is lowered.
    (0..40).for_each(|step| of("a", true).observe(f64::from(step).exp2() / 1e6));
    [0.25, 0.5, 3.0].into_iter().for_each(|value| of("b", true).observe(value));
    of("b", false).observe(1.0);
    of("b", true).exemplify(&exemplar(3.0));
    let telemetry = Telemetry::builder("shop").without_log().registry(registry.clone());
    // Buckets come too late, since it was used.
    let refused = telemetry.view(View::of("wait_seconds").buckets(Buckets::new(&[1.0]))).build();
    assert!(refused.unwrap_err().to_string().contains("too late"));
    let builder = Telemetry::builder("shop").without_log().registry(registry.clone());
    let view = View::of("wait_seconds").drop_label("town").rename("pause_seconds");
    let telemetry = builder.view(view).build().unwrap();
    let shown = family(telemetry.registry(), "pause_seconds");
    let shown: Vec<_> = shown
        .metric
        .into_iter()
        .map(|of| {
            let histogram = of.histogram.unwrap();
            let all = buckets_of(&histogram);
            (of.label, histogram.sample_count, all, histogram.bucket)
        })
        .collect();
    assert_eq!(shown.len(), 2);
    let (label, count, all, classic) = &shown[0];
    assert_eq!((label, *count, *all), (&vec![pair("is_new", "true")], 43, 43));
    // Of `a` 19 are not above 0.5, of `b` two.
    assert_eq!((classic[0].cumulative_count, classic[1].exemplar.is_some()), (19 + 2, true));
    assert_eq!((shown[1].1, shown[1].2), (1, 1));
}

fn buckets_of(histogram: &client::Histogram) -> i64 {
    let positive = buckets(&histogram.positive_span, &histogram.positive_delta);
    positive.iter().map(|(_, count)| count).sum()
}

// Catches: a static of this kind that no registry sees, buckets of a view that stand nowhere and are not refused.
#[test]
fn statics_and_views_of_buckets() {
    STATIC.observe(0.25);
    let statics = Registry::with_statics();
    assert_eq!(only(family(&statics, "static_wait_seconds")).histogram.unwrap().sample_count, 1);

    let registry = Registry::new();
    registry.native_histogram::<()>("wait_seconds", "W.", NativeBuckets::new()).unwrap();
    let builder = Telemetry::builder("shop").without_log().registry(registry);
    let refused = builder.view(View::of("wait_seconds").buckets(Buckets::new(&[0.5]))).build();
    assert!(refused.unwrap_err().to_string().contains("it has no buckets that could be chosen"));
}

// Catches: a recording in one form alone, a series that is left out of one of them, exemplars lost, a view that says it of
// none but the kinds of its own.
#[test]
fn any_histogram_can_be_native() {
    const BOTH: Buckets = Buckets::new(&[0.5]).and_native(NativeBuckets::new().schema(3));
    let registry = Registry::new();
    let plain = registry.histogram::<Labels>("plain_seconds", "P.", BOTH).unwrap();
    let hot = registry.hot_histogram::<Labels>("hot_seconds", "H.", BOTH).unwrap();
    let number = registry.histogram::<()>("number", "N.", BOTH).unwrap();
    let labels = |town: &str| Labels { town: town.into(), is_new: true };
    for (town, value) in [("a", 0.25), ("a", 0.0), ("b", 0.75)] {
        plain.with(labels(town)).observe(value);
        hot.with(labels(town)).observe(value);
        number.observe(-value);
    }
    hot.with(labels("b")).exemplify(&exemplar(0.75));
    plain.with(labels("b")).exemplify(&exemplar(0.75));
    drop(plain.with(labels("c")).timer());
    for value in [f64::NAN, -1.0] {
        plain.with(labels("c")).observe(value);
        hot.with(labels("c")).observe(value);
    }
    for name in ["plain_seconds", "hot_seconds"] {
        let shown = family(&registry, name);
        let towns = if name == "plain_seconds" { [2, 1, 1] } else { [2, 1, 0] };
        for (of, count) in shown.metric.into_iter().zip(towns) {
            let histogram = of.histogram.unwrap();
            assert_eq!((histogram.sample_count, histogram.schema), (count, Some(3)), "{name}");
            let zero = i64::try_from(histogram.zero_count.unwrap()).unwrap();
            assert_eq!(u64::try_from(buckets_of(&histogram) + zero).unwrap(), count);
            let is_exemplified = histogram.bucket.iter().any(|bucket| bucket.exemplar.is_some());
            assert_eq!(is_exemplified, of.label[0].value == "b", "{name}");
        }
    }
    let number = only(family(&registry, "number")).histogram.unwrap();
    assert_eq!(buckets(&number.negative_span, &number.negative_delta), [(-16, 1), (-3, 1)]);
    let page = text(&registry, Format::Text);
    assert!(page.contains("hot_seconds_bucket{town=\"a\",is_new=\"true\",le=\"0.5\"} 2\n"), "{page}");
    assert!(page.contains("hot_seconds_sum{town=\"b\",is_new=\"true\"} 0.75\n"), "{page}");

    let builder = Telemetry::builder("shop").without_log().registry(registry);
    let dropped = View::of("hot_seconds").drop_label("town");
    let requests = "http_server_request_duration_seconds";
    let native = View::of(requests).buckets(Buckets::SECONDS.and_native(NativeBuckets::new()));
    let telemetry = builder.view(dropped).view(native).build().unwrap();
    let hot = only(family(telemetry.registry(), "hot_seconds")).histogram.unwrap();
    assert_eq!((hot.sample_count, hot.zero_count, buckets_of(&hot)), (3, Some(1), 2));
    assert_eq!((hot.bucket[0].cumulative_count, hot.bucket[1].exemplar.is_some()), (2, true));
    let server = telemetry.http_server();
    server.start(&HttpRequest::new("GET", "/").route("/"), &Context::default()).finish();
    let shown = only(family(telemetry.registry(), requests)).histogram.unwrap();
    assert_eq!((shown.sample_count, shown.schema, buckets_of(&shown)), (1, Some(7), 1));
    assert_eq!(shown.bucket.len(), Buckets::SECONDS.bounds().len());
    let fine = Buckets::new(&[0.5]).and_native(NativeBuckets::new().schema(9));
    assert!(Registry::new().histogram::<()>("x", "X.", fine).unwrap_err().to_string().contains("schema"));
}

// Catches: bytes that are not those of the page.
#[test]
fn an_audit_counts_their_bytes() {
    let registry = Registry::new();
    let waits = registry.native_histogram::<Labels>("wait_seconds", "W.", NativeBuckets::new()).unwrap();
    for (town, values) in [("a", 1..2), ("b", 1..1_000)] {
        let waits = waits.with(Labels { town: town.into(), is_new: true });
        values.for_each(|value| waits.observe(f64::from(value) / 100.0));
    }
    let mut page = Vec::new();
    registry.encode(Format::Protobuf, &mut page);
    let audit = registry.audit();
    assert_eq!(audit.bytes(Format::Protobuf), page.len() as u64);
    let waits = audit.family("wait_seconds").unwrap();
    assert_eq!(waits.series(), 2);
    // What is in text stands in the columns of text.
    assert_eq!(waits.samples(), 2 * 3);
    let cost = audit.with_label("wait_seconds", "shop", 10).unwrap();
    let bytes = cost.bytes(Format::Protobuf);
    assert!(bytes > 9 * waits.bytes(Format::Protobuf), "{bytes}");
}
