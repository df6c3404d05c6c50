//! The Elastic Common Schema: fields that it knows in their own places, all else in `labels`.
//!
//! Elasticsearch reads `a.b` as an object `a` with a member `b`, so that a line with `error` and `error.message` is
//! refused as a whole, and so is one with a text where others have a number. That is why nothing stands beside the
//! schema's own names but what fits there, and why names in `labels` have no dots.

use super::place::{As, Place};
use super::{Form, Frame, Layout, SERVICE_MAX, Service, both, bounded, close, open};
use crate::fields::{Entry, Fields};
use crate::record::LogRecord;
use crate::semconv::{ecs as names, http, http_client, log, span};

pub(super) fn frame(service: Service<'_>) -> Frame {
    let name = bounded(service.name, SERVICE_MAX);
    let mut constant = format!("\",\"{}\":\"{name}\"", log::SERVICE_NAME);
    if let Some(version) = service.version {
        constant += &format!(",\"{}\":\"{}\"", log::SERVICE_VERSION, bounded(version, SERVICE_MAX));
    }
    constant += &format!(",\"{}\":\"{name}.log\"", names::DATASET);
    Frame {
        form: Form::Ecs,
        time: format!("{{\"{}\":\"", names::TIMESTAMP),
        levels: names::LEVELS
            .map(|level| format!("\",\"{}\":\"{level}\",\"{}\":\"", names::LEVEL, log::MESSAGE)),
        target: format!("\",\"{}\":\"{}\",\"{}\":\"", names::VERSION, names::SCHEMA, names::LOGGER),
        service: constant,
        ids: [format!(",\"{}\":\"", names::TRACE_ID), format!("\",\"{}\":\"", names::SPAN_ID)],
        flags: None,
        correlation_id: format!(",\"{}\":\"", names::REQUEST_ID),
        reserved: Vec::new(),
    }
}

/// What has another name there. A name of the schema's own comes first, and of two others the one that is more exact.
const ALIASES: [Place; 14] = [
    alias(span::OUTCOME, names::OUTCOME, As::Outcome, &[names::OUTCOME]),
    alias(span::DURATION_MS, names::DURATION, As::Nanos, &[names::DURATION]),
    alias(names::ERROR, span::ERROR_MESSAGE, As::Same, &[span::ERROR_MESSAGE, names::EXCEPTION_MESSAGE]),
    alias(names::EXCEPTION_MESSAGE, span::ERROR_MESSAGE, As::Same, &[span::ERROR_MESSAGE]),
    alias(names::EXCEPTION_TYPE, span::ERROR_TYPE, As::Same, &[span::ERROR_TYPE]),
    alias(names::EXCEPTION_STACK, names::STACK_TRACE, As::Same, &[names::STACK_TRACE]),
    alias(http::REQUEST_BODY_SIZE, names::REQUEST_BYTES, As::Whole, &[names::REQUEST_BYTES]),
    alias(http::RESPONSE_BODY_SIZE, names::RESPONSE_BYTES, As::Whole, &[names::RESPONSE_BYTES]),
    alias(http_client::PROTOCOL_VERSION, names::HTTP_VERSION, As::Same, &[names::HTTP_VERSION]),
    alias(log::THREAD_NAME, names::THREAD_NAME, As::Same, &[names::THREAD_NAME]),
    alias(names::OTEL_THREAD_ID, names::THREAD_ID, As::Whole, &[names::THREAD_ID]),
    alias(names::CODE_FUNCTION, names::FUNCTION, As::Same, &[names::FUNCTION]),
    alias(names::CODE_FILE, names::FILE, As::Same, &[names::FILE]),
    alias(names::CODE_LINE, names::LINE, As::Whole, &[names::LINE]),
];

const fn alias(name: &'static str, key: &'static str, value: As, unless: &'static [&'static str]) -> Place {
    Place { name, key, value, unless }
}

/// Of more fields those without a place are left out: an index of Elasticsearch has 1,000 names for all lines.
const LABELS_MAX: usize = 256;
/// Stands for a field that is in its place, and is no label.
const PLACED: u64 = 0;

/// For each first byte the lengths of the names that have a place: most names are seen not to have one by that.
const LENGTHS: [u64; 128] = {
    let mut lengths = [0; 128];
    let mut index = 0;
    while index < names::TEXTS.len() + names::NUMBERS.len() + ALIASES.len() {
        let name = if index < names::TEXTS.len() {
            names::TEXTS[index]
        } else if index - names::TEXTS.len() < names::NUMBERS.len() {
            names::NUMBERS[index - names::TEXTS.len()]
        } else {
            ALIASES[index - names::TEXTS.len() - names::NUMBERS.len()].name
        };
        lengths[name.as_bytes()[0] as usize] |= 1 << name.len();
        index += 1;
    }
    lengths
};

