//! How a line looks: which key says what, in tables; constant parts are rendered once.

use crate::context::SpanContext;
use crate::export::json::time;
use crate::export::keys::Keys;
use crate::fields::{Fields, escaped, find_special};
use crate::record::LogRecord;
use crate::semconv::log;

use tracing_core::Level;

/// Who writes the lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
}

/// A table of keys made ready for writing.
#[derive(Debug)]
pub(crate) struct Layout {
    keys: Keys,
    /// `{"timestamp":"…","level":"INFO","message":"`, for each level, and where the time stands in it.
    heads: [Vec<u8>; 5],
    time_at: usize,
    /// `","target":"`
    target: Vec<u8>,
    /// `","service.name":"…","service.version":"…"`
    service: Vec<u8>,
    /// The same, and behind it `,"trace_id":"…","span_id":"…","trace_flags":"…"`, and where the ids stand.
    service_and_ids: Vec<u8>,
    trace_id_at: usize,
    span_id_at: usize,
    flags_at: usize,
    /// `,"correlation_id":"`
    correlation_id: Vec<u8>,
    /// `,"truncated":true`
    truncated: Vec<u8>,
    /// `,"sampled":`
    sampled: Vec<u8>,
    reserved: [&'static str; 12],
}

/// How each line ends.
const END: &[u8] = b"}\n";
/// The longest service name and version: longer ones are cut.
const SERVICE_MAX: usize = 256;
/// The longest target: a module's path. Longer ones are cut.
const TARGET_MAX: usize = 512;
/// The longest correlation id: 128 characters, see the request's context.
const CORRELATION_MAX: usize = 128;

impl Layout {
    pub(crate) fn new(keys: Keys, service: Service<'_>) -> Layout {
        let time = "0".repeat(time::LENGTH);
        let head = |level| {
            format!(
                "{{\"{}\":\"{time}\",\"{}\":\"{level}\",\"{}\":\"",
                keys.timestamp, keys.level, keys.message
            )
        };
        let mut constant = format!("\",\"{}\":\"{}\"", keys.service_name, bounded(service.name, SERVICE_MAX));
        if let Some(version) = service.version {
            constant += &format!(",\"{}\":\"{}\"", keys.service_version, bounded(version, SERVICE_MAX));
        }
        let mut ids = format!("{constant},\"{}\":\"", keys.trace_id);
        let trace_id_at = ids.len();
        ids += &format!("{},\"{}\":\"", "0".repeat(32) + "\"", keys.span_id);
        let span_id_at = ids.len();
        ids += &format!("{},\"{}\":\"", "0".repeat(16) + "\"", keys.trace_flags);
        let flags_at = ids.len();
        ids += "00\"";
        Layout {
            keys,
            heads: keys.levels.map(|level| head(level).into_bytes()),
            time_at: format!("{{\"{}\":\"", keys.timestamp).len(),
            target: format!("\",\"{}\":\"", keys.target).into_bytes(),
            service: constant.into_bytes(),
            service_and_ids: ids.into_bytes(),
            trace_id_at,
            span_id_at,
            flags_at,
            correlation_id: format!(",\"{}\":\"", keys.correlation_id).into_bytes(),
            truncated: format!(",\"{}\":true", keys.truncated).into_bytes(),
            sampled: format!(",\"{}\":", keys.sampled).into_bytes(),
            reserved: keys.reserved(),
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Appends the record as one line, at most 64 KiB, line feed included.
    pub(crate) fn render(&self, record: &LogRecord<'_>, line: &mut Vec<u8>) {
        let message = record.message.escaped().as_bytes();
        let event = record.event;
        let span = record.span.unwrap_or(const { &Fields::new() });
        // Growing once is enough.
        line.reserve(640 + message.len() + span.as_str().len() + event.as_str().len());

        let [error, warn, info, debug, trace] = &self.heads;
        let head = match record.level {
            Level::ERROR => error,
            Level::WARN => warn,
            Level::INFO => info,
            Level::DEBUG => debug,
            Level::TRACE => trace,
        };
        let start = line.len();
        line.extend_from_slice(head);
        put(line, start + self.time_at, time::rfc3339(record.unix_nanos));
        line.extend_from_slice(message);
        line.extend_from_slice(&self.target);
        push(line, record.target, TARGET_MAX);
        match record.span_context {
            None => line.extend_from_slice(&self.service),
            Some(context) => self.push_ids(line, context),
        }
        if let Some(id) = record.correlation_id {
            line.extend_from_slice(&self.correlation_id);
            push(line, id, CORRELATION_MAX);
            line.push(b'"');
        }
        if span.has_odd_names() || event.has_odd_names() || span.may_share_names(event) {
            self.push_one_by_one(line, span, event);
        } else {
            line.extend_from_slice(span.as_str().as_bytes());
            line.extend_from_slice(event.as_str().as_bytes());
        }
        if record.message.is_cut() || span.is_cut() || event.is_cut() {
            line.extend_from_slice(&self.truncated);
        }
        line.extend_from_slice(END);
    }

    /// Says in a rendered line that it stands for so many.
    pub(crate) fn push_sampled(&self, stands_for: u64, line: &mut Vec<u8>) {
        line.truncate(line.strip_suffix(END).map_or(line.len(), <[u8]>::len));
        line.extend_from_slice(&self.sampled);
        line.extend_from_slice(itoa::Buffer::new().format(stands_for).as_bytes());
        line.extend_from_slice(END);
    }

    fn push_ids(&self, line: &mut Vec<u8>, context: SpanContext) {
        let start = line.len();
        line.extend_from_slice(&self.service_and_ids);
        put(line, start + self.trace_id_at, context.trace_id.write_hex());
        put(line, start + self.span_id_at, context.span_id.write_hex());
        put(line, start + self.flags_at, context.flags.write_hex());
    }

    /// The span's fields that the event does not have, and the event's; reserved names get their prefix.
    fn push_one_by_one(&self, line: &mut Vec<u8>, span: &Fields, event: &Fields) {
        let shared = span.may_share_names(event);
        let outer = span.entries().filter(|entry| !shared || !event.contains(entry.name));
        for entry in outer.chain(event.entries()) {
            line.extend_from_slice(b",\"");
            if self.is_reserved(entry.name) {
                line.extend_from_slice(log::FIELDS_PREFIX.as_bytes());
            }
            line.extend_from_slice(entry.name.as_bytes());
            line.extend_from_slice(b"\":");
            line.extend_from_slice(entry.value.as_bytes());
        }
    }

    /// A key of ours, with any number of prefixes: `level` becomes `fields.level` and `fields.level`
    /// `fields.fields.level`, so that two names never become one.
    fn is_reserved(&self, name: &str) -> bool {
        let mut name = name;
        while let Some(rest) = name.strip_prefix(log::FIELDS_PREFIX) {
            name = rest;
        }
        self.reserved.contains(&name)
    }
}

fn put<const N: usize>(line: &mut [u8], at: usize, text: [u8; N]) {
    if let Some(place) = line.get_mut(at..at + N) {
        place.copy_from_slice(&text);
    }
}

fn push(line: &mut Vec<u8>, text: &str, max: usize) {
    if text.len() <= max && find_special(text.as_bytes()).is_none() {
        line.extend_from_slice(text.as_bytes());
    } else {
        line.extend_from_slice(bounded(text, max).as_bytes());
    }
}

#[cold]
fn bounded(text: &str, max: usize) -> String {
    escaped(text.get(..text.floor_char_boundary(max)).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests;
