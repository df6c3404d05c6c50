//! Traces as OTLP in JSON: what OpenTelemetry's own types read, no key twice, and what was said is in it as it was said.

use crate::json::Json;
use crate::pieces::Texts;
use observe_core::http_client::OutgoingRequest;
use observe_core::{Operation, Sampling, Telemetry, annotate};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use std::fs::{self, OpenOptions};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;

static WRITTEN: LazyLock<Mutex<(Telemetry, NamedTempFile)>> = LazyLock::new(|| {
    let file = NamedTempFile::new().unwrap();
    let builder = Telemetry::builder("fuzzed").sampling(Sampling::always()).without_log();
    Mutex::new((builder.traces_to_file(file.path()).build().unwrap(), file))
});

/// A value and a message; an authority and a path to call; then names and values of annotations.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    let (value, message) = (texts.text(), texts.text());
    let (authority, path) = (texts.text(), texts.text());
    let annotations = std::iter::from_fn(|| Some((texts.next()?, texts.text())));
    let annotations: Vec<_> = annotations.filter(|(name, _)| name != "planted").take(16).collect();

    let written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (telemetry, file) = &*written;
    telemetry.run(|| {
        let failed = Operation::builder("fuzzed").start().run_result(|| {
            tracing::info!(planted = &*value, "{message}");
            annotate("planted", &*value);
            for (name, value) in &annotations {
                annotate(name, &**value);
            }
            let mut call =
                telemetry.http_client().start(&OutgoingRequest::new("GET", "http", &authority, &path));
            call.status(500);
            call.finish();
            Err::<(), _>(&*message)
        });
        assert!(failed.is_err());
    });
    telemetry.flush(Duration::from_secs(60)).unwrap();
    let text = fs::read_to_string(file.path()).unwrap();
    OpenOptions::new().write(true).open(file.path()).unwrap().set_len(0).unwrap();
    drop(written);

    assert!(text.ends_with('\n'), "{text}");
    let mut values = Vec::new();
    for line in text.split_terminator('\n') {
        Json::read(line);
        let read: TracesData = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for span in
            read.resource_spans.into_iter().flat_map(|spans| spans.scope_spans).flat_map(|spans| spans.spans)
        {
            assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8));
            let events = span.events.into_iter().flat_map(|event| event.attributes);
            for attribute in
                span.attributes.into_iter().chain(events).filter(|attribute| attribute.key == "planted")
            {
                let Some(Value::StringValue(text)) = attribute.value.unwrap().value else {
                    panic!("no text")
                };
                values.push(text);
            }
        }
    }
    if !text.contains("truncated") {
        assert!(
            !values.is_empty() && values.iter().all(|text| *text == value),
            "{value:?} in {values:?}: {text}"
        );
    }
}
