//! The requests of the flight recorder, grouped by any attribute, and what the bad ones have in common.

mod common;
mod sample;

use super::aside::Asker;
use super::json;
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::state::State;
use super::wanted::{Wanted, is_failed, nanos};
use common::Bad;
use observe_core::inspect::Root;
use sample::{Sample, Taken};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most requests that are looked at: the latest.
const REQUESTS: usize = 20_000;
/// The most rows of a list.
const MOST: usize = 200;
/// The most attributes that are listed.
const LISTED: usize = 200;

/// The attribute that the name of a request or a job stands for: of a request `POST /charge`.
const NAME: &str = "span.name";

pub(super) fn show(state: &State, query: &mut Query) -> Result<Value, Refusal> {
    let wanted = Wanted::take(query)?;
    let limit = query.limit(50, 1..=MOST)?;
    let by = query.take("by")?;
    let slow_nanos = query.millis("slow_ms")?;
    let is_slow_asked = match query.take("bad")?.as_deref() {
        None | Some("failed") => false,
        Some("slow") => true,
        Some(_) => return Err(wrong("bad", "is `failed` or `slow`")),
    };

    let asker = query.asker();
    let (searched, sample) = take(state, &wanted, &asker);
    if asker.has_left() {
        return Ok(Value::Null);
    }
    let slow_nanos = slow_nanos.or_else(|| tenth(&sample));
    let is_slow = |taken: &Taken| slow_nanos.is_some_and(|slow| taken.nanos >= slow);
    let is_bad = |taken: &Taken| if is_slow_asked { is_slow(taken) } else { taken.is_failed };
    let groups = by.as_deref().map(|by| groups(&sample, by)).unwrap_or_default();
    let with: usize = groups.iter().map(|group| group.requests.len()).sum();
    let common = Bad::of(&sample, is_bad).common(&sample);
    let mut attributes = sample.attributes();
    attributes.sort_by_key(|(_, _, requests)| Reverse(*requests));
    let listed = attributes.iter().take(LISTED);
    let listed =
        listed.map(|(name, values, requests)| json!({"name": name, "values": values, "requests": requests}));
    Ok(json!({
        "now": json::time(state.unix_nanos()),
        "searched": searched,
        "requests": sample.taken.len(),
        "failed": sample.taken.iter().filter(|taken| taken.is_failed).count(),
        "slow": sample.taken.iter().filter(|taken| is_slow(taken)).count(),
        "slow_ms": slow_nanos.map(json::millis),
        "by": by,
        "bad": if is_slow_asked { "slow" } else { "failed" },
        "groups_left_out": groups.len().saturating_sub(limit),
        "without": by.is_some().then(|| sample.taken.len() - with),
        "groups": groups.iter().take(limit).map(|group| group.shown(&sample)).collect::<Vec<_>>(),
        "common_left_out": common.len().saturating_sub(limit),
        "common": common.iter().take(limit).map(|common| common.shown(&sample)).collect::<Vec<_>>(),
        "attributes_left_out": attributes.len().saturating_sub(LISTED) + sample.attributes_left_out,
        "attributes": listed.collect::<Vec<_>>(),
        "values_left_out": sample.values_left_out,
    }))
}

/// How many there are, and the latest of those that are asked for. Of no use if whoever asked has left.
fn take(state: &State, wanted: &Wanted, asker: &Asker) -> (u64, Sample) {
    let (mut searched, mut ends, now) = (0, Vec::new(), state.unix_nanos());
    state.inspect.roots(|root| {
        // What ends meanwhile is no part of it.
        if root.end_unix_nanos() <= now && !asker.has_left() {
            searched += 1;
            if wanted.admits(root) {
                ends.push(root.end_unix_nanos());
            }
        }
    });
    // What ends before this one is not among the latest.
    let since = ends.len().checked_sub(REQUESTS).map_or(0, |beyond| *ends.select_nth_unstable(beyond).1);
    let mut sample = Sample::default();
    state.inspect.roots(|root| {
        if (since..=now).contains(&root.end_unix_nanos())
            && sample.taken.len() < REQUESTS
            && !asker.has_left()
            && wanted.admits(root)
        {
            take_one(&mut sample, root);
        }
    });
    (searched, sample)
}

fn take_one(sample: &mut Sample, root: &Root<'_>) {
    let mut values = Vec::new();
    values.extend(sample.value(NAME, root.name()));
    for (name, value) in root.attributes() {
        values.extend(sample.value(&name, &value.to_string()));
    }
    let (nanos, is_failed) = (nanos(root), is_failed(root));
    sample.taken.push(Taken { trace_id: root.trace_id(), nanos, is_failed, values });
}

/// The duration that a tenth of them reach.
fn tenth(sample: &Sample) -> Option<u64> {
    let mut all: Vec<u64> = sample.taken.iter().map(|taken| taken.nanos).collect();
    all.sort_unstable();
    exact(&all, 0.9)
}

/// The quantile of durations in their order: the smallest that at least this share of them does not exceed.
fn exact(sorted: &[u64], q: f64) -> Option<u64> {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Requests with one value of an attribute.
struct Group<'a> {
    value: &'a str,
    requests: Vec<&'a Taken>,
}

/// By the values of an attribute, the largest first.
fn groups<'a>(sample: &'a Sample, by: &str) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<&str, Vec<&Taken>> = BTreeMap::new();
    for taken in &sample.taken {
        if let Some(value) = sample.value_of(taken, by) {
            groups.entry(value).or_default().push(taken);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().map(|(value, requests)| Group { value, requests }).collect();
    groups.sort_by_key(|group| Reverse(group.requests.len()));
    groups
}

impl Group<'_> {
    fn shown(&self, sample: &Sample) -> Value {
        let mut durations: Vec<u64> = self.requests.iter().map(|taken| taken.nanos).collect();
        durations.sort_unstable();
        let at = |q: f64| exact(&durations, q).map(json::millis);
        let errors = self.requests.iter().filter(|taken| taken.is_failed).count() as u64;
        let requests = self.requests.len() as u64;
        let example = self.requests.iter().max_by_key(|taken| (taken.is_failed, taken.nanos));
        json!({
            "value": self.value,
            "requests": requests,
            "share": json::share(requests, sample.taken.len() as u64),
            "errors": errors,
            "error_share": json::share(errors, requests),
            "p50_ms": at(0.5), "p95_ms": at(0.95), "p99_ms": at(0.99), "max_ms": at(1.0),
            "trace_id": example.map(|taken| json::id(taken.trace_id)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use observe_core::context::TraceId;

    // Mutation caught: a rank that is off by one.
    #[test]
    fn quantiles_are_exact() {
        let sorted: Vec<u64> = (1..=10).collect();
        for (q, expected) in [(0.5, 5), (0.9, 9), (0.95, 10), (0.99, 10), (1.0, 10), (0.01, 1)] {
            assert_eq!(exact(&sorted, q), Some(expected), "{q}");
        }
        assert_eq!((exact(&[], 0.5), exact(&[7], 0.5)), (None, Some(7)));
    }

    // Mutation caught: the slowest one shown where one failed.
    #[test]
    fn a_groups_example_is_its_slowest_failure() {
        let mut sample = Sample::default();
        for (nanos, is_failed) in [(9, false), (3, true), (5, true)] {
            let values = sample.value("region", "eu").into_iter().collect();
            sample.taken.push(Taken { trace_id: TraceId::random(), nanos, is_failed, values });
        }
        let groups = groups(&sample, "region");
        assert_eq!(groups[0].shown(&sample)["trace_id"], sample.taken[2].trace_id.to_string());
    }
}
