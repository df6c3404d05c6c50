//! What a metric is, and what its name must therefore look like.

use crate::label::name::{has_suffix, metric_fault};

/// The kinds of metrics, as Prometheus and OpenMetrics know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Goes up only. Its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets.
    Histogram,
    /// Counts observations in exponential buckets. Formats that know classic buckets only have it as a histogram.
    NativeHistogram,
    /// Quantiles of a moving window.
    Summary,
    /// A constant 1 whose labels carry the information. Its name ends in `_info`.
    Info,
}

impl Kind {
    /// How it is written after `# TYPE` (`info` in OpenMetrics only).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram | Kind::NativeHistogram => "histogram",
            Kind::Summary => "summary",
            Kind::Info => "info",
        }
    }

    /// The rule that `name` breaks as the name of a metric of this kind, or `None` if it is a good one.
    pub(crate) const fn name_fault(self, name: &str) -> Option<&'static str> {
        if let Some(fault) = metric_fault(name) {
            return Some(fault);
        }
        match self {
            Kind::Counter if !has_suffix(name, "_total") => Some("the name of a counter ends in `_total`"),
            Kind::Gauge | Kind::Histogram | Kind::NativeHistogram | Kind::Summary
                if has_suffix(name, "_total") =>
            {
                Some("only the name of a counter ends in `_total`")
            }
            Kind::Info if !has_suffix(name, "_info") => Some("the name of an info ends in `_info`"),
            _ => None,
        }
    }

    /// The name of the family in OpenMetrics: a counter's without `_total`, an info's without `_info`.
    pub(crate) fn family_name(self, name: &str) -> &str {
        let suffix = match self {
            Kind::Counter => "_total",
            Kind::Info => "_info",
            Kind::Gauge | Kind::Histogram | Kind::NativeHistogram | Kind::Summary => "",
        };
        name.strip_suffix(suffix).unwrap_or(name)
    }

    /// What a sample of this kind may be called, after the family's name: two families that share one of these
    /// cannot stand beside each other. `_created` is none that we write, but one that OpenMetrics reserves.
    pub(crate) const fn sample_suffixes(self) -> &'static [&'static str] {
        match self {
            Kind::Counter => &["", "_total", "_created"],
            Kind::Gauge => &[""],
            Kind::Histogram | Kind::NativeHistogram => &["", "_bucket", "_sum", "_count", "_created"],
            Kind::Summary => &["", "_sum", "_count", "_created"],
            Kind::Info => &["", "_info"],
        }
    }
}

/// Base units, as OpenMetrics recommends them. The name of a metric with a unit ends in it (before `_total`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Time, in seconds.
    Seconds,
    /// Memory and data, in bytes.
    Bytes,
    /// A share: 1 is all of it.
    Ratio,
    /// Temperature, in degrees Celsius.
    Celsius,
    /// Energy, in joules.
    Joules,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 5] = [Unit::Seconds, Unit::Bytes, Unit::Ratio, Unit::Celsius, Unit::Joules];

    /// How it is written at the end of a name and after `# UNIT`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::Ratio => "ratio",
            Unit::Celsius => "celsius",
            Unit::Joules => "joules",
        }
    }

    /// The unit that a name ends in, if any: what a family has unless told otherwise.
    pub(crate) const fn of(name: &str) -> Option<Unit> {
        let mut i = 0;
        while i < Unit::ALL.len() {
            if Unit::ALL[i].ends(name) {
                return Some(Unit::ALL[i]);
            }
            i += 1;
        }
        None
    }

    /// Whether `name`, without `_total`, ends in this unit.
    pub(crate) const fn ends(self, name: &str) -> bool {
        match self {
            Unit::Seconds => has_suffix(name, "_seconds") || has_suffix(name, "_seconds_total"),
            Unit::Bytes => has_suffix(name, "_bytes") || has_suffix(name, "_bytes_total"),
            Unit::Ratio => has_suffix(name, "_ratio") || has_suffix(name, "_ratio_total"),
            Unit::Celsius => has_suffix(name, "_celsius") || has_suffix(name, "_celsius_total"),
            Unit::Joules => has_suffix(name, "_joules") || has_suffix(name, "_joules_total"),
        }
    }
}

/// Observations that were not counted, since they are no values of their metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Not a number, or infinite.
    pub not_finite: u64,
    /// Negative where only times and sizes are observed, or beyond 2^63 of the smallest unit.
    pub out_of_range: u64,
}

impl std::ops::AddAssign for Rejected {
    fn add_assign(&mut self, other: Self) {
        self.not_finite = self.not_finite.wrapping_add(other.not_finite);
        self.out_of_range = self.out_of_range.wrapping_add(other.out_of_range);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a counter without `_total`, or a gauge with it, which OpenMetrics parsers refuse.
    #[test]
    fn names_by_kind() {
        assert_eq!(Kind::Counter.name_fault("orders_total"), None);
        assert!(Kind::Counter.name_fault("orders").is_some());
        assert!(Kind::Counter.name_fault("_total").is_some());
        assert!(Kind::Gauge.name_fault("orders_total").is_some());
        assert!(Kind::Histogram.name_fault("orders_total").is_some());
        assert_eq!(Kind::Info.name_fault("build_info"), None);
        assert!(Kind::Info.name_fault("build").is_some());
        assert!(Kind::Gauge.name_fault("a:b").is_some());
    }

    #[test]
    fn family_names() {
        assert_eq!(Kind::Counter.family_name("orders_total"), "orders");
        assert_eq!(Kind::Info.family_name("build_info"), "build");
        assert_eq!(Kind::Gauge.family_name("build_info"), "build_info");
    }

    #[test]
    fn units_by_name() {
        assert_eq!(Unit::of("wait_seconds"), Some(Unit::Seconds));
        assert_eq!(Unit::of("read_bytes_total"), Some(Unit::Bytes));
        assert_eq!(Unit::of("seconds"), None);
        assert_eq!(Unit::of("orders_total"), None);
        for unit in Unit::ALL {
            assert_eq!(Unit::of(&format!("x_{}", unit.as_str())), Some(unit));
        }
    }
}
