//! The library about itself.

use super::Row;
use super::family;
use super::panel::Panel;
use super::query::{legend, over, rate, select};
use crate::generate::declared::Declared;
use crate::semconv::{metric, own};

/// What stands on top: what was lost, and which labels are past their limit.
pub(super) fn summary(declared: &Declared) -> Vec<Panel> {
    let text = "How many lines, spans and observations a second were lost and why, and how many look-ups of a label's value were \
                past its limit. Nothing is to be seen here.";
    let mut panel = Panel::lines("Lost, and past a limit", "cps", text);
    for (family, labels) in [
        (own::DROPPED_TOTAL, [own::SIGNAL, own::REASON]),
        (metric::OBSERVE_LABEL_OVERFLOW_TOTAL, [metric::METRIC, metric::LABEL]),
    ] {
        let Some(called) = declared.family(family) else { continue };
        let by: Vec<&str> = labels.into_iter().filter_map(|label| called.label(label)).collect();
        panel = panel.query(over("sum", &by, &rate(called.name, "")), legend(&by));
    }
    if panel.is_empty() { Vec::new() } else { vec![panel] }
}

/// What is there of every service: for a dashboard that has little else.
pub(super) fn basics(declared: &Declared) -> Vec<Panel> {
    let mut panels = Vec::new();
    if let Some(info) = declared.family(own::BUILD_INFO) {
        let by: Vec<&str> = info.label(own::VERSION).into_iter().collect();
        panels.push(
            Panel::lines("Versions", "short", "How many instances run, by version.")
                .query(over("count", &by, &select(info.name, "")), legend(&by)),
        );
    }
    for (name, title) in [
        (own::TRACES_TOTAL, "Traces"),
        (own::EXPORT_TOTAL, "Handed over"),
        (own::CONTEXT_REJECTED_TOTAL, "Contexts that were not taken"),
        (own::TRACE_MEMORY_BYTES, "Memory of traces under way"),
    ] {
        panels.extend(family::titled(declared, name, title));
    }
    panels
}

pub(super) fn rows(declared: &Declared) -> Vec<Row> {
    let split = |family: &'static str, title: &str| family::titled(declared, family, title);
    let mut series = Vec::new();
    if let Some(called) = declared.family(metric::OBSERVE_SERIES) {
        let by: Vec<&str> = called.label(metric::METRIC).into_iter().collect();
        let text = "How many series a family has, of the 20 with the most, of all instances: what scrapes and storage cost.";
        let largest = format!("topk(20, {})", over("sum", &by, &select(called.name, "")));
        series.push(Panel::lines("Series", "short", text).query(largest, legend(&by)));
    }
    series.extend(split(own::SCRAPE_DURATION_SECONDS, "How long scrapes took"));
    let lost = [
        split(own::DROPPED_TOTAL, "Lost"),
        split(metric::OBSERVE_LABEL_OVERFLOW_TOTAL, "Past the limit of a label"),
        split(own::QUEUE_LENGTH, "Waiting to leave the process"),
    ];
    let mut basics = basics(declared);
    basics.extend(split(crate::semconv::recorder::MEMORY_BYTES, "Memory of the flight recorder"));
    vec![
        Row::new("What was lost", lost.concat()),
        Row::new("What leaves the process", basics),
        Row::new("What a scrape costs", series),
    ]
}
