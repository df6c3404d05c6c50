//! The protobuf format of Prometheus: the one that has native histograms.
//!
//! Of `io.prometheus.client`, each family a `MetricFamily` with its length before it. The names are those of the text
//! format 0.0.4, where infos are gauges. Written by hand: it is a few numbers in a row, and a generated writer would make
//! an object of every label first. (Prometheus, `client_model`, `metrics.proto`; "Native Histograms", exposition.)

mod wire;

use crate::metric::snapshot::{Head, Histograms, NativeReading, QUANTILES, Quantiles, Rows, Values, Visitor};
use crate::metric::{Exemplar, Kind, Unit};
use wire::{Begun, Field, Wire, zigzag};

/// The fields of `MetricFamily`.
mod family {
    use super::wire::Field;

    pub(super) const NAME: Field = Field(1);
    pub(super) const HELP: Field = Field(2);
    pub(super) const TYPE: Field = Field(3);
    pub(super) const METRIC: Field = Field(4);
    pub(super) const UNIT: Field = Field(5);
}

/// The fields of `Metric`.
mod metric {
    use super::wire::Field;

    pub(super) const LABEL: Field = Field(1);
    pub(super) const GAUGE: Field = Field(2);
    pub(super) const COUNTER: Field = Field(3);
    pub(super) const SUMMARY: Field = Field(4);
    pub(super) const HISTOGRAM: Field = Field(7);
}

/// The one field of `Gauge` and of `Counter` that is written.
const VALUE: Field = Field(1);

/// The fields of `Summary`, and of `Quantile`.
mod summary {
    use super::wire::Field;

    pub(super) const SAMPLE_COUNT: Field = Field(1);
    pub(super) const SAMPLE_SUM: Field = Field(2);
    pub(super) const QUANTILE: Field = Field(3);
    pub(super) const OF: Field = Field(1);
    pub(super) const IS: Field = Field(2);
}

/// The fields of `Histogram`.
mod histogram {
    use super::wire::Field;

    pub(super) const SAMPLE_COUNT: Field = Field(1);
    pub(super) const SAMPLE_SUM: Field = Field(2);
    pub(super) const BUCKET: Field = Field(3);
    pub(super) const SCHEMA: Field = Field(5);
    pub(super) const ZERO_THRESHOLD: Field = Field(6);
    pub(super) const ZERO_COUNT: Field = Field(7);
    pub(super) const NEGATIVE_SPAN: Field = Field(9);
    pub(super) const NEGATIVE_DELTA: Field = Field(10);
    pub(super) const POSITIVE_SPAN: Field = Field(12);
    pub(super) const POSITIVE_DELTA: Field = Field(13);
    pub(super) const EXEMPLARS: Field = Field(16);
}

/// The fields of `Bucket`, and of `BucketSpan`.
mod bucket {
    use super::wire::Field;

    pub(super) const CUMULATIVE_COUNT: Field = Field(1);
    pub(super) const UPPER_BOUND: Field = Field(2);
    pub(super) const EXEMPLAR: Field = Field(3);
    pub(super) const OFFSET: Field = Field(1);
    pub(super) const LENGTH: Field = Field(2);
}

/// The fields of `Exemplar`, of `LabelPair` and of `Timestamp`.
mod exemplar {
    use super::wire::Field;

    pub(super) const LABEL: Field = Field(1);
    pub(super) const VALUE: Field = Field(2);
    pub(super) const TIMESTAMP: Field = Field(3);
    pub(super) const LABEL_NAME: Field = Field(1);
    pub(super) const LABEL_VALUE: Field = Field(2);
    pub(super) const SECONDS: Field = Field(1);
    pub(super) const NANOS: Field = Field(2);
}

