//! Rate, errors and duration of what the service is asked.

use super::panel::Panel;
use super::query::{Durations, QUANTILES, legend, rate, share};
use crate::generate::declared::{Called, Declared};
use crate::http_metrics::HttpNames;
use crate::semconv::{http, rpc};
use crate::slo::{Requests, Slo, Source};

/// The durations of requests, and what their labels were declared as.
struct Http<'a> {
    durations: Durations<'a>,
    route: &'static str,
    status: &'static str,
}

/// Whether requests are answered, or an objective says so: the family is there from the first layer on.
fn http(declared: &Declared) -> Option<Http<'_>> {
    let (family, route, status) = match declared.http_names {
        HttpNames::Classic => {
            (http::CLASSIC_REQUEST_DURATION_SECONDS, http::CLASSIC_ENDPOINT, http::CLASSIC_STATUS)
        }
        HttpNames::OpenTelemetry => {
            (http::SERVER_REQUEST_DURATION_SECONDS, http::ROUTE_LABEL, http::STATUS_LABEL)
        }
    };
    let called = shown_or_promised(declared, family, |requests| requests.rpc_methods.is_empty())?;
    Some(Http { durations: Durations::typed(called, http::ERROR_TYPE_LABEL), route, status })
}

fn grpc(declared: &Declared) -> Option<Durations<'_>> {
    let family = rpc::SERVER_CALL_DURATION_SECONDS;
    let called = shown_or_promised(declared, family, |requests| !requests.rpc_methods.is_empty())?;
    Some(Durations::typed(called, http::ERROR_TYPE_LABEL))
}

fn shown_or_promised<'a>(
    declared: &'a Declared,
    family: &'static str,
    is_promised: impl Fn(&Requests) -> bool,
) -> Option<Called<'a>> {
    let promises = |slo: &Slo| matches!(slo.source(), Source::Requests(requests) if is_promised(requests));
    let is_there = declared.has(family) || declared.slos.iter().any(promises);
    declared.called(family).filter(|_| is_there)
}

/// The label whose values can be chosen at the top, and the family that has it.
pub(super) fn route(declared: &Declared) -> Option<(&str, &str)> {
    let http = http(declared)?;
    Some((http.durations.called.name, http.durations.called.label(http.route)?))
}

/// Of HTTP, by route.
pub(super) fn by_route(declared: &Declared) -> Vec<Panel> {
    let Some(Http { durations, route, status }) = http(declared) else { return Vec::new() };
    let by = durations.labels(&[route]);
    let chosen = by.first().map(|route| format!(r#"{route}=~"$route""#)).unwrap_or_default();
    let mut panels = vec![
        Panel::lines(
            "Requests",
            "reqps",
            "How many requests end a second, by route; without one: nothing matched.",
        )
        .query(durations.rate(&by, ""), legend(&by)),
    ];
    if let Some(failures) = durations.failures(&by) {
        let text = "The share of requests that failed, by route: by a status of 500 and above, a declared failure or a panic. A \
                    client that went away is none.";
        panels.push(failing(text).query(failures, legend(&by)));
    }
    if let Some(status) = durations.called.label(status) {
        let count = format!("{}_count", durations.called.name);
        let (turned_away, all) = (rate(&count, &format!(r#"{status}="429""#)), rate(&count, ""));
        let text = "The share of requests that were answered by 429, too many requests, by route.";
        panels.push(
            Panel::lines("Turned away (429)", "percentunit", text)
                .query(share(&by, &turned_away, &all), legend(&by)),
        );
    }
    let mut times = Panel::lines(
        "Duration",
        "s",
        "How long requests took that matched the chosen routes, from their head to the end of the answer: the median, and what \
         one in 20 and one in 100 exceed.",
    );
    for (of, name) in QUANTILES {
        times =
            times.query(durations.quantile(of, &by, &chosen), format!("{} {name}", legend(&by)).trim_start());
    }
    panels.push(times.exemplars());
    panels.push(heat(&durations, &chosen, "requests that matched the chosen routes"));
    panels
}

/// Of gRPC, by method.
pub(super) fn by_method(declared: &Declared) -> Vec<Panel> {
    let Some(durations) = grpc(declared) else { return Vec::new() };
    let by = durations.labels(&[rpc::METHOD_LABEL]);
    let mut panels = vec![
        Panel::lines("Calls by gRPC", "reqps", "How many calls end a second, by method.")
            .query(durations.rate(&by, ""), legend(&by)),
    ];
    if let Some(failures) = durations.failures(&by) {
        let text = "The share of calls that failed, by method: by a status that is the server's, a declared failure or a panic.";
        panels.push(failing(text).query(failures, legend(&by)));
    }
    let mut times = Panel::lines(
        "Duration of calls",
        "s",
        "How long calls took, by method; one of a stream takes as long as the stream.",
    );
    for (of, name) in QUANTILES {
        times = times.query(durations.quantile(of, &by, ""), format!("{} {name}", legend(&by)).trim_start());
    }
    panels.push(times.exemplars());
    panels.push(heat(&durations, "", "calls"));
    panels
}

/// What else is known of requests: what waits, what is under way, streams.
pub(super) fn details(declared: &Declared) -> Vec<Panel> {
    let mut panels = Vec::new();
    let active = match declared.http_names {
        HttpNames::Classic => http::CLASSIC_REQUESTS_IN_PROGRESS,
        HttpNames::OpenTelemetry => http::SERVER_ACTIVE_REQUESTS,
    };
    for (family, title) in [
        (active, "Requests in flight"),
        (http::SERVER_QUEUE_DURATION_SECONDS, "Wait in front of the service"),
        (http::SERVER_READY_WAIT_SECONDS, "Wait until the service could take a request"),
        (http::SERVER_OPEN_STREAMS, "Open streams"),
        (http::SERVER_STREAM_DURATION_SECONDS, "How long streams lived"),
        (http::SERVER_REQUEST_BODY_SIZE_BYTES, "Sizes of requests"),
        (http::SERVER_RESPONSE_BODY_SIZE_BYTES, "Sizes of answers"),
    ] {
        panels.extend(super::family::titled(declared, family, title));
    }
    panels
}

fn failing(text: &str) -> Panel {
    Panel::lines("Failures", "percentunit", text)
}

fn heat(durations: &Durations<'_>, chosen: &str, of: &str) -> Panel {
    let text = format!(
        "How many {of} took how long. A dot is one whose trace is kept: it leads there, where the data source knows the way."
    );
    let title = if of == "calls" { "Duration of calls, each bucket" } else { "Duration, each bucket" };
    Panel::heatmap(title, "s", text).query(durations.buckets(chosen), "{{le}}").exemplars()
}
