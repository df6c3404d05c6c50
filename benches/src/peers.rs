//! Other libraries, set up as their documentation has it. Each sets globals of its process.

use crate::http::{ROUTE, TRACES};
use crate::lines::Lines;
use crate::processes::Checks;
use axum_prometheus::metrics_exporter_prometheus::PrometheusHandle;
use axum_prometheus::{EndpointLabel, PrometheusMetricLayer, PrometheusMetricLayerBuilder};
use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, HistogramDataPoint, MetricData, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanExporter,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Runtime;
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::trace::{DefaultOnRequest, DefaultOnResponse, HttpMakeClassifier, MakeSpan, TraceLayer};
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The SDK's traces: sampled, batched, and counted by the exporter.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    exported: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Counting(Arc<AtomicU64>);

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Traces {
    /// So many spans find room in its queue: as many as in ours.
    pub(crate) fn new(sampler: Sampler) -> Self {
        let exported = Arc::<AtomicU64>::default();
        let limits = BatchConfigBuilder::default().with_max_queue_size(8_192).build();
        let batches = BatchSpanProcessor::builder(Counting(Arc::clone(&exported)));
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_span_processor(batches.with_batch_config(limits).build())
            .build();
        Self { provider, exported }
    }

    /// One in a hundred, by the trace's id.
    pub(crate) fn one_percent() -> Self {
        Self::new(Sampler::TraceIdRatioBased(0.01))
    }

    fn tracer(&self) -> SdkTracer {
        self.provider.tracer("bench")
    }

    fn flush(&self) -> u64 {
        self.provider.force_flush().expect("nothing blocks");
        self.exported.load(Ordering::Relaxed)
    }

    /// Of all, or of one trace in a hundred; each with so many spans in it.
    fn check(&self, total: u64) -> String {
        let exported = self.flush();
        assert!((total / 500..total / 30).contains(&exported), "{exported} spans of {total}");
        format!("{exported} sampled spans exported")
    }
}

/// A queue and a thread, as ours; it loses lines when it is full.
fn writer() -> (NonBlocking, WorkerGuard, Lines) {
    let lines = Lines::default();
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(8_192).finish(lines.clone());
    (writer, guard, lines)
}

fn one_a_piece(guard: WorkerGuard, lines: Lines, traces: Traces, said: &'static [&'static str]) -> Checks {
    let waits = lines.clone();
    let settle = move |total| waits.wait_for(total);
    let proof = move |total| {
        drop(guard);
        let (count, last) = (lines.count(), lines.last());
        assert_eq!(count, total, "lines");
        assert!(said.iter().all(|part| last.contains(part)), "{last}");
        traces.flush();
        format!("{count} lines, the last {last}")
    };
    Checks { settle: Box::new(settle), proof: Box::new(proof) }
}

/// `tracing_subscriber::fmt().json()`, its spans' ids made by `tracing-opentelemetry`. Its lines do not have them.
pub(crate) fn fmt_json(said: &'static [&'static str]) -> Checks {
    let ((writer, guard, lines), traces) = (writer(), Traces::one_percent());
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer()))
        .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
        .init();
    one_a_piece(guard, lines, traces, said)
}

/// `json-subscriber`, whose lines have the ids that `tracing-opentelemetry` makes.
pub(crate) fn json_subscriber(said: &'static [&'static str]) -> Checks {
    let ((writer, guard, lines), traces) = (writer(), Traces::one_percent());
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer()))
        .with(json_subscriber::fmt::layer().with_writer(writer).with_opentelemetry_ids(true))
        .init();
    one_a_piece(guard, lines, traces, said)
}

/// A registry whose only layer is `tracing-opentelemetry`. All of so many spans a piece of work, none of them, or those of one trace in a
/// hundred are sampled.
pub(crate) fn opentelemetry_spans(sampler: Sampler) -> Checks {
    let share = sampler.clone();
    let traces = Traces::new(sampler);
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer()))
        .init();
    let proof = Traces { provider: traces.provider.clone(), exported: Arc::clone(&traces.exported) };
    let settle = move |_| {
        traces.flush();
    };
    let proof = move |total| match share {
        Sampler::TraceIdRatioBased(_) => proof.check(total),
        share => {
            let exported = proof.flush();
            let expected = if matches!(share, Sampler::AlwaysOn) { total } else { 0 };
            // Where there are spans around those that are counted, they are exported, too.
            assert!((expected..=expected + expected / 50).contains(&exported), "{exported} spans of {total}");
            format!("{exported} sampled spans exported")
        }
    };
    Checks { settle: Box::new(settle), proof: Box::new(proof) }
}

/// `fastrace`, whose collector gives its spans to a counter.
pub(crate) fn fastrace(in_a_trace: u64) -> Checks {
    let reported = Arc::<AtomicU64>::default();
    fastrace::set_reporter(Reported(Arc::clone(&reported)), fastrace::collector::Config::default());
    let proof = move |total| {
        fastrace::flush();
        let roots = if in_a_trace == 1 { 0 } else { total / in_a_trace };
        let spans = reported.load(Ordering::Relaxed);
        assert_eq!(spans, total + roots, "spans");
        format!("{spans} spans reported")
    };
    Checks { settle: Box::new(|_| fastrace::flush()), proof: Box::new(proof) }
}

