//! Reads histograms of a registry, their series summed up by some of their labels.

use super::figures::{Figures, add};
use observe_core::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};
use observe_core::semconv::{http, metric as names};
use std::collections::BTreeMap;

/// A family that is read, and the labels that tell its rows apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) metric: &'static str,
    pub(super) by: &'static [&'static str],
}

/// A family, as it was read.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// The upper bounds of its buckets, in seconds.
    pub(super) bounds: Vec<f64>,
    /// By the values of the labels that were asked for, one behind the other: see [`parts`].
    pub(super) rows: BTreeMap<String, Figures>,
}

/// Stands between values; none has it, or it is one row with another.
const BETWEEN: char = '\u{1f}';

/// The values of the labels, in the order in which they were asked for.
pub(super) fn parts(key: &str) -> impl Iterator<Item = &str> {
    key.split(BETWEEN)
}

/// The key of a row.
pub(super) fn key(parts: &[&str]) -> String {
    parts.join(BETWEEN.encode_utf8(&mut [0; 4]))
}

/// Reads the families that are asked for.
pub(super) struct Reader<'a> {
    asked: &'a [Asked],
    current: Option<usize>,
    pub(super) families: Vec<Family>,
    key: String,
    values: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(asked: &'a [Asked]) -> Self {
        let families = asked.iter().map(|_| Family::default()).collect();
        Self { asked, current: None, families, key: String::new(), values: Vec::new() }
    }

    /// What was asked for, and what was read of it.
    pub(super) fn read(self) -> impl Iterator<Item = (&'a Asked, Family)> {
        self.asked.iter().zip(self.families)
    }
}

/// Whether these labels are those of what failed. A request that was cancelled, and a call, did not.
fn is_error(name: &str, value: &str) -> bool {
    name == http::ERROR_TYPE_LABEL && value != http::CANCELLED
        || name == names::OUTCOME && ["error", "panicked"].contains(&value)
}

impl Visitor for Reader<'_> {
    fn family(&mut self, head: &Head<'_>) {
        self.current = self.asked.iter().position(|asked| asked.metric == head.name);
    }

    fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        let Some(index) = self.current else { return };
        let (Some(asked), Some(family)) = (self.asked.get(index), self.families.get_mut(index)) else {
            return;
        };
        if family.bounds.is_empty() {
            family.bounds = values.bounds().to_vec();
        }
        let is_alike = family.bounds == values.bounds();
        for (series, (counts, sum)) in values.values().enumerate() {
            if counts.iter().all(|count| *count == 0) {
                continue;
            }
            self.values.clear();
            self.values.resize(asked.by.len(), String::new());
            let (known, mut failed) = (&mut self.values, false);
            rows.labels(series, &mut |name, value| {
                if let Some(place) =
                    asked.by.iter().position(|by| *by == name).and_then(|at| known.get_mut(at))
                {
                    place.push_str(value);
                }
                failed |= is_error(name, value);
            });
            self.key.clear();
            for (place, value) in self.values.iter().enumerate() {
                if place > 0 {
                    self.key.push(BETWEEN);
                }
                self.key.push_str(value);
            }
            if !family.rows.contains_key(&self.key) {
                family.rows.insert(self.key.clone(), Figures::default());
            }
            let Some(row) = family.rows.get_mut(&self.key) else { continue };
            row.add(counts, sum, failed);
            // One whose buckets are others is counted, and has no part in quantiles.
            if is_alike {
                add(&mut row.counts, counts);
            }
            if values.has_exemplars(series) {
                let found = (0..counts.len())
                    .rev()
                    .find_map(|bucket| Some((bucket, values.exemplar(series, bucket)?)));
                if let Some((bucket, exemplar)) = found {
                    row.exemplify(bucket, exemplar);
                }
            }
        }
    }

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}