/// Writes what it visits.
pub(crate) struct Writer<'a> {
    wire: Wire<'a>,
    kind: Kind,
    /// The present family, and where its series begin.
    family: Option<(Begun, usize)>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { wire: Wire(out), kind: Kind::Gauge, family: None }
    }

    /// Ends the family that has begun and forgets it. Answers how many bytes it had, and those of them above its series.
    pub(crate) fn take(&mut self) -> (u64, u64) {
        let head = self.family.map_or(0, |(_, series)| series as u64);
        self.end();
        let bytes = self.wire.0.len() as u64;
        self.wire.0.clear();
        (bytes, head.min(bytes))
    }

    /// Ends the family that has begun. One without a series is left out, as it says nothing.
    pub(crate) fn end(&mut self) {
        let Some((begun, series)) = self.family.take() else { return };
        if self.wire.0.len() > series {
            self.wire.end(begun);
        } else {
            self.wire.discard(begun);
        }
    }

    /// Writes one series: its labels, and what `value` writes.
    fn series(&mut self, rows: &Rows<'_>, series: usize, value: impl FnOnce(&mut Wire<'_>)) {
        let begun = self.wire.begin(family::METRIC);
        let wire = &mut self.wire;
        rows.labels(series, &mut |name, value| label(wire, metric::LABEL, name.as_bytes(), value.as_bytes()));
        value(wire);
        wire.end(begun);
    }

    fn scalar(&mut self, rows: &Rows<'_>, series: usize, value: f64) {
        let field = if self.kind == Kind::Counter { metric::COUNTER } else { metric::GAUGE };
        self.series(rows, series, |wire| {
            let begun = wire.begin(field);
            wire.double(VALUE, value);
            wire.end(begun);
        });
    }
}

fn label(wire: &mut Wire<'_>, field: Field, name: &[u8], value: &[u8]) {
    let begun = wire.begin(field);
    wire.bytes(exemplar::LABEL_NAME, name);
    wire.bytes(exemplar::LABEL_VALUE, value);
    wire.end(begun);
}

fn write_exemplar(wire: &mut Wire<'_>, field: Field, exemplar: &Exemplar) {
    let begun = wire.begin(field);
    label(wire, exemplar::LABEL, b"trace_id", &exemplar.trace_id.write_hex());
    label(wire, exemplar::LABEL, b"span_id", &exemplar.span_id.write_hex());
    wire.double(exemplar::VALUE, exemplar.value);
    let timestamp = wire.begin(exemplar::TIMESTAMP);
    wire.uint(exemplar::SECONDS, exemplar.unix_nanos / 1_000_000_000);
    wire.uint(exemplar::NANOS, exemplar.unix_nanos % 1_000_000_000);
    wire.end(timestamp);
    wire.end(begun);
}

/// The classic buckets of one series. `+Inf` is not written unless an exemplar needs it: it is the count of all.
fn classic(wire: &mut Wire<'_>, values: &Histograms<'_>, series: usize, counts: &[u64], all: u64) {
    let mut total = 0_u64;
    for (at, count) in counts.iter().enumerate() {
        total = total.wrapping_add(*count);
        let exemplar = values.exemplar(series, at);
        let (bound, total) = match values.bounds().get(at) {
            // Counted meanwhile it may be ahead of what is counted elsewhere.
            Some(bound) => (*bound, total.min(all)),
            None if exemplar.is_none() => continue,
            None => (f64::INFINITY, all),
        };
        let begun = wire.begin(histogram::BUCKET);
        wire.uint(bucket::CUMULATIVE_COUNT, total);
        wire.double(bucket::UPPER_BOUND, bound);
        if let Some(exemplar) = exemplar {
            write_exemplar(wire, bucket::EXEMPLAR, &exemplar);
        }
        wire.end(begun);
    }
}

/// Buckets that are not empty: runs of neighbours, each with how far it is from the one before, and of each bucket how
/// much more it has than the one before.
fn exponential(wire: &mut Wire<'_>, span: Field, delta: Field, buckets: &[(i32, u64)]) {
    let mut next = 0;
    for run in buckets.chunk_by(|a, b| a.0 + 1 == b.0) {
        let Some((first, _)) = run.first() else { continue };
        let begun = wire.begin(span);
        wire.sint(bucket::OFFSET, i64::from(first - next));
        wire.uint(bucket::LENGTH, run.len() as u64);
        wire.end(begun);
        next = first + run.len() as i32;
    }
    if buckets.is_empty() {
        return;
    }
    let begun = wire.begin(delta);
    let mut before = 0;
    for (_, count) in buckets {
        wire.varint(zigzag(count.wrapping_sub(before) as i64));
        before = *count;
    }
    wire.end(begun);
}

