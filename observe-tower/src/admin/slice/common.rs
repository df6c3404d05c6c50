//! What the bad ones have in common: values that are there more often among them than among all.

use super::super::json;
use super::sample::{Sample, Taken};
use observe_core::semconv::{http, span as names};
use serde_json::{Value, json};

/// Fewer bad ones say nothing.
const LEAST_BAD: u64 = 3;
/// From so many standard deviations on it is told.
const LEAST_SCORE: f64 = 2.0;

/// What says the same as being bad, or is of one request alone.
const SAME: [&str; 7] = [
    names::OUTCOME,
    names::ERROR_TYPE,
    names::ERROR_MESSAGE,
    names::SAMPLING_REASON,
    names::SAMPLING_PROBABILITY,
    http::STATUS,
    names::DURATION_MS,
];

/// How many have each value, and how many bad ones.
pub(super) struct Bad<'a> {
    all: u64,
    bad: u64,
    /// By the number of the value: with it, bad with it, and the slowest of those.
    counts: Vec<(u64, u64, Option<&'a Taken>)>,
}

/// A value that the bad ones have in common.
#[derive(Debug)]
pub(super) struct Common<'a> {
    value: usize,
    with: u64,
    bad: u64,
    expected: f64,
    lift: f64,
    score: f64,
    example: Option<&'a Taken>,
}

impl<'a> Bad<'a> {
    pub(super) fn of(sample: &'a Sample, is_bad: impl Fn(&Taken) -> bool) -> Self {
        let mut found = Self { all: 0, bad: 0, counts: vec![(0, 0, None); sample.values.len()] };
        for taken in &sample.taken {
            let is_bad = is_bad(taken);
            found.all += 1;
            found.bad += u64::from(is_bad);
            for number in &taken.values {
                let Some((with, bad, example)) = found.counts.get_mut(*number) else { continue };
                *with += 1;
                if is_bad {
                    *bad += 1;
                    if example.is_none_or(|example: &Taken| example.nanos < taken.nanos) {
                        *example = Some(taken);
                    }
                }
            }
        }
        found
    }

    /// The values that are over-represented among them, the clearest first.
    pub(super) fn common(self, sample: &Sample) -> Vec<Common<'a>> {
        let share = self.bad as f64 / self.all as f64;
        let mut common = Vec::new();
        if self.bad == 0 || self.bad == self.all {
            return common;
        }
        for (value, (with, bad, example)) in self.counts.into_iter().enumerate() {
            let name = sample.values.get(value).and_then(|value| sample.names.get(value.attribute));
            let says_the_same = name.is_none_or(|name| SAME.contains(&name.as_str()));
            if bad < LEAST_BAD || says_the_same {
                continue;
            }
            let expected = with as f64 * share;
            let lift = (bad as f64 / with as f64) / share;
            let score = (bad as f64 - expected) / (expected * (1.0 - share)).sqrt();
            if lift > 1.0 && score >= LEAST_SCORE {
                common.push(Common { value, with, bad, expected, lift, score, example });
            }
        }
        common.sort_by(|a, b| b.score.total_cmp(&a.score));
        common
    }
}

impl Common<'_> {
    pub(super) fn shown(&self, sample: &Sample) -> Value {
        let Some(value) = sample.values.get(self.value) else { return Value::Null };
        json!({
            "attribute": sample.names.get(value.attribute),
            "value": value.text,
            "requests": self.with,
            "bad": self.bad,
            "bad_share": json::share(self.bad, self.with),
            "expected": self.expected,
            "lift": self.lift,
            "score": self.score,
            "trace_id": self.example.map(|taken| json::id(taken.trace_id)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use observe_core::context::TraceId;

    /// So many requests, of which the first are bad, each with these values.
    fn sample(all: u64, values: impl Fn(u64) -> Vec<(&'static str, String)>) -> Sample {
        let mut sample = Sample::default();
        for number in 0..all {
            let values = values(number);
            let values = values.iter().filter_map(|(name, value)| sample.value(name, value)).collect();
            sample.taken.push(Taken { trace_id: TraceId::random(), nanos: number, is_failed: false, values });
        }
        sample
    }

    fn found(sample: &Sample, bad: u64) -> Vec<(String, u64, u64)> {
        let common = Bad::of(sample, |taken| taken.nanos < bad).common(sample);
        common
            .iter()
            .map(|common| (sample.values[common.value].text.clone(), common.with, common.bad))
            .collect()
    }

    // Mutations caught: values that all have; the rarest first; those that are under-represented; what says the same; a
    // formula that is another one than the guide's.
    #[test]
    fn what_is_over_represented_is_found() {
        // 100 requests, 10 of them bad: `eu` has 8 bad of 20, where 2 are expected; `us` the other 2 of 80.
        let sample = sample(100, |number| {
            let region = if !(8..88).contains(&number) { "eu" } else { "us" };
            vec![
                ("region", region.to_owned()),
                ("version", "1".to_owned()),
                ("outcome", if number < 10 { "error" } else { "ok" }.to_owned()),
                ("user", number.to_string()),
            ]
        });
        assert_eq!(found(&sample, 10), [("eu".to_owned(), 20, 8)]);
        let common = Bad::of(&sample, |taken| taken.nanos < 10).common(&sample);
        let shown = common[0].shown(&sample);
        assert_eq!((&shown["attribute"], &shown["bad_share"]), (&"region".into(), &0.4.into()));
        let number = |member: &str| shown[member].as_f64().unwrap();
        assert!((number("expected") - 2.0).abs() < 1e-9 && (number("lift") - 4.0).abs() < 1e-9, "{shown}");
        assert!((number("score") - 6.0 / 1.8_f64.sqrt()).abs() < 1e-9, "{shown}");
        assert_eq!(shown["trace_id"], sample.taken[7].trace_id.to_string());
        assert!(found(&sample, 0).is_empty() && found(&sample, 100).is_empty());
    }

    // Mutation caught: two that failed taken for a pattern.
    #[test]
    fn a_few_say_nothing() {
        let sample = sample(100, |number| vec![("region", if number < 2 { "eu" } else { "us" }.to_owned())]);
        assert!(found(&sample, 2).is_empty());
    }
}
