//! A page of metrics, read by somebody else's readers.

use observe_core::Format;
use openmetrics_parser::{MetricFamily, MetricsExposition, RenderableMetricValue, openmetrics, prometheus};
use prost::Message;
use std::collections::BTreeMap;
use std::fmt::Display;

/// What a family says: its help, and the labels of each of its series, without those that a format adds.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) help: String,
    pub(crate) series: Vec<BTreeMap<String, String>>,
}

/// Families by their names, without what some formats add to these.
pub(crate) type Page = BTreeMap<String, Family>;

/// # Panics
///
/// If it is no page of this format.
pub(crate) fn read(format: Format, page: &[u8]) -> Page {
    if format == Format::Protobuf {
        return of_protobuf(page);
    }
    let text = readable(str::from_utf8(page).unwrap());
    let refused = |why: &dyn Display| -> ! { panic!("{why}: {text}") };
    match format {
        Format::OpenMetrics if text == "# EOF\n" => Page::new(),
        Format::OpenMetrics => {
            of_text(openmetrics::parse_openmetrics(&text).unwrap_or_else(|why| refused(&why)))
        }
        Format::Text if text.is_empty() => Page::new(),
        Format::Text => of_text(prometheus::parse_prometheus(&text).unwrap_or_else(|why| refused(&why))),
        other => panic!("a format that nobody reads here: {other:?}"),
    }
}

/// What that reader can read: a family without series, and the unit of a histogram, are right, but it refuses them, as it
/// does a page without families.
fn readable(page: &str) -> String {
    let (mut text, mut head) = (String::with_capacity(page.len()), String::new());
    for line in page.split_inclusive('\n').filter(|line| !line.starts_with("# UNIT ")) {
        if line.starts_with("# HELP ") || line == "# EOF\n" {
            head.clear();
        }
        if line.starts_with("# ") && line != "# EOF\n" {
            head.push_str(line);
        } else {
            text.extend([std::mem::take(&mut head).as_str(), line]);
        }
    }
    text
}

fn of_text<T, V: RenderableMetricValue + Clone>(exposition: MetricsExposition<T, V>) -> Page
where
    T: Clone,
{
    let mut page = Page::new();
    for (name, family) in exposition.families {
        add(&mut page, &name, of_family(&family));
    }
    page
}

fn of_family<T, V: RenderableMetricValue + Clone>(family: &MetricFamily<T, V>) -> Family
where
    T: Clone,
{
    let labels = |labels: openmetrics_parser::LabelSet<'_>| {
        labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let series = family.iter_samples().map(|sample| labels(sample.get_labelset().unwrap())).collect();
    Family { help: family.help.clone(), series }
}

fn of_protobuf(mut page: &[u8]) -> Page {
    let mut families = Page::new();
    while !page.is_empty() {
        let family = wire::MetricFamily::decode_length_delimited(&mut page).unwrap();
        let labels = |metric: wire::Metric| {
            let pairs: Vec<_> = metric.label.into_iter().map(|label| (label.name, label.value)).collect();
            let count = pairs.len();
            let labels = BTreeMap::from_iter(pairs);
            assert_eq!(labels.len(), count, "a label twice in {}", family.name);
            labels
        };
        let series: Vec<_> = family.metric.into_iter().map(labels).collect();
        if !series.is_empty() {
            add(&mut families, &family.name, Family { help: family.help, series });
        }
    }
    families
}

/// Adds a family. `_total` and `_info` are part of its name in some formats only.
fn add(page: &mut Page, name: &str, family: Family) {
    let bare = name.strip_suffix("_total").or(name.strip_suffix("_info")).unwrap_or(name);
    let known = page.entry(bare.to_owned()).or_default();
    known.help = family.help.max(std::mem::take(&mut known.help));
    known.series.extend(family.series);
    known.series.sort();
}

/// `io.prometheus.client`, as far as it is of interest.
mod wire {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct MetricFamily {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) help: String,
        #[prost(message, repeated, tag = "4")]
        pub(super) metric: Vec<Metric>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Metric {
        #[prost(message, repeated, tag = "1")]
        pub(super) label: Vec<LabelPair>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct LabelPair {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(string, tag = "2")]
        pub(super) value: String,
    }
}
