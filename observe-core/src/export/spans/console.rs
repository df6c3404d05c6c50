//! Spans for people, to standard output: for development.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::PoisonError;

use super::{Answer, Exporter};
use crate::export::assemble::{Assembly, Attribute, Span};
use crate::fields::Typed;
use crate::outcome::Outcome;
use crate::record::{TraceHead, TraceRecord};
use crate::semconv::{log, span as names};

/// Writes each span as a line, and each line within it as one below.
///
/// ```text
/// span 4bf92f3577b34da6a3ce929d0e0e4736/00f067aa0ba902b7 server POST /charge 12.345 ms error http.route=/charge …
///     WARN shop: the card was declined order.id=17
/// ```
pub(crate) struct Console {
    output: Mutex<Box<dyn Write + Send>>,
}

impl Console {
    pub(crate) fn new(output: Box<dyn Write + Send>) -> Self {
        Self { output: Mutex::new(output) }
    }

    pub(crate) fn stdout() -> Self {
        Self::new(Box::new(io::stdout()))
    }
}

impl Exporter for Console {
    type Span = String;
    type Batch = String;

    fn target(&self) -> &str {
        "standard output"
    }

    fn read(&self, trace: &TraceRecord, take: &mut dyn FnMut(String)) -> u64 {
        let Assembly { spans, events, links } = Assembly::of(trace.entries.iter());
        for span in spans {
            take(text(&span, &trace.head));
        }
        (events.len() + links.len()) as u64
    }

    fn weight(&self, span: &String) -> usize {
        span.len()
    }

    fn pack(&self, spans: Vec<String>) -> String {
        spans.concat()
    }

    async fn send(&self, batch: &String) -> Answer {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        match output.write_all(batch.as_bytes()).and_then(|()| output.flush()) {
            Ok(()) => Answer::TAKEN,
            // Written twice is worse than not at all.
            Err(error) => Answer::Refused(error.to_string()),
        }
    }
}

fn text(span: &Span<'_>, head: &TraceHead) -> String {
    let record = &span.record;
    let kind = record.kind.as_str();
    let millis = record.end.saturating_sub(record.start) as f64 / 1e6;
    let mut text = format!("span {}/{} {kind} {} {millis:.3} ms", head.trace_id, record.id, record.name);
    if record.outcome != Outcome::Ok {
        let _ = write!(text, " {}", record.outcome.as_str());
    }
    if let Some(parent) = record.parent {
        let _ = write!(text, " below {parent}");
    }
    span.attributes(Some(head))
        .filter(|(name, _)| name != names::OUTCOME)
        .for_each(|pair| push(&mut text, &pair));
    text.push('\n');
    for event in &span.events {
        let _ = write!(text, "    {} {}: {}", event.level, event.target, plain(&event.text()));
        let told = [log::LEVEL, log::TARGET];
        event
            .attributes()
            .filter(|(name, _)| !told.contains(&&**name))
            .for_each(|pair| push(&mut text, &pair));
        text.push('\n');
    }
    for link in &span.links {
        let _ = writeln!(text, "    link {}/{}", link.to.trace_id, link.to.span_id);
    }
    text
}

fn push(text: &mut String, (name, value): &Attribute<'_>) {
    let _ = write!(text, " {}=", plain(name));
    let _ = match value {
        Typed::Str(value) => write!(text, "{}", plain(value)),
        Typed::I64(value) => write!(text, "{value}"),
        Typed::U64(value) => write!(text, "{value}"),
        Typed::F64(value) => write!(text, "{value}"),
        Typed::Bool(value) => write!(text, "{value}"),
    };
}

/// Without what would break the line, or steer a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
