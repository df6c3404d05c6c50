//! The HTTP server's operation by hand, as a server that is no tower service uses it.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod subscriber_support;

use observe_core::context::Context;
use observe_core::http_server::{
    HttpAnswer, HttpBody, HttpRequest, HttpServerOperation, HttpVersion, Scheme,
};
use observe_core::{Format, Telemetry};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

fn counted(telemetry: &Telemetry, metric: &str) -> BTreeMap<String, u64> {
    let mut text = Vec::new();
    telemetry.registry().encode(Format::Text, &mut text);
    let text = String::from_utf8(text).unwrap();
    let rows =
        text.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{')?.rsplit_once("} "));
    rows.map(|(labels, value)| (labels.to_owned(), value.parse().unwrap())).filter(|(_, n)| *n != 0).collect()
}

fn unwind(operation: &mut HttpServerOperation) {
    let unwound = catch_unwind(AssertUnwindSafe(|| operation.within(|| panic!("planned"))));
    assert!(unwound.is_err());
}

/// What is done, and the labels it makes.
type End = (fn(HttpServerOperation), &'static str);

// Mutation caught: `finish` that forgets what unwound before; an end that is none, or two; a status that does not
// fail, or that takes the place of what was said before it.
#[test]
fn it_ends_once_whatever_is_done_with_it() {
    let ends: [End; 9] = [
        (|operation| operation.finish(), ""),
        (|operation| drop(operation), "error_type=\"cancelled\","),
        (
            |mut operation| {
                unwind(&mut operation);
                drop(operation);
            },
            "error_type=\"panicked\",",
        ),
        (
            |mut operation| {
                // A framework that catches panics, and answers.
                unwind(&mut operation);
                operation.status(500);
                operation.finish();
            },
            "http_response_status_code=\"500\",error_type=\"panicked\",",
        ),
        (
            |mut operation| {
                operation.status(503);
                drop(operation);
            },
            "http_response_status_code=\"503\",error_type=\"503\",",
        ),
        (
            |mut operation| {
                operation.fail("timeout");
                operation.status(504);
                operation.fail("later");
                operation.finish();
            },
            "http_response_status_code=\"504\",error_type=\"timeout\",",
        ),
        (
            |mut operation| {
                operation.status(503);
                operation.forgive();
                operation.finish();
            },
            "http_response_status_code=\"503\",",
        ),
        (
            |mut operation| {
                operation.status(200);
                operation.body_failed();
                operation.finish();
            },
            "http_response_status_code=\"200\",error_type=\"body_error\",",
        ),
        (
            |mut operation| {
                operation.status(65_535);
                operation.finish();
            },
            "error_type=\"_OTHER\",",
        ),
    ];
    for (end, expected) in ends {
        let telemetry = Telemetry::builder("test").without_log().build().unwrap();
        let server = telemetry.http_server();
        let request = HttpRequest::new("GET", "/users/7")
            .route("/users/{id}")
            .scheme(Scheme::Https)
            .version(HttpVersion::Http2);
        let operation = server.start(&request, &server.extract(&Vec::new()));
        assert_eq!(
            counted(&telemetry, "http_server_active_requests"),
            [("http_request_method=\"GET\",url_scheme=\"https\"".to_owned(), 1)].into()
        );
        end(operation);
        assert_eq!(counted(&telemetry, "http_server_active_requests"), [].into());
        let expected = format!(
            "http_request_method=\"GET\",url_scheme=\"https\",http_route=\"/users/{{id}}\",{expected}\
             network_protocol_version=\"2\""
        );
        let metric = "http_server_request_duration_seconds_count";
        assert_eq!(counted(&telemetry, metric), [(expected, 1)].into());
    }
}

// The operation rides in the future and in the body, and is copied from one to the other.
#[test]
fn it_is_small() {
    assert!(size_of::<HttpServerOperation>() <= 120, "{}", size_of::<HttpServerOperation>());
}

// Mutations caught: an exemplar for a trace that is not kept, whose id would point nowhere; a failure below that does not
// keep the whole trace; `keep` that keeps nothing; a record from the pool that is still marked, or failed.
#[test]
fn only_kept_traces_leave_an_exemplar() {
    let nothing: fn(&Telemetry) = |_| ();
    let fails: fn(&Telemetry) = |telemetry| telemetry.operation("below").start().fail("planned");
    // Each time the record is the one before: it has to have forgotten.
    let kept = [(500, nothing), (200, fails), (200, |_: &Telemetry| observe_core::keep())];
    let all = kept.into_iter().flat_map(|(status, below)| [(status, below, 1), (200, nothing, 0)]);
    for (status, below, kept) in all {
        let sampling = observe_core::Sampling::tail(0.0).unwrap();
        let telemetry = Telemetry::builder("test").without_log().sampling(sampling).build().unwrap();
        let server = telemetry.http_server();
        let mut operation = server.start(&HttpRequest::new("GET", "/"), &server.extract(&Vec::new()));
        let trace_id = operation.trace_id().unwrap().to_string();
        operation.within(|| below(&telemetry));
        operation.status(status);
        operation.finish();
        let mut text = Vec::new();
        telemetry.registry().encode(Format::OpenMetrics, &mut text);
        let text = String::from_utf8(text).unwrap();
        let of_requests = text.lines().filter(|line| line.starts_with("http_server"));
        assert_eq!(of_requests.filter(|line| line.contains(&trace_id)).count(), kept);
    }
}

// Mutations caught: a method that is not cut; the last cause; a route that only counts when it was known before, or the
// first one said.
#[test]
fn its_line_says_what_is_known_and_is_bounded() {
    let (builder, lines) = subscriber_support::captured();
    let telemetry = builder.build().unwrap();
    let server = telemetry.http_server();
    let method = "M".repeat(60_000);
    let mut operation = server.start(&HttpRequest::new(&method, "/"), &server.extract(&Vec::new()));
    assert!(!operation.has_route());
    operation.within(|| observe_core::route("/{rest}"));
    operation.within(|| observe_core::route("/orders/{id}"));
    assert!(operation.has_route());
    operation.cause("the first");
    operation.cause("what came of it");
    operation.status(500);
    operation.finish();
    telemetry.shutdown(std::time::Duration::from_secs(10)).unwrap();
    let line = lines.read().remove(0);
    assert_eq!(line["http.request.method_original"], method[..64]);
    assert_eq!(line["message"], "HTTP /orders/{id} 500");
    assert_eq!(line["error.message"], "the first");
}

// Mutations caught: a record from the pool whose span is taken for a request's, or has what was recorded late.
#[test]
fn a_span_after_a_request_has_its_own_fields() {
    let (builder, lines) = subscriber_support::captured();
    let telemetry = builder.filter("warn".parse().unwrap()).build().unwrap();
    telemetry.run(|| {
        let server = telemetry.http_server();
        server.start(&HttpRequest::new("GET", "/"), &server.extract(&Vec::new())).finish();
        for order in [1, 2] {
            let span = tracing::error_span!("order", order, late = tracing::field::Empty);
            if order == 1 {
                span.record("late", 1);
            }
            span.in_scope(|| tracing::warn!("here"));
        }
    });
    telemetry.shutdown(std::time::Duration::from_secs(10)).unwrap();
    let said: Vec<_> =
        lines.read().iter().map(|line| (line["order"].as_u64(), line["late"].as_u64())).collect();
    assert_eq!(said, [(Some(1), Some(1)), (Some(2), None)]);
}

// Mutation caught: a thread that unwinds taken for a request that does.
#[test]
fn a_request_in_a_destructor_of_an_unwinding_thread_has_its_own_end() {
    struct Asks<'a>(&'a Telemetry);
    impl Drop for Asks<'_> {
        fn drop(&mut self) {
            let server = self.0.http_server();
            let mut operation = server.start(&HttpRequest::new("GET", "/"), &server.extract(&Vec::new()));
            operation.within(|| ());
            operation.status(200);
            operation.finish();
        }
    }
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _asks = Asks(&telemetry);
        panic!("planned");
    }));
    assert!(unwound.is_err());
    let expected = "http_request_method=\"GET\",url_scheme=\"http\",http_response_status_code=\"200\"";
    let metric = "http_server_request_duration_seconds_count";
    assert_eq!(counted(&telemetry, metric), [(expected.to_owned(), 1)].into());
}

