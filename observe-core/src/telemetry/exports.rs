//! The ways out for kept traces.

mod file;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(not(feature = "otlp"))]
mod unbuilt;

#[cfg(feature = "otlp")]
pub(super) use otlp::Asked;
#[cfg(not(feature = "otlp"))]
pub(super) use unbuilt::Asked;

use crate::error::{Error, Kind};
use crate::export::queue::{Loss, QueueStats};
use crate::hub::Hub;
use crate::record::{TraceRecord, TraceSink};
use crate::registry::Collect;
use crate::semconv::{metric, otel, own};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A way out for kept traces.
pub(super) trait Outlet: TraceSink {
    /// From now on it tells in this telemetry's log what becomes of spans.
    fn tell(&self, hub: &Arc<Hub>);

    /// Waits until what was accepted before is delivered or given up.
    fn flush(&self, patience: Duration) -> Result<(), Error>;

    /// Takes no more, and has until then to deliver what it has. Returns at once.
    fn close(&self, patience: Duration);

    /// Takes no more, and waits until what was accepted is delivered or given up.
    fn shutdown(&self, patience: Duration) -> Result<(), Error>;

    /// Adds its figures.
    fn count(&self, figures: &mut Figures);
}

/// What became of spans, over all ways out.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) dropped: BTreeMap<&'static str, u64>,
    pub(super) attempts: BTreeMap<&'static str, u64>,
    /// Lines and links whose span was handed over apart from them.
    pub(super) apart: u64,
    pub(super) waiting: u64,
    /// What became of traces that go into a file, and how many wait.
    pub(super) file: Option<(Arc<QueueStats>, usize)>,
}

/// All ways out of one telemetry.
#[derive(Clone, Default)]
pub(super) struct Exports(Vec<Arc<dyn Outlet>>);

impl Exports {
    pub(super) fn new(outlets: Vec<Arc<dyn Outlet>>) -> Self {
        Self(outlets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where kept traces go. `None`: nowhere.
    pub(super) fn sink(&self) -> Option<Arc<dyn TraceSink>> {
        match self.0.as_slice() {
            [] => None,
            [outlet] => Some(Arc::clone(outlet) as Arc<dyn TraceSink>),
            several => Some(Arc::new(Several(several.to_vec()))),
        }
    }

    pub(super) fn tell(&self, hub: &Arc<Hub>) {
        self.0.iter().for_each(|outlet| outlet.tell(hub));
    }

    pub(super) fn close(&self, patience: Duration) {
        self.0.iter().for_each(|outlet| outlet.close(patience));
    }

    pub(super) fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.each(patience, |outlet, patience| outlet.flush(patience))
    }

    pub(super) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.close(patience);
        self.each(patience, |outlet, patience| outlet.shutdown(patience))
    }

    /// All within the same time, whichever of them uses it up.
    fn each(
        &self,
        patience: Duration,
        wait: impl Fn(&dyn Outlet, Duration) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.is_empty() {
            return Ok(()); // There may be no clock.
        }
        let started = Instant::now();
        let left = || patience.saturating_sub(started.elapsed());
        self.0.iter().map(|outlet| wait(&**outlet, left())).fold(Ok(()), both)
    }

    /// What they say about themselves.
    pub(super) fn collect(&self, out: &mut Collect<'_>) {
        if self.is_empty() {
            return;
        }
        let mut figures = Figures::default();
        self.0.iter().for_each(|outlet| outlet.count(&mut figures));
        if let Some((stats, waiting)) = &figures.file {
            collect_file(out, stats, *waiting);
        }
        if self.0.len() == usize::from(figures.file.is_some()) {
            return;
        }
        let apart = (otel::SPAN_EVENT, otel::APART, figures.apart);
        let spans = figures.dropped.into_iter().map(|(reason, count)| (otel::SPAN, reason, count));
        for (signal, reason, count) in spans.chain([apart]) {
            let labels = [(own::SIGNAL, signal), (own::REASON, reason)];
            out.counter(own::DROPPED_TOTAL, own::DROPPED_HELP, &labels, count);
        }
        for (outcome, count) in figures.attempts {
            let labels = [(own::SIGNAL, otel::SPAN), (metric::OUTCOME, outcome)];
            out.counter(own::EXPORT_TOTAL, own::EXPORT_HELP, &labels, count);
        }
        out.gauge(own::QUEUE_LENGTH, own::QUEUE_HELP, &[(own::SIGNAL, otel::SPAN)], figures.waiting);
    }
}

/// Into a file traces go whole: it is traces that are counted.
fn collect_file(out: &mut Collect<'_>, stats: &QueueStats, waiting: usize) {
    for loss in Loss::ALL {
        let labels = [(own::SIGNAL, otel::TRACE), (own::REASON, loss.as_str())];
        out.counter(own::DROPPED_TOTAL, own::DROPPED_HELP, &labels, stats.dropped(loss));
    }
    for (outcome, count) in [("ok", stats.written()), ("error", stats.write_errors())] {
        let labels = [(own::SIGNAL, otel::TRACE), (metric::OUTCOME, outcome)];
        out.counter(own::EXPORT_TOTAL, own::EXPORT_HELP, &labels, count);
    }
    let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
    out.gauge(own::QUEUE_LENGTH, own::QUEUE_HELP, &[(own::SIGNAL, otel::TRACE)], waiting);
}

/// Several that each get all.
struct Several(Vec<Arc<dyn Outlet>>);

impl TraceSink for Several {
    fn take(&self, trace: TraceRecord) {
        if let Some((last, others)) = self.0.split_last() {
            others.iter().for_each(|outlet| outlet.take(trace.clone()));
            last.take(trace);
        }
    }
}

/// What went wrong with either: of two, both texts, and the first one's kind.
pub(super) fn both(one: Result<(), Error>, other: Result<(), Error>) -> Result<(), Error> {
    match (one, other) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(error), Ok(())) | (Ok(()), Err(error)) => Err(error),
        (Err(one), Err(other)) => {
            let kind = if one.is_timeout() || other.is_timeout() { Kind::Timeout } else { Kind::Io };
            Err(Error::new(kind, format!("{one}; {other}")))
        }
    }
}
