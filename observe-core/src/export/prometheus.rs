//! The text formats of Prometheus: 0.0.4, and OpenMetrics 1.0.
//!
//! Samples have the same names in both. OpenMetrics has units, exemplars and an end, and calls the family of
//! `orders_total` `orders`. (Prometheus exposition formats, text-based format; OpenMetrics 1.0, text format.)

use std::ops::Range;

use super::protobuf;
use crate::clock::Clock;
use crate::metric::snapshot::{Head, Histograms, QUANTILES, Quantiles, Rows, Values, Visitor};
use crate::metric::text::Number;
use crate::metric::{Exemplar, Kind, Unit};
use crate::registry::Registry;

/// A format of `/metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Prometheus text 0.0.4, which everything can read.
    Text,
    /// OpenMetrics 1.0: with exemplars and units.
    OpenMetrics,
    /// The protobuf messages of Prometheus, each with its length before it: the only one with native histograms.
    Protobuf,
}

impl Format {
    /// The value of `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Format::Text => "text/plain; version=0.0.4; charset=utf-8",
            Format::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }
}

impl Registry {
    /// Writes everything in `format` at the end of `out`.
    ///
    /// Nothing but `out` is allocated for families, and `out` not either when it has the capacity: keep it, or
    /// remember the size. No recording waits.
    ///
    /// ```
    /// use observe_core::{Format, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.counter::<()>("lines_total", "Lines written.")?.add(3);
    /// let mut out = Vec::new();
    /// registry.encode(Format::Text, &mut out);
    /// assert!(String::from_utf8_lossy(&out).contains("\nlines_total 3\n"));
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    pub fn encode(&self, format: Format, out: &mut Vec<u8>) {
        // Scrapes come at intervals, also where no line is written that would see to it.
        Clock::system().renew();
        if format == Format::Protobuf {
            let mut writer = protobuf::Writer::new(out);
            self.visit(&mut writer);
            return writer.end();
        }
        let mut writer = Writer::new(format, out);
        self.visit(&mut writer);
        writer.end();
    }
}

/// Writes what it visits.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    format: Format,
    /// Where in `out` the name of the present family stands.
    name: Range<usize>,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(format: Format, out: &'a mut Vec<u8>) -> Self {
        Self { out, format, name: 0..0 }
    }

    /// Shows what was written to `read`, and forgets it: before a family, or at the end.
    pub(crate) fn take<T>(&mut self, read: impl FnOnce(&[u8]) -> T) -> T {
        let read = read(self.out);
        self.out.clear();
        read
    }

    pub(crate) fn end(&mut self) {
        if self.format == Format::OpenMetrics {
            self.out.extend_from_slice(b"# EOF\n");
        }
    }

    fn u64(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn f64(&mut self, value: f64) {
        let text: &[u8] = match value {
            value if value.is_nan() => b"NaN",
            f64::INFINITY => b"+Inf",
            f64::NEG_INFINITY => b"-Inf",
            value => return self.out.extend_from_slice(ryu::Buffer::new().format_finite(value).as_bytes()),
        };
        self.out.extend_from_slice(text);
    }

    fn help(&mut self, help: &str) {
        for byte in help.bytes() {
            match byte {
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'"' if self.format == Format::OpenMetrics => self.out.extend_from_slice(b"\\\""),
                _ => self.out.push(byte),
            }
        }
    }

    /// `name_suffix{labels}` and a space.
    fn sample(&mut self, suffix: &[u8], labels: &[u8]) {
        self.out.extend_from_within(self.name.clone());
        self.out.extend_from_slice(suffix);
        if !labels.is_empty() {
            self.out.push(b'{');
            self.out.extend_from_slice(labels);
            self.out.push(b'}');
        }
        self.out.push(b' ');
    }

    /// OpenMetrics, "Exemplars": labels of at most 128 characters, the value, and when. Here 63 characters.
    fn exemplar(&mut self, exemplar: &Exemplar) {
        self.out.extend_from_slice(b" # {trace_id=\"");
        self.out.extend_from_slice(&exemplar.trace_id.write_hex());
        self.out.extend_from_slice(b"\",span_id=\"");
        self.out.extend_from_slice(&exemplar.span_id.write_hex());
        self.out.extend_from_slice(b"\"} ");
        self.f64(exemplar.value);
        self.out.push(b' ');
        self.u64(exemplar.unix_nanos / 1_000_000_000);
        let millis = exemplar.unix_nanos / 1_000_000 % 1_000;
        let digits = [millis / 100, millis / 10 % 10, millis % 10].map(|digit| b'0' + digit as u8);
        self.out.push(b'.');
        self.out.extend_from_slice(&digits);
    }
}

