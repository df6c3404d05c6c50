//! Snapshots of the flight recorder, as a telemetry has them.

use super::{Inner, Telemetry};
use crate::error::{Error, Kind};
use crate::export::resource::Attributes;
use crate::export::snapshot::{Reason, SnapshotLimits, Snapshots, World};
use crate::hub::Hub;
use crate::recorder::Recorder;
use crate::semconv::recorder::OBSERVE_SNAPSHOTS;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Where snapshots go, by whose word.
pub(super) struct Wanted {
    pub(super) code: Option<PathBuf>,
    pub(super) operator: Option<OsString>,
    pub(super) limits: SnapshotLimits,
}

impl Wanted {
    /// Starts what is asked for. With the snapshots, why there are none though the operator asked.
    ///
    /// # Errors
    ///
    /// If the code asked in vain: the folder cannot be made, or the thread cannot be started.
    pub(super) fn start(
        self,
        recorder: Option<Arc<Recorder>>,
        hub: &Arc<Hub>,
        version: &str,
    ) -> Result<(Option<Arc<Snapshots>>, Option<String>), Error> {
        let operator = self.operator.filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let is_code = self.code.is_some();
        let Some(folder) = self.code.or(operator) else { return Ok((None, None)) };
        let Some(recorder) = recorder else {
            return Ok((None, Some("there are no snapshots: the flight recorder is off".to_owned())));
        };
        let resource = Attributes::of(&hub.service, version);
        let world = World { recorder, registry: hub.registry.clone(), resource };
        match Snapshots::start(folder, self.limits, world, hub) {
            Ok(snapshots) => Ok((Some(Arc::new(snapshots)), None)),
            Err(error) if is_code => Err(error),
            // The service is to start all the same.
            Err(error) => Ok((None, Some(format!("{OBSERVE_SNAPSHOTS}: {error}")))),
        }
    }
}

impl Telemetry {
    /// Asks for a snapshot: what happened in the last minutes, kept or not, as OTLP in JSON, with the metrics of the same
    /// minutes. Answers the folder that it will be; [`flush`](Telemetry::flush) waits until it is there. A thread writes
    /// it, and nobody waits for that.
    ///
    /// ```
    /// # let folder = std::env::temp_dir().join(format!("snapshots-{}", std::process::id()));
    /// use observe_core::Telemetry;
    /// use std::time::Duration;
    ///
    /// let telemetry = Telemetry::builder("checkout").snapshots(&folder).build()?;
    /// telemetry.run(|| telemetry.operation("charge").start().run(|| tracing::info!("half way")));
    /// let snapshot = telemetry.snapshot()?;
    /// telemetry.flush(Duration::from_secs(5))?;
    /// let traces = std::fs::read_to_string(snapshot.join("traces.jsonl"))?;
    /// assert!(traces.contains(r#""name":"charge""#));
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there is no folder for them ([`Error::is_invalid`]; see [`Builder::snapshots`](crate::Builder::snapshots)), or
    /// it comes too soon after others ([`Error::is_limited`]).
    pub fn snapshot(&self) -> Result<PathBuf, Error> {
        let Some(snapshots) = &self.inner.snapshots else {
            return Err(Error::new(Kind::Invalid, "there is no folder for snapshots"));
        };
        snapshots.ask(Reason::Call, "")
    }
}

impl Inner {
    /// What is told of each panic.
    pub(super) fn panic_note(&self) -> impl Fn(&str) + Send + Sync + 'static + use<> {
        let snapshots = self.snapshots.clone();
        move |why| {
            if let Some(snapshots) = &snapshots {
                // One that is refused is counted.
                let _ = snapshots.ask(Reason::Panic, why);
            }
        }
    }
}
