//! The requests and jobs that the flight recorder remembers.

use super::json;
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::state::State;
use super::wanted::{Wanted, nanos};
use observe_core::Keep;
use observe_core::inspect::{AttributeValue, Root};
use observe_core::semconv::{http, span as names};
use serde_json::{Value, json};
use std::cmp::Reverse;

/// The most that are answered.
const MOST: usize = 500;

pub(super) fn show(state: &State, query: &mut Query) -> Result<Value, Refusal> {
    let wanted = Wanted::take(query)?;
    let limit = query.limit(50, 1..=MOST)?;
    let by: fn(&Root<'_>) -> u64 = match query.take("order")?.as_deref() {
        None | Some("recent") => |root| root.start_unix_nanos(),
        Some("slowest") => nanos,
        Some(_) => return Err(wrong("order", "is `recent` or `slowest`")),
    };
    let asker = query.asker();
    let (mut searched, mut matched, mut found) = (0_u64, 0_u64, First::new(limit));
    state.inspect.roots(|root| {
        if asker.has_left() {
            return;
        }
        searched += 1;
        if wanted.admits(root) {
            matched += 1;
            found.offer(by(root), || summary(root));
        }
    });
    let traces = found.into_vec();
    Ok(json!({
        "now": json::time(state.unix_nanos()),
        "searched": searched,
        "matched": matched,
        "left_out": matched.saturating_sub(traces.len() as u64),
        "traces": traces,
    }))
}

/// The first of many, by the largest key.
pub(super) struct First<T> {
    most: usize,
    found: Vec<(u64, T)>,
    /// What is less is not among them.
    least: u64,
}

impl<T> First<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, found: Vec::new(), least: 0 }
    }

    /// Takes one, made only if it may be among them.
    pub(super) fn offer(&mut self, key: u64, make: impl FnOnce() -> T) {
        if key >= self.least {
            self.found.push((key, make()));
            if self.found.len() >= self.most.saturating_mul(2) {
                self.cut();
            }
        }
    }

    pub(super) fn into_vec(mut self) -> Vec<T> {
        self.cut();
        self.found.into_iter().map(|(_, found)| found).collect()
    }

    fn cut(&mut self) {
        self.found.sort_by_key(|(key, _)| Reverse(*key));
        self.found.truncate(self.most);
        if self.found.len() >= self.most {
            self.least = self.found.last().map_or(0, |(key, _)| *key);
        }
    }
}

fn summary(root: &Root<'_>) -> Value {
    let mut summary = json!({
        "trace_id": json::id(root.trace_id()),
        "span_id": json::id(root.span_id()),
        "name": root.name(),
        "kind": root.kind().as_str(),
        "method": null,
        "route": null,
        "status": null,
        "outcome": root.outcome().as_str(),
        "error_type": null,
        "error_message": null,
        "started": json::time(root.start_unix_nanos()),
        "duration_ms": json::millis(nanos(root)),
        "spans": root.spans(),
        "lines": root.lines(),
        "kept": root.kept().map(Keep::as_str),
        "pinned": root.is_pinned(),
    });
    for (name, value) in root.attributes() {
        let member = match &*name {
            http::REQUEST_METHOD => "method",
            http::ROUTE => "route",
            http::STATUS => "status",
            names::ERROR_TYPE => "error_type",
            names::ERROR_MESSAGE => "error_message",
            _ => continue,
        };
        if let Some(member) = summary.get_mut(member) {
            *member = cut(&value);
        }
    }
    summary
}

/// The longest text in a summary, in bytes.
const TEXT_MAX: usize = 500;

fn cut(value: &AttributeValue<'_>) -> Value {
    match value {
        AttributeValue::Str(text) => {
            text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default().into()
        }
        other => json::attribute(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: one that is larger cut away; one that is made though it cannot be among them.
    #[test]
    fn the_largest_come_first_and_the_others_are_not_made() {
        let (mut first, mut made) = (First::new(2), 0);
        for key in [3, 9, 1, 5, 2, 8] {
            first.offer(key, || {
                made += 1;
                key
            });
        }
        assert_eq!(first.into_vec(), [9, 8]);
        assert!(made < 6, "{made}");
    }
}
