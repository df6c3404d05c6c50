//! PromQL, as far as the generated files need it.

use super::declared::Declared;
use crate::semconv::{alert, slo as names};
use crate::slo::{Slo, promql_duration};
use std::fmt::Write as _;
use std::time::Duration;

/// A text as PromQL quotes it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A name with its labels, as the text format and PromQL write it.
pub(super) fn series<'a>(name: &str, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let labels: Vec<_> =
        labels.into_iter().map(|(label, value)| format!("{label}={}", quoted(value))).collect();
    format!("{name}{{{}}}", labels.join(","))
}

impl Declared {
    /// What is counted or recorded of an objective.
    pub(super) fn of_slo(&self, name: &str, slo: &Slo) -> String {
        series(self.shown(name), [(names::SLO, slo.name()), (names::SERVICE, &*self.service)])
    }

    /// A metric of this service: it is scraped by a job of the service's name.
    pub(super) fn of_job(&self, name: &str) -> String {
        self.of_job_where(name, "")
    }

    /// Of a metric of this service what these matchers choose, too.
    pub(super) fn of_job_where(&self, name: &str, matchers: &str) -> String {
        let comma = if matchers.is_empty() { "" } else { "," };
        format!("{}{{{}={}{comma}{matchers}}}", self.shown(name), alert::JOB, quoted(&self.service))
    }

    /// What is recorded of an objective over a window.
    pub(super) fn over(&self, name: &str, window: Duration, slo: &Slo) -> String {
        self.of_slo(&over(name, window), slo)
    }
}

/// The name of what is recorded over a window: `slo:bad:rate5m`.
pub(super) fn over(name: &str, window: Duration) -> String {
    format!("{name}{}", promql_duration(window))
}

/// Without what a product of such numbers has behind the tenth digit.
pub(super) fn tidy(value: f64) -> f64 {
    (value * 1e10).round() / 1e10
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: a quote that ends the text.
    #[test]
    fn texts_stay_texts() {
        assert_eq!(quoted("a\"b\\c\nd\u{7}"), r#""a\"b\\c\nd\u0007""#);
        assert_eq!(series("up", [("job", "x")]), r#"up{job="x"}"#);
    }
}
