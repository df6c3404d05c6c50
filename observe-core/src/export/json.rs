//! Log records as JSON, one object a line.

mod layout;
mod time;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tracing_core::Level;

use crate::clock::Clock;
use crate::error::Error;
use crate::export::pretty::Pretty;
use crate::export::queue::{Look, Loss, Output, Queue, QueueLimits, QueueStats};
use crate::fields::{Fields, Text};
use crate::record::{LogRecord, Sink};
use crate::semconv::log;

pub(crate) use crate::export::keys::Keys;
pub(crate) use layout::{Layout, Service};
pub(crate) use time::rfc3339;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// JSON, one object a line: for machines. The default.
    #[default]
    Json,
    /// JSON with the names of OpenTelemetry's log data model: `Timestamp`, `SeverityText`, `Body`, and what users say in
    /// `Attributes`.
    OpenTelemetry,
    /// JSON by the Elastic Common Schema: `@timestamp`, `log.level`, `trace.id`, and what it has no name for in
    /// `labels`.
    Ecs,
    /// JSON as Google Cloud Logging reads it: `severity`, `logging.googleapis.com/trace`, `httpRequest`. The project is
    /// [`Builder::google_cloud_project`](crate::Builder::google_cloud_project)'s.
    GoogleCloud,
    /// For people at a terminal.
    Pretty {
        /// With colours.
        colour: bool,
    },
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LogFormat::Json => "json",
            LogFormat::OpenTelemetry => "otel",
            LogFormat::Ecs => "ecs",
            LogFormat::GoogleCloud => "gcp",
            LogFormat::Pretty { .. } => "pretty",
        })
    }
}

/// What [`JsonLines`] are made of.
pub(crate) struct LogOptions<'a> {
    pub(crate) service: Service<'a>,
    pub(crate) format: LogFormat,
    pub(crate) limits: QueueLimits,
    pub(crate) clock: Clock,
    pub(crate) writer: Box<dyn io::Write + Send>,
    pub(crate) look: Option<(Duration, Look)>,
}

/// Writes each record as a line of JSON, by way of a bounded queue and a thread.
///
/// When the queue is full the newest line is dropped, counted, and told in the output.
pub(crate) struct JsonLines {
    layout: Arc<Layout>,
    queue: Queue,
}

impl JsonLines {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn start(options: LogOptions<'_>) -> Result<JsonLines, Error> {
        let LogOptions { service, format, limits, clock, writer, look } = options;
        let layout = Arc::new(Layout::new(format, service));
        let reporting = (Arc::clone(&layout), clock.clone());
        let output = Output {
            thread: "observe-log",
            what: "log lines",
            writer,
            format: match format {
                LogFormat::Pretty { colour } => {
                    let mut pretty = Pretty::new(Keys::DEFAULT, colour);
                    Some(Box::new(move |line, out| pretty.line(line, out)))
                }
                _ => None,
            },
            report: Box::new(move |loss, lines, out| report(&reporting.0, &reporting.1, loss, lines, out)),
            clock,
            look,
        };
        Ok(JsonLines { layout, queue: Queue::start(output, limits)? })
    }

    /// What was written and what was lost.
    pub(crate) fn stats(&self) -> &Arc<QueueStats> {
        self.queue.stats()
    }

    /// Lines that are accepted and not yet written.
    pub(crate) fn queue_length(&self) -> usize {
        self.queue.len()
    }

    /// Waits until every line accepted before the call is written and the output is flushed.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`; `is_io` if the output refused lines meanwhile.
    pub(crate) fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.queue.flush(patience)
    }

    /// Takes no more lines, and waits until every accepted one is written and the output is flushed. May be
    /// called again, from any thread.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`: the thread goes on by itself; `is_io` if the output
    /// refused lines meanwhile.
    pub(crate) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.queue.shutdown(patience)
    }
}

impl Sink for JsonLines {
    fn log(&self, record: &LogRecord<'_>) {
        let mut line = self.queue.buffer();
        self.layout.render(record, &mut line);
        self.queue.push(record.level, line);
    }

    fn render(&self, record: &LogRecord<'_>, line: &mut Vec<u8>) {
        self.layout.render(record, line);
    }

    fn write(&self, level: Level, rendered: &[u8], stands_for: u64) {
        let mut line = self.queue.buffer();
        line.extend_from_slice(rendered);
        if stands_for > 1 {
            self.layout.push_sampled(stands_for, &mut line);
        }
        self.queue.push(level, line);
    }
}

/// The line that tells of lost lines.
fn report(layout: &Layout, clock: &Clock, loss: Loss, lines: u64, out: &mut Vec<u8>) {
    let mut message = Text::new();
    message.set(log::LOST_MESSAGE);
    let mut fields = Fields::new();
    fields.u64(log::LOST_COUNT, lines);
    fields.str(log::LOST_REASON, loss.as_str());
    let tick = clock.now();
    let record = LogRecord {
        unix_nanos: clock.unix_nanos(tick),
        level: Level::WARN,
        target: log::OWN_TARGET,
        message: &message,
        span_context: None,
        correlation_id: None,
        span: None,
        event: &fields,
        callsite: 0,
    };
    layout.render(&record, out);
}

#[cfg(test)]
mod tests;
