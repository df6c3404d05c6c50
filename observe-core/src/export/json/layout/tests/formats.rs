//! The formats for others, each against what its own documentation says: OpenTelemetry's log data model (specification
//! 1.55), the Elastic Common Schema 9.4 with `ecs-logging`'s `spec.json` 1.0, Google Cloud's `LogEntry` and its fields
//! for structured logging (google-cloud-logging 3.17).

use super::*;
use crate::semconv::{ecs as ecs_names, google_cloud as google_names, http};

const FORMATS: [LogFormat; 4] =
    [LogFormat::Json, LogFormat::OpenTelemetry, LogFormat::Ecs, LogFormat::GoogleCloud];

fn layout_of(format: LogFormat) -> Layout {
    Layout::new(format, Service { name: "shop", version: Some("1.2"), project: Some("prod-1") })
}

// Mutations caught: the trace's own id written for another one; a correlation id left out beside the ids, or twice.
#[test]
fn a_trace_id_that_is_a_correlation_id_is_written_like_any_other() {
    let other = TraceId::from_hex(b"0123456789abcdef0123456789abcdef").unwrap();
    let (message, span, event) = request();
    for format in FORMATS {
        for id in [context().trace_id, other] {
            for span_context in [Some(context()), None] {
                let digits = id.to_string();
                let lines = [Correlation::Trace(id), Correlation::Given(&digits)].map(|id| {
                    let record = LogRecord {
                        callsite: 0,
                        unix_nanos: 0,
                        level: Level::INFO,
                        target: "shop",
                        message: &message,
                        span_context,
                        correlation_id: Some(id),
                        span: Some(&span),
                        event: &event,
                    };
                    let mut line = Vec::new();
                    layout_of(format).render(&record, &mut line);
                    String::from_utf8(line).unwrap()
                });
                assert_eq!(lines[0], lines[1], "{format}");
                assert!(lines[0].contains(&format!("\"{digits}\"")), "{format}: {}", lines[0]);
            }
        }
    }
}

/// Every value of a line with the keys above it. Fails where an object has a key twice.
fn leaves(line: &[u8]) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let members = members(line);
    assert_no_key_twice(&members);
    for (key, value) in members {
        // An object without members is a leaf.
        if value.starts_with('{') && value != "{}" {
            for (mut path, value) in leaves(format!("{value}\n").as_bytes()) {
                path.insert(0, key.clone());
                found.push((path, value));
            }
        } else {
            found.push((vec![key], value));
        }
    }
    found
}

fn leaf(line: &[u8], path: &[&str]) -> Option<String> {
    let path: Vec<_> = path.iter().map(|key| (*key).to_owned()).collect();
    leaves(line).into_iter().find(|(at, _)| *at == path).map(|(_, value)| value)
}

/// What Elasticsearch makes of dots: no name may be a value and hold others at once.
fn assert_a_tree(leaves: &[(Vec<String>, String)]) {
    let mut paths: Vec<String> = leaves.iter().map(|(path, _)| path.join(".")).collect();
    paths.sort();
    for pair in paths.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    for path in &paths {
        let below = format!("{path}.");
        assert!(!paths.iter().any(|other| other.starts_with(&below)), "{path} is a value and an object");
    }
}

fn request() -> (Text, Fields, Fields) {
    let mut message = Text::new();
    message.set("POST /charge 502");
    let (mut span, mut event) = (Fields::new(), Fields::new());
    span.str("http.request.method", "POST");
    span.str("http.route", "/charge");
    span.str("url.path", "/charge");
    event.u64("http.response.status_code", 502);
    event.str("outcome", "error");
    event.key_millis(crate::fields::key!("duration_ms"), std::time::Duration::from_nanos(5_752_540));
    event.str("error.type", "unavailable");
    event.str("error.message", "no answer");
    event.u64("order.id", u64::MAX);
    (message, span, event)
}

