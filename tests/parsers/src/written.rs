//! What telemetries of these tests write.

use observe_core::{Filter, LogFormat, Sampling, Telemetry};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One telemetry, and its lines.
pub(crate) struct Log {
    pub(crate) telemetry: Telemetry,
    lines: Lines,
    /// One at a time: what is read is what was written meanwhile.
    turn: Mutex<()>,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn new(format: LogFormat) -> Self {
        let lines = Lines::default();
        let telemetry = Telemetry::builder("fuzzed")
            .version("1.0")
            .log_format(format)
            .filter(Filter::parse("trace").0)
            .sampling(Sampling::never())
            .google_cloud_project("project")
            .log_writer(lines.clone())
            .build()
            .unwrap();
        Self { telemetry, lines, turn: Mutex::default() }
    }

    /// What is written while it runs: whole lines.
    pub(crate) fn of(&self, run: impl FnOnce(&Telemetry)) -> Vec<String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.telemetry.run(|| run(&self.telemetry));
        self.telemetry.flush(Duration::from_secs(60)).unwrap();
        let bytes = std::mem::take(&mut *self.lines.bytes());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.split_terminator('\n').map(str::to_owned).collect()
    }
}