impl Visitor for Writer<'_> {
    fn family(&mut self, head: &Head<'_>) {
        self.end();
        self.kind = head.kind;
        let begun = self.wire.open();
        self.wire.bytes(family::NAME, head.name.as_bytes());
        self.wire.bytes(family::HELP, head.help.as_bytes());
        // The values of `MetricType`.
        let kind = match head.kind {
            Kind::Counter => 0,
            Kind::Gauge | Kind::Info => 1,
            Kind::Summary => 2,
            Kind::Histogram | Kind::NativeHistogram => 4,
        };
        self.wire.uint(family::TYPE, kind);
        if let Some(unit) = head.unit {
            self.wire.bytes(family::UNIT, Unit::as_str(unit).as_bytes());
        }
        self.family = Some((begun, self.wire.0.len()));
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        for series in 0..rows.len() {
            let value = match values {
                Values::U64(values) => values.get(series).map(|value| *value as f64),
                Values::I64(values) => values.get(series).map(|value| *value as f64),
                Values::F64(values) => values.get(series).copied(),
            };
            let Some(value) = value else { return };
            self.scalar(rows, series, value);
        }
    }

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        for (series, (counts, sum)) in values.values().enumerate() {
            let count = counts.iter().fold(0_u64, |sum, count| sum.wrapping_add(*count));
            self.series(rows, series, |wire| {
                let begun = wire.begin(metric::HISTOGRAM);
                wire.uint(histogram::SAMPLE_COUNT, count);
                wire.double(histogram::SAMPLE_SUM, sum);
                classic(wire, values, series, counts, count);
                wire.end(begun);
            });
        }
    }

    fn native_histogram(&mut self, row: &Rows<'_>, value: &NativeReading<'_>) {
        self.series(row, 0, |wire| {
            let begun = wire.begin(metric::HISTOGRAM);
            wire.uint(histogram::SAMPLE_COUNT, value.count());
            wire.double(histogram::SAMPLE_SUM, value.sum());
            if value.has_classic() {
                let values = value.classic();
                for (counts, _) in values.values() {
                    classic(wire, &values, 0, counts, value.count());
                }
            }
            wire.sint(histogram::SCHEMA, i64::from(value.schema()));
            // Above 0, by which a scraper tells a native histogram that counted nothing yet.
            wire.double(histogram::ZERO_THRESHOLD, value.zero_threshold());
            wire.uint(histogram::ZERO_COUNT, value.zero_count());
            exponential(wire, histogram::NEGATIVE_SPAN, histogram::NEGATIVE_DELTA, value.negative());
            exponential(wire, histogram::POSITIVE_SPAN, histogram::POSITIVE_DELTA, value.positive());
            if !value.has_classic() {
                value.exemplars().for_each(|exemplar| write_exemplar(wire, histogram::EXEMPLARS, &exemplar));
            }
            wire.end(begun);
        });
    }

    fn summaries(&mut self, rows: &Rows<'_>, values: &[Quantiles]) {
        for (series, value) in values.iter().enumerate() {
            self.series(rows, series, |wire| {
                let begun = wire.begin(metric::SUMMARY);
                wire.uint(summary::SAMPLE_COUNT, value.count);
                wire.double(summary::SAMPLE_SUM, value.sum);
                for (of, is) in QUANTILES.iter().zip(value.values) {
                    let begun = wire.begin(summary::QUANTILE);
                    wire.double(summary::OF, *of);
                    wire.double(summary::IS, is);
                    wire.end(begun);
                }
                wire.end(begun);
            });
        }
    }
}
