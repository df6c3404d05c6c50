//! Panels, as Grafana reads them.

use serde_json::{Map, Value, json};

/// The data source that is chosen at the top of a dashboard.
pub(super) fn data_source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// A panel, without its place.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    description: String,
    unit: &'static str,
    shape: Shape,
    queries: Vec<Query>,
    /// From which values on which colour; the first colour is that of all below.
    steps: (&'static str, Vec<(f64, &'static str)>),
    /// Which text, in which colour, stands for 0, 1, …
    words: Vec<(&'static str, &'static str)>,
}

/// What a panel looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Lines,
    Stat,
    Heatmap,
}

/// A query, and how its series are named.
#[derive(Clone, Debug)]
struct Query {
    expression: String,
    legend: String,
    exemplars: bool,
}

impl Panel {
    fn new(
        shape: Shape,
        title: impl Into<String>,
        unit: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self {
            title: title.into(),
            description: description.into(),
            unit,
            shape,
            queries: Vec::new(),
            steps: ("green", Vec::new()),
            words: Vec::new(),
        }
    }

    /// Lines over time.
    pub(super) fn lines(
        title: impl Into<String>,
        unit: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self::new(Shape::Lines, title, unit, description)
    }

    /// The last value of each series.
    pub(super) fn stat(title: impl Into<String>, unit: &'static str, description: impl Into<String>) -> Self {
        Self::new(Shape::Stat, title, unit, description)
    }

    /// A histogram's buckets over time.
    pub(super) fn heatmap(
        title: impl Into<String>,
        unit: &'static str,
        description: impl Into<String>,
    ) -> Self {
        Self::new(Shape::Heatmap, title, unit, description)
    }

    /// With what a query answers; a series is called as `legend` says: `{{label}}` is a label's value.
    pub(super) fn query(mut self, expression: impl Into<String>, legend: impl Into<String>) -> Self {
        self.queries.push(Query { expression: expression.into(), legend: legend.into(), exemplars: false });
        self
    }

    /// With the exemplars of the queries so far.
    pub(super) fn exemplars(mut self) -> Self {
        self.queries.iter_mut().for_each(|query| query.exemplars = true);
        self
    }

    /// Which colour below all of the values, and which from each on.
    pub(super) fn steps(mut self, below: &'static str, steps: &[(f64, &'static str)]) -> Self {
        self.steps = (below, steps.to_vec());
        self
    }

    /// Shows these texts, each in its colour, for 0, 1, …
    pub(super) fn words(mut self, words: &[(&'static str, &'static str)]) -> Self {
        self.words = words.to_vec();
        self
    }

    /// Whether there is anything to ask for.
    pub(super) fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// At its place: column, line, width and height, of 24 columns.
    pub(super) fn json(&self, id: usize, place: [usize; 4]) -> Value {
        let [x, y, w, h] = place;
        let (kind, options) = match self.shape {
            Shape::Lines => ("timeseries", lines_options()),
            Shape::Stat => ("stat", stat_options(!self.words.is_empty())),
            Shape::Heatmap => ("heatmap", heatmap_options(self.unit)),
        };
        let targets: Vec<Value> =
            self.queries.iter().enumerate().map(|(at, query)| self.target(at, query)).collect();
        json!({
            "id": id,
            "type": kind,
            "title": self.title,
            "description": self.description,
            "datasource": data_source(),
            "gridPos": {"h": h, "w": w, "x": x, "y": y},
            "fieldConfig": {"defaults": self.defaults(), "overrides": []},
            "options": options,
            "targets": targets,
        })
    }

    fn target(&self, at: usize, query: &Query) -> Value {
        json!({
            "refId": ref_id(at),
            "datasource": data_source(),
            "editorMode": "code",
            "expr": query.expression,
            "legendFormat": query.legend,
            "format": if self.shape == Shape::Heatmap { "heatmap" } else { "time_series" },
            "range": true,
            "instant": false,
            "exemplar": query.exemplars,
        })
    }

    fn defaults(&self) -> Value {
        if self.shape == Shape::Heatmap {
            return json!({"unit": self.unit, "custom": {"hideFrom": {"legend": false, "tooltip": false, "viz": false}}});
        }
        let (below, steps) = &self.steps;
        let steps: Vec<Value> = std::iter::once(json!({"color": below, "value": null}))
            .chain(steps.iter().map(|(from, colour)| json!({"color": colour, "value": from})))
            .collect();
        let mut defaults = json!({
            "unit": self.unit,
            "thresholds": {"mode": "absolute", "steps": steps},
        });
        if self.shape == Shape::Lines {
            let style = if steps.len() > 1 { "dashed" } else { "off" };
            defaults["color"] = json!({"mode": "palette-classic"});
            defaults["custom"] = json!({
                "drawStyle": "line",
                "fillOpacity": 8,
                "lineWidth": 1,
                "showPoints": "auto",
                "spanNulls": false,
                "thresholdsStyle": {"mode": style},
            });
        } else {
            defaults["color"] = json!({"mode": "thresholds"});
        }
        if !self.words.is_empty() {
            let words = self.words.iter().enumerate();
            let words: Map<String, Value> = words
                .map(|(value, (text, color))| (value.to_string(), json!({"text": text, "color": color})))
                .collect();
            defaults["mappings"] = json!([{"type": "value", "options": words}]);
        }
        defaults
    }
}

/// `A`, `B`, … `Z`, `A1`, …
fn ref_id(at: usize) -> String {
    let letter = char::from(b'A' + (at % 26) as u8);
    match at / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

fn lines_options() -> Value {
    json!({
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": true},
        "tooltip": {"mode": "multi", "sort": "desc"},
    })
}

fn stat_options(is_worded: bool) -> Value {
    json!({
        "colorMode": "background",
        "graphMode": if is_worded { "none" } else { "area" },
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
        "textMode": "value_and_name",
    })
}

fn heatmap_options(unit: &str) -> Value {
    json!({
        "calculate": false,
        "cellGap": 1,
        "cellValues": {"unit": "reqps"},
        "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "exponent": 0.5, "steps": 64, "reverse": false},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": true},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"show": true, "yHistogram": false},
        "yAxis": {"axisPlacement": "left", "reverse": false, "unit": unit},
    })
}
