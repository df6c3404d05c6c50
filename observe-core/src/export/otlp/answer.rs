//! What an answer of a collector means (OTLP specification, "Failures" and "Partial Success").

use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use crate::export::spans::Answer;

/// How much of a collector's own words is told.
const WORDS_MAX: usize = 200;

/// All of it was taken, but for so many, if any are named.
pub(super) fn taken(rejected: i64, why: &str) -> Answer {
    Answer::Taken { rejected: u64::try_from(rejected).unwrap_or(0), why: clipped(why).to_owned() }
}

/// An answer by HTTP.
pub(super) fn of_http(
    status: u16,
    retry_after: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
) -> Answer {
    match status {
        // What it says of spans it says of all signals in the same bytes: how many were rejected, and why.
        200..=299 => match ExportTraceServiceResponse::decode(body) {
            Ok(response) => {
                let partial = response.partial_success.unwrap_or_default();
                taken(partial.rejected_spans, &partial.error_message)
            }
            // Some answer in JSON, whatever they are asked in.
            Err(_) if content_type.is_some_and(|kind| kind.starts_with("application/json")) => Answer::TAKEN,
            Err(_) => Answer::Refused(format!("HTTP {status}, but the answer is not OTLP's")),
        },
        429 | 502 | 503 | 504 => {
            Answer::Later { wait: retry_after.and_then(wait), why: format!("HTTP {status}") }
        }
        _ => Answer::Refused(format!("HTTP {status}")),
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
fn wait(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// A collector's own words, not too many.
pub(super) fn clipped(text: &str) -> &str {
    text.get(..text.floor_char_boundary(WORDS_MAX)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTracePartialSuccess;

    fn later(wait: Option<u64>, why: &str) -> Answer {
        Answer::Later { wait: wait.map(Duration::from_secs), why: why.to_owned() }
    }

    // Each line is a rule of the specification; the mutation is to change it.
    #[test]
    fn what_is_tried_again_and_what_is_not() {
        for status in [429, 502, 503, 504] {
            assert_eq!(of_http(status, None, None, b""), later(None, &format!("HTTP {status}")));
        }
        for status in [301, 400, 401, 403, 404, 413, 500, 501] {
            assert_eq!(of_http(status, Some("1"), None, b""), Answer::Refused(format!("HTTP {status}")));
        }
        assert_eq!(of_http(503, Some(" 7 "), None, b""), later(Some(7), "HTTP 503"));
        assert_eq!(
            of_http(429, Some("Fri, 31 Dec 1999 23:59:59 GMT"), None, b""),
            later(Some(0), "HTTP 429")
        );
        assert_eq!(of_http(503, Some("soon"), None, b""), later(None, "HTTP 503"));
    }

    // Mutations caught: garbage taken for an answer; rejected spans not seen.
    #[test]
    fn what_a_collector_took() {
        assert_eq!(of_http(200, None, None, b""), Answer::TAKEN);
        assert_eq!(of_http(202, None, Some("application/json"), b"{}"), Answer::TAKEN);
        let garbage = of_http(200, None, Some("text/html"), b"<html>log in</html>");
        assert!(matches!(garbage, Answer::Refused(_)), "{garbage:?}");
        let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "é".repeat(500) };
        let body = ExportTraceServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        let answer = of_http(200, None, None, &body);
        assert_eq!(answer, Answer::Taken { rejected: 2, why: "é".repeat(100) });
        let odd = ExportTracePartialSuccess { rejected_spans: -1, error_message: String::new() };
        let body = ExportTraceServiceResponse { partial_success: Some(odd) }.encode_to_vec();
        assert_eq!(of_http(200, None, None, &body), Answer::TAKEN);
    }
}
