//! Tables to be read in a terminal.

use std::fmt;

use super::{Audit, FamilyAudit, LabelAudit};
use crate::export::prometheus::Format;
use crate::figures::thousands;

/// How many rows a table has, and how many sentences the advice, unless all are wanted.
const ROWS: usize = 20;

/// Three parts: families, labels, what stands out. Bytes are those of OpenMetrics.
impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = if f.alternate() { usize::MAX } else { ROWS };
        self.families_table(most).write(f)?;
        let [text, open_metrics] = [Format::Text, Format::OpenMetrics].map(|format| self.bytes(format));
        let (text, open_metrics) = (thousands(text), thousands(open_metrics));
        writeln!(f, "A scrape has {open_metrics} bytes in OpenMetrics, {text} in text 0.0.4, uncompressed.")?;
        let labels = self.labels();
        if !labels.is_empty() {
            writeln!(f)?;
            labels_table(&labels, most).write(f)?;
        }
        let advice = self.advice();
        if !advice.is_empty() {
            writeln!(f)?;
            writeln!(f, "What stands out")?;
            advice.iter().take(most).try_for_each(|advice| writeln!(f, "- {advice}"))?;
            more(f, advice.len(), most)?;
        }
        Ok(())
    }
}

impl Audit {
    fn families_table(&self, most: usize) -> Table<6> {
        let whole = self.bytes(Format::OpenMetrics);
        let row = |name: String, max: Option<u64>, series: u64, samples: u64, bytes: u64| {
            let share = format!("{} %", percent(bytes, whole));
            [name, thousands(series), or_none(max), thousands(samples), thousands(bytes), share]
        };
        let mut table = Table::new(["family", "series", "at most", "samples", "bytes", "share"], 1);
        for family in self.families.iter().take(most) {
            let bytes = family.bytes(Format::OpenMetrics);
            let (series, samples) = (family.series(), family.samples());
            table.rows.push(row(family.name.clone(), family.max_series(), series, samples, bytes));
        }
        let rest = self.families.get(most..).unwrap_or_default();
        if !rest.is_empty() {
            let sum = |of: fn(&FamilyAudit) -> u64| rest.iter().map(of).sum();
            let bytes = sum(|family| family.bytes(Format::OpenMetrics));
            let (series, samples) = (sum(FamilyAudit::series), sum(FamilyAudit::samples));
            table.rows.push(row(format!("({} more)", rest.len()), None, series, samples, bytes));
        }
        table.rows.push(row("in all".to_owned(), None, self.series(), self.samples(), whole));
        table
    }
}

fn labels_table(labels: &[&LabelAudit], most: usize) -> Table<7> {
    let mut table =
        Table::new(["label", "of", "values", "known", "at most", "to _OTHER", "multiplies by"], 2);
    for label in labels.iter().take(most) {
        let series = label.series;
        table.rows.push([
            label.name.clone(),
            label.family.clone(),
            thousands(label.values),
            or_none(label.known.map(u64::from)),
            or_none(label.limit.map(u64::from)),
            or_none(label.overflow),
            ratio(series, label.series_without),
        ]);
    }
    if labels.len() > most {
        let mut row = [const { String::new() }; 7];
        row[0] = format!("({} more)", labels.len() - most);
        table.rows.push(row);
    }
    table
}

fn more(f: &mut fmt::Formatter<'_>, all: usize, most: usize) -> fmt::Result {
    match all.checked_sub(most) {
        None | Some(0) => Ok(()),
        Some(left) => writeln!(f, "({left} more)"),
    }
}

/// Rows under a heading; the first columns are texts, the others numbers.
struct Table<const N: usize> {
    heading: [&'static str; N],
    texts: usize,
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    fn new(heading: [&'static str; N], texts: usize) -> Self {
        Self { heading, texts, rows: Vec::new() }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut widths = self.heading.map(str::len);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.len());
            }
        }
        let heading = self.heading.map(str::to_owned);
        for row in std::iter::once(&heading).chain(&self.rows) {
            let mut line = String::new();
            for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
                let gap = if at == 0 { "" } else { "  " };
                line += &if at < self.texts {
                    format!("{gap}{cell:<width$}")
                } else {
                    format!("{gap}{cell:>width$}")
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// How many times one is the other, to one decimal.
pub(super) fn ratio(number: u64, of: u64) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.1}", number as f64 / of as f64) }
}

fn percent(part: u64, whole: u64) -> u64 {
    (part.saturating_mul(100) + whole / 2).checked_div(whole).unwrap_or_default()
}

fn or_none(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), thousands)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a share that is cut instead of rounded, a division by nothing.
    #[test]
    fn shares_and_factors_are_written_for_people() {
        assert_eq!((percent(0, 0), percent(1, 3), percent(2, 3), percent(3, 3)), (0, 33, 67, 100));
        assert_eq!((ratio(6, 4), ratio(5, 0)), ("1.5".to_owned(), "-".to_owned()));
    }
}
