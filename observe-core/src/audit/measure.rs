//! Counts on a scrape what there is to count.

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use super::{Audit, Bytes, Cap, FamilyAudit, LabelAudit, Page};
use crate::export::prometheus::{Format, Writer};
use crate::export::protobuf;
use crate::label::OTHER;
use crate::metric::snapshot::{
    Head, Histograms, NativeReading, Quantiles, Rows, Values, Visitor, escape_value,
};
use crate::metric::{Kind, LabelLimit, Limits};
use crate::registry::Registry;

pub(super) fn measure(registry: &Registry) -> Audit {
    let (mut text, mut open_metrics, mut protobuf) = (Vec::new(), Vec::new(), Vec::new());
    let mut measure = Measure {
        text: Writer::new(Format::Text, &mut text),
        open_metrics: Writer::new(Format::OpenMetrics, &mut open_metrics),
        protobuf: protobuf::Writer::new(&mut protobuf),
        families: Vec::new(),
        series: 0,
        columns: Vec::new(),
    };
    registry.visit(&mut measure);
    measure.close();
    let Measure { mut text, mut open_metrics, mut families, .. } = measure;
    text.end();
    open_metrics.end();
    let length = |page: &[u8]| page.len() as u64;
    let end = Bytes { text: text.take(length), open_metrics: open_metrics.take(length), protobuf: 0 };
    // Asked after the scrape: whatever it showed is in it.
    let mut limits = registry.limits();
    for family in &mut families {
        if let Some(limits) = limits.remove(&family.name) {
            family.bound(limits);
        }
    }
    let cost = |family: &FamilyAudit| Reverse((family.samples(), family.open_metrics.bytes));
    families.sort_by(|a, b| cost(a).cmp(&cost(b)).then_with(|| a.name.cmp(&b.name)));
    Audit { families, end }
}

/// Writes a scrape in all formats, family by family, and takes down the labels.
struct Measure<'a> {
    text: Writer<'a>,
    open_metrics: Writer<'a>,
    protobuf: protobuf::Writer<'a>,
    families: Vec<FamilyAudit>,
    /// Of the family that is shown now: its series so far, and its labels.
    series: usize,
    columns: Vec<Column>,
}

/// One label of the family that is shown now.
struct Column {
    name: String,
    /// The values by their numbers, from 1.
    values: HashMap<Box<str>, u32>,
    /// The value of each series; 0 where it is left out.
    cells: Vec<u32>,
}

impl Measure<'_> {
    /// Counts what was written since the last family began, and what it has for labels.
    fn close(&mut self) {
        let (text, open_metrics) = (self.text.take(Page::of), self.open_metrics.take(Page::of));
        let (bytes, head) = self.protobuf.take();
        let mut columns = std::mem::take(&mut self.columns);
        columns.iter_mut().for_each(|column| column.cells.resize(self.series, 0));
        let Some(family) = self.families.last_mut() else { return };
        (family.text, family.open_metrics, family.series) = (text, open_metrics, self.series as u64);
        family.protobuf = Page { bytes, head, labelled: family.series, bare: 0 };
        let labels = columns.iter().enumerate().map(|(at, column)| LabelAudit {
            series: self.series as u64,
            series_without: series_without(&columns, at, self.series),
            ..column.audit(&family.name)
        });
        family.labels = labels.collect();
        self.series = 0;
    }

    fn rows(&mut self, rows: &Rows<'_>) {
        for series in 0..rows.len() {
            let (columns, row) = (&mut self.columns, self.series);
            rows.labels(series, &mut |name, value| {
                let at = columns.iter().position(|column| column.name == name).unwrap_or_else(|| {
                    columns.push(Column { name: name.to_owned(), values: HashMap::new(), cells: Vec::new() });
                    columns.len() - 1
                });
                if let Some(column) = columns.get_mut(at) {
                    let number = column.number(value);
                    column.cells.resize(row, 0);
                    column.cells.push(number);
                }
            });
            self.series += 1;
        }
    }
}

impl Column {
    fn number(&mut self, value: &str) -> u32 {
        if let Some(number) = self.values.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len() + 1).unwrap_or(u32::MAX);
        self.values.insert(value.into(), number);
        number
    }

    fn audit(&self, family: &str) -> LabelAudit {
        let texts = self.values.keys().filter(|value| &***value != OTHER);
        LabelAudit {
            name: self.name.clone(),
            family: family.to_owned(),
            values: texts.clone().count() as u64,
            bytes: texts.map(|value| escaped(value)).sum(),
            has_other: self.values.contains_key(OTHER),
            is_absent: self.cells.contains(&0),
            is_open: false,
            limit: None,
            known: None,
            overflow: None,
            series: 0,
            series_without: 0,
        }
    }
}

