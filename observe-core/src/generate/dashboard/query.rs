//! Queries, in PromQL, of what is shown under whatever name.

use super::super::declared::{Called, Declared};
use crate::metric::{Kind, Unit};

/// What of the service is looked at: as is chosen at the top of a dashboard.
pub(super) const SCOPE: &str = r#"job=~"$job",instance=~"$instance""#;

/// What rates look back over.
const LOOK_BACK: &str = "[$__rate_interval]";

/// The quantiles of a time.
pub(super) const QUANTILES: [(&str, &str); 3] = [("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99")];

/// A selector of a series: `matchers` stand behind what is looked at.
pub(super) fn select(series: &str, matchers: &str) -> String {
    match matchers {
        "" => format!("{series}{{{SCOPE}}}"),
        _ => format!("{series}{{{SCOPE},{matchers}}}"),
    }
}

/// How fast a counter grows.
pub(super) fn rate(series: &str, matchers: &str) -> String {
    format!("rate({}{LOOK_BACK})", select(series, matchers))
}

/// An aggregation: `sum by (route) (…)`.
pub(super) fn over(how: &str, labels: &[&str], of: &str) -> String {
    match labels {
        [] => format!("{how}({of})"),
        _ => format!("{how} by ({}) ({of})", labels.join(", ")),
    }
}

/// A quantile of the histogram of this name.
pub(super) fn quantile(of: &str, histogram: &str, labels: &[&str], matchers: &str) -> String {
    let labels: Vec<&str> = labels.iter().copied().chain(["le"]).collect();
    let buckets = over("sum", &labels, &rate(&format!("{histogram}_bucket"), matchers));
    format!("histogram_quantile({of}, {buckets})")
}

/// A quantile of the native histogram of this name: of its exponential buckets, or where these are not scraped of the
/// classic ones that may stand beside them.
pub(super) fn native_quantile(of: &str, histogram: &str) -> String {
    let native = over("sum", &[], &rate(histogram, ""));
    format!("histogram_quantile({of}, {native}) or {}", quantile(of, histogram, &[], ""))
}

/// How many a second a native histogram counts, in whichever form it is scraped.
pub(super) fn native_rate(histogram: &str, labels: &[&str]) -> String {
    let native = over("sum", labels, &rate(histogram, ""));
    format!("histogram_count({native}) or {}", over("sum", labels, &rate(&format!("{histogram}_count"), "")))
}

/// A share that is 0 where there is none of the part, and nothing where there is none of the whole.
pub(super) fn share(labels: &[&str], part: &str, whole: &str) -> String {
    let (part, whole) = (over("sum", labels, part), over("sum", labels, whole));
    format!("({part} or 0 * {whole}) / ({whole} > 0)")
}

/// Which share of something is used.
pub(super) fn of_capacity(labels: &[&str], used: &str, capacity: &str) -> String {
    format!("{} / ({} > 0)", over("sum", labels, used), over("sum", labels, capacity))
}

/// What a series is called that has these labels.
pub(super) fn legend(labels: &[&str]) -> String {
    labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ")
}

/// In which unit Grafana is to show what a family of this name says; of a counter its rate.
pub(super) fn unit(name: &str, kind: Kind) -> &'static str {
    match (Unit::of(name), kind) {
        // Seconds in a second: a share.
        (Some(Unit::Seconds), Kind::Counter) | (Some(Unit::Ratio), _) => "percentunit",
        (Some(Unit::Bytes), Kind::Counter) => "Bps",
        (Some(Unit::Seconds), _) => "s",
        (Some(Unit::Bytes), _) => "bytes",
        (Some(Unit::Celsius), _) => "celsius",
        (Some(Unit::Joules), Kind::Counter) => "watt",
        (Some(Unit::Joules), _) => "joule",
        (None, Kind::Counter) => "cps",
        (None, _) => "short",
    }
}

/// The durations of something, as they are shown.
pub(super) struct Durations<'a> {
    pub(super) called: Called<'a>,
    /// Of which series something failed, if that can be told.
    pub(super) failed: Option<String>,
}

impl<'a> Durations<'a> {
    /// Those whose label `error_type` says what failed.
    pub(super) fn typed(called: Called<'a>, label: &'static str) -> Self {
        let failed = called.label(label).map(|label| format!(r#"{label}!~"|cancelled""#));
        Self { called, failed }
    }

    /// Those whose label `outcome` does, if a scrape shows them.
    pub(super) fn ended(declared: &'a Declared, family: &'static str, label: &'static str) -> Option<Self> {
        let called = declared.family(family)?;
        let failed = called.label(label).map(|label| format!(r#"{label}!~"ok|cancelled""#));
        Some(Self { called, failed })
    }

    /// Those of these labels that are shown.
    pub(super) fn labels(&self, labels: &[&'static str]) -> Vec<&'a str> {
        labels.iter().filter_map(|label| self.called.label(label)).collect()
    }

    fn count(&self) -> String {
        format!("{}_count", self.called.name)
    }

    /// How many ended, a second.
    pub(super) fn rate(&self, labels: &[&str], matchers: &str) -> String {
        over("sum", labels, &rate(&self.count(), matchers))
    }

    /// Which share failed.
    pub(super) fn failures(&self, labels: &[&str]) -> Option<String> {
        let failed = rate(&self.count(), self.failed.as_deref()?);
        Some(share(labels, &failed, &rate(&self.count(), "")))
    }

    pub(super) fn quantile(&self, of: &str, labels: &[&str], matchers: &str) -> String {
        quantile(of, self.called.name, labels, matchers)
    }

    /// How many fell into each bucket.
    pub(super) fn buckets(&self, matchers: &str) -> String {
        over("sum", &["le"], &rate(&format!("{}_bucket", self.called.name), matchers))
    }
}
