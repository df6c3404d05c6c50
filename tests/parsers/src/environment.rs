//! What `OTEL_…` says: what is decided is within its bounds, and what is told of it has no secret in it.

use crate::export::otlp::environment::{Environment, Plan};
use crate::export::otlp::{Attributes, Otlp, Target};
use crate::export::push::Pace;
use crate::pieces::lines;
use crate::semconv::otel;
use percent_encoding::percent_decode_str;
use std::time::Duration;

/// In all that is secret.
const PLANTED: &str = "Pl4nted";

/// Those with a secret in them, or one in an address.
const VARIABLES: &[&str] = &[
    otel::HEADERS,
    otel::TRACES_HEADERS,
    otel::METRICS_HEADERS,
    otel::ENDPOINT,
    otel::TRACES_ENDPOINT,
    otel::METRICS_ENDPOINT,
    otel::TRACES_EXPORTER,
    otel::METRICS_EXPORTER,
    otel::PROTOCOL,
    otel::TRACES_PROTOCOL,
    otel::METRICS_PROTOCOL,
    otel::COMPRESSION,
    otel::TRACES_COMPRESSION,
    otel::TIMEOUT,
    otel::TRACES_TIMEOUT,
    otel::INSECURE,
    otel::SDK_DISABLED,
    otel::SERVICE_NAME_VARIABLE,
    otel::RESOURCE_ATTRIBUTES,
    otel::BSP_MAX_QUEUE_SIZE,
    otel::BSP_MAX_EXPORT_BATCH_SIZE,
    otel::BSP_SCHEDULE_DELAY,
    otel::BSP_EXPORT_TIMEOUT,
    otel::METRIC_EXPORT_INTERVAL,
    otel::METRIC_EXPORT_TIMEOUT,
];

/// Each line is a variable: its name, or its number in the list above as a letter; `=`; what it says.
pub fn check(data: &[u8]) {
    let mut variables = Vec::new();
    for line in lines(data) {
        let line = String::from_utf8_lossy(line).replace(PLANTED, "planted");
        let Some((name, text)) = line.split_once('=') else { continue };
        let numbered = || VARIABLES.get(usize::from(name.bytes().next()?.checked_sub(b'A')?)).copied();
        let Some(name) = VARIABLES.iter().copied().find(|known| *known == name).or_else(numbered) else {
            continue;
        };
        let text = match name {
            otel::HEADERS | otel::TRACES_HEADERS | otel::METRICS_HEADERS => format!("{text}{PLANTED}"),
            otel::ENDPOINT | otel::TRACES_ENDPOINT | otel::METRICS_ENDPOINT
                if ["http://", "https://"].iter().any(|scheme| text.trim().starts_with(scheme)) =>
            {
                text.replacen("//", &format!("//{PLANTED}:{PLANTED}@"), 1)
            }
            _ => text.to_owned(),
        };
        variables.push((name, text));
    }
    let environment: Environment = variables.iter().cloned().collect();
    let code = Otlp { endpoint: Some("http://code:1".to_owned()), ..Otlp::new() };
    for code in [None, Some(&code)] {
        for console in [false, true] {
            let plan = Plan::decide(&environment, code, console);
            let limits = plan.as_ref().ok().map(|plan| plan.limits);
            assert!(
                limits.is_none_or(|limits| limits.spans > 0 && limits.batch > 0 && !limits.delay.is_zero())
            );
            holds(plan);
        }
        let plan = Plan::<Pace>::decide_metrics(&environment, code);
        let pace = plan.as_ref().ok().map(|plan| plan.limits);
        assert!(pace.is_none_or(|pace| !pace.interval.is_zero() && !pace.timeout.is_zero()));
        holds(plan);
    }
    assert!(!environment.service_name().is_empty());

    let (mut attributes, mut complaints) = (Attributes::default(), Vec::new());
    environment.describe(&mut attributes, &mut complaints);
    // All or none, and as somebody else's decoder reads them.
    let said = variables.iter().rev().find(|(name, _)| *name == otel::RESOURCE_ATTRIBUTES);
    let said = said.map_or("", |(_, text)| text).trim();
    if complaints.is_empty() {
        let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().unwrap().into_owned();
        let pairs = said.split(',').filter_map(|pair| pair.split_once('='));
        let pairs = pairs.map(|(name, value)| (decoded(name), decoded(value)));
        assert_eq!(attributes.0, pairs.collect::<Vec<_>>());
    } else {
        assert_eq!(attributes, Attributes::default());
    }
}

fn holds<L>(plan: Result<Plan<L>, crate::error::Error>) {
    let mut told = Vec::new();
    match plan {
        Ok(plan) => {
            told.push(plan.told());
            if let Some(Target { url, timeout, .. }) = &plan.otlp {
                assert!(["http", "https"].contains(&url.scheme()) && url.has_host(), "{url}");
                assert!((Duration::from_millis(1)..=Duration::from_secs(3_600)).contains(timeout));
            }
            told.extend(plan.complaints);
        }
        Err(error) => told.extend([error.to_string(), format!("{error:?}")]),
    }
    assert!(told.iter().all(|text| !text.contains(PLANTED)), "{told:?}");
}