fn request_line(format: LogFormat) -> String {
    let (message, span, event) = request();
    let line = render_as(&layout_of(format), http::REQUEST_TARGET, &message, &span, &event);
    leaves(&line);
    String::from_utf8(line).unwrap()
}

#[test]
fn lines_of_opentelemetry_are_as_designed() {
    let expected = concat!(
        r#"{"Timestamp":"1709210096012345678","SeverityText":"INFO","SeverityNumber":9,"Body":"POST /charge 502","#,
        r#""InstrumentationScope":{"name":"observe::request"},"#,
        r#""Resource":{"service.name":"shop","service.version":"1.2"},"#,
        r#""TraceId":"4bf92f3577b34da6a3ce929d0e0e4736","SpanId":"00f067aa0ba902b7","TraceFlags":"01","#,
        r#""Attributes":{"correlation_id":"a\"b","http.request.method":"POST","http.route":"/charge","#,
        r#""url.path":"/charge","http.response.status_code":502,"outcome":"error","duration_ms":5.752540,"#,
        r#""error.type":"unavailable","error.message":"no answer","order.id":18446744073709551615}}"#,
        "\n"
    );
    assert_eq!(request_line(LogFormat::OpenTelemetry), expected);
}

#[test]
fn lines_of_ecs_are_as_designed() {
    let expected = concat!(
        r#"{"@timestamp":"2024-02-29T12:34:56.012345Z","log.level":"info","message":"POST /charge 502","#,
        r#""ecs.version":"9.4.0","log.logger":"observe::request","service.name":"shop","service.version":"1.2","#,
        r#""event.dataset":"shop.log","trace.id":"4bf92f3577b34da6a3ce929d0e0e4736","span.id":"00f067aa0ba902b7","#,
        r#""http.request.id":"a\"b","http.request.method":"POST","url.path":"/charge","#,
        r#""http.response.status_code":502,"event.outcome":"failure","event.duration":5752540,"#,
        r#""error.type":"unavailable","error.message":"no answer","labels":{"http_route":"/charge","#,
        r#""outcome":"error","order_id":18446744073709551615,"trace_flags":"01"}}"#,
        "\n"
    );
    assert_eq!(request_line(LogFormat::Ecs), expected);
}

#[test]
fn lines_of_google_cloud_are_as_designed() {
    let expected = concat!(
        r#"{"time":"2024-02-29T12:34:56.012345Z","severity":"INFO","message":"POST /charge 502","#,
        r#""target":"observe::request","serviceContext":{"service":"shop","version":"1.2"},"#,
        r#""logging.googleapis.com/trace":"projects/prod-1/traces/4bf92f3577b34da6a3ce929d0e0e4736","#,
        r#""logging.googleapis.com/spanId":"00f067aa0ba902b7","logging.googleapis.com/trace_sampled":true,"#,
        r#""correlation_id":"a\"b","http.route":"/charge","outcome":"error","error.type":"unavailable","#,
        r#""error.message":"no answer","order.id":18446744073709551615,"#,
        r#""httpRequest":{"requestMethod":"POST","requestUrl":"/charge","status":502,"latency":"0.005752540s"}}"#,
        "\n"
    );
    assert_eq!(request_line(LogFormat::GoogleCloud), expected);
    // Without a project, the id stands for itself.
    let layout = Layout::new(LogFormat::GoogleCloud, Service { name: "shop", version: None, project: None });
    let (message, span, event) = request();
    let line = render_as(&layout, "shop", &message, &span, &event);
    let trace = leaf(&line, &[google_names::TRACE]);
    assert_eq!(trace.as_deref(), Some("\"4bf92f3577b34da6a3ce929d0e0e4736\""));
    assert_eq!(leaf(&line, &["http.request.method"]).as_deref(), Some("\"POST\""), "no request's line");
}

