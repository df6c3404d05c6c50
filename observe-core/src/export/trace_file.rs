//! Kept traces into a file, as OTLP in JSON: for development, and for whatever reads such files.

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tracing_core::Level;

use super::assemble::Assembly;
use super::otlp_json::{OtlpJson, Trace};
use super::queue::{Output, Queue, QueueLimits, QueueStats};
use crate::clock::Clock;
use crate::context::{TraceFlags, TraceId, TraceState};
use crate::error::{Error, Kind};
use crate::record::{Iter, Keep, TraceHead, TraceRecord, TraceSink};

/// Writes each kept trace, or each part of one, as a line.
///
/// When the queue is full the newest is dropped and counted; a quarter of it is kept for failures.
pub(crate) struct TraceFile {
    queue: Queue,
}

impl TraceFile {
    /// Adds to the file, which is made for this user only, unless it is there. `json` says whose traces they are.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, or the thread cannot be started.
    pub(crate) fn start(path: &Path, json: OtlpJson, clock: Clock) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            Error::new(Kind::Io, format!("traces cannot be written to `{}`", path.display())).caused_by(error)
        })?;
        let mut text = String::new();
        let output = Output {
            thread: "observe-traces",
            what: "traces",
            writer: Box::new(file),
            format: Some(Box::new(move |line, out| {
                text.clear();
                if let Some((head, entries)) = decoded(line) {
                    let trace = Trace { trace_id: head.trace_id, flags: head.flags, head: Some(&head) };
                    json.spans(&trace, &Assembly::of(entries).spans, &mut text);
                }
                out.extend_from_slice(text.as_bytes());
            })),
            // A line that is no request would be one that its readers stumble over; losses are counted.
            report: Box::new(|_, _, _| ()),
            clock,
            look: None,
        };
        Ok(Self { queue: Queue::start(output, QueueLimits::default())? })
    }

    /// What was written and what was lost, in traces or parts of them.
    pub(crate) fn stats(&self) -> &Arc<QueueStats> {
        self.queue.stats()
    }

    /// Those that are accepted and not yet written.
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Waits until every trace accepted before the call is written.
    ///
    /// # Errors
    ///
    /// `is_timeout` if that took longer than `patience`; `is_io` if the file refused traces meanwhile.
    pub(crate) fn flush(&self, patience: Duration) -> Result<(), Error> {
        self.queue.flush(patience)
    }

    /// Takes no more traces, and waits until every accepted one is written.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub(crate) fn shutdown(&self, patience: Duration) -> Result<(), Error> {
        self.queue.shutdown(patience)
    }
}

impl TraceSink for TraceFile {
    fn take(&self, trace: TraceRecord) {
        let mut line = self.queue.buffer();
        encode(&trace, &mut line);
        let level = if trace.head.keep == Keep::Failure { Level::ERROR } else { Level::INFO };
        self.queue.push(level, line);
    }
}

/// As it waits in the queue: the head, and the entries as they are.
fn encode(trace: &TraceRecord, out: &mut Vec<u8>) {
    let TraceHead { trace_id, flags, tracestate, keep, probability } = &trace.head;
    out.extend_from_slice(&trace_id.to_bytes());
    out.extend_from_slice(&[flags.bits(), *keep as u8]);
    out.extend_from_slice(&probability.to_le_bytes());
    // It is bounded far below that.
    let len = u16::try_from(tracestate.as_str().len()).unwrap_or(0);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(tracestate.as_str().as_bytes().get(..usize::from(len)).unwrap_or_default());
    out.extend_from_slice(trace.entries.as_bytes());
}

fn decoded(line: &[u8]) -> Option<(TraceHead, Iter<'_>)> {
    let (trace_id, line) = line.split_first_chunk()?;
    let ([flags, keep], line) = line.split_first_chunk()?;
    let (probability, line) = line.split_first_chunk()?;
    let (len, line) = line.split_first_chunk()?;
    let (tracestate, entries) = line.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
    let head = TraceHead {
        trace_id: TraceId::from_bytes(*trace_id)?,
        flags: TraceFlags::from_bits(*flags),
        tracestate: TraceState::parse([tracestate]).0,
        keep: *Keep::ALL.get(usize::from(*keep))?,
        probability: f64::from_le_bytes(*probability),
    };
    Some((head, Iter::over(entries)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::SpanId;
    use crate::export::resource::Attributes;
    use crate::outcome::Outcome;
    use crate::record::{Entries, Entry, Kind as SpanKind, SpanRecord};
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn trace(keep: Keep) -> TraceRecord {
        let mut entries = Entries::new();
        entries.push(&Entry::Span(SpanRecord {
            id: SpanId::from_bytes([1; 8]).unwrap(),
            parent: None,
            is_local_root: true,
            kind: SpanKind::Server,
            outcome: Outcome::Ok,
            start: 1,
            end: 2,
            name: "GET /",
            target: "tests",
            fields: "",
            end_fields: "",
        }));
        let head = TraceHead {
            trace_id: TraceId::from_bytes([7; 16]).unwrap(),
            flags: TraceFlags::SAMPLED,
            tracestate: TraceState::parse([&b"a=1,b=2"[..]]).0,
            keep,
            probability: 0.25,
        };
        TraceRecord { head, entries, spans: 1 }
    }

    // Mutations caught: a head that is read otherwise than it is written; a file that is begun anew.
    #[test]
    fn traces_are_lines_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traces.jsonl");
        for keep in [Keep::Failure, Keep::Marked] {
            let json = OtlpJson::new(&Attributes::of("checkout", ""));
            let file = TraceFile::start(&path, json, Clock::system()).unwrap();
            file.take(trace(keep));
            file.flush(PATIENCE).unwrap();
            assert_eq!((file.stats().written(), file.len()), (1, 0));
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        for (line, reason) in text.lines().zip(["failure", "marked"]) {
            let request: ExportTraceServiceRequest = serde_json::from_str(line).unwrap();
            let span = &request.resource_spans[0].scope_spans[0].spans[0];
            assert_eq!((&span.trace_id[..], span.flags & 0xFF), (&[7; 16][..], 1));
            assert_eq!(span.trace_state, "a=1,b=2");
            let attributes = format!("{:?}", span.attributes);
            assert!(attributes.contains(reason) && attributes.contains("DoubleValue(0.25)"), "{attributes}");
        }
    }

    // Mutation caught: a report that is a line of the file; one that is counted as a failure of the output.
    #[test]
    fn what_is_lost_is_counted_and_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traces.jsonl");
        let file = TraceFile::start(&path, OtlpJson::new(&Attributes::default()), Clock::system()).unwrap();
        file.shutdown(PATIENCE).unwrap();
        file.take(trace(Keep::Slow));
        assert_eq!(file.stats().dropped(super::super::queue::Loss::Shutdown), 1);
        drop(file);
        let file = TraceFile::start(&path, OtlpJson::new(&Attributes::default()), Clock::system()).unwrap();
        let large = TraceRecord { entries: Entries::from_bytes(vec![0; 7 << 20]), ..trace(Keep::Slow) };
        file.take(large);
        file.take(trace(Keep::Slow));
        assert_eq!(file.stats().dropped(super::super::queue::Loss::QueueFull), 1);
        file.flush(PATIENCE).unwrap();
        file.shutdown(PATIENCE).unwrap();
        assert_eq!(
            (file.stats().write_errors(), std::fs::read_to_string(&path).unwrap().lines().count()),
            (0, 1)
        );
        assert!(
            TraceFile::start(folder.path(), OtlpJson::new(&Attributes::default()), Clock::system())
                .is_err_and(|error| error.is_io())
        );
    }
}
