//! Other libraries' metrics, set up as their documentation has it, and what they say that they recorded.

use crate::bounds::SECONDS;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, HistogramDataPoint, MetricData, ScopeMetrics, SumDataPoint,
};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

/// Fails with the contender's name unless it recorded as often as it was asked to.
pub(crate) fn proven(contender: &str, recorded: u64, asked: u64) {
    assert!(recorded == asked && asked > 0, "{contender}: recorded {recorded} of {asked}");
}

/// The recorder of `metrics-exporter-prometheus`, which keeps to itself.
pub(crate) fn recorder() -> PrometheusRecorder {
    let builder = PrometheusBuilder::new().set_buckets(&SECONDS).expect("some bounds");
    builder.build_recorder()
}

/// The sum of the samples of one name on its page.
pub(crate) fn on_page(recorder: &PrometheusRecorder, sample: &str) -> u64 {
    let page = recorder.handle().render();
    let of = page.lines().filter(|line| line.split(['{', ' ']).next() == Some(sample));
    of.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// `opentelemetry_sdk`, its reader asleep for a minute at a time.
pub(crate) struct Sdk {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Sdk {
    pub(crate) fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).build();
        Self { provider: SdkMeterProvider::builder().with_reader(reader).build(), exporter }
    }

    pub(crate) fn meter(&self) -> Meter {
        self.provider.meter("bench")
    }

    /// How much the counter, or how many the histogram of a name has recorded.
    pub(crate) fn recorded(&self, name: &str) -> u64 {
        self.provider.force_flush().expect("nothing is in the way");
        let finished = self.exporter.get_finished_metrics().expect("it is in memory");
        let Some(last) = finished.last() else { return 0 };
        let metrics = last.scope_metrics().flat_map(ScopeMetrics::metrics);
        let recorded = metrics.filter(|metric| metric.name() == name).map(|metric| match metric.data() {
            AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                sum.data_points().map(SumDataPoint::value).sum::<u64>()
            }
            AggregatedMetrics::F64(MetricData::Histogram(all)) => {
                all.data_points().map(HistogramDataPoint::count).sum::<u64>()
            }
            other => panic!("{name}: {other:?}"),
        });
        recorded.sum()
    }
}
