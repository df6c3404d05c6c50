//! What a telemetry says about itself at each scrape.

use crate::export::json::JsonLines;
use crate::export::queue::Loss;
use crate::hub::Hub;
use crate::record::Keep;
use crate::registry::{Collect, Collector};
use crate::semconv::own;
use crate::traces::Cut;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// Losses, queue lengths, and the service's build.
pub(super) struct Itself {
    /// The registry belongs to the hub: holding it here would be a circle.
    pub(super) hub: Weak<Hub>,
    pub(super) lines: Option<Arc<JsonLines>>,
    pub(super) version: String,
    pub(super) revision: String,
    /// In seconds since 1970-01-01T00:00:00Z.
    pub(super) started: f64,
}

impl Collector for Itself {
    fn collect(&self, out: &mut Collect<'_>) {
        let dropped = |out: &mut Collect<'_>, signal: &str, reason: &str, count: u64| {
            let labels = [(own::SIGNAL, signal), (own::REASON, reason)];
            out.counter(own::DROPPED_TOTAL, own::DROPPED_HELP, &labels, count);
        };
        if let Some(lines) = &self.lines {
            for loss in Loss::ALL {
                dropped(out, "log", loss.as_str(), lines.stats().dropped(loss));
            }
            let exported = [("ok", lines.stats().written()), ("error", lines.stats().write_errors())];
            for (outcome, count) in exported {
                let labels = [(own::SIGNAL, "log"), (crate::semconv::metric::OUTCOME, outcome)];
                out.counter(
                    own::EXPORT_TOTAL,
                    "What was handed over, by signal and outcome.",
                    &labels,
                    count,
                );
            }
            let length = u64::try_from(lines.queue_length()).unwrap_or(u64::MAX);
            let help = "What waits to leave the process, by signal.";
            out.gauge(own::QUEUE_LENGTH, help, &[(own::SIGNAL, "log")], length);
        }
        if let Some(hub) = self.hub.upgrade() {
            dropped(out, "span", own::TOO_MANY_OPEN, hub.spans_refused.load(Ordering::Relaxed));
            for cut in Cut::ALL {
                dropped(out, "span", cut.as_str(), hub.traces.count(cut));
            }
            let mut decided = |decision: &str, count: u64| {
                let help = "Traces that were kept, by reason, and those that were not for being too many of their kind.";
                out.counter(own::TRACES_TOTAL, help, &[(own::DECISION, decision)], count);
            };
            for keep in Keep::ALL {
                decided(keep.as_str(), hub.traces.kept(keep));
            }
            decided("limited", hub.traces.limited());
            hub.registry.dropped(&mut |reason, count| dropped(out, "metric", reason, count));
        }
        let build = [(own::VERSION, self.version.as_str()), (own::REVISION, self.revision.as_str())];
        out.info(own::BUILD_INFO, "Version and revision of the service.", &build);
        let help = "When the process made its telemetry, shortly after its start, in seconds since 1970-01-01T00:00:00Z.";
        out.gauge(own::PROCESS_START_TIME_SECONDS, help, &[], self.started);
    }
}
