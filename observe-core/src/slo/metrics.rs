//! The metrics of objectives.

use super::windows::Counts;
use super::{Exclusion, Slos, promql_duration};
use crate::clock::Clock;
use crate::registry::{Collect, Collector};
use crate::semconv::slo as names;
use std::sync::Arc;

/// Says the metrics of the objectives.
pub(crate) struct SloMetrics {
    pub(crate) slos: Arc<Slos>,
    pub(crate) clock: Clock,
}

impl Collector for SloMetrics {
    fn collect(&self, out: &mut Collect<'_>) {
        let (now, service) = (self.clock.now(), self.slos.service());
        for live in self.slos.counted() {
            // So that the windows are right also where no thread looks.
            live.note(now);
            let name = live.declared().name();
            let labels = [(names::SLO, name), (names::SERVICE, service)];
            let Counts { events, bad } = live.counts();
            out.counter(names::EVENTS_TOTAL, "Events that the objective judged.", &labels, events);
            out.counter(names::BAD_EVENTS_TOTAL, "Events that the objective judged to be bad.", &labels, bad);
            for reason in Exclusion::ALL {
                let labels = [labels[0], labels[1], (names::REASON, reason.as_str())];
                let help = "Events that the objective does not count.";
                out.counter(names::EXCLUDED_EVENTS_TOTAL, help, &labels, live.excluded(reason));
            }
            let help = "Which share of the events is to be good.";
            out.gauge(names::OBJECTIVE_RATIO, help, &labels, 1.0 - live.declared().error_budget());
            let help = "Which share of the error budget is left, of the events since the process started; below 0 it is overspent.";
            out.gauge(names::ERROR_BUDGET_REMAINING_RATIO, help, &labels, live.budget_left());
            let rates = live.burn_rates(now).into_iter();
            let rates = rates.map(|rate| (promql_duration(rate.window), Some(rate.rate), rate.covered));
            let since = (names::SINCE_START.to_owned(), None, live.age(now));
            for (window, rate, covered) in rates.chain([since]) {
                let labels = [labels[0], labels[1], (names::WINDOW, window.as_str())];
                if let Some(rate) = rate {
                    let help = "How many times faster than allowed the error budget is spent, in as much of the window as is covered.";
                    out.gauge(names::BURN_RATE, help, &labels, rate);
                }
                let help = "How much of the window has been seen since the process started.";
                out.gauge(names::COVERED_SECONDS, help, &labels, covered.as_secs_f64());
            }
        }
    }
}
