//! What stands on a `/metrics` page.

use crate::get;
use std::collections::HashMap;
use std::net::SocketAddr;

/// The samples of a page in the text format.
#[derive(Debug)]
pub struct Metrics(Vec<(String, HashMap<String, String>, f64)>);

impl Metrics {
    /// Those of a service, now.
    ///
    /// # Panics
    ///
    /// If it does not answer with a page that can be read.
    pub fn of(service: SocketAddr) -> Self {
        let answer = get(service, "/metrics");
        assert_eq!(answer.status, 200);
        Self::read(&answer.body)
    }

    /// Those of a page.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    #[must_use]
    pub fn read(page: &str) -> Self {
        Self(page.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(sample).collect())
    }

    /// The sum of the samples of this name that have all these labels; an empty one is there or not. No label value of
    /// ours contains `"` or `,`.
    #[must_use]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |found: &HashMap<String, String>| {
            labels.iter().all(|(name, value)| found.get(*name).map_or("", String::as_str) == *value)
        };
        self.0.iter().filter(|(found, has, _)| found == name && fits(has)).map(|sample| sample.2).sum()
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The samples: name, labels, value.
    pub fn samples(&self) -> impl Iterator<Item = &(String, HashMap<String, String>, f64)> {
        self.0.iter()
    }
}

fn sample(line: &str) -> (String, HashMap<String, String>, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line:?}"));
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let label = |text: &str| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    let labels = labels.trim_end_matches('}').split(',').filter_map(label).collect();
    (name.to_owned(), labels, value.parse().unwrap_or_else(|_| panic!("not a number in {line:?}")))
}
