//! The ways out for kept traces and, where they are pushed, metrics.

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
use crate::hub::Hub;
use crate::record::{TraceRecord, TraceSink};
use crate::registry::Collect;
use crate::semconv::{metric, own};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A way out.
pub(super) trait Outlet: Send + Sync {
    /// From now on it is this telemetry's, and tells in its log what becomes of what goes out.
    fn tell(&self, hub: &Arc<Hub>);

    /// Waits until what was there before is delivered or given up.
    fn flush(&self, patience: Duration) -> Result<(), Error>;

    /// Takes no more, and has until then to deliver what it has. Returns at once.
    fn close(&self, patience: Duration);

    /// Takes no more, and waits until what was accepted is delivered or given up.
    fn shutdown(&self, patience: Duration) -> Result<(), Error>;

    /// Adds its figures.
    fn count(&self, figures: &mut Figures);
}

/// What became of what went out, over all ways.
#[derive(Default)]
pub(super) struct Figures {
    /// By signal and reason.
    pub(super) dropped: BTreeMap<(&'static str, &'static str), u64>,
    /// By signal and outcome.
    pub(super) attempts: BTreeMap<(&'static str, &'static str), u64>,
    /// By signal.
    pub(super) waiting: BTreeMap<&'static str, u64>,
}

/// All ways out of one telemetry.
#[derive(Clone, Default)]
pub(super) struct Exports {
    outlets: Vec<Arc<dyn Outlet>>,
    /// Those of them that take traces.
    sinks: Vec<Arc<dyn TraceSink>>,
}

impl Exports {
    /// Adds a way out for traces.
    pub(super) fn traces<T: Outlet + TraceSink + 'static>(&mut self, outlet: T) {
        let outlet = Arc::new(outlet);
        self.sinks.push(Arc::clone(&outlet) as Arc<dyn TraceSink>);
        self.outlets.push(outlet);
    }

    /// Adds a way out for metrics.
    #[cfg(feature = "otlp")]
    pub(super) fn metrics(&mut self, outlet: impl Outlet + 'static) {
        self.outlets.push(Arc::new(outlet));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.outlets.is_empty()
    }

    /// Where kept traces go. `None`: nowhere.
    pub(super) fn sink(&self) -> Option<Arc<dyn TraceSink>> {
        match self.sinks.as_slice() {
            [] => None,
            [sink] => Some(Arc::clone(sink)),
            several => Some(Arc::new(Several(several.to_vec()))),
        }
    }

    pub(super) fn tell(&self, hub: &Arc<Hub>) {
        self.outlets.iter().for_each(|outlet| outlet.tell(hub));
    }

    pub(super) fn close(&self, patience: Duration) {
        self.outlets.iter().for_each(|outlet| outlet.close(patience));
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
        self.outlets.iter().map(|outlet| wait(&**outlet, left())).fold(Ok(()), both)
    }

    /// What they say about themselves.
    pub(super) fn collect(&self, out: &mut Collect<'_>) {
        let mut figures = Figures::default();
        self.outlets.iter().for_each(|outlet| outlet.count(&mut figures));
        for ((signal, reason), count) in figures.dropped {
            let labels = [(own::SIGNAL, signal), (own::REASON, reason)];
            out.counter(own::DROPPED_TOTAL, own::DROPPED_HELP, &labels, count);
        }
        for ((signal, outcome), count) in figures.attempts {
            let labels = [(own::SIGNAL, signal), (metric::OUTCOME, outcome)];
            out.counter(own::EXPORT_TOTAL, own::EXPORT_HELP, &labels, count);
        }
        for (signal, count) in figures.waiting {
            out.gauge(own::QUEUE_LENGTH, own::QUEUE_HELP, &[(own::SIGNAL, signal)], count);
        }
    }
}

/// Several that each get all.
struct Several(Vec<Arc<dyn TraceSink>>);

impl TraceSink for Several {
    fn take(&self, trace: TraceRecord) {
        if let Some((last, others)) = self.0.split_last() {
            others.iter().for_each(|sink| sink.take(trace.clone()));
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
