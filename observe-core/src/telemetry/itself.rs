//! What a telemetry says about itself at each scrape.

use super::exports::Exports;
use crate::export::json::JsonLines;
use crate::export::queue::Loss;
use crate::export::snapshot::SnapshotStats;
use crate::hub::Hub;
use crate::record::Keep;
use crate::recorder;
use crate::registry::{Collect, Collector};
use crate::semconv::{log, own, recorder as recorder_names};
use crate::traces::Cut;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

/// Losses, queue lengths, and the service's build.
pub(super) struct Itself {
    /// The registry belongs to the hub: holding it here would be a circle.
    pub(super) hub: Weak<Hub>,
    pub(super) lines: Option<Arc<JsonLines>>,
    pub(super) snapshots: Option<Arc<SnapshotStats>>,
    pub(super) exports: Exports,
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
        let exported = |out: &mut Collect<'_>, signal: &str, outcome: &str, count: u64| {
            let labels = [(own::SIGNAL, signal), (crate::semconv::metric::OUTCOME, outcome)];
            out.counter(own::EXPORT_TOTAL, own::EXPORT_HELP, &labels, count);
        };
        if let Some(lines) = &self.lines {
            for loss in Loss::ALL {
                dropped(out, "log", loss.as_str(), lines.stats().dropped(loss));
            }
            exported(out, "log", "ok", lines.stats().written());
            exported(out, "log", "error", lines.stats().write_errors());
            let length = u64::try_from(lines.queue_length()).unwrap_or(u64::MAX);
            out.gauge(own::QUEUE_LENGTH, own::QUEUE_HELP, &[(own::SIGNAL, "log")], length);
        }
        self.exports.collect(out);
        if let Some(snapshots) = &self.snapshots {
            dropped(out, "snapshot", recorder_names::TOO_OFTEN, snapshots.refused());
            exported(out, "snapshot", "ok", snapshots.written());
            exported(out, "snapshot", "error", snapshots.failed());
        }
        if let Some(hub) = self.hub.upgrade() {
            if let Some(recorder) = hub.traces.recorder() {
                for loss in recorder::Loss::ALL {
                    dropped(out, "recorder", loss.as_str(), recorder.lost(loss));
                }
                let help = "Memory that the flight recorder owns, in bytes.";
                out.gauge(recorder_names::MEMORY_BYTES, help, &[], recorder.held() as u64);
            }
            if hub.log_rules.hold_any() {
                dropped(out, "log", log::HELD_FULL, hub.log_rules.full());
                let help = "Lines of requests that were left out, as the sampling of lines says.";
                out.counter(log::SAMPLED_OUT_TOTAL, help, &[], hub.log_rules.left_out());
                let help =
                    "Memory of lines that wait until it is known whether their request is kept, in bytes.";
                out.gauge(log::HELD_BYTES, help, &[], hub.log_rules.held_bytes() as u64);
            }
            dropped(out, "span", own::TOO_MANY_OPEN, hub.spans_refused.load(Ordering::Relaxed));
            let help = "Memory that holds back traces which are under way, in bytes.";
            out.gauge(own::TRACE_MEMORY_BYTES, help, &[], hub.traces.held_bytes() as u64);
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
