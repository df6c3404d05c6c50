//! Metrics as OTLP has them: what a scrape would show, at the same moment.

mod names;

use std::collections::HashSet;
use std::mem;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::exemplar::Value as ExemplarValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram,
    HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
    SummaryDataPoint, exponential_histogram_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::convert::pair;
use crate::fields::Typed;
use crate::metric::Kind;
use crate::metric::snapshot::{Head, Histograms, NativeReading, QUANTILES, Quantiles, Rows, Values, Visitor};
use crate::registry::Registry;
use crate::semconv::{log, otel_metric};
use names::Named;

/// Bytes of one request, about: collectors take 4 MiB by gRPC.
const REQUEST_BYTES: usize = 1024 * 1024;

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// Everything in a registry at the moment `now`, counted since `start` (nanoseconds since 1970-01-01T00:00:00Z): as many
/// requests as it takes for each to be of about a mebibyte. No recording waits.
pub(super) fn requests(
    registry: &Registry,
    resource: &Resource,
    start: u64,
    now: u64,
) -> Vec<ExportMetricsServiceRequest> {
    let mut reading = Reading::new(start, now);
    registry.visit(&mut reading);
    reading.end().into_iter().map(|metrics| request(resource, metrics)).collect()
}

fn request(resource: &Resource, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let scope = InstrumentationScope {
        name: log::OWN_TARGET.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let scope = ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() };
    let resource = ResourceMetrics {
        resource: Some(resource.clone()),
        scope_metrics: vec![scope],
        schema_url: String::new(),
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }
}

/// Takes down what it visits.
struct Reading {
    start: u64,
    now: u64,
    taken: HashSet<String>,
    family: Option<Family>,
    /// Of the present request.
    metrics: Vec<Metric>,
    weight: usize,
    /// The present family has begun in the present request.
    has_begun: bool,
    full: Vec<Vec<Metric>>,
}

/// The present family.
struct Family {
    named: Named,
    description: String,
    kind: Kind,
}

impl Reading {
    fn new(start: u64, now: u64) -> Self {
        Self {
            start,
            now,
            taken: HashSet::new(),
            family: None,
            metrics: Vec::new(),
            weight: 0,
            has_begun: false,
            full: Vec::new(),
        }
    }

    fn end(mut self) -> Vec<Vec<Metric>> {
        self.cut();
        self.full
    }

    /// The present request is full.
    fn cut(&mut self) {
        if !self.metrics.is_empty() {
            self.full.push(mem::take(&mut self.metrics));
        }
        (self.weight, self.has_begun) = (0, false);
    }

    /// Where the next point of the present family goes.
    fn data(&mut self, weight: usize) -> Option<&mut Data> {
        if self.weight + weight > REQUEST_BYTES {
            self.cut();
        }
        if !self.has_begun {
            let metric = self.family.as_ref()?.metric();
            self.weight += metric.encoded_len();
            self.metrics.push(metric);
            self.has_begun = true;
        }
        self.weight += weight;
        self.metrics.last_mut()?.data.as_mut()
    }

    fn number(&mut self, attributes: Vec<KeyValue>, value: Value) {
        // A gauge is what it is, whenever it began.
        let counts = self.family.as_ref().is_some_and(|of| of.kind != Kind::Gauge || of.named.is_count);
        let point = NumberDataPoint {
            attributes,
            start_time_unix_nano: if counts { self.start } else { 0 },
            time_unix_nano: self.now,
            value: Some(value),
            ..NumberDataPoint::default()
        };
        match self.data(point.encoded_len()) {
            Some(Data::Sum(sum)) => sum.data_points.push(point),
            Some(Data::Gauge(gauge)) => gauge.data_points.push(point),
            _ => {}
        }
    }

    fn attributes(&self, rows: &Rows<'_>, series: usize) -> Vec<KeyValue> {
        let mut attributes = Vec::new();
        rows.labels(series, &mut |label, value| {
            let family = self.family.as_ref();
            let (name, is_number) = family.map_or((label, false), |of| of.named.attribute(label));
            let number = is_number.then(|| value.parse().ok()).flatten();
            attributes.push(pair(name, number.map_or(Typed::Str(value.into()), Typed::I64)));
        });
        attributes
    }
}

impl Family {
    /// Without its points.
    fn metric(&self) -> Metric {
        let sum =
            |is_monotonic| Sum { is_monotonic, aggregation_temporality: CUMULATIVE, data_points: Vec::new() };
        let data = match self.kind {
            Kind::Counter => Data::Sum(sum(true)),
            Kind::Gauge if self.named.is_count => Data::Sum(sum(false)),
            Kind::Gauge => Data::Gauge(Gauge::default()),
            // So that their number remains when labels are aggregated away (compatibility with Prometheus, "Info").
            Kind::Info => Data::Sum(sum(false)),
            Kind::Histogram => {
                Data::Histogram(Histogram { aggregation_temporality: CUMULATIVE, data_points: Vec::new() })
            }
            Kind::NativeHistogram => Data::ExponentialHistogram(ExponentialHistogram {
                aggregation_temporality: CUMULATIVE,
                data_points: Vec::new(),
            }),
            Kind::Summary => Data::Summary(Summary::default()),
        };
        let kind = pair(otel_metric::PROMETHEUS_TYPE, Typed::Str(self.kind.as_str().into()));
        Metric {
            name: self.named.name.clone(),
            description: self.description.clone(),
            unit: self.named.unit.to_owned(),
            metadata: if self.kind == Kind::Info { vec![kind] } else { Vec::new() },
            data: Some(data),
        }
    }
}

