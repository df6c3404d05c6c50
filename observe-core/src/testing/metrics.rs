//! Metrics as they were at one moment.

use std::collections::BTreeMap;
use std::fmt;

/// Metrics as a scrape saw them, or what changed between two.
///
/// A selector is Prometheus's, with `=` alone: `orders_total`, `orders_total{method="card"}`. It means every series
/// that has these labels, whatever others it has, and `method=""` those without one; what it means together is summed.
/// A histogram is `…_count`, `…_sum`, `…_bucket{le="0.5"}`.
///
/// Prints as an exposition, series at 0 left out.
#[derive(Clone, PartialEq)]
pub struct Metrics {
    series: BTreeMap<Series, f64>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
}

impl Metrics {
    /// Reads a page in the text format ([`Format::Text`](crate::Format::Text)).
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn read(page: &str) -> Self {
        let samples = page.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let read = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((Series::read(series)?, value.replace("Inf", "inf").parse().ok()?))
        };
        let series = samples.map(|line| read(line).unwrap_or_else(|| panic!("no sample: {line}"))).collect();
        Self { series }
    }

    /// What a selector means, summed; `None` if it means no series.
    ///
    /// # Panics
    ///
    /// If it is no selector.
    #[must_use]
    #[track_caller]
    pub fn get(&self, selector: &str) -> Option<f64> {
        let wanted = Series::read(selector).unwrap_or_else(|| panic!("no selector: {selector}"));
        let meant = self.series.iter().filter(|(series, _)| wanted.means(series)).map(|(_, value)| *value);
        meant.reduce(|sum, value| sum + value)
    }

    /// What a selector means, summed.
    ///
    /// # Panics
    ///
    /// If it means no series, with those that are there; or is no selector.
    #[must_use]
    #[track_caller]
    pub fn value(&self, selector: &str) -> f64 {
        self.get(selector).unwrap_or_else(|| panic!("no series {selector}; {}", self.near(selector)))
    }

    /// Checks that a selector means this value, 0 where it means no series. A series of a family that is not there at
    /// all is a slip of the pen, and found.
    ///
    /// # Panics
    ///
    /// If it does not: with what is there instead.
    #[track_caller]
    pub fn expect(&self, selector: &str, expected: f64) {
        let name = selector.split('{').next().unwrap_or_default().trim();
        let is_known = self.series.keys().any(|series| series.name == name);
        let value = self.get(selector).or(is_known.then_some(0.0));
        match value {
            Some(value) if value == expected => {}
            Some(value) => panic!("{selector} is {value}, not {expected}; {}", self.near(selector)),
            None => panic!("no series {selector}; {}", self.near(selector)),
        }
    }

    /// What changed since then: each series less what it was. For counters and histograms; above all for those of
    /// `#[metric] static`s, which every test of the process records into: what the others recorded meanwhile is in it,
    /// so let a label be this test's own, or run the tests in processes of their own.
    #[must_use]
    pub fn since(&self, before: &Metrics) -> Metrics {
        let less = |(series, value): (&Series, &f64)| {
            (series.clone(), value - before.series.get(series).copied().unwrap_or(0.0))
        };
        Metrics { series: self.series.iter().map(less).collect() }
    }

    /// The series of this name, or all if there is none.
    fn near(&self, selector: &str) -> String {
        let name = selector.split('{').next().unwrap_or_default().trim();
        let of_name = |series: &Series| series.name == name;
        let of_family = |series: &Series| series.name.starts_with(name) || name.starts_with(&series.name);
        let pick = |is_meant: &dyn Fn(&Series) -> bool| {
            let meant = self.series.iter().filter(|(series, _)| is_meant(series));
            meant.map(|(series, value)| format!("\n{series} {value}")).collect::<String>()
        };
        for picked in [pick(&of_name), pick(&of_family)] {
            if !picked.is_empty() {
                return format!("there are{picked}");
            }
        }
        let mut names: Vec<&str> = self.series.keys().map(|series| series.name.as_str()).collect();
        names.dedup();
        format!("there are {}", names.join(", "))
    }
}

impl Series {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let Some((name, labels)) = text.split_once('{') else {
            let is_name = !text.is_empty() && !text.contains(['}', '"', ' ', '=']);
            return is_name.then(|| Self { name: text.to_owned(), labels: BTreeMap::new() });
        };
        let mut rest = labels.strip_suffix('}')?.trim();
        let mut labels = BTreeMap::new();
        while !rest.is_empty() {
            let (label, after) = rest.split_once('=')?;
            let (value, after) = quoted(after.trim_start())?;
            labels.insert(label.trim().to_owned(), value);
            let after = after.trim_start();
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
            if rest.len() == after.len() && !rest.is_empty() {
                return None;
            }
        }
        Some(Self { name: name.trim().to_owned(), labels })
    }

    fn means(&self, other: &Series) -> bool {
        let has = |(label, value): (&String, &String)| {
            other.labels.get(label).map_or("", String::as_str) == value.as_str()
        };
        self.name == other.name && self.labels.iter().all(has)
    }
}

/// What stands between the quotes that a text begins with, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.char_indices();
    let mut value = String::new();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, text.get(at + 2..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            char => value.push(char),
        }
    }
    None
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        for (index, (label, value)) in self.labels.iter().enumerate() {
            write!(f, "{}{label}={value:?}", if index == 0 { "{" } else { "," })?;
        }
        f.write_str(if self.labels.is_empty() { "" } else { "}" })
    }
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut moved = self.series.iter().filter(|(_, value)| **value != 0.0);
        moved.try_for_each(|(series, value)| writeln!(f, "{series} {value}"))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutations caught: escapes taken literally; a label that is not asked for taken for a difference.
    #[test]
    fn what_a_selector_means() {
        let page = "# HELP x X.\nx{a=\"1\",b=\"p, \\\"q\\\"}\\\\\\n\"} 2\nx{a=\"2\"} 3\ny 0.5\nz{le=\"+Inf\"} +Inf\n";
        let metrics = Metrics::read(page);
        for (selector, value) in [
            ("x", Some(5.0)),
            ("x{}", Some(5.0)),
            (" x { b = \"p, \\\"q\\\"}\\\\\\n\" , a=\"1\", } ", Some(2.0)),
            ("x{b=\"\"}", Some(3.0)),
            ("x{a=\"3\"}", None),
            ("y", Some(0.5)),
            ("z", Some(f64::INFINITY)),
            ("w", None),
        ] {
            assert_eq!(metrics.get(selector), value, "{selector}");
        }
        for wrong in ["", "x{", "x{a}", "x{a=1}", "x{a=\"1}", "x{a=\"1\"b=\"2\"}", "x}", "x y"] {
            assert_eq!(Series::read(wrong), None, "{wrong}");
        }
    }
}