// Mutation caught: a time that counts whoever said it.
#[test]
fn the_time_in_a_queue_is_a_trusted_sender_s_word() {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let server = telemetry.http_server();
    let queued = || {
        let mut page = Vec::new();
        telemetry.registry().encode(Format::Text, &mut page);
        let page = String::from_utf8(page).unwrap();
        page.lines()
            .find_map(|line| line.strip_prefix("http_server_queue_duration_seconds_count ")?.parse().ok())
    };
    for (trusted, count) in [(false, None), (true, Some(1_u64))] {
        let request = HttpRequest::new("GET", "/").trusted(trusted).request_start(b"t=1700000000".as_slice());
        server.start(&request, &Context::new()).finish();
        assert_eq!(queued(), count);
    }
}

/// When the request ends, what kind of failure it is, and of what outcome the stream is that it began.
#[derive(Debug, PartialEq)]
struct Ended {
    with_head: bool,
    error_type: Option<String>,
    stream: Option<String>,
}

fn label(series: &str, name: &str) -> Option<String> {
    let (_, rest) = series.split_once(&format!("{name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

fn ended(method: &str, status: u16, answer: &HttpAnswer<'_>, what: fn(HttpBody)) -> Ended {
    let telemetry = Telemetry::builder("test").without_log().build().unwrap();
    let mut operation = telemetry.http_server().start(&HttpRequest::new(method, "/"), &Context::new());
    operation.status(status);
    let body = operation.answered(answer);
    let requests = || counted(&telemetry, "http_server_request_duration_seconds_count");
    let with_head = !requests().is_empty();
    what(body);
    let (requests, streams) = (requests(), counted(&telemetry, "http_server_stream_duration_seconds_count"));
    assert_eq!(requests.values().sum::<u64>(), 1, "{requests:?}");
    assert!(streams.values().sum::<u64>() <= 1, "{streams:?}");
    let request = requests.keys().next().unwrap();
    Ended {
        with_head,
        error_type: label(request, "error_type"),
        stream: streams.keys().next().and_then(|stream| label(stream, "outcome")),
    }
}

// Mutations caught: a length that is not looked at, in `end` or in `drop`; an ending for another.
#[test]
fn with_what_a_request_ends_is_the_answers_affair() {
    type Do = fn(HttpBody);
    let ok = HttpAnswer::new;
    let events = || ok().content_type(&b"Text/Event-Stream; charset=utf-8"[..]);
    let left: Do = |body| drop(body);
    let well: Do = |mut body| body.end();
    let four_then_left: Do = |mut body| body.sent(4);
    let four_then_end: Do = |mut body| {
        body.sent(4);
        body.end();
    };
    let broken: Do = |mut body| body.failed();
    let panicked: Do = |mut body| {
        assert!(catch_unwind(AssertUnwindSafe(|| body.within(|| panic!("planned")))).is_err());
    };
    #[rustfmt::skip]
    let table: [(&str, u16, HttpAnswer<'_>, Do, bool, &str, &str); 20] = [
        // method, status, answer, what becomes of the body: with the head?, error type, stream's outcome
        ("GET", 200, ok(), well, false, "", ""),
        ("GET", 200, ok(), left, false, "cancelled", ""),
        ("GET", 200, ok(), four_then_left, false, "cancelled", ""),
        ("GET", 200, ok().length(4), four_then_left, false, "", ""),
        ("GET", 200, ok().length(5), four_then_left, false, "cancelled", ""),
        ("GET", 200, ok().length(4), four_then_end, false, "", ""),
        ("GET", 200, ok().length(5), four_then_end, false, "body_error", ""),
        ("GET", 200, ok(), broken, false, "body_error", ""),
        ("GET", 200, ok(), panicked, false, "panicked", ""),
        ("GET", 200, ok().empty(true), left, true, "", ""),
        ("GET", 204, ok(), left, true, "", ""),
        ("GET", 304, ok().length(4), left, true, "", ""),
        ("HEAD", 200, ok().length(4), left, true, "", ""),
        ("CONNECT", 200, ok(), left, true, "", ""),
        ("CONNECT", 400, ok(), left, false, "cancelled", ""),
        ("GET", 101, ok(), left, true, "", ""),
        ("GET", 200, events(), left, true, "", "cancelled"),
        ("GET", 200, events(), well, true, "", "ok"),
        ("GET", 200, events().length(4), four_then_left, false, "", ""),
        ("GET", 500, events(), well, false, "500", ""),
    ];
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    for (row, (method, status, answer, what, with_head, error_type, stream)) in table.into_iter().enumerate()
    {
        let expected = Ended { with_head, error_type: said(error_type), stream: said(stream) };
        assert_eq!(ended(method, status, &answer, what), expected, "row {row}: {method} {status} {answer:?}");
    }
}
