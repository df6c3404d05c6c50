//! Other libraries, set up as their documentation has it.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing::Dispatch;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;

/// A subscriber of another library, and its last line.
pub(crate) struct Peer {
    pub(crate) dispatch: Dispatch,
    last: Last,
    guard: WorkerGuard,
}

impl Peer {
    /// Whether it wrote what was said, with the ids of a trace.
    pub(crate) fn check(self, said: &str) {
        drop((self.dispatch, self.guard));
        let last = String::from_utf8(self.last.0.lock().expect("nobody panicked").clone()).expect("text");
        let id = ["trace_id", "traceId"].iter().any(|key| last.contains(key));
        assert!(last.contains(said) && last.contains("acme"), "{last}");
        println!("{}: {}", if id { "with trace id" } else { "without trace id" }, last.trim_end());
    }
}

/// Keeps the last line, and no other.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Vec<u8>>>);

impl Write for Last {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut last = self.0.lock().map_err(|_| io::ErrorKind::Other)?;
        last.clear();
        last.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn writer() -> (NonBlocking, WorkerGuard, Last) {
    let last = Last::default();
    // It loses lines when it is full, as ours does.
    let (writer, guard) = NonBlockingBuilder::default().buffered_lines_limit(8_192).finish(last.clone());
    (writer, guard, last)
}

/// As the SDK has it at a share of 1 %: nothing is exported, spans are made.
fn tracer() -> SdkTracer {
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.01)));
    SdkTracerProvider::builder().with_sampler(sampler).build().tracer("bench")
}

/// `tracing_subscriber::fmt().json()`, its spans' ids made by `tracing-opentelemetry`. Its lines do not have them.
pub(crate) fn fmt_json() -> Peer {
    let (writer, guard, last) = writer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer());
    let lines = tracing_subscriber::fmt::layer().json().with_writer(writer);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(otel).with(lines));
    Peer { dispatch, last, guard }
}

/// `json-subscriber`, whose lines have the ids that `tracing-opentelemetry` makes.
pub(crate) fn json_subscriber() -> Peer {
    let (writer, guard, last) = writer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer());
    let lines = json_subscriber::fmt::layer().with_writer(writer).with_opentelemetry_ids(true);
    let dispatch = Dispatch::new(tracing_subscriber::registry().with(otel).with(lines));
    Peer { dispatch, last, guard }
}
