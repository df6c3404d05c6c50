//! Google Cloud: what Cloud Logging and Error Reporting read in their own places, and a request as an object.

use super::place::{As, Place};
use super::{Form, Frame, Layout, SERVICE_MAX, Service, both, bounded, close, open};
use crate::fields::{Entry, Fields};
use crate::record::LogRecord;
use crate::semconv::{google_cloud as names, http, http_client, log, span};

/// Keys of ours, beside those of others.
const OWN: [&str; 12] = [
    names::TIME,
    names::SEVERITY,
    log::MESSAGE,
    log::TARGET,
    names::SERVICE_CONTEXT,
    names::TRACE,
    names::SPAN_ID,
    names::TRACE_SAMPLED,
    names::HTTP_REQUEST,
    log::CORRELATION_ID,
    log::TRUNCATED,
    log::SAMPLED,
];

/// The longest id of a project: longer ones are cut. Google's have 30 characters at most.
const PROJECT_MAX: usize = 128;

pub(super) fn frame(service: Service<'_>) -> Frame {
    let mut context = format!(
        "\",\"{}\":{{\"{}\":\"{}\"",
        names::SERVICE_CONTEXT,
        names::SERVICE,
        bounded(service.name, SERVICE_MAX)
    );
    if let Some(version) = service.version {
        context += &format!(",\"{}\":\"{}\"", names::VERSION, bounded(version, SERVICE_MAX));
    }
    // An id alone is taken for one of the project that the line is in.
    let project =
        service.project.map(|project| format!("projects/{}/traces/", bounded(project, PROJECT_MAX)));
    Frame {
        form: Form::GoogleCloud,
        time: format!("{{\"{}\":\"", names::TIME),
        levels: names::SEVERITIES
            .map(|severity| format!("\",\"{}\":\"{severity}\",\"{}\":\"", names::SEVERITY, log::MESSAGE)),
        target: format!("\",\"{}\":\"", log::TARGET),
        service: context + "}",
        ids: [
            format!(",\"{}\":\"{}", names::TRACE, project.unwrap_or_default()),
            format!("\",\"{}\":\"", names::SPAN_ID),
        ],
        flags: None,
        correlation_id: format!(",\"{}\":\"", log::CORRELATION_ID),
        reserved: [&OWN[..], &names::FOREIGN].concat(),
    }
}

/// What of a request's line goes into its object.
const REQUEST: [Place; 10] = [
    member(http::REQUEST_METHOD, names::REQUEST_METHOD, As::Same, &[]),
    member(http_client::URL_FULL, names::REQUEST_URL, As::Same, &[]),
    member(http::PATH, names::REQUEST_URL, As::Same, &[http_client::URL_FULL]),
    member(http::REQUEST_BODY_SIZE, names::REQUEST_SIZE, As::Quoted, &[]),
    member(http::STATUS, names::STATUS, As::Whole, &[]),
    member(http::RESPONSE_BODY_SIZE, names::RESPONSE_SIZE, As::Quoted, &[]),
    member(http::USER_AGENT, names::USER_AGENT, As::Same, &[]),
    member(http::CLIENT_ADDRESS, names::REMOTE_IP, As::Same, &[]),
    member(http::PEER_ADDRESS, names::REMOTE_IP, As::Same, &[http::CLIENT_ADDRESS]),
    member(span::DURATION_MS, names::LATENCY, As::Seconds, &[]),
];

const fn member(name: &'static str, key: &'static str, value: As, unless: &'static [&'static str]) -> Place {
    Place { name, key, value, unless }
}

pub(super) fn push(layout: &Layout, record: &LogRecord<'_>, span: &Fields, is_cut: bool, line: &mut Vec<u8>) {
    let event = record.event;
    if let Some(context) = record.span_context {
        line.extend_from_slice(b",\"");
        line.extend_from_slice(names::TRACE_SAMPLED.as_bytes());
        line.extend_from_slice(if context.flags.is_sampled() { b"\":true" } else { b"\":false" });
    }
    layout.push_correlation_id(record.correlation_id, line);
    let is_request = record.target == http::REQUEST_TARGET;
    let member = |entry: &Entry<'_>| {
        let of_it = REQUEST.iter().find(|place| is_request && place.name == entry.name);
        of_it.filter(|place| place.takes(entry, span, event))
    };
    for entry in both(span, event).filter(|entry| member(entry).is_none()) {
        layout.push_field(&entry, line);
    }
    if is_cut {
        line.extend_from_slice(&layout.truncated);
    }
    if is_request {
        let start = open(names::HTTP_REQUEST, line);
        for entry in both(span, event) {
            if let Some(place) = member(&entry) {
                place.push(entry.value, line);
            }
        }
        close(start, line);
    }
}
