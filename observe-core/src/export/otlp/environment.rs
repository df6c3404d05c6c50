//! What the environment says (OpenTelemetry specification, "OTLP Exporter Configuration"), and what is decided.

mod signal;
mod target;

use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(test)]
use super::Protocol;
use super::{Attributes, Otlp, Target, unknown_service};
use crate::error::Error;
use crate::export::push::Pace;
use crate::export::spans::SpanLimits;
use crate::semconv::{log, otel};
use signal::{METRICS, Names, SPANS};
use target::Words;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest that is meant: gRPC has no number for some that a `Duration` has.
const TIMEOUT_MAX: Duration = Duration::from_secs(3_600);

/// The variables of exporters, those that say something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<&'static str, String>);

/// What of one signal goes where: of spans, unless `L` is the pace of metrics.
#[derive(Debug)]
pub(crate) struct Plan<L = SpanLimits> {
    /// To a collector.
    pub(crate) otlp: Option<Target>,
    /// To standard output.
    pub(crate) console: bool,
    pub(crate) limits: L,
    /// By whose word.
    pub(crate) by: &'static str,
    /// What the environment says that cannot be read.
    pub(crate) complaints: Vec<String>,
    /// What it is, for people.
    what: &'static str,
}

impl Environment {
    /// What a variable says, without white space around it.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn first(&self, (traces, all): Names) -> Option<(&'static str, &str)> {
        [traces, all].into_iter().find_map(|name| Some((name, self.get(name)?)))
    }

    /// The service's name, where the code says none.
    pub(crate) fn service_name(&self) -> String {
        let named = self.get(otel::SERVICE_NAME_VARIABLE).map(str::to_owned);
        let listed = || {
            let pairs = self.get(otel::RESOURCE_ATTRIBUTES).and_then(|text| pairs(text).ok())?;
            pairs.into_iter().find(|(name, _)| name == log::SERVICE_NAME).map(|(_, value)| value)
        };
        named.or_else(listed).filter(|name| !name.is_empty()).unwrap_or_else(unknown_service)
    }

    /// Adds the resource's attributes.
    pub(crate) fn describe(&self, attributes: &mut Attributes, complaints: &mut Vec<String>) {
        let Some(text) = self.get(otel::RESOURCE_ATTRIBUTES) else { return };
        match pairs(text) {
            Ok(pairs) => {
                pairs.into_iter().for_each(|(name, value)| attributes.add(name, value));
            }
            // The specification: one that is wrong, and none is taken.
            Err(why) => complaints.push(format!("{}: {why}; none is taken", otel::RESOURCE_ATTRIBUTES)),
        }
    }
}

