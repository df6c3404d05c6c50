//! How a line looks: which key says what, in tables; constant parts are rendered once.

mod ecs;
mod google_cloud;
mod open_telemetry;
mod place;

use crate::context::SpanContext;
use crate::export::json::{LogFormat, time};
use crate::export::keys::Keys;
use crate::fields::{Entry, Fields, escaped, is_clean};
use crate::record::{Correlation, LogRecord};
use crate::semconv::ecs as names;
use crate::semconv::log;

use tracing_core::Level;

/// Who writes the lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    /// The project at Google Cloud, where one is known.
    pub(crate) project: Option<&'a str>,
}

/// How a format writes what is not constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Fields beside the keys.
    Flat,
    /// Fields in `Attributes`, the time in nanoseconds.
    OpenTelemetry,
    /// Fields in places of their own, and else in `labels`.
    Ecs,
    /// Fields beside the keys, and those of a request in an object of their own.
    GoogleCloud,
}

/// What a format frames a line with: text that is the same in each line, as it stands in it.
struct Frame {
    form: Form,
    /// Up to the time.
    time: String,
    /// From the time to the message, for each level.
    levels: [String; 5],
    /// From the message to the target.
    target: String,
    /// Behind the target.
    service: String,
    /// Up to the trace id, and from there to the span id.
    ids: [String; 2],
    /// From there to the flags, if they are in it; otherwise what follows.
    flags: Option<String>,
    /// Up to the correlation id.
    correlation_id: String,
    reserved: Vec<&'static str>,
}

/// A table of keys made ready for writing.
#[derive(Debug)]
pub(crate) struct Layout {
    form: Form,
    /// `{"timestamp":"…","level":"INFO","message":"`, for each level, and where the time stands in it.
    heads: [Vec<u8>; 5],
    time_at: usize,
    /// `","target":"`
    target: Vec<u8>,
    /// `","service.name":"…","service.version":"…"`
    service: Vec<u8>,
    /// The same, and behind it `,"trace_id":"…","span_id":"…","trace_flags":"…"`, up to `ids_end`, and where the ids
    /// stand. Then `,"correlation_id":"…"`, where that is a trace id, too.
    service_and_ids: Vec<u8>,
    trace_id_at: usize,
    span_id_at: usize,
    /// Beyond its end, if the flags are not in it.
    flags_at: usize,
    ids_end: usize,
    correlation_id_at: usize,
    /// `,"correlation_id":"`
    correlation_id: Vec<u8>,
    /// `,"truncated":true`
    truncated: Vec<u8>,
    /// `,"sampled":`
    sampled: Vec<u8>,
    reserved: Vec<&'static str>,
}

/// How each line ends.
const END: &[u8] = b"}\n";
/// How a line ends whose last value is an object.
const END_NESTED: &[u8] = b"}}\n";
/// The longest service name and version: longer ones are cut.
const SERVICE_MAX: usize = 256;
/// The longest target: a module's path. Longer ones are cut.
const TARGET_MAX: usize = 512;
/// The longest correlation id: 128 characters, see the request's context.
const CORRELATION_MAX: usize = 128;

impl Layout {
    /// Lines of this format. Those for people are made of the default's.
    pub(crate) fn new(format: LogFormat, service: Service<'_>) -> Layout {
        Self::of(match format {
            LogFormat::Json | LogFormat::Pretty { .. } => flat(&Keys::DEFAULT, service),
            LogFormat::OpenTelemetry => open_telemetry::frame(service),
            LogFormat::Ecs => ecs::frame(service),
            LogFormat::GoogleCloud => google_cloud::frame(service),
        })
    }