/// The schema's place for a field, if it has one.
fn place(entry: &Entry<'_>, span: &Fields, event: &Fields) -> Option<Place> {
    let first = usize::from(*entry.name.as_bytes().first()?);
    if entry.name.len() >= 64 || LENGTHS.get(first)? & 1 << entry.name.len() == 0 {
        return None;
    }
    let own = |names: &[&'static str], value| {
        let name = names.iter().find(|name| **name == entry.name)?;
        Some(Place { name, key: name, value, unless: &[] })
    };
    own(&names::TEXTS, As::Same)
        .or_else(|| own(&names::NUMBERS, As::Whole))
        .or_else(|| ALIASES.into_iter().find(|place| place.name == entry.name))
        .filter(|place| place.takes(entry, span, event))
}

pub(super) fn push(layout: &Layout, record: &LogRecord<'_>, span: &Fields, is_cut: bool, line: &mut Vec<u8>) {
    let event = record.event;
    layout.push_correlation_id(record.correlation_id, line);
    let mut labels = [PLACED; LABELS_MAX];
    let mut is_cut = is_cut;
    for (index, entry) in both(span, event).enumerate() {
        let place = place(&entry, span, event);
        if let Some(place) = place {
            place.push(entry.value, line);
        }
        // An outcome says more than the schema has words for: it is in both.
        if place.is_none_or(|place| place.value == As::Outcome) {
            match labels.get_mut(index) {
                Some(label) => *label = hash(entry.name),
                None => is_cut = true,
            }
        }
    }
    let before = line.len();
    let start = open(names::LABELS, line);
    for (index, entry) in both(span, event).take(LABELS_MAX).enumerate() {
        let (label, later) = (labels.get(index).copied(), labels.get(index + 1..).unwrap_or_default());
        // Of two names that differ in a dot only the later one's value wins, as of one name.
        if label.is_some_and(|label| label != PLACED && !later.contains(&label)) {
            push_label(&entry, line);
        }
    }
    if let Some(context) = record.span_context {
        line.extend_from_slice(b",\"");
        line.extend_from_slice(log::TRACE_FLAGS.as_bytes());
        line.extend_from_slice(b"\":\"");
        line.extend_from_slice(&context.flags.write_hex());
        line.push(b'"');
    }
    if is_cut {
        line.extend_from_slice(&layout.truncated);
    }
    if line.len() > start {
        close(start, line);
    } else {
        line.truncate(before);
    }
}

fn push_label(entry: &Entry<'_>, line: &mut Vec<u8>) {
    line.extend_from_slice(b",\"");
    if is_own(entry.name) {
        line.extend(sanitised(log::FIELDS_PREFIX));
    }
    line.extend(sanitised(entry.name));
    line.extend_from_slice(b"\":");
    line.extend_from_slice(entry.value.as_bytes());
}

/// A label of ours, with any number of prefixes.
fn is_own(name: &str) -> bool {
    let mut name = name;
    while let Some(rest) = name.strip_prefix(log::FIELDS_PREFIX).or_else(|| name.strip_prefix(PREFIX)) {
        name = rest;
    }
    names::OWN_LABELS.iter().any(|own| sanitised(name).eq(own.bytes()))
}

/// [`log::FIELDS_PREFIX`] as it is in labels.
const PREFIX: &str = "fields_";

/// A name without `.`, `*` and `\\`, as the logging specification wants labels. The name is escaped, and so is what
/// comes out.
fn sanitised(name: &str) -> impl Iterator<Item = u8> + '_ {
    let mut bytes = name.bytes();
    let mut pending = None;
    std::iter::from_fn(move || {
        if let Some(byte) = pending.take() {
            return Some(byte);
        }
        match bytes.next()? {
            b'.' | b'*' => Some(b'_'),
            b'\\' => match bytes.next()? {
                b'\\' => Some(b'_'),
                escaped => {
                    pending = Some(escaped);
                    Some(b'\\')
                }
            },
            byte => Some(byte),
        }
    })
}

/// Tells names apart as they are once they are [sanitised]; never [`PLACED`].
fn hash(name: &str) -> u64 {
    let hash = sanitised(name).fold(1, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    });
    hash.max(1)
}
