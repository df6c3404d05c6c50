//! What is declared, in words that people read, and in the selectors that queries need.

use super::promql::{quoted, tidy};
use crate::semconv::{http, http_client, operation, rpc};
use crate::slo::{Indicator, Requests, Slo, Source};
use std::time::Duration;

/// A time, in its two largest units: `43 min 12 s`, `30 days`.
pub(super) fn time(duration: Duration) -> String {
    const UNITS: [(u128, &str, &str); 5] = [
        (86_400_000_000, "day", "days"),
        (3_600_000_000, "h", "h"),
        (60_000_000, "min", "min"),
        (1_000_000, "s", "s"),
        (1_000, "ms", "ms"),
    ];
    let mut rest = duration.as_micros();
    let mut parts = Vec::new();
    for (unit, one, many) in UNITS {
        let count = rest / unit;
        rest %= unit;
        if count > 0 {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
        if parts.len() == 2 || (parts.len() == 1 && count == 0) {
            break;
        }
    }
    if parts.is_empty() { format!("{} µs", duration.as_micros()) } else { parts.join(" ") }
}

/// A number as people write it: without what floating point has behind the tenth digit, and in groups of three.
pub(super) fn number(value: f64) -> String {
    let text = tidy(value).to_string();
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

/// A share, in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", number(share * 100.0))
}

/// What people wrote, as one line of Markdown.
pub(super) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name, as Markdown shows code.
pub(super) fn code(text: &str) -> String {
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}

fn codes(texts: &[String]) -> String {
    texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ")
}

/// Which events are meant: `requests with route `/charge``.
pub(super) fn events(slo: &Slo) -> String {
    match slo.source() {
        Source::Requests(requests) => {
            let Requests { routes, methods, segments, rpc_methods } = requests;
            let scopes = [
                ("route", routes),
                ("method", methods),
                ("segment", segments),
                ("method of gRPC", rpc_methods),
            ];
            let scopes = scopes.into_iter().filter(|(_, texts)| !texts.is_empty());
            let scopes: Vec<_> = scopes.map(|(what, texts)| format!("{what} {}", codes(texts))).collect();
            if scopes.is_empty() {
                "all requests".to_owned()
            } else {
                format!("requests with {}", scopes.join(", "))
            }
        }
        Source::Calls(host) => format!("requests to the host {}", code(host)),
        Source::Dependency(name) => format!("calls to the dependency {}", code(name)),
        Source::Function(name) => format!("calls of the function {}", code(name)),
        Source::Operation(name) => format!("operations {}", code(name)),
        Source::ByHand => "events that the code records".to_owned(),
        Source::External => "events that are measured elsewhere".to_owned(),
    }
}

/// What makes an event good.
pub(super) fn good(slo: &Slo) -> String {
    let fails_not = match slo.source() {
        Source::Requests(_) => {
            "it does not fail: no status of 500 and above, no declared failure, no panic (answers of 400 to 499 are no \
             failures of the service)"
        }
        Source::Calls(_) => "it does not fail: no status of 400 and above, no broken connection",
        _ => "it does not fail: no error, no panic",
    };
    let until = match slo.source() {
        Source::Requests(_) | Source::Calls(_) if slo.wants_head() => ", until the head of the answer",
        Source::Requests(_) | Source::Calls(_) => ", to the end of the answer",
        _ => "",
    };
    match slo.indicator() {
        Indicator::Availability { within: None } => fails_not.to_owned(),
        Indicator::Availability { within: Some(within) } => {
            format!("{fails_not}; and it takes no longer than {}{until}", time(*within))
        }
        Indicator::Latency { within } => format!("it takes no longer than {}{until}", time(*within)),
        Indicator::Judged(_) => "the service's own code says so".to_owned(),
        Indicator::ByHand => "it is recorded as good".to_owned(),
        Indicator::External { .. } => "it is none of those that the query of bad events finds".to_owned(),
    }
}

/// What does not count, each with the `reason` under which it is counted apart.
pub(super) fn excluded(slo: &Slo) -> Vec<(&'static str, &'static str)> {
    let mut excluded = Vec::new();
    match slo.indicator() {
        Indicator::Availability { within: None } => {
            excluded.push(("cancelled", "those whose client went away before it had an answer"));
        }
        Indicator::Availability { within: Some(_) } => {
            let what =
                "those whose client went away before it had an answer, unless it had waited longer than that";
            excluded.push(("cancelled", what));
        }
        Indicator::Latency { .. } => {
            let what =
                "those whose client went away before it had an answer, unless it had waited longer than that";
            excluded.push(("cancelled", what));
            excluded.push(("failed", "those that fail, unless they took longer than that"));
        }
        Indicator::Judged(_) => {
            excluded.push(("not_valid", "those that the service's own code has no use for"));
            excluded.push(("judge_panicked", "those at which that code panics"));
        }
        Indicator::ByHand => excluded.push(("not_valid", "those that are recorded as such")),
        Indicator::External { .. } => return excluded,
    }
    if slo.leaves_client_errors_out() {
        excluded.push(("client_error", "answers of 400 to 499"));
    }
    excluded.push(("maintenance", "what happens during maintenance that the code declares"));
    excluded
}

/// The histogram that shows the events of an objective, and the matchers that choose them from it; `None`: there is none.
pub(super) fn histogram(slo: &Slo) -> Option<(&'static str, Vec<String>)> {
    match slo.source() {
        Source::Requests(Requests { routes, methods, segments, rpc_methods }) => {
            let labels = [
                (http::ROUTE_LABEL, routes),
                (http::REQUEST_METHOD_LABEL, methods),
                (http::SEGMENT_LABEL, segments),
            ];
            let family = if rpc_methods.is_empty() {
                http::SERVER_REQUEST_DURATION_SECONDS
            } else {
                rpc::SERVER_CALL_DURATION_SECONDS
            };
            let matchers = labels.into_iter().filter(|_| rpc_methods.is_empty());
            let matchers = matchers.chain([(rpc::METHOD_LABEL, rpc_methods)]);
            let matchers = matchers.filter(|(_, texts)| !texts.is_empty());
            Some((family, matchers.map(|(label, texts)| matcher(label, texts)).collect()))
        }
        Source::Calls(host) => {
            Some((http_client::REQUEST_DURATION_SECONDS, vec![is(http_client::SERVER_ADDRESS_LABEL, host)]))
        }
        Source::Dependency(name) => {
            Some((operation::DEPENDENCY_DURATION_SECONDS, vec![is(operation::DEPENDENCY, name)]))
        }
        Source::Function(name) => {
            Some((operation::FUNCTION_DURATION_SECONDS, vec![is(operation::FUNCTION, name)]))
        }
        Source::Operation(name) => {
            Some((operation::OPERATION_DURATION_SECONDS, vec![is(operation::OPERATION, name)]))
        }
        Source::ByHand | Source::External => None,
    }
}

/// `label="text"`.
fn is(label: &str, text: &str) -> String {
    format!("{label}={}", quoted(text))
}

/// One of these.
fn matcher(label: &str, texts: &[String]) -> String {
    match texts {
        [text] => is(label, text),
        _ => {
            let texts: Vec<_> = texts.iter().map(|text| literal(text)).collect();
            format!("{label}=~{}", quoted(&texts.join("|")))
        }
    }
}

/// As a regular expression that finds this text alone (RE2).
fn literal(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_their_two_largest_units() {
        let text = |millis| time(Duration::from_millis(millis));
        assert_eq!(text(30 * 86_400_000), "30 days");
        assert_eq!(text(2_592_000), "43 min 12 s");
        assert_eq!(text(86_400_000), "1 day");
        assert_eq!(text(86_400_000 + 61_000), "1 day");
        assert_eq!(text(90_061_000), "1 day 1 h");
        assert_eq!(text(500), "500 ms");
        assert_eq!(text(1_500), "1 s 500 ms");
        assert_eq!(time(Duration::from_micros(20)), "20 µs");
    }

    #[test]
    fn numbers_are_without_dust_and_grouped() {
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(1_000.0), "1,000");
        assert_eq!(number(1_234_567.5), "1,234,567.5");
        assert_eq!(number(100.0), "100");
        assert_eq!(percent(0.0144), "1.44 %");
    }

    // Mutation caught: a route whose braces are a repetition, a quote that ends the matcher.
    #[test]
    fn matchers_find_these_texts_alone() {
        let slo = Slo::availability("orders", 99.0).route("/orders/{id}").route("/charge").method("GET");
        let (family, matchers) = histogram(&slo).unwrap();
        assert_eq!(family, "http_server_request_duration_seconds");
        assert_eq!(matchers, [r#"http_route=~"/orders/\\{id\\}|/charge""#, r#"http_request_method="GET""#]);
    }

    #[test]
    fn what_is_declared_is_said() {
        let slo = Slo::latency("fast", 99.0, Duration::from_millis(300)).route("/charge").method("POST");
        assert_eq!(events(&slo), "requests with route `/charge`, method `POST`");
        assert_eq!(good(&slo), "it takes no longer than 300 ms, until the head of the answer");
        assert!(good(&slo.clone().to_end()).ends_with("to the end of the answer"));
        let reasons = |slo: &Slo| excluded(slo).into_iter().map(|(reason, _)| reason).collect::<Vec<_>>();
        assert_eq!(reasons(&slo), ["cancelled", "failed", "maintenance"]);
        let slo = Slo::availability("payment", 99.0).dependency("payment").exclude_client_errors();
        assert_eq!(events(&slo), "calls to the dependency `payment`");
        assert_eq!(reasons(&slo), ["cancelled", "client_error", "maintenance"]);
    }
}