// What agents are told to look for. Mutation caught: a key that is renamed in the code alone.
#[test]
fn the_page_on_shipping_names_keys_that_are_there() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/shipping.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut rows = page.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let formats: Vec<_> = rows.find(|row| row.contains("`otel`")).unwrap().split(" | ").skip(1).collect();
    assert_eq!(formats, FORMATS.map(|format| format!("`{format}`")));
    let rows: Vec<_> = rows.filter(|row| row.matches(" | ").count() == FORMATS.len()).skip(1).collect();
    assert!(rows.len() >= 7, "{rows:?}");
    let (message, span, event) = request();
    for row in rows {
        for (cell, format) in row.split(" | ").skip(1).zip(FORMATS) {
            let mut line = render_as(&layout_of(format), "shop", &message, &span, &event);
            layout_of(format).push_sampled(2, &mut line);
            let path: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
            assert!(leaf(&line, &path).is_some(), "{format}: {cell} in {}", String::from_utf8_lossy(&line));
        }
    }
}

fn bare(format: LogFormat, level: Level) -> Vec<u8> {
    let record = LogRecord {
        callsite: 0,
        unix_nanos: 0,
        level,
        target: "t\n",
        message: &Text::new(),
        span_context: None,
        correlation_id: None,
        span: None,
        event: &Fields::new(),
    };
    let mut line = Vec::new();
    layout_of(format).render(&record, &mut line);
    line
}

#[test]
fn levels_are_what_each_format_calls_them() {
    use LogFormat::{Ecs, GoogleCloud, OpenTelemetry};
    for (level, number, text, ecs, google) in [
        (Level::ERROR, "17", "\"ERROR\"", "\"error\"", "\"ERROR\""),
        (Level::WARN, "13", "\"WARN\"", "\"warn\"", "\"WARNING\""),
        (Level::INFO, "9", "\"INFO\"", "\"info\"", "\"INFO\""),
        (Level::DEBUG, "5", "\"DEBUG\"", "\"debug\"", "\"DEBUG\""),
        (Level::TRACE, "1", "\"TRACE\"", "\"trace\"", "\"DEBUG\""),
    ] {
        let said = |format, key| leaf(&bare(format, level), &[key]);
        assert_eq!(said(OpenTelemetry, "SeverityNumber").as_deref(), Some(number));
        assert_eq!(said(OpenTelemetry, "SeverityText").as_deref(), Some(text));
        assert_eq!(said(Ecs, "log.level").as_deref(), Some(ecs));
        assert_eq!(said(GoogleCloud, "severity").as_deref(), Some(google));
    }
}

// Mutations caught: a mark behind the object it belongs into; a comma too many in an empty one.
#[test]
fn a_line_says_in_each_format_for_how_many_it_stands() {
    let (message, span, event) = request();
    for format in FORMATS {
        let path: &[&str] = match format {
            LogFormat::OpenTelemetry => &["Attributes", "sampled"],
            LogFormat::Ecs => &["labels", "sampled"],
            _ => &["sampled"],
        };
        for mut line in [
            bare(format, Level::INFO),
            render_as(&layout_of(format), http::REQUEST_TARGET, &message, &span, &event),
            render_as(&layout_of(format), "shop", &Text::new(), &Fields::new(), &Fields::new()),
        ] {
            let before = leaves(&line);
            layout_of(format).push_sampled(100, &mut line);
            assert_eq!(leaf(&line, path).as_deref(), Some("100"), "{format}");
            // All that was there is there.
            let empty = before.iter().filter(|(_, value)| value == "{}").count();
            assert_eq!(leaves(&line).len(), before.len() + 1 - empty, "{format}");
        }
    }
}

