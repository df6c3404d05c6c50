//! What goes out on the wire about sampling: the sampled flag, and OpenTelemetry's member of `tracestate`.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::context::Context;
use observe_core::http_server::HttpRequest;
use observe_core::{Operation, Sampling, Telemetry};
use std::collections::HashMap;

/// In the baseline of 1 %, by its last 56 bits, and below it.
const IN: &str = "4bf92f3577b34da6a3ffffffffffffff";
const OUT: &str = "4bf92f3577b34da6a300000000000001";
/// The threshold of 1 %: 0.99 × 2^56, and the digits that a caller may name in the place of those of the id.
const TH: &str = "ot=th:fd70a3d70a3d71";
const HIGH: &str = "rv:ffffffffffffff";
const LOW: &str = "rv:00000000000001";

struct Case {
    trusted: bool,
    id: &'static str,
    flags: &'static str,
    came: String,
    /// Whether the flag that goes on is set, and the state beside it.
    expected: (bool, String),
}

fn case(trusted: bool, id: &'static str, flags: &'static str, came: &str, expected: (bool, &str)) -> Case {
    Case { trusted, id, flags, came: came.to_owned(), expected: (expected.0, expected.1.to_owned()) }
}

fn came(case: &Case) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    headers.insert("traceparent".to_owned(), format!("00-{}-00f067aa0ba902b7-{}", case.id, case.flags));
    headers.insert("tracestate".to_owned(), case.came.clone());
    headers
}

fn sent() -> (bool, String) {
    let mut headers = HashMap::new();
    observe_core::inject(&mut headers);
    let state = headers.get("tracestate").cloned().unwrap_or_default();
    (matches!(headers["traceparent"].get(53..), Some("01" | "03")), state)
}

// Mutations caught: each word of "What goes out on the wire": a threshold that is written for other reasons than it, or
// left standing; a randomness that is not asked for, or believed of anybody.
#[test]
fn thresholds_are_written_where_they_decided() {
    let telemetry =
        Telemetry::builder("wire").without_log().sampling(Sampling::tail(0.01).unwrap()).build().unwrap();
    let server = telemetry.http_server();
    let cases = [
        // By the id, whoever sent it; what another said of the past is replaced or removed.
        case(false, IN, "00", "rojo=1", (true, &format!("{TH},rojo=1"))),
        case(false, IN, "01", "rojo=1,ot=th:8", (true, &format!("{TH},rojo=1"))),
        case(false, OUT, "01", "rojo=1,ot=th:8", (false, "rojo=1")),
        case(false, OUT, "00", "rojo=1", (false, "rojo=1")),
        // A stranger's randomness decides nothing, and goes no further.
        case(false, OUT, "00", &format!("rojo=1,ot={HIGH}"), (false, "rojo=1")),
        case(false, IN, "00", &format!("rojo=1,ot={LOW}"), (true, &format!("{TH},rojo=1"))),
        // A trusted caller's does, and goes on.
        case(true, OUT, "00", &format!("rojo=1,ot={HIGH}"), (true, &format!("{TH};{HIGH},rojo=1"))),
        case(true, IN, "00", &format!("rojo=1,ot=th:8;{LOW}"), (false, &format!("ot={LOW},rojo=1"))),
        // Kept, but not by the threshold.
        case(true, OUT, "01", "rojo=1,ot=th:8", (true, "rojo=1")),
        case(true, IN, "01", "rojo=1,ot=th:8", (true, &format!("{TH},rojo=1"))),
    ];
    for case in &cases {
        let headers = came(case);
        let told = format!("{} from {}, trusted: {}", case.came, case.id, case.trusted);

        let request = HttpRequest::new("GET", "/").trusted(case.trusted);
        let mut request = server.start(&request, &server.extract(&headers));
        assert_eq!(request.within(sent), case.expected, "a request: {told}");

        let context = telemetry.extract(&headers);
        let operation = telemetry.operation("a job").parent(&context).trusted(case.trusted).start();
        assert_eq!(operation.run(sent), case.expected, "a job: {told}");
    }
}

// Mutations caught: a threshold for traces that none decided; one that the first request's state sticks to.
#[test]
fn new_traces_say_by_what_they_are_kept() {
    let sent_by = |sampling: Sampling| {
        let telemetry = Telemetry::builder("wire").without_log().sampling(sampling).build().unwrap();
        telemetry.run(|| Operation::builder("a job").start().run(sent))
    };
    assert_eq!(sent_by(Sampling::always()), (true, "ot=th:0".to_owned()));
    assert_eq!(sent_by(Sampling::ratio(1.0).unwrap()), (true, "ot=th:0".to_owned()));
    assert_eq!(sent_by(Sampling::never()), (false, String::new()));
}

// Mutation caught: a flag that says what was known at the start; a threshold for what was marked.
#[test]
fn what_is_kept_by_now_is_told() {
    let telemetry = Telemetry::builder("wire").without_log().sampling(Sampling::never()).build().unwrap();
    telemetry.run(|| {
        Operation::builder("a job").start().run(|| {
            assert_eq!(sent(), (false, String::new()));
            observe_core::keep();
            assert_eq!(sent(), (true, String::new()));
        });
    });
}

// Mutation caught: baggage and correlation id lost where the state is put beside them.
#[test]
fn the_rest_goes_along() {
    let telemetry = Telemetry::builder("wire").without_log().sampling(Sampling::always()).build().unwrap();
    let headers = HashMap::from([
        ("baggage".to_owned(), "shop=north".to_owned()),
        ("x-correlation-id".to_owned(), "order-4711".to_owned()),
    ]);
    let context = telemetry.extract(&headers);
    telemetry.operation("a job").parent(&context).start().run(|| {
        let here = Context::current();
        assert_eq!(here.baggage().get("shop").as_deref(), Some("north"));
        assert_eq!(here.correlation_id().unwrap().as_str(), "order-4711");
        assert_eq!(here.tracestate().as_str(), "ot=th:0");
    });
}
