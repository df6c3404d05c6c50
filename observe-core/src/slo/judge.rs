//! Whether an event is good.

use super::{Exclusion, Indicator, Slo, SloEvent, Verdict};
use crate::catch::catch;
use crate::outcome::Outcome;
use std::time::Duration;

impl Slo {
    /// What the objective says of an event that it is about.
    pub(crate) fn judge(&self, event: &SloEvent<'_>) -> Verdict {
        let (within, is_about_failure) = match &self.indicator {
            Indicator::Availability { within } => (*within, true),
            Indicator::Latency { within } => (Some(*within), false),
            Indicator::Judged(judge) => {
                return catch(|| judge(event)).unwrap_or(Verdict::Excluded(Exclusion::JudgePanicked));
            }
            Indicator::ByHand | Indicator::External { .. } => return Verdict::Excluded(Exclusion::NotValid),
        };
        if self.excludes_client_errors && event.status.is_some_and(|status| (400..500).contains(&status)) {
            return Verdict::Excluded(Exclusion::ClientError);
        }
        let is_late = within.is_some_and(|within| self.time_of(event) > within);
        if event.outcome.is_failure() && is_about_failure || is_late {
            Verdict::Bad
        } else if event.outcome.is_failure() {
            Verdict::Excluded(Exclusion::Failed)
        } else if event.outcome == Outcome::Cancelled && !self.is_answered(event, within) {
            Verdict::Excluded(Exclusion::Cancelled)
        } else {
            Verdict::Good
        }
    }

    /// What the threshold is held against.
    fn time_of(&self, event: &SloEvent<'_>) -> Duration {
        event.head.filter(|_| !self.to_end).unwrap_or(event.duration)
    }

    /// Whether all was there that is judged when its client went away.
    fn is_answered(&self, event: &SloEvent<'_>, within: Option<Duration>) -> bool {
        event.status.is_some() && !(self.to_end && within.is_some())
    }
}
