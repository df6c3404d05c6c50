//! Captured lines.

#![allow(dead_code, reason = "each test takes what it needs")]

use observe_core::testing::Captured;
use observe_core::{Builder, Telemetry};
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// What was written.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// The lines by now.
    pub(crate) fn read(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// The same as it was written.
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(bytes.clone()).expect("a line is text")
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A telemetry that writes to memory.
pub(crate) fn captured() -> (Builder, Lines) {
    let lines = Lines::default();
    (Telemetry::builder("test").log_writer(lines.clone()), lines)
}

/// Runs `f` in a telemetry of its own, and answers the lines.
pub(crate) fn lines_of(f: impl FnOnce(&Telemetry)) -> Vec<Value> {
    let captured = Captured::new();
    captured.run(|| f(captured.telemetry()));
    captured.lines().to_vec()
}

/// A line's ids, as text: `trace_id/span_id`, or nothing.
pub(crate) fn ids(line: &Value) -> String {
    match (line["trace_id"].as_str(), line["span_id"].as_str()) {
        (Some(trace), Some(span)) => format!("{trace}/{span}"),
        (None, None) => String::new(),
        _ => panic!("one id without the other: {line}"),
    }
}