// Mutation caught: a name of a format's own that is not reserved, or a prefix that is taken for a name.
#[test]
fn the_names_of_each_format_are_its_own() {
    for format in FORMATS {
        let empty =
            render_as(&layout_of(format), http::REQUEST_TARGET, &Text::new(), &Fields::new(), &Fields::new());
        let ours: Vec<_> = leaves(&empty).into_iter().map(|(path, _)| path.join(".")).collect();
        let mut fields = Fields::new();
        let more =
            ["truncated", "sampled", "trace_flags", "labels", "Attributes", "httpRequest", "error", "log"];
        let names = log::RESERVED.iter().chain(&google_names::FOREIGN).chain(&more);
        for name in names.copied().chain(ours.iter().map(String::as_str)) {
            fields.str(name, "theirs");
            fields.str(&format!("fields.{name}"), "theirs");
        }
        let count = fields.entries().count();
        let line = render_as(&layout_of(format), http::REQUEST_TARGET, &Text::new(), &fields, &Fields::new());
        let found = leaves(&line);
        let theirs = found.iter().filter(|(_, value)| value == "\"theirs\"").count();
        // Of two labels that differ in a dot only one is left: `trace.id` and `trace_id`, and so on.
        let lost = if format == LogFormat::Ecs { count - theirs } else { 0 };
        assert!(lost <= 8, "{lost}");
        assert_eq!(theirs + lost, count, "{format}");
        for (path, value) in leaves(&empty) {
            if value != "{}" {
                assert!(found.contains(&(path.clone(), value)), "{format}: {path:?} is not ours any more");
            }
        }
        if format == LogFormat::Ecs {
            assert_a_tree(&found);
        }
    }
}

// Mutation caught: names that grow without a bound; `truncated` left out of a format.
#[test]
fn the_largest_line_of_each_format_is_64_kib_and_says_that_it_was_cut() {
    let huge = "\u{1}".repeat(10 * VALUE_MAX);
    let mut message = Text::new();
    message.set(&huge);
    for format in FORMATS {
        for short in [false, true] {
            let (mut span, mut event) = <(Fields, Fields)>::default();
            let own = google_names::FOREIGN.iter().chain(&ecs_names::TEXTS).chain(&ecs_names::NUMBERS);
            for name in log::RESERVED.iter().chain(own).chain(&["time", "severity", "error", "duration_ms"]) {
                span.u64(*name, 1);
                event.u64(&format!("fields.{name}"), 1);
            }
            for index in 0..if short { 1_500 } else { 0 } {
                span.u64(&format!("{index}"), 1);
                event.u64(&format!(".{index}"), 1);
            }
            span.str("y", &huge);
            event.str("z", &huge);
            let record = LogRecord {
                callsite: 0,
                unix_nanos: 0,
                level: Level::ERROR,
                target: &huge,
                message: &message,
                span_context: Some(context()),
                correlation_id: Some(Correlation::Given(&huge)),
                span: Some(&span),
                event: &event,
            };
            let service = Service { name: &huge, version: Some(&huge), project: Some(&huge) };
            let mut line = Vec::new();
            Layout::new(format, service).render(&record, &mut line);
            assert!(line.len() <= 64 * 1024, "{format}: {} bytes", line.len());
            assert!(leaves(&line).iter().any(|(path, _)| path.last().unwrap() == "truncated"), "{format}");
        }
    }
}

// `ecs-logging`, `spec.json`: three keys in their order, four that are required, their types, and how labels are named.
fn assert_ecs(line: &[u8]) {
    let members = members(line);
    for (index, key) in ["@timestamp", "log.level", "message"].into_iter().enumerate() {
        assert_eq!(members[index].0, key);
        assert!(members[index].1.starts_with('"'));
    }
    let time = serde_json::from_str::<String>(&members[0].1).unwrap();
    assert!(time.len() == 27 && time.ends_with('Z') && time.as_bytes()[10] == b'T');
    let version = members.iter().find(|(key, _)| key == "ecs.version").unwrap();
    assert_eq!(version.1, "\"9.4.0\"");
    for (key, value) in &members {
        let is_long = ecs_names::NUMBERS.contains(&key.as_str());
        if is_long {
            assert!(value.parse::<i64>().is_ok(), "{key} is a long: {value}");
        }
        let constant = [
            "@timestamp",
            "log.level",
            "message",
            "ecs.version",
            "log.logger",
            "service.name",
            "service.version",
            "event.dataset",
            "trace.id",
            "span.id",
            "http.request.id",
            "labels",
        ];
        let known = is_long || ecs_names::TEXTS.contains(&key.as_str()) || constant.contains(&key.as_str());
        assert!(known, "{key} is not of the schema");
    }
    let leaves = leaves(line);
    for (path, value) in &leaves {
        if let [labels, name] = path.as_slice() {
            assert!(labels == "labels" && !name.contains(['.', '*', '\\']), "{name}");
            assert!(!value.starts_with(['{', '[']));
        }
        assert!(path.len() <= 2);
    }
    assert_a_tree(&leaves);
}

