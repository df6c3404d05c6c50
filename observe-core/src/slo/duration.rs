//! Durations as PromQL writes them.

use std::time::Duration;

/// In the largest unit that leaves no rest, days at most: `30d`, `90m`, `500ms`; below a millisecond `1ms`.
pub(crate) fn promql_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 5] =
        [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let millis = duration.as_millis().max(1);
    let unit = UNITS.iter().find(|(unit, _)| millis.is_multiple_of(*unit));
    unit.map_or_else(String::new, |(unit, name)| format!("{}{name}", millis / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_leaves_no_rest() {
        let text = |millis| promql_duration(Duration::from_millis(millis));
        assert_eq!(text(30 * 86_400_000), "30d");
        assert_eq!(text(36 * 3_600_000), "36h");
        assert_eq!(text(90 * 60_000), "90m");
        assert_eq!(text(300_000), "5m");
        assert_eq!(text(2_500), "2500ms");
        assert_eq!(text(60_000), "1m");
        assert_eq!(promql_duration(Duration::from_micros(3)), "1ms");
    }
}
