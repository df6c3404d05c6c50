//! Kept traces into a file, as the code asks for it.

use super::{Exports, Figures, Outlet};
use crate::clock::Clock;
use crate::error::Error;
use crate::export::otlp_json::OtlpJson;
use crate::export::queue::Loss;
use crate::export::resource::Attributes;
use crate::export::trace_file::TraceFile;
use crate::hub::Hub;
use crate::semconv::otel;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

impl Exports {
    /// The same, and a file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, or its thread cannot be started.
    pub(in crate::telemetry) fn and_file(
        mut self,
        path: &Path,
        service: &str,
        version: &str,
        clock: &Clock,
    ) -> Result<Self, Error> {
        let json = OtlpJson::new(&Attributes::of(service, version));
        self.traces(TraceFile::start(path, json, clock.clone())?);
        Ok(self)
    }
}

impl Outlet for TraceFile {
    fn tell(&self, _: &Arc<Hub>) {}

    fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.flush(patience)
    }

    /// A file does not keep one waiting as a collector does: it has all of the time that is left in the end.
    fn close(&self, _: Duration) {}

    fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.shutdown(patience)
    }

    /// Into a file traces go whole: it is traces that are counted.
    fn count(&self, figures: &mut Figures) {
        let stats = self.stats();
        for loss in Loss::ALL {
            *figures.dropped.entry((otel::TRACE, loss.as_str())).or_default() += stats.dropped(loss);
        }
        for (outcome, count) in [("ok", stats.written()), ("error", stats.write_errors())] {
            *figures.attempts.entry((otel::TRACE, outcome)).or_default() += count;
        }
        *figures.waiting.entry(otel::TRACE).or_default() += self.len() as u64;
    }
}