impl Visitor for Writer<'_> {
    fn family(&mut self, head: &Head<'_>) {
        let (name, kind) = match (self.format, head.kind) {
            (Format::Text, Kind::Info) => (head.name, "gauge"),
            (Format::Text, kind) => (head.name, kind.as_str()),
            (_, kind) => (kind.family_name(head.name), kind.as_str()),
        };
        self.out.extend_from_slice(b"# HELP ");
        let begin = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        self.name = begin..self.out.len();
        self.out.push(b' ');
        self.help(head.help);
        for (keyword, word) in [
            (&b"\n# TYPE "[..], Some(kind)),
            (b"\n# UNIT ", head.unit.map(Unit::as_str).filter(|_| self.format == Format::OpenMetrics)),
        ] {
            let Some(word) = word else { continue };
            self.out.extend_from_slice(keyword);
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b' ');
            self.out.extend_from_slice(word.as_bytes());
        }
        self.out.push(b'\n');
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        match values {
            Values::U64(values) => {
                let mut number = Number::new(0);
                for (text, value) in rows.texts().zip(values) {
                    self.out.extend_from_slice(text);
                    number.set(*value);
                    number.write(self.out);
                }
            }
            Values::I64(values) => {
                for (text, value) in rows.texts().zip(values) {
                    self.out.extend_from_slice(text);
                    self.out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
                    self.out.push(b'\n');
                }
            }
            Values::F64(values) => {
                for (text, value) in rows.texts().zip(values) {
                    self.out.extend_from_slice(text);
                    self.f64(*value);
                    self.out.push(b'\n');
                }
            }
        }
    }

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        for (series, (labels, (counts, sum))) in rows.texts().zip(values.values()).enumerate() {
            let exemplars = self.format == Format::OpenMetrics && values.has_exemplars(series);
            let begin = self.out.len();
            self.out.extend_from_within(self.name.clone());
            self.out.extend_from_slice(b"_bucket{");
            self.out.extend_from_slice(labels);
            let prefix = begin..self.out.len();
            let mut total = 0_u64;
            let mut number = Number::new(0);
            for (bucket, (count, le)) in counts.iter().zip(values.le_texts()).enumerate() {
                if bucket > 0 {
                    self.out.extend_from_within(prefix.clone());
                }
                // Each begins with the comma that stands between it and the labels.
                if labels.is_empty() {
                    self.out.extend_from_slice(le.as_bytes().get(1..).unwrap_or_default());
                } else {
                    le.write(self.out);
                }
                if *count > 0 {
                    total = total.wrapping_add(*count);
                    number.set(total);
                }
                number.write(self.out);
                if exemplars && let Some(exemplar) = values.exemplar(series, bucket) {
                    self.out.pop();
                    self.exemplar(&exemplar);
                    self.out.push(b'\n');
                }
            }
            // OpenMetrics, "Histogram": what can be negative has no sum, and without a sum no count.
            let negative = sum < 0.0 || values.bounds().first().is_some_and(|bound| *bound < 0.0);
            if negative && self.format == Format::OpenMetrics {
                continue;
            }
            self.sample(b"_sum", labels);
            self.f64(sum);
            self.out.push(b'\n');
            self.sample(b"_count", labels);
            number.write(self.out);
        }
    }

    fn summaries(&mut self, rows: &Rows<'_>, values: &[Quantiles]) {
        for (labels, summary) in rows.texts().zip(values) {
            for (quantile, value) in QUANTILES.iter().zip(summary.values) {
                self.out.extend_from_within(self.name.clone());
                self.out.push(b'{');
                if !labels.is_empty() {
                    self.out.extend_from_slice(labels);
                    self.out.push(b',');
                }
                self.out.extend_from_slice(b"quantile=\"");
                self.f64(*quantile);
                self.out.extend_from_slice(b"\"} ");
                self.f64(value);
                self.out.push(b'\n');
            }
            self.sample(b"_sum", labels);
            self.f64(summary.sum);
            self.out.push(b'\n');
            self.sample(b"_count", labels);
            self.u64(summary.count);
            self.out.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{SpanId, TraceId};
    use crate::metric::{Buckets, Info, Window};
    use crate::registry::Collect;

    fn encoded(registry: &Registry, format: Format) -> String {
        let mut out = Vec::new();
        registry.encode(format, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.lines().filter(|line| !line.contains("observe_")).map(|line| format!("{line}\n")).collect()
    }

    fn registry() -> Registry {
        let registry = Registry::new();
        registry.counter::<()>("orders_total", "Orders \"placed\"\nso far.").unwrap().add(3);
        registry.gauge::<()>("a_depth", "Depth.").unwrap().set(-2);
        registry.gauge_f64::<()>("b_ratio", "Share.").unwrap().set(1.0);
        let waits = registry.histogram::<()>("wait_seconds", "Waits.", Buckets::new(&[0.5, 1.0])).unwrap();
        waits.observe(0.25);
        waits.observe(2.0);
        waits.exemplify(&Exemplar {
            value: 2.0,
            trace_id: TraceId::from_bytes([1; 16]).unwrap(),
            span_id: SpanId::from_bytes([2; 8]).unwrap(),
            unix_nanos: 1_700_000_000_012_000_000,
        });
        registry.register(Info::new("build_info", "Build.", &[("version", "1\\2\"3\n4")]).unwrap()).unwrap();
        registry.collector(|out: &mut Collect<'_>| {
            out.counter("c_seconds_total", "Time.", &[("mode", "user"), ("none", "")], 1.5);
        });
        registry
    }

    // Catches: OpenMetrics names in 0.0.4, quotes escaped in its help, units or exemplars written there.
    #[test]
    fn text_format() {
        assert_eq!(
            encoded(&registry(), Format::Text),
            r#"# HELP a_depth Depth.
# TYPE a_depth gauge
a_depth -2
# HELP b_ratio Share.
# TYPE b_ratio gauge
b_ratio 1.0
# HELP build_info Build.
# TYPE build_info gauge
build_info{version="1\\2\"3\n4"} 1
# HELP c_seconds_total Time.
# TYPE c_seconds_total counter
c_seconds_total{mode="user"} 1.5
# HELP orders_total Orders "placed"\nso far.
# TYPE orders_total counter
orders_total 3
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.5"} 1
wait_seconds_bucket{le="1.0"} 1
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 2.25
wait_seconds_count 2
"#
        );
    }

    #[test]
    fn open_metrics_format() {
        assert_eq!(
            encoded(&registry(), Format::OpenMetrics),
            r##"# HELP a_depth Depth.
# TYPE a_depth gauge
a_depth -2
# HELP b_ratio Share.
# TYPE b_ratio gauge
# UNIT b_ratio ratio
b_ratio 1.0
# HELP build Build.
# TYPE build info
build_info{version="1\\2\"3\n4"} 1
# HELP c_seconds Time.
# TYPE c_seconds counter
# UNIT c_seconds seconds
c_seconds_total{mode="user"} 1.5
# HELP orders Orders \"placed\"\nso far.
# TYPE orders counter
orders_total 3
# HELP wait_seconds Waits.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="0.5"} 1
wait_seconds_bucket{le="1.0"} 1
wait_seconds_bucket{le="+Inf"} 2 # {trace_id="01010101010101010101010101010101",span_id="0202020202020202"} 2.0 1700000000.012
wait_seconds_sum 2.25
wait_seconds_count 2
# EOF
"##
        );
    }

    #[test]
    fn what_can_be_negative_has_no_sum_in_open_metrics() {
        let registry = Registry::new();
        registry.histogram::<()>("drift", "Drift.", Buckets::new(&[-1.0, 1.0])).unwrap().observe(0.5);
        assert!(encoded(&registry, Format::Text).contains("drift_sum 0.5\ndrift_count 1\n"));
        assert!(encoded(&registry, Format::OpenMetrics).ends_with("drift_bucket{le=\"+Inf\"} 1\n# EOF\n"));
    }

    #[test]
    fn summaries_show_their_quantiles() {
        let registry = Registry::new();
        let sizes = registry.summary::<()>("size_bytes", "Sizes.", Window::MINUTE).unwrap();
        let text = encoded(&registry, Format::Text);
        assert!(text.contains("size_bytes{quantile=\"0.999\"} NaN\n"), "{text}");
        sizes.observe(7.0);
        let text = encoded(&registry, Format::Text);
        assert!(
            text.contains("size_bytes{quantile=\"1.0\"} 7.0\nsize_bytes_sum 7.0\nsize_bytes_count 1\n"),
            "{text}"
        );
    }
}
