//! A request of anybody's: no byte of it in a label, a line that is one object, and times within their bounds.

use crate::json::Json;
use crate::pieces::Texts;
use crate::written::Log;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use observe_core::http_server::HttpRequest;
use observe_core::{Format, LogFormat};
use std::sync::LazyLock;

static LOG: LazyLock<Log> = LazyLock::new(|| Log::new(LogFormat::Json));

/// In everything that a client says.
const PLANTED: &str = "Pl4nted";

/// A method, a path, a user agent, the start of the request, and a status; then headers.
pub fn check(data: &[u8]) {
    let mut texts = Texts::of(data);
    let planted = |text: &str| format!("{text}{PLANTED}");
    let (method, path) = (planted(&texts.text()), planted(&texts.text()));
    let (agent, started, status) = (planted(&texts.text()), texts.text(), texts.number());
    let mut headers = HeaderMap::new();
    while let Some(name) = texts.next() {
        let value = planted(&texts.text());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value))
        {
            headers.append(name, value);
        }
    }
    let lines = LOG.of(|telemetry| {
        let server = telemetry.http_server();
        for trusted in [false, true] {
            let request = HttpRequest::new(&method, &path)
                .user_agent(agent.as_bytes())
                .request_start(started.as_bytes())
                .grpc(status.is_multiple_of(2))
                .trusted(trusted);
            let mut request = server.start(&request, &server.extract(&headers));
            request.within(|| tracing::info!("in it"));
            request.status(u16::from(status) * 3);
            request.finish();
        }
    });
    assert!(lines.len() >= 2, "{lines:?}");
    for line in &lines {
        Json::read(line);
    }
    let mut written = Vec::new();
    LOG.telemetry.registry().encode(Format::OpenMetrics, &mut written);
    let text = String::from_utf8(written).unwrap();
    let labels = text.lines().filter_map(|line| line.split(" # ").next());
    for line in labels {
        assert!(!line.contains(PLANTED), "{line}");
    }
}
