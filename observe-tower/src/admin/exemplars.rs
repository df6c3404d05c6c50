//! Each figure's way to a trace.

use super::json;
use super::query::Query;
use super::refusal::Refusal;
use super::state::State;
use super::traces::First;
use observe_core::metric::Exemplar;
use observe_core::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};
use serde_json::{Map, Value, json};

/// The most that are answered.
const MOST: usize = 1_000;

pub(super) fn show(state: &State, query: &mut Query) -> Result<Value, Refusal> {
    let metric = query.take("metric")?;
    let limit = query.limit(200, 1..=MOST)?;
    let mut reader = Reader { wanted: metric, metric: None, found: First::new(limit), count: 0 };
    state.inspect.families(&mut reader);
    let exemplars = reader.found.into_vec();
    Ok(json!({
        "now": json::time(state.unix_nanos()),
        "left_out": reader.count.saturating_sub(exemplars.len()),
        "exemplars": exemplars,
    }))
}

struct Reader {
    wanted: Option<String>,
    /// The family that is read, if it is wanted.
    metric: Option<String>,
    found: First<Value>,
    count: usize,
}

impl Visitor for Reader {
    fn family(&mut self, head: &Head<'_>) {
        let is_wanted = self.wanted.as_ref().is_none_or(|wanted| wanted == head.name);
        self.metric = is_wanted.then(|| head.name.to_owned());
    }

    fn scalars(&mut self, _: &Rows<'_>, _: Values<'_>) {}

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        let Some(metric) = &self.metric else { return };
        for series in (0..rows.len()).filter(|series| values.has_exemplars(*series)) {
            for bucket in 0..=values.bounds().len() {
                if let Some(exemplar) = values.exemplar(series, bucket) {
                    self.count += 1;
                    let le = values.bounds().get(bucket).copied();
                    self.found.offer(exemplar.unix_nanos, || shown(metric, rows, series, le, &exemplar));
                }
            }
        }
    }

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}

fn shown(metric: &str, rows: &Rows<'_>, series: usize, le: Option<f64>, exemplar: &Exemplar) -> Value {
    let mut labels = Map::new();
    rows.labels(series, &mut |name, value| {
        labels.insert(name.to_owned(), value.into());
    });
    json!({
        "metric": metric,
        "labels": labels,
        "le": le,
        "value": exemplar.value,
        "trace_id": json::id(exemplar.trace_id),
        "span_id": json::id(exemplar.span_id),
        "time": json::time(exemplar.unix_nanos),
    })
}
