//! Objectives for a team that has none: a little looser than today's figures.

mod code;
mod traffic;

use self::traffic::{Count, Group, Of, Reading, Traffic};
use super::{Indicator, Slo};
use crate::figures::{counted, thousands};
use crate::metric::AnyFamily;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// The objectives that are proposed, in hundredths of a percent, the strictest first.
const RUNGS: [u64; 8] = [9_999, 9_995, 9_990, 9_950, 9_900, 9_800, 9_500, 9_000];

/// Those for speed: what is promised of more is seldom held.
const LATENCY_RUNGS: [u64; 4] = [9_900, 9_800, 9_500, 9_000];

/// All of them, in the unit of a rung.
const ALL: u64 = 10_000;

/// How many events say something.
const LEAST_EVENTS: u64 = 1_000;

/// How many events an objective has to leave bad, of those that there were: fewer say nothing about it.
const LEAST_BUDGET: u64 = 10;

/// An objective that today's figures speak for, or why none is proposed: of
/// [`Telemetry::propose_slos`](crate::Telemetry::propose_slos).
///
/// Prints as the line of code that declares it, with the figures behind it, or as a comment:
///
/// ```text
/// .slo(Slo::availability("charge", 99.5).route("/charge")) // 99.83 % of 12,400 requests were good
/// // /refund: 312 requests; at least 1,000 are needed
/// ```
#[derive(Clone, Debug)]
pub struct Proposal {
    of: String,
    slo: Option<Slo>,
    events: u64,
    bad: u64,
    quantile: Option<(Duration, Duration)>,
    /// The figures in words, or why there is no objective.
    said: String,
}

impl Proposal {
    /// Whose traffic it is: `/charge`, `GET HEAD /orders`, `shop.Orders/Place`.
    #[must_use]
    pub fn of(&self) -> &str {
        &self.of
    }

    /// The objective; `None` where nothing can be proposed.
    #[must_use]
    pub fn slo(&self) -> Option<&Slo> {
        self.slo.as_ref()
    }

    /// The events so far that it would have counted. For a latency those that it would have with a threshold at the end
    /// of [`quantile`](Proposal::quantile).
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Those of them that it would have called bad: failures; for a latency what was late.
    #[must_use]
    pub fn bad(&self) -> u64 {
        self.bad
    }

    /// For a latency, between which times the quantile of its objective lies: the bounds of a bucket of the histogram,
    /// which knows no more.
    #[must_use]
    pub fn quantile(&self) -> Option<(Duration, Duration)> {
        self.quantile
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.slo {
            Some(slo) => {
                code::write(f, slo)?;
                write!(f, " // {}", self.said)
            }
            None => write!(f, "// {}: {}", self.of.escape_debug(), self.said),
        }
    }
}

/// What the durations of requests, and of calls by gRPC, speak for, beside what is declared. The busiest first.
pub(crate) fn propose<'a>(
    families: impl IntoIterator<Item = &'a dyn AnyFamily>,
    declared: &[&Slo],
) -> Vec<Proposal> {
    let readings: Vec<Reading> = families.into_iter().map(Reading::of).collect();
    let all = readings.iter().flat_map(|reading| reading.traffic.iter().map(move |one| (reading, one)));
    let mut subjects: Vec<Subject<'_>> =
        all.map(|(reading, (of, traffic))| Subject { of, traffic, bounds: &reading.bounds }).collect();
    subjects.sort_by_key(|subject| (Reverse(subject.traffic.availability().events), subject.of));
    let mut names = Names(declared.iter().map(|slo| slo.name().to_owned()).collect());
    subjects.iter().flat_map(|subject| subject.propose(declared, &mut names)).collect()
}

/// What objectives are proposed for.
struct Subject<'a> {
    of: &'a Of,
    traffic: &'a Traffic,
    bounds: &'a [f64],
}