struct Reported(Arc<AtomicU64>);

impl fastrace::collector::Reporter for Reported {
    fn report(&mut self, spans: Vec<fastrace::prelude::SpanRecord>) {
        self.0.fetch_add(spans.len() as u64, Ordering::Relaxed);
    }
}

/// `axum-prometheus`, as a layer and what is seen in its scrape.
pub(crate) fn axum_prometheus() -> (PrometheusMetricLayer<'static>, Checks) {
    let (layer, scrape) = prometheus();
    let proof = move |total| scrape.check(total);
    (layer, Checks { settle: Box::new(|_| ()), proof: Box::new(proof) })
}

struct Scrape {
    handle: PrometheusHandle,
    /// Drains its histograms every five seconds.
    _upkeep: Runtime,
}

impl Scrape {
    fn check(&self, total: u64) -> String {
        let text = self.handle.render();
        let lines = text.lines().filter(|line| {
            line.starts_with("axum_http_requests_duration_seconds_count{") && line.contains(ROUTE)
        });
        let count = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum::<u64>();
        assert_eq!(count, total, "requests in the metrics: {text}");
        format!("{count} requests in a scrape")
    }
}

fn prometheus() -> (PrometheusMetricLayer<'static>, Scrape) {
    let upkeep = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
    let upkeep = upkeep.expect("a thread");
    let _within = upkeep.enter();
    // Over bare tower no router tells the route.
    let route = EndpointLabel::MatchedPathWithFallbackFn(|_| ROUTE.to_owned());
    let builder = PrometheusMetricLayerBuilder::new().with_endpoint_label_type(route);
    let (layer, handle) = builder.with_default_metrics().build_pair();
    drop(_within);
    (layer, Scrape { handle, _upkeep: upkeep })
}

/// What `opentelemetry-instrumentation-tower` reports to: the SDK, its metrics collected at the end, one trace in a
/// hundred exported.
pub(crate) fn instrumentation_tower() -> Checks {
    let traces = Traces::one_percent();
    let metrics = InMemoryMetricExporter::default();
    let meters =
        SdkMeterProvider::builder().with_reader(PeriodicReader::builder(metrics.clone()).build()).build();
    global::set_tracer_provider(traces.provider.clone());
    global::set_meter_provider(meters.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    let proof = move |total| {
        meters.force_flush().expect("nothing blocks");
        let collected = metrics.get_finished_metrics().expect("it was exported");
        let metrics =
            collected.last().expect("one collection").scope_metrics().flat_map(ScopeMetrics::metrics);
        let points = metrics.filter(|metric| metric.name() == "http.server.request.duration");
        let count: u64 = points
            .map(|metric| match metric.data() {
                AggregatedMetrics::F64(MetricData::Histogram(histogram)) => {
                    histogram.data_points().map(HistogramDataPoint::count).sum()
                }
                _ => 0,
            })
            .sum();
        assert_eq!(count, total, "requests in the metrics");
        format!("{count} requests in the metrics, {}", traces.check(total))
    };
    Checks { settle: Box::new(|_| ()), proof: Box::new(proof) }
}

/// The span of a request as an application makes it: with the caller's trace.
#[derive(Clone)]
pub(crate) struct Below;

impl<B> MakeSpan<B> for Below {
    fn make_span(&mut self, request: &http::Request<B>) -> Span {
        let route =
            request.extensions().get::<axum::extract::MatchedPath>().map_or(ROUTE, |path| path.as_str());
        let span = tracing::info_span!(
            "request",
            method = %request.method(),
            route,
            path = request.uri().path(),
        );
        let parent =
            global::get_text_map_propagator(|known| known.extract(&HeaderExtractor(request.headers())));
        let _ = span.set_parent(parent);
        span
    }
}

pub(crate) type Trace =
    TraceLayer<SharedClassifier<ServerErrorsAsFailures>, Below, DefaultOnRequest, DefaultOnResponse>;

/// The usual stack: `axum-prometheus`, `TraceLayer`, `tracing-opentelemetry` at 1 %, and JSON lines, one a request.
pub(crate) fn usual_stack() -> (PrometheusMetricLayer<'static>, Trace, Checks) {
    let ((writer, guard, lines), traces) = (writer(), Traces::one_percent());
    let sampled = Traces { provider: traces.provider.clone(), exported: Arc::clone(&traces.exported) };
    global::set_text_map_propagator(TraceContextPropagator::new());
    tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer()))
        .with(tracing_subscriber::fmt::layer().json().with_writer(writer))
        .init();
    let (metrics, scrape) = prometheus();
    let trace = TraceLayer::<HttpMakeClassifier>::new_for_http()
        .make_span_with(Below)
        .on_response(DefaultOnResponse::new().level(tracing::Level::INFO));
    let checks = one_a_piece(guard, lines, traces, &["finished processing request", ROUTE, "\"status\":200"]);
    let proof = move |total| {
        let lines = (checks.proof)(total);
        format!("{}, {}, {lines}", scrape.check(total), sampled.check(total))
    };
    (metrics, trace, Checks { settle: checks.settle, proof: Box::new(proof) })
}

const _: () = assert!(TRACES > 500, "too few for a share of 1 %");
