//! Label values, help texts and names on a page of metrics: read by somebody else's readers, in all formats alike.

use crate::page;
use crate::pieces::Texts;
use observe_core::{Collect, Format, Registry};
use std::collections::BTreeMap;

/// Help, two values of labels, and then names of metrics, of labels, and values of labels, as long as there are some.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    // The reader of the text formats takes a bare carriage return for the end of a line, which it is in neither of them.
    let mut text = || texts.next().map(|text| text.replace('\r', "\\r"));
    let mut planted = || text().unwrap_or_default();
    let (help, one, other) = (planted(), planted(), planted());
    let more: Vec<[String; 3]> = std::iter::from_fn(|| Some([text()?, text()?, text()?])).take(8).collect();

    let registry = Registry::new();
    let said = (help.clone(), one.clone(), other.clone());
    registry.collector(move |out: &mut Collect<'_>| {
        let (help, one, other) = (&said.0, &said.1, &said.2);
        out.gauge("planted", help, &[("one", one), ("other", other)], 1_u64);
        out.info("said_info", help, &[("one", one)]);
        // That reader takes no family whose series have different labels.
        for (at, [name, label, value]) in more.iter().enumerate() {
            out.gauge(&format!("{name}_{at}"), value, &[(label, value)], 2_u64);
            out.counter(&format!("{name}_{at}_total"), value, &[("one", value), (label, value)], 3_u64);
        }
    });
    let [text, open_metrics, protobuf] =
        [Format::Text, Format::OpenMetrics, Format::Protobuf].map(|format| {
            let mut page = Vec::new();
            registry.encode(format, &mut page);
            page::read(format, &page)
        });
    assert_eq!(text, protobuf);
    assert_eq!(open_metrics, protobuf);
    // A label without a value is none, and every family has a help text.
    let is_there = protobuf.get("planted").is_some_and(|planted| {
        let of = |labels: &BTreeMap<String, String>, name| labels.get(name).cloned().unwrap_or_default();
        let mut series = planted.series.iter();
        planted.help == help
            && series.any(|labels| (of(labels, "one"), of(labels, "other")) == (one.clone(), other.clone()))
    });
    assert_eq!(is_there, !help.is_empty(), "{protobuf:?}");
}
