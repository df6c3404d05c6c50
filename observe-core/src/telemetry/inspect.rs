//! What a telemetry shows of itself, beside its metrics: for an admin service.

use super::Telemetry;
use crate::clock::Clock;
use crate::context::TraceId;
use crate::fields::{Fields, Text};
use crate::in_flight::{self, InFlight};
use crate::inspect::{self, Root, Trace};
use crate::metric::snapshot::Visitor;
use crate::record::LogRecord;
use crate::recorder::{Loss, RecorderLimits};
use crate::semconv::log;
use std::fmt;
use tracing_core::Level;

/// When and as what a telemetry was made.
pub(super) struct Made {
    pub(super) version: String,
    pub(super) revision: String,
    pub(super) unix_nanos: u64,
}

/// Reads what a process knows about itself, beside what [`Registry`](crate::Registry), [`Levels`](crate::Levels) and
/// [`SloStatus`](crate::SloStatus) say: what an admin service is made of. Everything here is read when it is asked for, and
/// costs nothing before. Cheap to clone.
///
/// ```
/// use observe_core::Telemetry;
///
/// let telemetry = Telemetry::builder("checkout").build()?;
/// telemetry.run(|| telemetry.operation("charge").start().run(|| tracing::info!(order.id = 17, "half way")));
/// let (mut names, inspect) = (Vec::new(), telemetry.inspect());
/// inspect.roots(|root| names.push((root.name().to_owned(), root.trace_id())));
/// assert_eq!(names[0].0, "charge");
/// assert_eq!(inspect.trace(names[0].1).unwrap().spans[0].lines[0].message, "half way");
/// # Ok::<(), observe_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Inspect {
    telemetry: Telemetry,
}

/// How the flight recorder stands.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecorderState {
    /// How much it remembers at most.
    pub limits: RecorderLimits,
    /// Memory that it owns, in bytes.
    pub bytes: u64,
    /// How many records, or parts of them, are not there, by reason.
    pub lost: Vec<(&'static str, u64)>,
}

impl Telemetry {
    /// What this process knows about itself: for an admin service, and whoever makes one of their own.
    #[must_use]
    pub fn inspect(&self) -> Inspect {
        Inspect { telemetry: self.clone() }
    }
}

impl Inspect {
    /// The service's name.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.telemetry.inner.hub.service
    }

    /// Its version; may be empty.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.telemetry.inner.made.version
    }

    /// Its revision; may be empty.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.telemetry.inner.made.revision
    }

    /// When the telemetry was made, in nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn started_unix_nanos(&self) -> u64 {
        self.telemetry.inner.made.unix_nanos
    }

    /// The telemetry's clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.telemetry.inner.hub.clock
    }

    /// How the flight recorder stands; `None` if it is off.
    #[must_use]
    pub fn recorder(&self) -> Option<RecorderState> {
        let recorder = self.telemetry.inner.hub.traces.recorder()?;
        let lost = Loss::ALL.map(|loss| (loss.as_str(), recorder.lost(loss))).to_vec();
        Some(RecorderState { limits: recorder.limits(), bytes: recorder.held() as u64, lost })
    }

    /// Shows every request and job that the flight recorder remembers, in no particular order. Recording goes on meanwhile;
    /// a piece of the recorder's memory is held only while it is copied.
    pub fn roots(&self, each: impl FnMut(&Root<'_>)) {
        let hub = &self.telemetry.inner.hub;
        if let Some(recorder) = hub.traces.recorder() {
            inspect::roots(recorder, hub.clock.now(), each);
        }
    }

    /// All that the flight recorder remembers of a trace.
    #[must_use]
    pub fn trace(&self, trace_id: TraceId) -> Option<Trace> {
        let hub = &self.telemetry.inner.hub;
        inspect::find(hub.traces.recorder()?, hub.clock.now(), trace_id)
    }

    /// The requests that are in flight, the oldest first, at most so many of them, and how many there are: see
    /// [`Telemetry::in_flight`].
    #[must_use]
    pub fn in_flight(&self, most: usize) -> (Vec<InFlight>, usize) {
        in_flight::list(&self.telemetry.inner.hub, most)
    }

    /// Shows how long requests, and calls by gRPC, took that were answered so far: under the standard names, whatever names
    /// the registry shows them by. No collector is asked, so nothing of the application's is run.
    pub fn answered(&self, visitor: &mut dyn Visitor) {
        self.telemetry.inner.hub.answered().into_iter().flatten().for_each(|family| family.read(visitor));
    }

    /// Shows every family of the registry, sorted by name, without what collectors say: nothing of the application's is run,
    /// as it is by [`Registry::visit`](crate::Registry::visit).
    pub fn families(&self, visitor: &mut dyn Visitor) {
        self.telemetry.registry().visit_families(visitor);
    }

    /// Writes an audit line (`INFO`, target `audit`), whatever the filter says: who changed what is to be told.
    pub fn write_audit_line(&self, message: &str, fields: &[(&'static str, &str)]) {
        let hub = &self.telemetry.inner.hub;
        let (mut text, mut rendered) = (Text::new(), Fields::new());
        text.set(message);
        for (name, value) in fields {
            rendered.str(*name, value);
        }
        hub.sink.log(&LogRecord {
            unix_nanos: hub.clock.unix_nanos(hub.clock.now()),
            level: Level::INFO,
            target: log::AUDIT_TARGET,
            message: &text,
            span_context: None,
            correlation_id: None,
            span: None,
            event: &rendered,
            callsite: 0,
        });
    }
}

impl fmt::Debug for Inspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Inspect").field(&self.service()).finish()
    }
}
