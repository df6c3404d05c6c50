//! Objectives as the line of Rust that declares them.

use crate::slo::{Indicator, Slo, Source};
use std::fmt::{self, Write};
use std::time::Duration;

/// Writes `.slo(…)` for [`Builder::slo`](crate::Builder::slo): of an availability or a latency of requests.
pub(super) fn write(f: &mut fmt::Formatter<'_>, slo: &Slo) -> fmt::Result {
    let (name, objective) = (slo.name(), slo.objective());
    match slo.threshold() {
        Some(threshold) if matches!(slo.indicator(), Indicator::Latency { .. }) => {
            write!(f, ".slo(Slo::latency({name:?}, {objective:?}, {})", literal(threshold))?;
        }
        _ => write!(f, ".slo(Slo::availability({name:?}, {objective:?})")?,
    }
    if let Source::Requests(requests) = slo.source() {
        for (setter, texts) in [
            ("route", &requests.routes),
            ("method", &requests.methods),
            ("rpc_method", &requests.rpc_methods),
        ] {
            texts.iter().try_for_each(|text| write!(f, ".{setter}({text:?})"))?;
        }
    }
    if slo.is_to_end() {
        f.write_str(".to_end()")?;
    }
    f.write_char(')')
}

/// In the largest unit that leaves no rest.
fn literal(time: Duration) -> String {
    let nanos = time.as_nanos();
    let units =
        [(1_000_000_000, "from_secs"), (1_000_000, "from_millis"), (1_000, "from_micros"), (1, "from_nanos")];
    let unit = units.iter().find(|(unit, _)| nanos.is_multiple_of(*unit));
    unit.map_or_else(String::new, |(unit, make)| format!("Duration::{make}({})", nanos / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a unit that cuts something off.
    #[test]
    fn times_are_written_without_rest() {
        for (time, text) in [
            (Duration::from_millis(2_000), "Duration::from_secs(2)"),
            (Duration::from_millis(2_500), "Duration::from_millis(2500)"),
            (Duration::from_micros(750), "Duration::from_micros(750)"),
            (Duration::from_nanos(1), "Duration::from_nanos(1)"),
        ] {
            assert_eq!(literal(time), text);
        }
    }
}