impl Subject<'_> {
    fn propose(&self, declared: &[&Slo], names: &mut Names) -> Vec<Proposal> {
        let mine = || declared.iter().filter(|slo| self.of.is_of(slo));
        let has_availability = mine().any(|slo| !matches!(slo.indicator(), Indicator::Latency { .. }));
        let has_latency =
            mine().any(|slo| slo.threshold().is_some() || matches!(slo.indicator(), Indicator::Judged(_)));
        let count = self.traffic.availability();
        if count.events < LEAST_EVENTS {
            let needed = thousands(LEAST_EVENTS);
            let said = format!("{}; at least {needed} are needed", self.counted(count.events));
            let is_new = !has_availability || !has_latency;
            return if is_new { vec![self.nothing(count, said)] } else { Vec::new() };
        }
        let endings = [(has_availability, ""), (has_latency, FAST)];
        let endings = endings.into_iter().filter(|(is_declared, _)| !is_declared).map(|(_, ending)| ending);
        let name = names.new_one(&self.name(), &endings.collect::<Vec<_>>());
        let availability = (!has_availability).then(|| self.availability(count, &name));
        let latency = (!has_latency).then(|| self.latency(&format!("{name}{FAST}")));
        availability.into_iter().chain(latency).collect()
    }

    fn availability(&self, count: Count, name: &str) -> Proposal {
        let mut said = format!("{} of {} were good", share(count), self.counted(count.events));
        let met: Vec<u64> = RUNGS.into_iter().filter(|rung| is_met(count, *rung)).collect();
        let Some(at) = met.iter().position(|rung| is_backed(count, *rung)) else {
            return self.nothing(count, format!("{said}, which is no objective"));
        };
        let rung = met.get(at).copied().unwrap_or_default();
        if let Some(stricter) = at.checked_sub(1).and_then(|at| met.get(at)) {
            let needed = thousands(LEAST_BUDGET * ALL / (ALL - stricter));
            said = format!("{said}; {} % needs {needed}", objective(*stricter));
        }
        let slo = Slo::availability(name, objective(rung));
        Proposal { slo: Some(self.scoped(slo)), ..self.nothing(count, said) }
    }

    fn latency(&self, name: &str) -> Proposal {
        let mut last = (Count { events: 0, bad: 0 }, Duration::ZERO);
        for rung in LATENCY_RUNGS {
            let mut from = Duration::ZERO;
            for (bucket, bound) in self.bounds.iter().enumerate() {
                let (count, to) = (self.traffic.latency(bucket), seconds(*bound));
                last = (count, to);
                if !to.is_zero() && is_met(count, rung) && is_backed(count, rung) {
                    return self.within(count, rung, (from, to), name);
                }
                from = to;
            }
        }
        let (count, to) = last;
        let said = if count.events < LEAST_EVENTS {
            let needed = thousands(LEAST_EVENTS);
            format!("{} ended well or late; at least {needed} are needed", self.counted(count.events))
        } else {
            let (bad, all) = (thousands(count.bad), self.counted(count.events));
            format!("{bad} of {all} took longer than {}, the last bucket's bound", said(to))
        };
        self.nothing(count, format!("no threshold: {said}"))
    }

    /// A latency whose quantile lies between these times.
    fn within(&self, count: Count, rung: u64, between: (Duration, Duration), name: &str) -> Proposal {
        let (from, to) = between;
        let said = format!(
            "{} of {} took at most {}; the {}th percentile lies between {} and {}",
            share(count),
            self.counted(count.events),
            said(to),
            rung / 100,
            said(from),
            said(to),
        );
        // The histogram's durations are those to the end of the answer's body.
        let slo = self.scoped(Slo::latency(name, objective(rung), round(to))).to_end();
        Proposal { slo: Some(slo), quantile: Some(between), ..self.nothing(count, said) }
    }

    fn nothing(&self, count: Count, said: String) -> Proposal {
        Proposal {
            of: self.to_string(),
            slo: None,
            events: count.events,
            bad: count.bad,
            quantile: None,
            said,
        }
    }

    fn scoped(&self, slo: Slo) -> Slo {
        match self.of {
            Of::Route(route, _) => {
                let slo = slo.route(route);
                let methods = self.traffic.methods.iter().filter(|_| self.traffic.is_part);
                methods.fold(slo, Slo::method)
            }
            Of::RpcMethod(method) => slo.rpc_method(method),
        }
    }

    /// A name made of the route, by the rules of names.
    fn name(&self) -> String {
        let (text, group) = match self.of {
            Of::Route(route, Group::Read) if self.traffic.is_part => (route, "-read"),
            Of::Route(route, Group::Write) if self.traffic.is_part => (route, "-write"),
            Of::Route(route, _) => (route, ""),
            Of::RpcMethod(method) => (method, ""),
        };
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let name = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
        let name = name.get(..name.len().min(LONGEST_NAME)).unwrap_or_default().trim_end_matches('-');
        format!("{}{group}", if name.is_empty() { "root" } else { name })
    }

    fn counted(&self, events: u64) -> String {
        counted(events, if matches!(self.of, Of::Route(..)) { "request" } else { "call" })
    }
}

/// What it is about, for people.
impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Of::Route(route, _) => {
                let mut methods = self.traffic.methods.iter().filter(|_| self.traffic.is_part);
                methods.try_for_each(|method| write!(f, "{method} "))?;
                f.write_str(route)
            }
            Of::RpcMethod(method) => f.write_str(method),
        }
    }
}

