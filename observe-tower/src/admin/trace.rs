//! One trace, for a waterfall with its lines and its gaps.

use super::json;
use super::refusal::{Refusal, Rule};
use super::state::State;
use observe_core::context::{SpanId, TraceId};
use observe_core::inspect::{Line, Span};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// The most gaps of a span.
const GAPS: usize = 100;
/// Shorter ones are none, in nanoseconds.
const GAP_MIN: u64 = 100_000;

/// The id that stands in a path.
pub(super) fn id(digits: &str) -> Option<TraceId> {
    TraceId::from_hex(digits.as_bytes())
}

pub(super) fn show(state: &State, trace_id: TraceId) -> Result<Value, Refusal> {
    let trace = state.inspect.trace(trace_id).ok_or_else(|| {
        Refusal::new(
            Rule::Trace,
            "the flight recorder has no such trace: it is too long ago, under way, or unknown",
        )
    })?;
    let times = trace.spans.iter().map(|span| span.start_unix_nanos);
    let times = times.chain(trace.lines.iter().map(|line| line.unix_nanos));
    let start = times.min().unwrap_or_default();
    let end = trace.spans.iter().map(|span| span.end_unix_nanos).max().unwrap_or(start);
    let tree = Tree::of(&trace.spans);
    let spans: Vec<Value> = tree.in_order().into_iter().map(|at| tree.span(at, start)).collect();
    Ok(json!({
        "trace_id": json::id(trace.trace_id),
        "kept": trace.kept.map(|(keep, _)| keep.as_str()),
        "probability": trace.kept.map(|(_, probability)| probability),
        "pinned": trace.is_pinned,
        "started": json::time(start),
        "duration_ms": json::millis(end.saturating_sub(start)),
        "left_out": {"spans": trace.spans_left_out, "lines": trace.lines_left_out},
        "spans": spans,
        "lines": lines(&trace.lines, start),
    }))
}

/// Where a span stands.
#[derive(Clone, Copy, Debug, PartialEq)]
struct At {
    index: usize,
    depth: usize,
}

/// Spans, and which are below which.
struct Tree<'a> {
    spans: &'a [Span],
    /// By their start.
    below: HashMap<SpanId, Vec<usize>>,
}

impl<'a> Tree<'a> {
    fn of(spans: &'a [Span]) -> Self {
        let mut below: HashMap<SpanId, Vec<usize>> = HashMap::new();
        let mut in_time: Vec<(usize, &Span)> = spans.iter().enumerate().collect();
        in_time.sort_by_key(|(_, span)| span.start_unix_nanos);
        for (index, span) in in_time {
            if let Some(parent) = span.parent {
                below.entry(parent).or_default().push(index);
            }
        }
        Self { spans, below }
    }

    /// Parents first, those beside each other by their start. Each is there once, whatever the parents say.
    fn in_order(&self) -> Vec<At> {
        let here: HashSet<SpanId> = self.spans.iter().map(|span| span.span_id).collect();
        let is_first = |span: &Span| span.parent.is_none_or(|parent| !here.contains(&parent));
        let mut all: Vec<usize> = (0..self.spans.len()).collect();
        // Circles have no first: they come last, so that none of them is missing.
        all.sort_by_key(|index| {
            self.spans.get(*index).map(|span| (!is_first(span), span.start_unix_nanos)).unwrap_or_default()
        });
        let (mut order, mut seen) = (Vec::with_capacity(all.len()), HashSet::new());
        for index in all {
            let mut open = vec![At { index, depth: 0 }];
            while let Some(at) = open.pop() {
                let Some(span) = self.spans.get(at.index).filter(|_| seen.insert(at.index)) else { continue };
                order.push(at);
                let below = self.below.get(&span.span_id).map_or(&[][..], Vec::as_slice);
                open.extend(below.iter().rev().map(|index| At { index: *index, depth: at.depth + 1 }));
            }
        }
        order
    }

    fn span(&self, at: At, start: u64) -> Value {
        let Some(span) = self.spans.get(at.index) else { return Value::Null };
        let links = span
            .links
            .iter()
            .map(|to| json!({"trace_id": json::id(to.trace_id), "span_id": json::id(to.span_id)}));
        json!({
            "span_id": json::id(span.span_id),
            "parent_id": span.parent.map(json::id),
            "depth": at.depth,
            "is_local_root": span.is_local_root,
            "name": span.name,
            "target": span.target,
            "kind": span.kind.as_str(),
            "outcome": span.outcome.as_str(),
            "error": span.error,
            "offset_ms": offset(span.start_unix_nanos, start),
            "duration_ms": json::millis(span.end_unix_nanos.saturating_sub(span.start_unix_nanos)),
            "attributes": json::attributes(&span.attributes),
            "links": links.collect::<Vec<_>>(),
            "lines": lines(&span.lines, start),
            "gaps": self.gaps(span, start),
        })
    }

    /// Where none of the spans below it runs.
    fn gaps(&self, span: &Span, start: u64) -> Vec<Value> {
        let Some(below) = self.below.get(&span.span_id) else { return Vec::new() };
        let (mut gaps, mut covered) = (Vec::new(), span.start_unix_nanos);
        let mut gap = |from: u64, to: u64| {
            if to.saturating_sub(from) >= GAP_MIN && gaps.len() < GAPS {
                gaps.push(json!({"offset_ms": offset(from, start), "duration_ms": json::millis(to - from)}));
            }
        };
        for child in below.iter().filter_map(|index| self.spans.get(*index)) {
            gap(covered, child.start_unix_nanos.min(span.end_unix_nanos));
            covered = covered.max(child.end_unix_nanos);
        }
        gap(covered, span.end_unix_nanos);
        gaps
    }
}

/// From the start of the trace, in milliseconds; below 0 it was before.
fn offset(unix_nanos: u64, start: u64) -> f64 {
    (i128::from(unix_nanos) - i128::from(start)) as f64 / 1e6
}

fn lines(lines: &[Line], start: u64) -> Vec<Value> {
    lines.iter().map(|line| self::line(line, start)).collect()
}

fn line(line: &Line, start: u64) -> Value {
    json!({
        "time": json::time(line.unix_nanos),
        "offset_ms": offset(line.unix_nanos, start),
        "span_id": json::id(line.span_id),
        "level": line.level.as_str(),
        "target": line.target,
        "message": line.message,
        "fields": json::attributes(&line.fields),
    })
}
