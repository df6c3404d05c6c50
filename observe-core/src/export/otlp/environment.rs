//! What the environment says (OpenTelemetry specification, "OTLP Exporter Configuration"), and what is decided.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::tls::Tls;
use super::{Attributes, Otlp, Protocol, Target, invalid, unknown_service};
use crate::error::Error;
use crate::export::spans::SpanLimits;
use crate::semconv::{log, otel};

/// Below the address of a collector by HTTP: where spans go.
const TRACES_PATH: &str = "/v1/traces";
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The variables of exporters, those that say something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment(BTreeMap<&'static str, String>);

/// What goes where.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// To a collector.
    pub(crate) otlp: Option<Target>,
    /// To standard output.
    pub(crate) console: bool,
    pub(crate) limits: SpanLimits,
    /// By whose word.
    pub(crate) by: &'static str,
    /// What the environment says that cannot be read.
    pub(crate) complaints: Vec<String>,
}

/// A variable for spans, and the one for all signals: the first that says something counts.
type Names = (&'static str, &'static str);

const HEADERS: Names = (otel::TRACES_HEADERS, otel::HEADERS);
const PROTOCOL: Names = (otel::TRACES_PROTOCOL, otel::PROTOCOL);
const COMPRESSION: Names = (otel::TRACES_COMPRESSION, otel::COMPRESSION);
const REQUEST_TIMEOUT: Names = (otel::TRACES_TIMEOUT, otel::TIMEOUT);
const CERTIFICATE: Names = (otel::TRACES_CERTIFICATE, otel::CERTIFICATE);
const CLIENT_CERTIFICATE: Names = (otel::TRACES_CLIENT_CERTIFICATE, otel::CLIENT_CERTIFICATE);
const CLIENT_KEY: Names = (otel::TRACES_CLIENT_KEY, otel::CLIENT_KEY);
const INSECURE: Names = (otel::TRACES_INSECURE, otel::INSECURE);

impl Environment {
    /// Reads them.
    pub(crate) fn read() -> Self {
        let pairs =
            [HEADERS, PROTOCOL, COMPRESSION, REQUEST_TIMEOUT, CERTIFICATE, CLIENT_CERTIFICATE, CLIENT_KEY];
        let alone = [
            otel::SDK_DISABLED,
            otel::TRACES_EXPORTER,
            otel::SERVICE_NAME_VARIABLE,
            otel::RESOURCE_ATTRIBUTES,
            otel::BSP_MAX_QUEUE_SIZE,
            otel::BSP_MAX_EXPORT_BATCH_SIZE,
            otel::BSP_SCHEDULE_DELAY,
            otel::BSP_EXPORT_TIMEOUT,
        ];
        let pairs = pairs.into_iter().chain([INSECURE, (otel::TRACES_ENDPOINT, otel::ENDPOINT)]);
        let names = pairs.flat_map(|(traces, all)| [traces, all]).chain(alone);
        names.filter_map(|name| Some((name, env::var(name).ok()?))).collect()
    }

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
    /// Decides what goes where: by the code's word, else by the environment's.
    ///
    /// # Errors
    ///
    /// If what the code says breaks a rule. What the environment says that does is left out and complained of.
    pub(crate) fn decide(
        environment: &Environment,
        code: Option<&Otlp>,
        console: bool,
    ) -> Result<Self, Error> {
        let mut plan = Self { by: "default", ..Self::default() };
        plan.limits = plan.limits(environment, code);
        if plan.is_disabled(environment) {
            plan.by = otel::SDK_DISABLED;
            return Ok(plan);
        }
        if code.is_some() || console {
            plan.by = "code";
            plan.console = console;
            if let Some(code) = code {
                let target = plan.target(environment, code)?;
                plan.otlp = Some(target);
            }
            return Ok(plan);
        }
        let endpoint = environment.first((otel::TRACES_ENDPOINT, otel::ENDPOINT));
        let is_asked = match (environment.get(otel::TRACES_EXPORTER), endpoint) {
            (Some(names), _) => {
                plan.by = otel::TRACES_EXPORTER;
                plan.exporters(names)
            }
            (None, Some((variable, _))) => {
                plan.by = variable;
                true
            }
            (None, None) => false,
        };
        if is_asked {
            match plan.target(environment, &Otlp::new()) {
                Ok(target) => plan.otlp = Some(target),
                Err(error) => {
                    let text = format!("no spans are exported by OTLP: {}", whole(&error));
                    plan.complaints.push(text);
                }
            }
        }
        Ok(plan)
    }

