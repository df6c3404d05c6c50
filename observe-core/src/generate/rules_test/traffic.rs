//! Events, and the series that they make.

use super::super::declared::Declared;
use super::super::promql::{over, series};
use crate::semconv::{alert as names, slo as metrics};
use crate::slo::Slo;

/// Where counters begin: so far from 0 that no rate takes it for near.
const BEGIN: f64 = 1e9;

/// So many ticks with so many events in each, and bad ones among them.
#[derive(Clone, Copy)]
pub(super) struct Phase {
    pub(super) ticks: u32,
    pub(super) events: f64,
    pub(super) bad: f64,
}

impl Phase {
    pub(super) fn new(ticks: u32, events: f64, bad: f64) -> Self {
        Self { ticks, events: exact(events), bad: exact(bad) }
    }

    /// Of which this share is bad.
    pub(super) fn of_ratio(ticks: u32, ratio: f64) -> Self {
        const BAD: f64 = 10.0;
        Self::new(ticks, BAD / ratio, BAD)
    }

    /// In which nothing happens.
    pub(super) fn idle(ticks: u32) -> Self {
        Self::new(ticks, 0.0, 0.0)
    }
}

/// What a sum of does not lose a bit: a counter that is less by its last digit was set back, to Prometheus.
pub(super) fn exact(value: f64) -> f64 {
    const PARTS: f64 = 1024.0;
    if value < 1e6 { (value * PARTS).round() / PARTS } else { value.round() }
}

/// The series of an objective; `gone`: at the end whatever says them is gone.
pub(super) fn traffic(declared: &Declared, slo: &Slo, phases: &[Phase], gone: bool) -> Vec<(String, String)> {
    if slo.is_external() {
        recorded(declared, slo, phases, gone)
    } else {
        counted(declared, slo, phases, gone)
    }
}

fn counted(declared: &Declared, slo: &Slo, phases: &[Phase], gone: bool) -> Vec<(String, String)> {
    let counter = |name: &str, each: fn(&Phase) -> f64| {
        let phases = phases.iter().map(|phase| (phase.ticks, each(phase)));
        (of_instance(declared, slo, name, "a"), counter(0, phases, gone))
    };
    let mut given = vec![counter(metrics::EVENTS_TOTAL, |phase| phase.events)];
    if phases.iter().any(|phase| phase.bad > 0.0) {
        given.push(counter(metrics::BAD_EVENTS_TOTAL, |phase| phase.bad));
    }
    given
}

/// A counter of an objective, as one instance says it.
pub(super) fn of_instance(declared: &Declared, slo: &Slo, name: &str, instance: &str) -> String {
    series(
        declared.shown(name),
        [
            (metrics::SLO, slo.name()),
            (metrics::SERVICE, &*declared.service),
            (names::JOB, &*declared.service),
            (names::INSTANCE, instance),
        ],
    )
}

/// A counter that begins after so many ticks, and grows by so much in each of so many.
pub(super) fn counter(begins: u32, phases: impl IntoIterator<Item = (u32, f64)>, gone: bool) -> String {
    let mut out = if begins > 0 { format!("_x{begins} {BEGIN}") } else { BEGIN.to_string() };
    let mut value = BEGIN;
    for (ticks, each) in phases {
        // promtool takes the first one apart.
        out += &format!(" {}+{each}x{}", value + each, ticks.saturating_sub(1));
        value += each * f64::from(ticks);
    }
    if gone {
        out += " stale";
    }
    out
}

/// What would be recorded of an objective that is measured elsewhere: its own queries ask what no test here has.
fn recorded(declared: &Declared, slo: &Slo, phases: &[Phase], gone: bool) -> Vec<(String, String)> {
    let each: Vec<(f64, f64)> = std::iter::once((0.0, 0.0))
        .chain(phases.iter().flat_map(|phase| (0..phase.ticks).map(|_| (phase.events, phase.bad))))
        .collect();
    let mut out = Vec::new();
    for window in slo.windows() {
        let ticks = (window.as_millis() / slo.pace().as_millis().max(1)) as usize;
        let rates = |of: fn(&(f64, f64)) -> f64| {
            let sums = (0..each.len()).map(|at| {
                let lately = each.iter().take(at + 1).rev().take(ticks);
                lately.map(of).sum::<f64>() / window.as_secs_f64()
            });
            values(sums) + if gone { " stale" } else { "" }
        };
        let series = |name: &str| declared.of_slo(&over(name, window), slo);
        out.push((series(names::TOTAL_RATE), rates(|each| each.0)));
        out.push((series(names::BAD_RATE), rates(|each| each.1)));
    }
    out
}

/// What comes again is said once.
fn values(values: impl IntoIterator<Item = f64>) -> String {
    let mut runs: Vec<(f64, u32)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((last, times)) if last.to_bits() == value.to_bits() => *times += 1,
            _ => runs.push((value, 0)),
        }
    }
    let runs = runs.into_iter();
    let texts: Vec<_> = runs
        .map(|(value, more)| if more == 0 { value.to_string() } else { format!("{value}+0x{more}") })
        .collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_grow_by_phases() {
        assert_eq!(
            counter(0, [(3, 2.0), (1, 0.5)], true),
            "1000000000 1000000002+2x2 1000000006.5+0.5x0 stale"
        );
        assert_eq!(counter(4, [(2, 1.0)], false), "_x4 1000000000 1000000001+1x1");
        // Mutation caught: a sum that is less than what was added.
        let phase = Phase::of_ratio(3, 0.035);
        assert_eq!((phase.events, phase.bad), (285.7138671875, 10.0));
        assert_eq!(values([1.0, 1.0, 0.5]), "1+0x1 0.5");
    }
}