impl Visitor for Reading {
    fn family(&mut self, head: &Head<'_>) {
        let named = Named::of(head, &mut self.taken);
        self.family = Some(Family { named, description: head.help.to_owned(), kind: head.kind });
        self.has_begun = false;
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        for series in 0..rows.len() {
            let value = match values {
                Values::U64(values) => values.get(series).map(|value| match i64::try_from(*value) {
                    Ok(value) => Value::AsInt(value),
                    Err(_) => Value::AsDouble(*value as f64),
                }),
                Values::I64(values) => values.get(series).map(|value| Value::AsInt(*value)),
                Values::F64(values) => values.get(series).map(|value| Value::AsDouble(*value)),
            };
            let Some(value) = value else { return };
            self.number(self.attributes(rows, series), value);
        }
    }

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        for (series, (counts, sum)) in values.values().enumerate() {
            let exemplars = (0..counts.len()).filter_map(|bucket| values.exemplar(series, bucket));
            // As in OpenMetrics: the sum of what can be negative may fall, and a sum that falls means a new start.
            let negative = sum < 0.0 || values.bounds().first().is_some_and(|bound| *bound < 0.0);
            let point = HistogramDataPoint {
                attributes: self.attributes(rows, series),
                start_time_unix_nano: self.start,
                time_unix_nano: self.now,
                count: counts.iter().fold(0, |total, count| total.wrapping_add(*count)),
                sum: (!negative).then_some(sum),
                bucket_counts: counts.to_vec(),
                explicit_bounds: values.bounds().to_vec(),
                exemplars: exemplars.map(|exemplar| converted(&exemplar)).collect(),
                ..HistogramDataPoint::default()
            };
            if let Some(Data::Histogram(histogram)) = self.data(point.encoded_len()) {
                histogram.data_points.push(point);
            }
        }
    }

    fn native_histogram(&mut self, row: &Rows<'_>, value: &NativeReading<'_>) {
        // Whatever the head said: families of other names show what these have.
        if let Some(family) = &mut self.family {
            family.kind = Kind::NativeHistogram;
        }
        // The sum of what can be negative may fall, as above.
        let negative = value.sum() < 0.0 || !value.negative().is_empty();
        let point = ExponentialHistogramDataPoint {
            attributes: self.attributes(row, 0),
            start_time_unix_nano: self.start,
            time_unix_nano: self.now,
            count: value.count(),
            sum: (!negative).then(|| value.sum()),
            scale: i32::from(value.schema()),
            zero_count: value.zero_count(),
            zero_threshold: value.zero_threshold(),
            positive: Some(dense(value.positive())),
            negative: Some(dense(value.negative())),
            exemplars: value.exemplars().map(|exemplar| converted(&exemplar)).collect(),
            ..ExponentialHistogramDataPoint::default()
        };
        if let Some(Data::ExponentialHistogram(histogram)) = self.data(point.encoded_len()) {
            histogram.data_points.push(point);
        }
    }

    fn summaries(&mut self, rows: &Rows<'_>, values: &[Quantiles]) {
        for (series, summary) in values.iter().enumerate() {
            // While the window is empty there are none.
            let quantiles = QUANTILES.iter().zip(summary.values).filter(|(_, value)| !value.is_nan());
            let point = SummaryDataPoint {
                attributes: self.attributes(rows, series),
                start_time_unix_nano: self.start,
                time_unix_nano: self.now,
                count: summary.count,
                sum: summary.sum,
                quantile_values: quantiles
                    .map(|(quantile, value)| ValueAtQuantile { quantile: *quantile, value })
                    .collect(),
                ..SummaryDataPoint::default()
            };
            if let Some(Data::Summary(data)) = self.data(point.encoded_len()) {
                data.data_points.push(point);
            }
        }
    }
}

fn converted(exemplar: &crate::metric::Exemplar) -> Exemplar {
    Exemplar {
        time_unix_nano: exemplar.unix_nanos,
        span_id: exemplar.span_id.to_bytes().to_vec(),
        trace_id: exemplar.trace_id.to_bytes().to_vec(),
        value: Some(ExemplarValue::AsDouble(exemplar.value)),
        ..Exemplar::default()
    }
}

/// All buckets from the first to the last that is not empty, which here are counted from one lower.
fn dense(buckets: &[(i32, u64)]) -> exponential_histogram_data_point::Buckets {
    let (Some((first, _)), Some((last, _))) = (buckets.first(), buckets.last()) else {
        return exponential_histogram_data_point::Buckets::default();
    };
    let mut bucket_counts = vec![0; last.abs_diff(*first) as usize + 1];
    for (index, count) in buckets {
        if let Some(place) = bucket_counts.get_mut(index.abs_diff(*first) as usize) {
            *place = *count;
        }
    }
    exponential_histogram_data_point::Buckets { offset: first - 1, bucket_counts }
}

#[cfg(test)]
mod tests;