// The log data model: its fields by their names, ids in hexadecimal, attributes without a key twice.
fn assert_open_telemetry(line: &[u8]) {
    let known = [
        "Timestamp",
        "SeverityText",
        "SeverityNumber",
        "Body",
        "InstrumentationScope",
        "Resource",
        "TraceId",
        "SpanId",
        "TraceFlags",
        "Attributes",
    ];
    for (key, value) in members(line) {
        assert!(known.contains(&key.as_str()), "{key} is not of the model");
        let hex = |length: usize| {
            value.len() == length + 2 && value.trim_matches('"').bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match key.as_str() {
            "Timestamp" => assert!(value.trim_matches('"').parse::<u64>().is_ok()),
            "SeverityNumber" => assert!((1..=24).contains(&value.parse::<u8>().unwrap())),
            "TraceId" => assert!(hex(32)),
            "SpanId" => assert!(hex(16)),
            "TraceFlags" => assert!(hex(2)),
            "Resource" | "Attributes" | "InstrumentationScope" => assert!(value.starts_with('{')),
            _ => assert!(value.starts_with('"')),
        }
    }
}

// `LogEntry`, `HttpRequest`, and what the agent takes out of a line.
fn assert_google_cloud(line: &[u8]) {
    let severities =
        ["DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"];
    for (path, value) in leaves(line) {
        let text = value.trim_matches('"');
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        assert!(!google_names::FOREIGN.contains(&path[0]), "{path:?} is read by others");
        match path.as_slice() {
            ["severity"] => assert!(severities.contains(&text)),
            ["time"] => assert!(text.len() == 27 && text.ends_with('Z')),
            ["logging.googleapis.com/trace"] => assert_eq!(text.rsplit('/').next().unwrap().len(), 32),
            ["logging.googleapis.com/spanId"] => assert_eq!(text.len(), 16),
            ["logging.googleapis.com/trace_sampled"] => assert!(value == "true" || value == "false"),
            ["httpRequest", "status"] => assert!(value.parse::<u64>().is_ok()),
            ["httpRequest", "requestSize" | "responseSize"] => {
                assert!(value.starts_with('"') && text.parse::<i64>().is_ok());
            }
            ["httpRequest", "latency"] => {
                let seconds = text.strip_suffix('s').unwrap();
                assert_eq!(seconds.split_once('.').unwrap().1.len(), 9);
            }
            ["httpRequest", "requestMethod" | "requestUrl" | "userAgent" | "remoteIp"] => {}
            ["httpRequest", other] if value != "{}" => panic!("{other}"),
            _ => {}
        }
    }
}

/// Names that are likely to meet in one of the formats.
fn any_name() -> impl Strategy<Value = String> {
    let known: Vec<&str> = ecs_names::TEXTS
        .iter()
        .chain(&ecs_names::NUMBERS)
        .chain(&google_names::FOREIGN)
        .chain(&[
            "outcome",
            "duration_ms",
            "error",
            "exception.message",
            "exception.type",
            "exception.stacktrace",
            "http.request.body.size",
            "http.response.body.size",
            "network.protocol.version",
            "thread.name",
            "thread.id",
            "code.line.number",
            "time",
            "severity",
            "httpRequest",
            "serviceContext",
            "labels",
            "Attributes",
            "log",
            "order",
            "order.id",
            "order_id",
            "order*id",
            "order\\id",
            "trace.flags",
            "fields_trace_flags",
            "http",
            "http.request",
            "url",
            "user",
            "service",
            "event.dataset",
            "logging.googleapis.com/trace",
            "fields.fields_sampled",
            "http.request.id",
            "trace.id",
            "span.id",
            "ecs.version",
            "@timestamp",
        ])
        .copied()
        .collect();
    prop_oneof![
        5 => prop::sample::select(known.clone()).prop_map(str::to_owned),
        1 => (1usize..3, prop::sample::select(known)).prop_map(|(n, name)| "fields.".repeat(n) + name),
        4 => name(),
    ]
}

/// Values, more often those that a place takes.
fn any_value() -> impl Strategy<Value = Given> {
    prop_oneof![
        3 => given(),
        1 => prop::sample::select(vec!["ok", "error", "cancelled", "panicked", "5"])
            .prop_map(|text| Given::Str(text.to_owned())),
        1 => (0..10_u64.pow(9)).prop_map(Given::U64),
        1 => (0.0..1e6_f64).prop_map(Given::F64),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    // Mutations caught, in each format: a place that takes what does not fit; two names for one place; labels that are
    // not told apart; a name that is not reserved.
    #[test]
    fn any_fields_make_a_line_that_each_format_allows(
        outer in prop::collection::vec((any_name(), any_value()), 0..8),
        own in prop::collection::vec((any_name(), any_value()), 0..8),
        text in any::<String>(),
        is_request in any::<bool>(),
    ) {
        let (mut span, mut event, mut message) = <(Fields, Fields, Text)>::default();
        outer.iter().for_each(|(name, value)| record(&mut span, name, value));
        own.iter().for_each(|(name, value)| record(&mut event, name, value));
        message.set_formatted(format_args!("{text}"));
        let target = if is_request { http::REQUEST_TARGET } else { "shop::pay" };
        for format in FORMATS {
            let layout = layout_of(format);
            let mut line = render_as(&layout, target, &message, &span, &event);
            for sampled in [false, true] {
                if sampled {
                    layout.push_sampled(7, &mut line);
                }
                let found = leaves(&line);
                let (message_key, ids): (&str, &[&str]) = match format {
                    LogFormat::OpenTelemetry => {
                        assert_open_telemetry(&line);
                        ("Body", &["TraceId", "SpanId"])
                    }
                    LogFormat::Ecs => {
                        assert_ecs(&line);
                        ("message", &["trace.id", "span.id"])
                    }
                    LogFormat::GoogleCloud => {
                        assert_google_cloud(&line);
                        ("message", &[google_names::TRACE, google_names::SPAN_ID])
                    }
                    _ => ("message", &["trace_id", "span_id"]),
                };
                let said = |key: &str| {
                    serde_json::from_str::<String>(&leaf(&line, &[key]).unwrap()).unwrap()
                };
                prop_assert_eq!(said(message_key), text.clone());
                prop_assert!(said(ids[0]).ends_with("4bf92f3577b34da6a3ce929d0e0e4736"));
                prop_assert_eq!(said(ids[1]), "00f067aa0ba902b7");
                // Each value is somewhere, but what another of (nearly) its name has replaced.
                for entry in both(&span, &event) {
                    let is_there = found.iter().any(|(_, value)| value == entry.value);
                    let moved = format != LogFormat::Json && ["duration_ms", "http.request.body.size", "http.response.body.size"]
                        .contains(&entry.name);
                    let alike = both(&span, &event).filter(|other| {
                        let same = |byte: u8| if b".*\\".contains(&byte) { b'_' } else { byte };
                        other.name.replace("\\\\", "_").bytes().map(same)
                            .eq(entry.name.replace("\\\\", "_").bytes().map(same))
                    });
                    prop_assert!(
                        is_there || moved || format == LogFormat::Ecs && alike.count() > 1,
                        "{}: {} is not in {}", format, entry.name, String::from_utf8_lossy(&line)
                    );
                }
            }
        }
    }
}