impl FromIterator<(&'static str, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

impl Plan {
    /// Decides where spans go: by the code's word, else by the environment's.
    ///
    /// # Errors
    ///
    /// If what the code says breaks a rule. What the environment says that does is left out and complained of.
    pub(crate) fn decide(
        environment: &Environment,
        code: Option<&Otlp>,
        console: bool,
    ) -> Result<Self, Error> {
        let mut words = Words { environment, signal: &SPANS, complaints: Vec::new() };
        let limits = code.and_then(|code| code.limits).unwrap_or_else(|| span_limits(&mut words));
        Self::of(words, limits, code, console)
    }
}

impl Plan<Pace> {
    /// Decides where metrics are pushed: by the code's word, else by the environment's. An endpoint for all signals is
    /// no word about metrics, which may be scraped.
    ///
    /// # Errors
    ///
    /// As [`decide`](Plan::decide).
    pub(crate) fn decide_metrics(environment: &Environment, code: Option<&Otlp>) -> Result<Self, Error> {
        let mut words = Words { environment, signal: &METRICS, complaints: Vec::new() };
        let mut millis = |name| words.number(name).map(|millis| Duration::from_millis(millis.into()));
        let interval = millis(otel::METRIC_EXPORT_INTERVAL).unwrap_or(Pace::INTERVAL);
        let timeout = millis(otel::METRIC_EXPORT_TIMEOUT).unwrap_or(Pace::TIMEOUT);
        let pace = Pace {
            interval: code.and_then(|code| code.interval).unwrap_or(interval),
            timeout: code.and_then(|code| code.push_timeout).unwrap_or(timeout),
        };
        Self::of(words, pace, code, false)
    }
}

impl<L> Plan<L> {
    fn of(mut words: Words<'_>, limits: L, code: Option<&Otlp>, console: bool) -> Result<Self, Error> {
        let signal = words.signal;
        let mut plan =
            Self { otlp: None, console, limits, by: "default", complaints: Vec::new(), what: signal.told };
        if words.is_disabled() {
            (plan.by, plan.console) = (otel::SDK_DISABLED, false);
        } else if code.is_some() || console {
            plan.by = "code";
            plan.otlp = code.map(|code| words.target(code)).transpose()?;
        } else if plan.is_asked(&mut words) {
            match words.target(&Otlp::new()) {
                Ok(target) => plan.otlp = Some(target),
                Err(error) => {
                    let text = format!("no {} are exported by OTLP: {}", signal.told, whole(&error));
                    words.complaints.push(text);
                }
            }
        }
        plan.complaints = words.complaints;
        Ok(plan)
    }

    /// Whether the environment asks for OTLP; who is to be told it if it asks for the console.
    fn is_asked(&mut self, words: &mut Words<'_>) -> bool {
        let (environment, signal) = (words.environment, words.signal);
        if let Some(names) = environment.get(signal.exporter) {
            self.by = signal.exporter;
            let names = words.exporters(names);
            self.console = names.contains(&"console");
            return names.contains(&"otlp");
        }
        let endpoint = signal.asked_by.iter().find(|name| environment.get(name).is_some());
        self.by = endpoint.unwrap_or(&self.by);
        endpoint.is_some()
    }

    /// What goes where, in a word.
    pub(crate) fn told(&self) -> String {
        let otlp =
            self.otlp.as_ref().map(|target| format!("{} ({})", target.told(), target.protocol.as_str()));
        let ways: Vec<String> = otlp.into_iter().chain(self.console.then(|| "console".to_owned())).collect();
        let ways = if ways.is_empty() { "nowhere".to_owned() } else { ways.join(" and ") };
        format!("{} to {ways} by {}", self.what, self.by)
    }
}

fn span_limits(words: &mut Words<'_>) -> SpanLimits {
    let mut limits = SpanLimits::default();
    if let Some(spans) = words.number(otel::BSP_MAX_QUEUE_SIZE) {
        limits.spans = spans as usize;
    }
    if let Some(spans) = words.number(otel::BSP_MAX_EXPORT_BATCH_SIZE) {
        limits.batch = spans as usize;
    }
    if let Some(millis) = words.number(otel::BSP_SCHEDULE_DELAY) {
        limits.delay = Duration::from_millis(millis.into());
    }
    if let Some(millis) = words.number(otel::BSP_EXPORT_TIMEOUT) {
        limits.give_up = Duration::from_millis(millis.into());
    }
    limits
}

/// `name=value,name=value`, percent-encoded.
fn pairs(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    const RULE: &str = "is `name=value` with commas between them, percent-encoded";
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    let pair = |member: &str| {
        let (name, value) = member.split_once('=')?;
        let (name, value) = (decoded(name.trim())?, decoded(value.trim())?);
        (!name.is_empty()).then_some((name, value))
    };
    members.map(|member| pair(member).ok_or(RULE)).collect()
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            rest = after;
            // `from_str_radix` takes a sign, too.
            let digits = str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            bytes.push(*first);
        }
    }
    String::from_utf8(bytes).ok()
}

/// With what caused it.
fn whole(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[cfg(test)]
mod tests;
