//! Metrics that are pushed arrive, by HTTP and by gRPC; and go on when a collector does not do its part.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::metric::View;
use observe_core::{Collect, Format, Otlp, Sampling, Telemetry};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{HistogramDataPoint, Metric, NumberDataPoint};
use otlp_tests::{Collector, PATIENCE, Reply, attribute};

const HOUR: Duration = Duration::from_secs(3_600);

fn metric<'a>(metrics: &'a [Metric], name: &str) -> &'a Metric {
    let names = || metrics.iter().map(|metric| metric.name.as_str()).collect::<Vec<_>>();
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name}: {:?}", names()))
}

fn histogram(metric: &Metric) -> &[HistogramDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Histogram(histogram) => &histogram.data_points,
        other => panic!("{other:?}"),
    }
}

fn numbers(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().unwrap() {
        Data::Sum(sum) => &sum.data_points,
        Data::Gauge(gauge) => &gauge.data_points,
        other => panic!("{other:?}"),
    }
}

/// The one value of a metric.
fn value(metrics: &[Metric], name: &str) -> i64 {
    match numbers(metric(metrics, name)) {
        [NumberDataPoint { value: Some(Value::AsInt(value)), .. }] => *value,
        other => panic!("{name}: {other:?}"),
    }
}

/// How many pushes ended so, by the text of a scrape.
fn pushes(telemetry: &Telemetry, outcome: &str) -> u64 {
    let mut text = Vec::new();
    telemetry.registry().encode(Format::Text, &mut text);
    let text = String::from_utf8(text).unwrap();
    let row = format!("observe_export_total{{signal=\"metric\",outcome=\"{outcome}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&row)).unwrap().parse().unwrap()
}

fn builder(otlp: Otlp) -> observe_core::Builder {
    Telemetry::builder("shop").sampling(Sampling::always()).without_log().otlp_metrics(otlp.interval(HOUR))
}

// Mutations caught: Prometheus' names for what OpenTelemetry has names for; a status as text; an exemplar of another
// trace; another resource than the spans'; a header, the path or the message left out.
fn all_of_it_arrives(collector: &Collector, otlp: Otlp) {
    let otlp = otlp.endpoint(&collector.endpoint).header("api-key", "secret").resource("zone", "a");
    let telemetry = builder(otlp.clone()).otlp(otlp).version("1.2.3").build().unwrap();
    let orders = telemetry.registry().counter::<()>("orders_total", "Orders placed.").unwrap();
    orders.add(17);
    let server = telemetry.http_server();
    let mut operation = server.start(&HttpRequest::new("GET", "/pay").route("/pay"), &Context::new());
    operation.status(503);
    operation.finish();
    telemetry.shutdown(PATIENCE).unwrap();

    let desk = &collector.desk;
    let span = desk.spans().remove(0);
    let metrics = desk.metrics();
    assert_eq!(value(&metrics, "orders"), 17);
    assert_eq!(metric(&metrics, "orders").description, "Orders placed.");

    let duration = metric(&metrics, "http.server.request.duration");
    assert_eq!(duration.unit, "s");
    let point = histogram(duration).iter().find(|point| point.count == 1).unwrap();
    for (name, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/pay"),
        ("http.response.status_code", "int 503"),
        ("error.type", "503"),
        ("url.scheme", "http"),
    ] {
        assert_eq!(attribute(&point.attributes, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!((point.explicit_bounds.len(), point.bucket_counts.len()), (14, 15));
    let [exemplar] = &point.exemplars[..] else { panic!("one exemplar: {:?}", point.exemplars) };
    assert_eq!((&exemplar.trace_id, &exemplar.span_id), (&span.trace_id, &span.span_id));
    assert!(
        exemplar.time_unix_nano >= point.start_time_unix_nano
            && exemplar.time_unix_nano <= point.time_unix_nano
    );

    let active = metric(&metrics, "http.server.active_requests");
    assert_eq!(active.unit, "{request}");
    assert!(matches!(&active.data, Some(Data::Sum(sum)) if !sum.is_monotonic), "{active:?}");

    let push = desk.pushes().remove(0);
    let [resource] = &push.resource_metrics[..] else { panic!("one resource: {push:?}") };
    let attributes = &resource.resource.as_ref().unwrap().attributes;
    assert_eq!(attribute(attributes, "service.name").as_deref(), Some("shop"));
    assert_eq!(attribute(attributes, "service.version").as_deref(), Some("1.2.3"));
    assert_eq!(attribute(attributes, "zone").as_deref(), Some("a"));
    assert_eq!(
        Some(resource.resource.as_ref()),
        desk.taken()[0].resource_spans.first().map(|of| of.resource.as_ref())
    );
    assert_eq!(resource.scope_metrics[0].scope.as_ref().unwrap().name, "observe");
    for head in desk.heads() {
        assert!(head.contains(&("api-key".to_owned(), "secret".to_owned())), "{head:?}");
    }
    let paths: Vec<String> = desk
        .heads()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name == ":path")
        .map(|(_, path)| path)
        .collect();
    assert!(paths.is_empty() || paths.contains(&"/v1/metrics".to_owned()), "{paths:?}");
    assert_eq!(pushes(&telemetry, "ok"), 1);
}

#[test]
fn by_http() {
    all_of_it_arrives(&Collector::http(), Otlp::http());
}

#[test]
fn by_http_and_gzip() {
    let collector = Collector::http();
    all_of_it_arrives(&collector, Otlp::http().gzip());
    let packed = ("content-encoding".to_owned(), "gzip".to_owned());
    assert!(collector.desk.heads().iter().all(|head| head.contains(&packed)));
}

#[test]
fn by_grpc() {
    all_of_it_arrives(&Collector::grpc(), Otlp::grpc());
}

#[test]
fn by_grpc_and_gzip() {
    let collector = Collector::grpc();
    all_of_it_arrives(&collector, Otlp::grpc().gzip());
    let packed = ("grpc-encoding".to_owned(), "gzip".to_owned());
    assert!(collector.desk.heads().iter().all(|head| head.contains(&packed)));
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

// Mutations caught: what was counted while the collector was away is lost; a failure that is not counted, or told with
// every push; pushes that stop.
#[test]
fn a_collector_that_comes_back_gets_all_of_it() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let otlp = Otlp::http().endpoint(format!("http://{address}")).interval(Duration::from_millis(20));
    let lines = Lines::default();
    let telemetry = Telemetry::builder("shop").log_writer(lines.clone()).otlp_metrics(otlp).build().unwrap();
    let orders = telemetry.registry().counter::<()>("orders_total", "Orders placed.").unwrap();
    let began = Instant::now();
    while pushes(&telemetry, "retry") < 3 {
        orders.inc();
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
    let counted = orders.get();
    let collector = Collector::http_on(&address);
    collector.desk.wait_for(1);
    telemetry.flush(PATIENCE).unwrap();
    assert_eq!(value(&collector.desk.metrics(), "orders"), i64::try_from(counted).unwrap());
    telemetry.shutdown(PATIENCE).unwrap();
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert_eq!(lines.matches("metrics cannot be delivered to").count(), 1, "{lines}");
    assert_eq!(lines.matches("metrics are delivered again to").count(), 1, "{lines}");
}

// Mutations caught: no push at the end; a shutdown that waits longer than it may, or is content though it was in vain.
#[test]
fn the_end_is_pushed_within_its_time() {
    let collector = Collector::grpc();
    let telemetry = builder(Otlp::grpc().endpoint(&collector.endpoint)).build().unwrap();
    let orders = telemetry.registry().counter::<()>("orders_total", "Orders placed.").unwrap();
    orders.add(2);
    telemetry.shutdown(PATIENCE).unwrap();
    assert_eq!((collector.desk.pushes().len(), value(&collector.desk.metrics(), "orders")), (1, 2));

    collector.desk.always(Reply::Slow(HOUR));
    let telemetry = builder(Otlp::grpc().endpoint(&collector.endpoint)).build().unwrap();
    let began = Instant::now();
    let error = telemetry.shutdown(Duration::from_millis(100)).unwrap_err();
    assert!(error.to_string().contains("metrics were not delivered"), "{error}");
    assert!(began.elapsed() < PATIENCE);
}

// Mutations caught: pushed though nobody asked; the last clone dropped, and what was counted since the last push with it.
#[test]
fn a_telemetry_that_is_dropped_pushes_a_last_time() {
    let collector = Collector::http();
    let telemetry = builder(Otlp::http().endpoint(&collector.endpoint)).build().unwrap();
    telemetry.registry().counter::<()>("orders_total", "Orders placed.").unwrap().add(3);
    drop(telemetry);
    assert_eq!(value(&collector.desk.metrics(), "orders"), 3);

    let collector = Collector::http();
    let spans_only = Otlp::http().endpoint(&collector.endpoint);
    let telemetry = Telemetry::builder("shop").without_log().otlp(spans_only).build().unwrap();
    telemetry.shutdown(PATIENCE).unwrap();
    assert!(collector.desk.pushes().is_empty());
}

// Mutations caught: values that were rejected are not counted; what is refused is told to be well.
#[test]
fn what_a_collector_does_not_take_is_counted() {
    let collector = Collector::http();
    let telemetry = builder(Otlp::http().endpoint(&collector.endpoint)).build().unwrap();
    collector.desk.next([
        Reply::Reject(5),
        Reply::Status(400, None),
        Reply::Status(503, None),
        Reply::Garbage,
    ]);
    for (outcome, why) in
        [("partial", "5 values"), ("refused", "HTTP 400"), ("retry", "HTTP 503"), ("retry", "")]
    {
        let before = pushes(&telemetry, outcome);
        let error = telemetry.flush(PATIENCE).unwrap_err();
        assert!(error.is_io() && error.to_string().contains(why), "{outcome}: {error}");
        assert_eq!(pushes(&telemetry, outcome), before + 1, "{outcome}");
    }
    telemetry.flush(PATIENCE).unwrap();
    let mut text = Vec::new();
    telemetry.registry().encode(Format::Text, &mut text);
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("observe_dropped_total{signal=\"metric\",reason=\"rejected\"} 5\n"), "{text}");
}

// Mutation caught: a view that counts on `/metrics` only.
#[test]
fn views_are_honoured() {
    let collector = Collector::http();
    let view = View::of("orders_total").rename("shop_orders_total").drop_label("tenant");
    let telemetry = builder(Otlp::http().endpoint(&collector.endpoint))
        .view(view)
        .view(View::of("http_server_request_duration_seconds").rename("shop_duration_seconds"))
        .view(View::of("http_server_active_requests").drop_family())
        .build()
        .unwrap();
    telemetry.registry().collector(|out: &mut Collect<'_>| {
        out.counter("orders_total", "Orders placed.", &[("tenant", "a")], 2_u64);
        out.counter("orders_total", "Orders placed.", &[("tenant", "b")], 3_u64);
    });
    let server = telemetry.http_server();
    server.start(&HttpRequest::new("GET", "/pay").route("/pay"), &Context::new()).finish();
    telemetry.flush(PATIENCE).unwrap();
    let metrics = collector.desk.metrics();
    assert_eq!(value(&metrics, "shop_orders"), 5);
    let point = histogram(metric(&metrics, "shop_duration")).iter().find(|point| point.count == 1).unwrap();
    // What is called otherwise is the user's own: so are its labels.
    assert_eq!(attribute(&point.attributes, "http_route").as_deref(), Some("/pay"));
    for name in ["orders", "http.server.request.duration", "http.server.active_requests"] {
        assert!(metrics.iter().all(|metric| metric.name != name), "{name}");
    }
}
