//! What is in a snapshot.

use std::fs;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::Reason;
use super::folder::Unfinished;
use super::history::History;
use crate::context::TraceState;
use crate::export::assemble::Assembly;
use crate::export::json::rfc3339;
use crate::export::otlp_json::{Line, OtlpJson, Trace};
use crate::export::prometheus::Format;
use crate::export::resource::Attributes;
use crate::fields::Typed;
use crate::record::{Entry, TraceHead};
use crate::recorder::{Loss, Recent, RecentTrace, Recorder};
use crate::registry::Registry;
use crate::semconv::recorder as names;

/// What a snapshot is taken of.
pub(crate) struct World {
    pub(crate) recorder: std::sync::Arc<Recorder>,
    pub(crate) registry: Registry,
    pub(crate) resource: Attributes,
}

/// When, and what for.
pub(super) struct Occasion<'a> {
    pub(super) unix_nanos: u64,
    pub(super) reason: Reason,
    /// In words; may be empty.
    pub(super) why: &'a str,
}

/// Writes what happened lately, newest first, and what the world is like. `most`: bytes of traces and lines, each.
pub(super) fn write(
    into: &Unfinished,
    world: &World,
    recent: &Recent,
    history: &History,
    occasion: &Occasion<'_>,
    most: u64,
) -> io::Result<()> {
    let json = OtlpJson::new(&world.resource);
    let mut traces = Lines::new(into.file("traces.jsonl")?, most);
    let mut lines = Lines::new(into.file("logs.jsonl")?, most);
    for trace in recent.traces.iter().rev() {
        traces.write(|out| write_trace(&json, trace, out))?;
        lines.write(|out| write_lines(&json, trace, out))?;
    }
    for line in recent.lines.iter().rev() {
        let line = Line {
            unix_nanos: line.unix_nanos,
            level: line.level,
            target: &line.target,
            message: &line.message,
            fields: &line.fields,
            within: None,
        };
        lines.write(|out| json.lines([line], out))?;
    }

    let mut now = Vec::new();
    world.registry.encode(Format::Text, &mut now);
    into.file("metrics.prom")?.write_all(&now)?;
    let mut past = Vec::new();
    history.write(&now, occasion.unix_nanos, &mut past);
    into.file("metrics-history.om")?.write_all(&past)?;

    let mut about = world.about(occasion);
    about.insert("traces".into(), recent.traces.len().into());
    about.insert("truncated".into(), (traces.finish()? | lines.finish()?).into());
    into.file("about.json")?.write_all(format!("{:#}\n", Value::Object(about)).as_bytes())
}

/// A file of requests, each a line, which takes whole ones up to a size.
struct Lines {
    file: io::BufWriter<fs::File>,
    room: u64,
    is_cut: bool,
    line: String,
}

impl Lines {
    fn new(file: fs::File, most: u64) -> Self {
        Self { file: io::BufWriter::new(file), room: most, is_cut: false, line: String::new() }
    }

    fn write(&mut self, write: impl FnOnce(&mut String)) -> io::Result<()> {
        if self.is_cut {
            return Ok(());
        }
        self.line.clear();
        write(&mut self.line);
        match self.room.checked_sub(self.line.len() as u64) {
            Some(room) => self.room = room,
            None => self.is_cut = true,
        }
        if self.is_cut { Ok(()) } else { self.file.write_all(self.line.as_bytes()) }
    }

    /// Whether something was left out.
    fn finish(mut self) -> io::Result<bool> {
        self.file.flush().map(|()| self.is_cut)
    }
}

fn write_trace(json: &OtlpJson, trace: &RecentTrace, out: &mut String) {
    let spans = Assembly::of(trace.entries.iter()).spans;
    let head = trace.head.kept.map(|(keep, probability)| TraceHead {
        trace_id: trace.head.trace_id,
        flags: trace.head.flags,
        // It is not remembered.
        tracestate: TraceState::new(),
        keep,
        probability,
    });
    if !spans.is_empty() {
        let of = Trace { trace_id: trace.head.trace_id, flags: trace.head.flags, head: head.as_ref() };
        json.spans(&of, &spans, out);
    }
}

/// The lines within spans: as the spans' events they are with the traces, too.
fn write_lines(json: &OtlpJson, trace: &RecentTrace, out: &mut String) {
    let mut lines = trace
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Event(event) => Some(Line {
                unix_nanos: event.unix_nanos,
                level: event.level,
                target: event.target,
                message: event.message,
                fields: event.fields,
                within: Some((trace.head.trace_id, event.span_id, trace.head.flags)),
            }),
            Entry::Span(_) | Entry::Link(_) => None,
        })
        .peekable();
    if lines.peek().is_some() {
        json.lines(lines, out);
    }
}

impl World {
    /// What for, and the state of the process.
    fn about(&self, occasion: &Occasion<'_>) -> Map<String, Value> {
        let time = rfc3339(occasion.unix_nanos);
        let mut about = Map::new();
        let mut put = |name: &str, value: Value| {
            about.insert(name.to_owned(), value);
        };
        put("reason", occasion.reason.as_str().into());
        if !occasion.why.is_empty() {
            put("why", occasion.why.into());
        }
        put("time", String::from_utf8_lossy(&time).into());
        for (name, value) in self.resource.iter() {
            let value = match value {
                Typed::Str(text) => text.into_owned().into(),
                Typed::I64(number) => number.into(),
                Typed::U64(number) => number.into(),
                Typed::F64(number) => number.into(),
                Typed::Bool(is) => is.into(),
            };
            put(&name, value);
        }
        for (name, value) in process() {
            put(name, value.into());
        }
        put(
            "recorder",
            json!({
                "memory_bytes": self.recorder.held(),
                names::BUSY: self.recorder.lost(Loss::Busy),
                names::TOO_LARGE: self.recorder.lost(Loss::TooLarge),
            }),
        );
        about
    }
}

/// What Linux says of the process: threads, memory, open files.
fn process() -> Vec<(&'static str, u64)> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let files = fs::read_dir("/proc/self/fd").map(|entries| entries.count() as u64).ok();
    let found = [
        ("threads", number("Threads")),
        ("resident_memory_bytes", number("VmRSS").map(|kib| kib * 1024)),
        ("open_files", files),
    ];
    found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
