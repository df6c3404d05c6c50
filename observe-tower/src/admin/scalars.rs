//! Reads counters and gauges of a registry, those of the collectors among them.

use observe_core::Registry;
use observe_core::metric::Unit;
use observe_core::metric::snapshot::{Head, Histograms, Quantiles, Rows, Values, Visitor};

/// The most series that are read.
const MOST: usize = 10_000;

/// A series with one value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scalar {
    pub(super) metric: String,
    pub(super) help: String,
    pub(super) unit: Option<&'static str>,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

impl Scalar {
    /// The value of a label; empty where it has none.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }

    /// Its value, without the fraction that counters have none of.
    pub(super) fn count(&self) -> u64 {
        self.value as u64
    }
}

/// The series of the families that are wanted, and how many more there are.
pub(super) fn read(registry: &Registry, is_wanted: impl Fn(&str) -> bool) -> (Vec<Scalar>, usize) {
    let mut reader = Reader { is_wanted, head: None, read: Vec::new(), left_out: 0 };
    registry.visit(&mut reader);
    (reader.read, reader.left_out)
}

struct Reader<F> {
    is_wanted: F,
    head: Option<(String, String, Option<&'static str>)>,
    read: Vec<Scalar>,
    left_out: usize,
}

impl<F: Fn(&str) -> bool> Visitor for Reader<F> {
    fn family(&mut self, head: &Head<'_>) {
        let own = || (head.name.to_owned(), head.help.to_owned(), head.unit.map(Unit::as_str));
        self.head = (self.is_wanted)(head.name).then(own);
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        let Some((metric, help, unit)) = &self.head else { return };
        for series in 0..rows.len() {
            let value = match values {
                Values::U64(values) => values.get(series).map(|value| *value as f64),
                Values::I64(values) => values.get(series).map(|value| *value as f64),
                Values::F64(values) => values.get(series).copied(),
                _ => None,
            };
            let Some(value) = value else { continue };
            if self.read.len() >= MOST {
                self.left_out += 1;
                continue;
            }
            let mut labels = Vec::new();
            rows.labels(series, &mut |name, value| labels.push((name.to_owned(), value.to_owned())));
            let (metric, help) = (metric.clone(), help.clone());
            self.read.push(Scalar { metric, help, unit: *unit, labels, value });
        }
    }

    fn histograms(&mut self, _: &Rows<'_>, _: &Histograms<'_>) {}

    fn summaries(&mut self, _: &Rows<'_>, _: &[Quantiles]) {}
}