    /// What goes where, in a word.
    pub(crate) fn told(&self) -> String {
        let otlp =
            self.otlp.as_ref().map(|target| format!("{} ({})", target.told(), target.protocol.as_str()));
        let ways: Vec<String> = otlp.into_iter().chain(self.console.then(|| "console".to_owned())).collect();
        let ways = if ways.is_empty() { "nowhere".to_owned() } else { ways.join(" and ") };
        format!("spans to {ways} by {}", self.by)
    }

    fn is_disabled(&mut self, environment: &Environment) -> bool {
        let says = environment.get(otel::SDK_DISABLED);
        if let Some(other) = says.filter(|says| !is_bool(says)) {
            self.complaints.push(format!("{} `{other}`: is `true` or `false`", otel::SDK_DISABLED));
        }
        says.is_some_and(is_true)
    }

    /// Reads a list of exporters, and answers whether OTLP is among them.
    fn exporters(&mut self, names: &str) -> bool {
        let mut otlp = false;
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name {
                "otlp" => otlp = true,
                "console" => self.console = true,
                "none" => {}
                other => self
                    .complaints
                    .push(format!("{} `{other}`: is `otlp`, `console` or `none`", otel::TRACES_EXPORTER)),
            }
        }
        otlp
    }

    fn limits(&mut self, environment: &Environment, code: Option<&Otlp>) -> SpanLimits {
        if let Some(limits) = code.and_then(|code| code.limits) {
            return limits;
        }
        let mut limits = SpanLimits::default();
        let mut number = |name: &'static str| {
            let text = environment.get(name)?;
            let read = text.parse::<u32>().ok().filter(|number| *number > 0);
            if read.is_none() {
                self.complaints.push(format!("{name} `{text}`: is a whole number above 0"));
            }
            read
        };
        if let Some(spans) = number(otel::BSP_MAX_QUEUE_SIZE) {
            limits.spans = spans as usize;
        }
        if let Some(spans) = number(otel::BSP_MAX_EXPORT_BATCH_SIZE) {
            limits.batch = spans as usize;
        }
        if let Some(millis) = number(otel::BSP_SCHEDULE_DELAY) {
            limits.delay = Duration::from_millis(millis.into());
        }
        if let Some(millis) = number(otel::BSP_EXPORT_TIMEOUT) {
            limits.give_up = Duration::from_millis(millis.into());
        }
        limits
    }

    /// Where to, and how. What belongs to an endpoint comes with it: where the environment names that, its protocol,
    /// headers and certificates count first.
    fn target(&mut self, environment: &Environment, code: &Otlp) -> Result<Target, Error> {
        let endpoint = environment.first((otel::TRACES_ENDPOINT, otel::ENDPOINT));
        let is_theirs = endpoint.is_some() || code.endpoint.is_none();
        let protocol = self.protocol(environment, code, is_theirs)?;
        let url = match (endpoint, &code.endpoint) {
            (Some((variable, text)), _) => {
                let is_whole = variable == otel::TRACES_ENDPOINT;
                url(text, protocol, is_whole, is_insecure(environment))
                    .map_err(|why| invalid(format!("{variable} `{}`: {why}", hidden(text))))?
            }
            // Who names the whole address does not mean it twice.
            (None, Some(text)) => url(text, protocol, text.ends_with(TRACES_PATH), is_insecure(environment))
                .map_err(|why| invalid(format!("the endpoint `{}`: {why}", hidden(text))))?,
            (None, None) => {
                let text = match protocol {
                    Protocol::Http => "http://localhost:4318",
                    Protocol::Grpc => "http://localhost:4317",
                };
                url(text, protocol, false, true).map_err(invalid)?
            }
        };
        if code.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(invalid("the timeout of a request is above 0"));
        }
        let mut headers = HeaderMap::new();
        let theirs = environment.first(HEADERS).filter(|_| is_theirs || code.headers.is_empty());
        if let Some((variable, text)) = theirs {
            let pairs = pairs(text).map_err(|why| invalid(format!("{variable}: {why}")))?;
            put(&mut headers, &pairs).map_err(|why| invalid(format!("{variable}: {why}")))?;
        } else {
            put(&mut headers, &code.headers).map_err(invalid)?;
        }
        Ok(Target {
            protocol,
            url,
            headers,
            timeout: self.timeout(environment, code),
            gzip: self.gzip(environment, code),
            tls: tls(environment, code, is_theirs)?,
        })
    }

    fn protocol(
        &mut self,
        environment: &Environment,
        code: &Otlp,
        is_theirs: bool,
    ) -> Result<Protocol, Error> {
        let theirs = match environment.first(PROTOCOL) {
            Some((_, "http/protobuf")) => Some(Protocol::Http),
            Some((_, "grpc")) => Some(Protocol::Grpc),
            Some((variable, other)) => {
                self.complaints.push(format!("{variable} `{other}`: is `http/protobuf` or `grpc`"));
                None
            }
            None => None,
        };
        let (first, second) = if is_theirs { (theirs, code.protocol) } else { (code.protocol, theirs) };
        match first.or(second).unwrap_or(Protocol::Http) {
            Protocol::Grpc if cfg!(not(feature = "otlp-grpc")) => {
                Err(invalid("gRPC was asked for, which the feature `otlp-grpc` of observe-core brings"))
            }
            protocol => Ok(protocol),
        }
    }

    fn timeout(&mut self, environment: &Environment, code: &Otlp) -> Duration {
        let read = environment.first(REQUEST_TIMEOUT).and_then(|(variable, text)| {
            let millis = text.parse().ok().filter(|millis| *millis > 0);
            if millis.is_none() {
                self.complaints
                    .push(format!("{variable} `{text}`: is a whole number of milliseconds above 0"));
            }
            millis.map(Duration::from_millis)
        });
        code.timeout.or(read).unwrap_or(TIMEOUT)
    }

    fn gzip(&mut self, environment: &Environment, code: &Otlp) -> bool {
        let read = match environment.first(COMPRESSION) {
            Some((_, "gzip")) => Some(true),
            Some((_, "none")) | None => None,
            Some((variable, other)) => {
                self.complaints.push(format!("{variable} `{other}`: is `gzip` or `none`"));
                None
            }
        };
        code.gzip.or(read).unwrap_or(false)
    }
}

