//! What many observations come to: how many, how many failed, how long they took.

use super::json;
use observe_core::metric::Exemplar;
use serde_json::Value;

/// Observations of one kind, in buckets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures {
    /// By bucket, not added up; the last is beyond all bounds.
    pub(super) counts: Vec<u64>,
    pub(super) count: u64,
    pub(super) errors: u64,
    pub(super) sum: f64,
    /// The latest in the slowest bucket that has one, and that bucket.
    pub(super) exemplar: Option<(usize, Exemplar)>,
}

impl Figures {
    pub(super) fn add(&mut self, counts: &[u64], sum: f64, is_error: bool) {
        let count = counts.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
        self.count = self.count.saturating_add(count);
        if is_error {
            self.errors = self.errors.saturating_add(count);
        }
        self.sum += sum;
    }

    pub(super) fn exemplify(&mut self, bucket: usize, exemplar: Exemplar) {
        let is_better = |(known, old): &(usize, Exemplar)| {
            bucket > *known || bucket == *known && exemplar.unix_nanos > old.unix_nanos
        };
        if self.exemplar.as_ref().is_none_or(is_better) {
            self.exemplar = Some((bucket, exemplar));
        }
    }

    /// Their mean, in milliseconds.
    pub(super) fn mean_ms(&self) -> Value {
        if self.count == 0 { Value::Null } else { (self.sum / self.count as f64 * 1e3).into() }
    }

    /// The way to a trace.
    pub(super) fn exemplar(&self) -> Value {
        json::exemplar(self.exemplar.as_ref().map(|(_, exemplar)| exemplar))
    }
}

/// Adds bucket by bucket.
pub(super) fn add(into: &mut Vec<u64>, counts: &[u64]) {
    if into.len() < counts.len() {
        into.resize(counts.len(), 0);
    }
    for (sum, count) in into.iter_mut().zip(counts) {
        *sum = sum.saturating_add(*count);
    }
}

/// A quantile, by the rule of Prometheus' `histogram_quantile`: linear within a bucket, whose lower bound is 0 for the first; the
/// last bound where it lies beyond all. `None`: there is no observation.
pub(super) fn quantile(bounds: &[f64], counts: &[u64], q: f64) -> Option<f64> {
    let total: u64 = counts.iter().sum();
    if total == 0 || bounds.is_empty() {
        return None;
    }
    let rank = q * total as f64;
    let mut below = 0.0;
    for (index, count) in counts.iter().enumerate() {
        let count = *count as f64;
        if below + count >= rank && count > 0.0 {
            let Some(upper) = bounds.get(index) else { break };
            let lower = index.checked_sub(1).and_then(|before| bounds.get(before)).copied();
            let lower = lower.unwrap_or(if *upper > 0.0 { 0.0 } else { *upper });
            return Some(lower + (upper - lower) * ((rank - below) / count));
        }
        below += count;
    }
    bounds.last().copied()
}

/// p50, p95 and p99 of durations in seconds, as members in milliseconds.
pub(super) fn quantiles_ms(bounds: &[f64], counts: &[u64]) -> [(&'static str, Value); 3] {
    [("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)]
        .map(|(name, q)| (name, json::seconds_ms(quantile(bounds, counts, q))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use observe_core::context::{SpanId, TraceId};

    // Mutations caught: a rank that is off by one; the last bucket's bound taken for infinite; a first bucket that begins at
    // its bound.
    #[test]
    fn quantiles_are_those_of_prometheus() {
        let bounds = [1.0, 2.0, 4.0];
        for (counts, q, expected) in [
            ([0, 0, 0, 0], 0.5, None),
            ([10, 0, 0, 0], 0.5, Some(0.5)),
            ([0, 10, 0, 0], 0.5, Some(1.5)),
            ([10, 10, 0, 0], 0.5, Some(1.0)),
            ([10, 0, 10, 0], 0.75, Some(3.0)),
            ([0, 0, 0, 3], 0.5, Some(4.0)),
            ([9, 0, 0, 1], 0.99, Some(4.0)),
        ] {
            assert_eq!(quantile(&bounds, &counts, q), expected, "{counts:?} {q}");
        }
        assert_eq!(quantile(&[], &[3], 0.5), None);
    }

    // Mutations caught: the first exemplar that stays; the latest, or that of the fastest bucket.
    #[test]
    fn the_slowest_bucket_has_the_exemplar_and_there_the_latest() {
        let exemplar = |unix_nanos| Exemplar {
            value: 1.0,
            trace_id: TraceId::random(),
            span_id: SpanId::random(),
            unix_nanos,
        };
        let (mut figures, latest) = (Figures::default(), exemplar(3));
        for (bucket, exemplar) in
            [(1, exemplar(9)), (4, exemplar(2)), (4, latest), (4, exemplar(1)), (2, exemplar(8))]
        {
            figures.exemplify(bucket, exemplar);
        }
        assert_eq!(figures.exemplar, Some((4, latest)));
    }
}