/// What the names of objectives for speed end in.
const FAST: &str = "-fast";

/// How much of a route its names have, in bytes: the rest is for what is put behind it.
const LONGEST_NAME: usize = 46;

/// Names that are taken.
struct Names(BTreeSet<String>);

impl Names {
    /// This name, with a number behind it where it is taken with one of these endings.
    fn new_one(&mut self, name: &str, endings: &[&str]) -> String {
        let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
        let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
        let is_free = |name: &String| endings.iter().all(|end| !self.0.contains(&format!("{name}{end}")));
        let free = candidates.find(is_free).unwrap_or_default();
        self.0.extend(endings.iter().map(|end| format!("{free}{end}")));
        free
    }
}

/// Whether less was bad than this objective allows.
fn is_met(count: Count, rung: u64) -> bool {
    count.bad.saturating_mul(ALL) < (ALL - rung).saturating_mul(count.events)
}

/// Whether there were enough events to speak for it.
fn is_backed(count: Count, rung: u64) -> bool {
    count.events >= LEAST_EVENTS && count.events.saturating_mul(ALL - rung) >= LEAST_BUDGET * ALL
}

fn objective(rung: u64) -> f64 {
    rung as f64 / 100.0
}

/// `99.83 %`, never more than it is.
fn share(count: Count) -> String {
    let good = u128::from(count.events.saturating_sub(count.bad));
    let share = (good * u128::from(ALL)).checked_div(u128::from(count.events)).unwrap_or_default();
    match (share / 100, share % 100) {
        (whole, 0) => format!("{whole} %"),
        (whole, rest) => format!("{whole}.{rest:02} %"),
    }
}

fn seconds(bound: f64) -> Duration {
    Duration::try_from_secs_f64(bound).unwrap_or_default()
}

/// A time that people choose, not below this one: 1, 1.5, 2, 2.5, 3, 4, 5 or 7.5 of a unit, or ten or a hundred times that.
fn round(time: Duration) -> Duration {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let mut tenth = 100_u64;
    loop {
        let steps = [10, 15, 20, 25, 30, 40, 50, 75].map(|step| tenth.saturating_mul(step));
        if let Some(step) = steps.into_iter().find(|step| *step >= nanos) {
            return Duration::from_nanos(step);
        }
        tenth = tenth.saturating_mul(10);
    }
}

/// `250 ms`, `2.5 s`.
fn said(time: Duration) -> String {
    if time.as_secs() > 0 || time.is_zero() {
        format!("{} s", time.as_secs_f64())
    } else {
        format!("{} ms", time.as_nanos() as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Catches: a time below the one that was measured, a step that is left out, a time without end.
    #[test]
    fn times_are_rounded_up() {
        for (micros, rounded) in [
            (0, 1),
            (5_000, 5_000),
            (25_000, 25_000),
            (64_000, 75_000),
            (75_001, 100_000),
            (128_000, 150_000),
            (350_000, 400_000),
            (10_000_001, 15_000_000),
        ] {
            assert_eq!(round(Duration::from_micros(micros)), Duration::from_micros(rounded), "{micros}");
        }
        assert_eq!(round(Duration::MAX), Duration::from_nanos(u64::MAX));
    }

    // Catches: 100 % said of what is not all, digits of a share that are lost.
    #[test]
    fn figures_are_written_for_people() {
        for (events, bad, text) in [
            (12_400, 21, "99.83 %"),
            (100_000, 1, "99.99 %"),
            (10, 0, "100 %"),
            (1_000, 995, "0.50 %"),
            (0, 0, "0 %"),
        ] {
            assert_eq!(share(Count { events, bad }), text);
        }
        for (millis, text) in [(0, "0 s"), (5, "5 ms"), (250, "250 ms"), (1_000, "1 s"), (2_500, "2.5 s")] {
            assert_eq!(said(Duration::from_millis(millis)), text);
        }
        assert_eq!(said(Duration::from_micros(7)), "0.007 ms");
    }

    // Catches: an objective that today's figures only just meet, one that too few events speak for.
    #[test]
    fn an_objective_is_looser_than_today() {
        let met = |events, bad, rung| is_met(Count { events, bad }, rung);
        assert!(met(10_000, 9, 9_990) && !met(10_000, 10, 9_990) && met(10_000, 10, 9_950));
        let backed = |events, rung| is_backed(Count { events, bad: 0 }, rung);
        assert!(backed(10_000, 9_990) && !backed(9_999, 9_990) && !backed(999, 9_000));
    }
}