    fn of(frame: Frame) -> Layout {
        let time = match frame.form {
            Form::OpenTelemetry => "0".repeat(time::NANOS_LENGTH),
            Form::Flat | Form::Ecs | Form::GoogleCloud => "0".repeat(time::LENGTH),
        };
        let heads = frame.levels.map(|level| format!("{}{time}{level}", frame.time).into_bytes());
        let [to_trace_id, to_span_id] = frame.ids;
        let mut ids = format!("{}{to_trace_id}", frame.service);
        let trace_id_at = ids.len();
        ids += &format!("{}{to_span_id}", "0".repeat(32));
        let span_id_at = ids.len();
        ids += &format!("{}\"", "0".repeat(16));
        let mut flags_at = usize::MAX;
        if let Some(to_flags) = frame.flags {
            ids += &to_flags;
            flags_at = ids.len();
            ids += "00\"";
        }
        let ids_end = ids.len();
        ids += &frame.correlation_id;
        let correlation_id_at = ids.len();
        ids += &format!("{}\"", "0".repeat(32));
        Layout {
            form: frame.form,
            heads,
            time_at: frame.time.len(),
            target: frame.target.into_bytes(),
            service: frame.service.into_bytes(),
            service_and_ids: ids.into_bytes(),
            trace_id_at,
            span_id_at,
            flags_at,
            ids_end,
            correlation_id_at,
            correlation_id: frame.correlation_id.into_bytes(),
            truncated: format!(",\"{}\":true", log::TRUNCATED).into_bytes(),
            sampled: format!(",\"{}\":", log::SAMPLED).into_bytes(),
            reserved: frame.reserved,
        }
    }

    /// Appends the record as one line, at most 64 KiB, line feed included.
    pub(crate) fn render(&self, record: &LogRecord<'_>, line: &mut Vec<u8>) {
        if self.form == Form::Flat {
            self.render_as::<true>(record, line);
        } else {
            self.render_as::<false>(record, line);
        }
    }

    /// A function of its own for the default: it has nothing to ask on its way.
    #[inline]
    fn render_as<const FLAT: bool>(&self, record: &LogRecord<'_>, line: &mut Vec<u8>) {
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
        if !FLAT && self.form == Form::OpenTelemetry {
            put(line, start + self.time_at, time::nanos(record.unix_nanos));
        } else {
            put(line, start + self.time_at, time::rfc3339(record.unix_nanos));
        }
        line.extend_from_slice(message);
        line.extend_from_slice(&self.target);
        push(line, record.target, TARGET_MAX);
        let mut correlated = false;
        match &record.span_context {
            None => line.extend_from_slice(&self.service),
            Some(context) => {
                correlated = FLAT && record.correlation_id == Some(Correlation::Trace(context.trace_id));
                self.push_ids::<FLAT>(line, context, correlated);
            }
        }
        if FLAT && !correlated {
            self.push_correlation_id(record.correlation_id, line);
        }
        let is_cut = || record.message.is_cut() || span.is_cut() || event.is_cut();
        if FLAT {
            self.push_fields(span, event, line);
            if is_cut() {
                line.extend_from_slice(&self.truncated);
            }
        } else {
            self.push_shaped(record, span, is_cut(), line);
        }
        line.extend_from_slice(END);
    }

    /// Says in a rendered line that it stands for so many.
    pub(crate) fn push_sampled(&self, stands_for: u64, line: &mut Vec<u8>) {
        let end = match self.form {
            Form::OpenTelemetry | Form::Ecs if line.ends_with(END_NESTED) => END_NESTED,
            Form::Flat | Form::OpenTelemetry | Form::Ecs | Form::GoogleCloud => END,
        };
        line.truncate(line.strip_suffix(end).map_or(line.len(), <[u8]>::len));
        let mut sampled = self.sampled.as_slice();
        if self.form == Form::Ecs && end == END {
            open(names::LABELS, line);
            sampled = sampled.strip_prefix(b",").unwrap_or(sampled);
        } else if line.ends_with(b"{") {
            sampled = sampled.strip_prefix(b",").unwrap_or(sampled);
        }
        line.extend_from_slice(sampled);
        line.extend_from_slice(itoa::Buffer::new().format(stands_for).as_bytes());
        line.extend_from_slice(if self.form == Form::Ecs { END_NESTED } else { end });
    }

    /// All behind the ids, in the formats that have places of their own for some of it.
    fn push_shaped(&self, record: &LogRecord<'_>, span: &Fields, is_cut: bool, line: &mut Vec<u8>) {
        match self.form {
            Form::Flat => {}
            Form::OpenTelemetry => open_telemetry::push(self, record, span, is_cut, line),
            Form::Ecs => ecs::push(self, record, span, is_cut, line),
            Form::GoogleCloud => google_cloud::push(self, record, span, is_cut, line),
        }
    }

