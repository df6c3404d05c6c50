//! How fast a budget may be spent before somebody is told ("The Site Reliability Workbook", chapter 5, "Multiwindow,
//! Multi-Burn-Rate Alerts").

use super::{Alerting, Slo};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The period that the windows were chosen for.
const USUAL_PERIOD: Duration = Duration::from_secs(30 * 24 * 3600);

/// Objectives over less than this have their windows shortened with them: else the slowest pair would tell of a budget
/// that is spent more slowly than it may be.
const SHORT_PERIOD: Duration = Duration::from_secs(14 * 24 * 3600);

/// A long window, over which a share of the budget is spent, and a short one, in which it still is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BurnPair {
    /// 1 h and 5 min: 2 % of the budget.
    Hour,
    /// 6 h and 30 min: 5 %.
    SixHours,
    /// 1 day and 2 h: 10 %.
    Day,
    /// 3 days and 6 h: 10 %.
    ThreeDays,
}

impl BurnPair {
    /// From the fastest to the slowest.
    pub const ALL: [BurnPair; 4] = [BurnPair::Hour, BurnPair::SixHours, BurnPair::Day, BurnPair::ThreeDays];

    /// The long window, the short one, and which share of the budget is spent.
    const fn numbers(self) -> (Duration, Duration, f64) {
        match self {
            BurnPair::Hour => (HOUR, Duration::from_secs(5 * 60), 0.02),
            BurnPair::SixHours => (Duration::from_secs(6 * 3600), Duration::from_secs(30 * 60), 0.05),
            BurnPair::Day => (DAY, Duration::from_secs(2 * 3600), 0.1),
            BurnPair::ThreeDays => (Duration::from_secs(3 * 24 * 3600), Duration::from_secs(6 * 3600), 0.1),
        }
    }
}

/// A pair of windows, as one objective has it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BurnRule {
    /// Which pair it is.
    pub pair: BurnPair,
    /// The long window.
    pub long: Duration,
    /// The short one.
    pub short: Duration,
    /// The share of the budget that is spent in the long window at this rate.
    pub spent: f64,
    /// How many times faster than allowed the budget is spent when it is told.
    pub factor: f64,
    /// The share of bad events that is: the factor times the error budget.
    pub limit: f64,
}

impl BurnRule {
    /// So few bad events in the long window are not told, whatever their share: one of three is no outage.
    pub const LEAST_BAD_EVENTS: u64 = 5;

    /// Whether the share of bad events can be so large at all.
    pub(crate) fn can_fire(&self) -> bool {
        self.limit < 1.0
    }
}

impl Slo {
    /// A time that was chosen for 30 days, as this objective has it.
    pub(crate) fn scaled(&self, time: Duration) -> Duration {
        if self.period >= SHORT_PERIOD {
            return time;
        }
        let millis = time.as_millis() * self.period.as_millis() / USUAL_PERIOD.as_millis();
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX).max(1))
    }

    /// Its pairs of windows, from the fastest to the slowest, those included that can never fire.
    #[must_use]
    pub fn burn_rules(&self) -> [BurnRule; BurnPair::ALL.len()] {
        BurnPair::ALL.map(|pair| {
            let (long, short, spent) = pair.numbers();
            // The windows of a short period have its factors, too.
            let period = if self.period < SHORT_PERIOD { USUAL_PERIOD } else { self.period };
            let factor = tidy(spent * period.as_secs_f64() / long.as_secs_f64());
            let limit = tidy(factor * self.error_budget());
            BurnRule { pair, long: self.scaled(long), short: self.scaled(short), spent, factor, limit }
        })
    }

    /// Those that can fire, and whether each pages somebody.
    pub(crate) fn firing_rules(&self, alerting: &Alerting) -> Vec<(BurnRule, bool)> {
        let rules = self.burn_rules().into_iter().filter(BurnRule::can_fire);
        rules.map(|rule| (rule, alerting.pages(self, rule.pair))).collect()
    }

    /// Every window that is looked back over, each once, from the shortest to the longest.
    pub(crate) fn windows(&self) -> Vec<Duration> {
        let rules = self.burn_rules();
        let mut windows: Vec<Duration> = rules.iter().flat_map(|rule| [rule.short, rule.long]).collect();
        windows.sort_unstable();
        windows.dedup();
        windows
    }

    /// How often recorded values are made: each half minute.
    pub(crate) fn pace(&self) -> Duration {
        self.scaled(MINUTE / 2)
    }
}

/// Without what a product of such numbers has behind the tenth digit.
fn tidy(value: f64) -> f64 {
    (value * 1e10).round() / 1e10
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(objective: f64, days: u64) -> Vec<(f64, f64)> {
        let slo = Slo::availability("charge", objective).window(days as u32 * DAY);
        slo.burn_rules().iter().map(|rule| (rule.factor, rule.limit)).collect()
    }

    // Mutations caught: a period that does not count; a budget with the dust of a subtraction.
    #[test]
    fn the_factors_spend_their_share_of_the_budget() {
        assert_eq!(numbers(99.9, 30), [(14.4, 0.0144), (6.0, 0.006), (3.0, 0.003), (1.0, 0.001)]);
        let of_28_days = numbers(99.9, 28).iter().map(|(factor, _)| *factor).collect::<Vec<_>>();
        assert_eq!(of_28_days, [13.44, 5.6, 2.8, 0.933_333_333_3]);
    }

    #[test]
    fn short_periods_have_shorter_windows_and_the_same_factors() {
        let slo = Slo::availability("charge", 99.0).window(12 * HOUR);
        let rules = slo.burn_rules();
        assert_eq!(rules[0].long, Duration::from_secs(60));
        assert_eq!(rules[0].short, Duration::from_secs(5));
        assert_eq!((rules[0].factor, rules[0].limit), (14.4, 0.144));
        assert_eq!(slo.pace(), Duration::from_millis(500));
        let texts: Vec<_> =
            slo.windows().iter().map(|window| super::super::promql_duration(*window)).collect();
        assert_eq!(texts, ["5s", "30s", "1m", "2m", "6m", "24m", "72m"]);
    }

    // Mutation caught: a limit of exactly everything, which is never passed.
    #[test]
    fn pairs_that_can_never_fire_are_known() {
        let pairs = |objective| {
            let slo = Slo::availability("charge", objective);
            slo.firing_rules(&Alerting::new()).iter().map(|(rule, _)| rule.pair).collect::<Vec<_>>()
        };
        assert_eq!(pairs(99.9), BurnPair::ALL);
        assert_eq!(pairs(90.0), [BurnPair::SixHours, BurnPair::Day, BurnPair::ThreeDays]);
        assert_eq!(pairs(50.0), [BurnPair::ThreeDays]);
    }

    #[test]
    fn who_pages_is_the_objectives_word_then_everybodys() {
        let alerting = Alerting::new().pages_on([BurnPair::SixHours]);
        let all = Slo::availability("charge", 99.9);
        assert!(alerting.pages(&all, BurnPair::SixHours) && !alerting.pages(&all, BurnPair::Hour));
        let own = all.pages_on([BurnPair::Day]);
        assert!(alerting.pages(&own, BurnPair::Day) && !alerting.pages(&own, BurnPair::SixHours));
    }
}
