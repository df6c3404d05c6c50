//! Log lines of every layout: one object each, no key twice, and what was said is in it as it was said.

use crate::json::Json;
use crate::pieces::Texts;
use crate::written::Log;
use observe_core::{LogFormat, Operation, annotate};
use std::sync::LazyLock;
use tracing::{debug_span, info, warn};

static LOGS: LazyLock<[Log; 5]> = LazyLock::new(|| {
    let pretty = LogFormat::Pretty { colour: false };
    [LogFormat::Json, LogFormat::OpenTelemetry, LogFormat::Ecs, LogFormat::GoogleCloud, pretty].map(Log::new)
});

/// The layout; a message, a value; then names and values of annotations, as long as there are some.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    let layout = usize::from(texts.number()) % LOGS.len();
    let (message, value) = (texts.text(), texts.text());
    let annotations = std::iter::from_fn(|| Some((texts.next()?, texts.text())));
    let annotations: Vec<_> = annotations.filter(|(name, _)| !name.ends_with("planted")).take(16).collect();
    let lines = LOGS[layout].of(|_| {
        Operation::builder("fuzzed").start().run(|| {
            let _span = debug_span!("outer", outer = &*value, twice = &*value, debugged = ?value).entered();
            info!(planted = &*value, displayed = %value, twice = 2, "{message}");
            warn!(message = &*message, level = &*value, number = value.len(), fields.level = &*value);
            for (name, value) in &annotations {
                annotate(name, &**value);
            }
        });
        let failed = Operation::builder("failed").start().run_result(|| {
            for (name, value) in &annotations {
                annotate(name, &**value);
            }
            Err::<(), _>(&*message)
        });
        assert!(failed.is_err());
    });
    if layout == 4 {
        // Nothing that was said makes a line of its own look like another's, or speaks to the terminal.
        assert!(
            lines.iter().all(|line| !line.contains(|char: char| char.is_control() && char != '\t')),
            "{lines:?}"
        );
        return;
    }
    assert!(lines.len() >= 3, "{lines:?}");
    let read: Vec<Json> = lines.iter().map(|line| Json::read(line)).collect();
    let is_cut = |line: &str| line.contains("truncated");
    if !lines.iter().any(|line| is_cut(line)) {
        let planted = read.iter().filter_map(|line| line.find("planted"));
        assert_eq!(planted.filter_map(Json::as_text).collect::<Vec<_>>(), [&*value], "{lines:?}");
        for key in ["displayed", "outer"] {
            assert!(
                read.iter().any(|line| line.find(key).and_then(Json::as_text) == Some(&value)),
                "{key}: {lines:?}"
            );
        }
        let key = if layout == 1 { "Body" } else { "message" };
        let said = |line: &Json| line.get(key).and_then(Json::as_text) == Some(&message);
        assert_eq!(read.iter().filter(|line| said(line)).count(), 2, "{lines:?}");
    }
}
