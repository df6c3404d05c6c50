//! Panels of a family whose meaning nobody here knows: by its kind, its labels and the unit that its name ends in.

use super::panel::Panel;
use super::query::{QUANTILES, legend, native_quantile, native_rate, over, quantile, rate, select, unit};
use crate::generate::declared::Declared;
use crate::metric::{Kind, Unit};

/// Of a family by the name that it is shown under: counters as rates by label, gauges as they are, histograms as quantiles and
/// as rates by label.
pub(super) fn of(declared: &Declared, name: &str) -> Vec<Panel> {
    panels(declared, name, name)
}

/// Of a family by the name that it was declared with, if it is shown.
pub(super) fn titled(declared: &Declared, family: &str, title: &str) -> Vec<Panel> {
    declared.family(family).map(|called| panels(declared, called.name, title)).unwrap_or_default()
}

fn panels(declared: &Declared, name: &str, title: &str) -> Vec<Panel> {
    let Some(shown) = declared.families.get(name) else { return Vec::new() };
    let by: Vec<&str> = shown.labels.keys().map(String::as_str).collect();
    let unit_of = unit(name, shown.kind);
    let lines = |title: &str, unit, more: &str| {
        Panel::lines(title, unit, format!("{} {more} (`{name}`)", sentence(&shown.help)))
    };
    match shown.kind {
        Kind::Counter => {
            vec![lines(title, unit_of, "A second").query(over("sum", &by, &rate(name, "")), legend(&by))]
        }
        Kind::Gauge => {
            // Of instances: times, shares and temperatures cannot be added up.
            let (how, more) = match Unit::of(name) {
                Some(Unit::Seconds | Unit::Ratio | Unit::Celsius) => ("max", "The largest of all instances"),
                _ => ("sum", "Of all instances"),
            };
            vec![lines(title, unit_of, more).query(over(how, &by, &select(name, "")), legend(&by))]
        }
        Kind::Histogram | Kind::NativeHistogram => {
            let is_native = shown.kind == Kind::NativeHistogram;
            let mut quantiles = lines(title, unit_of, "The median, and what one in 20 and one in 100 exceed");
            for (of, called) in QUANTILES {
                let query = if is_native { native_quantile(of, name) } else { quantile(of, name, &[], "") };
                quantiles = quantiles.query(query, called);
            }
            let count = if is_native {
                native_rate(name, &by)
            } else {
                over("sum", &by, &rate(&format!("{name}_count"), ""))
            };
            let rates =
                lines(&format!("{title}: how many"), "cps", "How many a second").query(count, legend(&by));
            vec![quantiles, rates]
        }
        Kind::Summary => {
            let by: Vec<&str> =
                by.into_iter().filter(|label| *label != "quantile").chain(["quantile"]).collect();
            let panel = lines(title, unit_of, "The largest of all instances, by quantile");
            vec![panel.query(over("max", &by, &select(name, "")), legend(&by))]
        }
        Kind::Info => Vec::new(),
    }
}

fn sentence(help: &str) -> String {
    let help = help.trim();
    if help.is_empty() || help.ends_with('.') { help.to_owned() } else { format!("{help}.") }
}