/// How many series there are that differ in another column than this.
fn series_without(columns: &[Column], left_out: usize, series: usize) -> u64 {
    let others = || columns.iter().enumerate().filter(|(at, _)| *at != left_out);
    let compare = |a: &usize, b: &usize| {
        let differences = others().map(|(_, column)| column.cells.get(*a).cmp(&column.cells.get(*b)));
        differences.fold(Ordering::Equal, Ordering::then)
    };
    let mut order: Vec<usize> = (0..series).collect();
    order.sort_unstable_by(compare);
    order.chunk_by(|a, b| compare(a, b) == Ordering::Equal).count() as u64
}

/// How many bytes a value is written with.
pub(super) fn escaped(value: &str) -> u64 {
    let mut text = Vec::new();
    escape_value(&mut text, value);
    text.len() as u64
}

impl Page {
    /// What was written for one family.
    fn of(written: &[u8]) -> Self {
        let mut page = Page { bytes: written.len() as u64, ..Page::default() };
        // No text has a line break as it is written.
        for line in written.split_inclusive(|byte| *byte == b'\n') {
            match line.iter().find(|byte| matches!(byte, b'#' | b'{' | b' ')) {
                Some(b'#') => page.head += line.len() as u64,
                Some(b'{') => page.labelled += 1,
                _ => page.bare += 1,
            }
        }
        page
    }
}

impl FamilyAudit {
    fn bound(&mut self, limits: Limits) {
        self.cap =
            Some(Cap { max_series: limits.max_series, counted: limits.counted, is_open: limits.is_open });
        let mut seen = std::mem::take(&mut self.labels);
        for limit in limits.labels {
            let at = seen.iter().position(|label| label.name == limit.name);
            let label = at.map(|at| seen.swap_remove(at));
            self.labels.push(LabelAudit::bounded(label, limit, &self.name, self.series));
        }
        seen.iter_mut().for_each(|label| label.overflow = limits.overflow);
        self.labels.append(&mut seen);
    }
}

impl LabelAudit {
    fn bounded(seen: Option<LabelAudit>, limit: LabelLimit, family: &str, series: u64) -> Self {
        let seen = seen.unwrap_or_else(|| LabelAudit {
            name: String::new(),
            family: family.to_owned(),
            values: 0,
            bytes: 0,
            has_other: false,
            is_absent: series > 0,
            is_open: false,
            limit: None,
            known: None,
            overflow: None,
            series,
            series_without: series,
        });
        LabelAudit {
            name: limit.name,
            is_open: limit.is_open,
            limit: Some(limit.limit),
            known: Some(limit.known),
            overflow: limit.overflow,
            ..seen
        }
    }
}

impl Visitor for Measure<'_> {
    fn family(&mut self, head: &Head<'_>) {
        self.close();
        self.families.push(FamilyAudit {
            name: head.name.to_owned(),
            is_info: head.kind == Kind::Info,
            series: 0,
            text: Page::default(),
            open_metrics: Page::default(),
            protobuf: Page::default(),
            labels: Vec::new(),
            cap: None,
        });
        self.text.family(head);
        self.open_metrics.family(head);
        self.protobuf.family(head);
    }

    fn scalars(&mut self, rows: &Rows<'_>, values: Values<'_>) {
        self.rows(rows);
        self.text.scalars(rows, values);
        self.open_metrics.scalars(rows, values);
        self.protobuf.scalars(rows, values);
    }

    fn histograms(&mut self, rows: &Rows<'_>, values: &Histograms<'_>) {
        self.rows(rows);
        self.text.histograms(rows, values);
        self.open_metrics.histograms(rows, values);
        self.protobuf.histograms(rows, values);
    }

    fn native_histogram(&mut self, row: &Rows<'_>, value: &NativeReading<'_>) {
        self.rows(row);
        self.text.native_histogram(row, value);
        self.open_metrics.native_histogram(row, value);
        self.protobuf.native_histogram(row, value);
    }

    fn summaries(&mut self, rows: &Rows<'_>, values: &[Quantiles]) {
        self.rows(rows);
        self.text.summaries(rows, values);
        self.open_metrics.summaries(rows, values);
        self.protobuf.summaries(rows, values);
    }
}