    #[inline]
    fn push_correlation_id(&self, id: Option<Correlation<'_>>, line: &mut Vec<u8>) {
        if let Some(id) = id {
            line.extend_from_slice(&self.correlation_id);
            match id {
                Correlation::Given(id) => push(line, id, CORRELATION_MAX),
                Correlation::Trace(id) => line.extend_from_slice(&id.write_hex()),
            }
            line.push(b'"');
        }
    }

    /// `correlated`: the trace id is the correlation id, too.
    #[inline]
    fn push_ids<const FLAT: bool>(&self, line: &mut Vec<u8>, context: &SpanContext, correlated: bool) {
        let start = line.len();
        let end = if correlated { self.service_and_ids.len() } else { self.ids_end };
        line.extend_from_slice(self.service_and_ids.get(..end).unwrap_or_default());
        let trace_id = context.trace_id.write_hex();
        put(line, start + self.trace_id_at, trace_id);
        put(line, start + self.span_id_at, context.span_id.write_hex());
        if FLAT || self.flags_at != usize::MAX {
            put(line, start + self.flags_at, context.flags.write_hex());
        }
        if correlated {
            put(line, start + self.correlation_id_at, trace_id);
        }
    }

    /// The span's fields that the event does not have, and the event's; reserved names get their prefix.
    #[inline]
    fn push_fields(&self, span: &Fields, event: &Fields, line: &mut Vec<u8>) {
        if span.has_odd_names() || event.has_odd_names() {
            return both(span, event).for_each(|entry| self.push_field(&entry, line));
        }
        if span.may_share_names(event) {
            span.without(event, |fields| line.extend_from_slice(fields.as_bytes()));
        } else {
            line.extend_from_slice(span.as_str().as_bytes());
        }
        line.extend_from_slice(event.as_str().as_bytes());
    }

    /// A field as it is, its name with a prefix if it is reserved.
    fn push_field(&self, entry: &Entry<'_>, line: &mut Vec<u8>) {
        line.extend_from_slice(b",\"");
        if self.is_reserved(entry.name) {
            line.extend_from_slice(log::FIELDS_PREFIX.as_bytes());
        }
        line.extend_from_slice(entry.name.as_bytes());
        line.extend_from_slice(b"\":");
        line.extend_from_slice(entry.value.as_bytes());
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

/// The default format: all on one floor.
fn flat(keys: &Keys, service: Service<'_>) -> Frame {
    let mut constant = format!("\",\"{}\":\"{}\"", keys.service_name, bounded(service.name, SERVICE_MAX));
    if let Some(version) = service.version {
        constant += &format!(",\"{}\":\"{}\"", keys.service_version, bounded(version, SERVICE_MAX));
    }
    Frame {
        form: Form::Flat,
        time: format!("{{\"{}\":\"", keys.timestamp),
        levels: keys.levels.map(|level| format!("\",\"{}\":\"{level}\",\"{}\":\"", keys.level, keys.message)),
        target: format!("\",\"{}\":\"", keys.target),
        service: constant,
        ids: [format!(",\"{}\":\"", keys.trace_id), format!("\",\"{}\":\"", keys.span_id)],
        flags: Some(format!(",\"{}\":\"", keys.trace_flags)),
        correlation_id: format!(",\"{}\":\"", keys.correlation_id),
        reserved: keys.reserved().to_vec(),
    }
}

/// Opens an object behind what is there already; the first of its members is written with a comma before it, too.
/// Answers where its members begin.
fn open(name: &str, line: &mut Vec<u8>) -> usize {
    line.extend_from_slice(b",\"");
    line.extend_from_slice(name.as_bytes());
    line.extend_from_slice(b"\":{");
    line.len()
}

/// Closes what was [opened](open).
fn close(start: usize, line: &mut Vec<u8>) {
    if line.get(start) == Some(&b',') {
        line.remove(start);
    }
    line.push(b'}');
}

/// The span's fields that the event does not have, and the event's.
fn both<'a>(span: &'a Fields, event: &'a Fields) -> impl Iterator<Item = Entry<'a>> + Clone {
    span.entries_without(event).chain(event.entries())
}

fn put<const N: usize>(line: &mut [u8], at: usize, text: [u8; N]) {
    if let Some(place) = line.get_mut(at..at + N) {
        place.copy_from_slice(&text);
    }
}

fn push(line: &mut Vec<u8>, text: &str, max: usize) {
    if text.len() <= max && is_clean(text.as_bytes()) {
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
