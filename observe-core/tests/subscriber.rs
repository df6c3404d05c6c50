//! Spans and lines by way of `tracing`, with our own subscriber.

use observe_core::{Operation, Telemetry};
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::{info, info_span};

/// What was written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs `f` in a telemetry of its own, and answers the lines.
fn lines_of(f: impl FnOnce(&Telemetry)) -> Vec<Value> {
    let lines = Lines::default();
    let telemetry = Telemetry::builder("test").log_writer(lines.clone()).build().unwrap();
    telemetry.run(|| f(&telemetry));
    telemetry.shutdown(Duration::from_secs(10)).unwrap();
    let bytes = lines.0.lock().unwrap();
    let text = str::from_utf8(&bytes).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_has_the_ids_and_the_fields_of_its_spans() {
    let lines = lines_of(|_| {
        info!("outside");
        let outer = info_span!("outer", order = 7_u64, who = "a").entered();
        info!("in outer");
        info_span!("inner", who = "b").in_scope(|| info!(answer = 42, "in inner"));
        drop(outer);
        info!("outside again");
    });
    assert_eq!(lines.len(), 4);
    assert!(lines[0].get("trace_id").is_none());
    assert_eq!(lines[1]["order"], 7);
    assert_eq!(lines[1]["who"], "a");
    assert_eq!(lines[2]["trace_id"], lines[1]["trace_id"]);
    assert_ne!(lines[2]["span_id"], lines[1]["span_id"]);
    assert_eq!(
        (&lines[2]["order"], &lines[2]["who"], &lines[2]["answer"]),
        (&7.into(), &"b".into(), &42.into())
    );
    assert!(lines[3].get("trace_id").is_none());
}

#[test]
fn an_operation_is_the_span_of_its_lines() {
    let lines = lines_of(|telemetry| {
        let operation = telemetry.operation("charge").start();
        let span = operation.context().span().unwrap();
        operation.run(|| {
            assert!(!tracing::Span::current().is_disabled());
            info!("in");
            Operation::builder("inner").start().run(|| info!("deeper"));
        });
        info!(trace = %span.trace_id, id = %span.span_id, "outside");
    });
    assert_eq!(lines[0]["trace_id"], lines[2]["trace"]);
    assert_eq!(lines[0]["span_id"], lines[2]["id"]);
    assert_eq!(lines[1]["trace_id"], lines[2]["trace"]);
    assert_ne!(lines[1]["span_id"], lines[2]["id"]);
}