fn tls(environment: &Environment, code: &Otlp, is_theirs: bool) -> Result<Tls, Error> {
    let path = |names| environment.first(names).map(|(_, text)| PathBuf::from(text));
    let pick = |theirs: Option<PathBuf>, ours: Option<PathBuf>| {
        if is_theirs { theirs.or(ours) } else { ours.or(theirs) }
    };
    let authorities = pick(path(CERTIFICATE), code.certificate.clone());
    let theirs = path(CLIENT_CERTIFICATE).zip(path(CLIENT_KEY));
    let client = if is_theirs { theirs.or(code.client.clone()) } else { code.client.clone().or(theirs) };
    Tls::read(authorities.as_deref().map(Path::new), client.as_ref())
}

fn is_insecure(environment: &Environment) -> bool {
    environment.first(INSECURE).is_some_and(|(_, text)| is_true(text))
}

fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

fn is_bool(text: &str) -> bool {
    is_true(text) || text.eq_ignore_ascii_case("false")
}

/// Reads an endpoint. `is_whole`: nothing is added to it. Without a scheme it is one of gRPC.
fn url(text: &str, protocol: Protocol, is_whole: bool, is_insecure: bool) -> Result<Url, &'static str> {
    const RULE: &str = "is an address that begins with http:// or https://";
    let text = match text.contains("://") {
        false if protocol == Protocol::Grpc && is_insecure => format!("http://{text}"),
        false if protocol == Protocol::Grpc => format!("https://{text}"),
        _ => text.to_owned(),
    };
    let mut url = Url::parse(&text).map_err(|_| RULE)?;
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err(RULE);
    }
    if protocol == Protocol::Http && !is_whole {
        let path = format!("{}{TRACES_PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// An address, without what may be secret in it.
fn hidden(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or_default().split('?').next().unwrap_or_default()
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

fn put(headers: &mut HeaderMap, pairs: &[(String, String)]) -> Result<(), String> {
    for (name, value) in pairs {
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` is no name of a header"))?;
        let mut value =
            HeaderValue::from_str(value).map_err(|_| format!("`{name}`: its value is none of a header"))?;
        value.set_sensitive(true);
        headers.insert(parsed, value);
    }
    Ok(())
}

/// With what caused it.
fn whole(error: &Error) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

#[cfg(test)]
mod tests;
