//! Where to, and how.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::signal::{METRICS, SPANS, Signal};
use super::{Environment, TIMEOUT, TIMEOUT_MAX, pairs};
use crate::error::Error;
use crate::export::otlp::tls::Tls;
use crate::export::otlp::{Otlp, Protocol, Target, invalid};
use crate::semconv::otel;

/// What the environment says about one signal, and what of it cannot be read.
pub(super) struct Words<'a> {
    pub(super) environment: &'a Environment,
    pub(super) signal: &'static Signal,
    pub(super) complaints: Vec<String>,
}

impl Words<'_> {
    /// Reads the list of exporters.
    pub(super) fn exporters<'n>(&mut self, names: &'n str) -> Vec<&'n str> {
        let Signal { exporter, exporters, .. } = self.signal;
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        let (known, others): (Vec<&str>, Vec<&str>) = names.partition(|name| exporters.contains(name));
        let complaint = |other| format!("{exporter} `{other}`: is one of `{}`", exporters.join("`, `"));
        self.complaints.extend(others.into_iter().map(complaint));
        known
    }

    pub(super) fn is_disabled(&mut self) -> bool {
        let says = self.environment.get(otel::SDK_DISABLED);
        if let Some(other) = says.filter(|says| !is_bool(says)) {
            self.complaints.push(format!("{} `{other}`: is `true` or `false`", otel::SDK_DISABLED));
        }
        says.is_some_and(is_true)
    }

    /// A whole number above 0.
    pub(super) fn number(&mut self, name: &'static str) -> Option<u32> {
        let text = self.environment.get(name)?;
        let read = text.parse::<u32>().ok().filter(|number| *number > 0);
        if read.is_none() {
            self.complaints.push(format!("{name} `{text}`: is a whole number above 0"));
        }
        read
    }

    /// Where to, and how. What belongs to an endpoint comes with it: where the environment names that, its protocol,
    /// headers and certificates count first.
    pub(super) fn target(&mut self, code: &Otlp) -> Result<Target, Error> {
        let (environment, signal) = (self.environment, self.signal);
        let endpoint = environment.first(signal.endpoint);
        let is_theirs = endpoint.is_some() || code.endpoint.is_none();
        let is_insecure = environment.first(signal.insecure).is_some_and(|(_, text)| is_true(text));
        let protocol = self.protocol(code, is_theirs)?;
        let url = match (endpoint, &code.endpoint) {
            (Some((variable, text)), _) => {
                let path = if variable == signal.endpoint.0 { "" } else { signal.path };
                url(text, protocol, path, is_insecure)
                    .map_err(|why| invalid(format!("{variable} `{}`: {why}", hidden(text))))?
            }
            // Who names the whole address of one signal does not mean it twice, nor for that signal alone.
            (None, Some(text)) => {
                let whole = [SPANS.path, METRICS.path].into_iter().find_map(|path| text.strip_suffix(path));
                url(whole.unwrap_or(text), protocol, signal.path, is_insecure)
                    .map_err(|why| invalid(format!("the endpoint `{}`: {why}", hidden(text))))?
            }
            (None, None) => {
                let text = match protocol {
                    Protocol::Http => "http://localhost:4318",
                    Protocol::Grpc => "http://localhost:4317",
                };
                url(text, protocol, signal.path, true).map_err(invalid)?
            }
        };
        if code.timeout.is_some_and(|timeout| timeout.is_zero()) {
            return Err(invalid("the timeout of a request is above 0"));
        }
        let mut headers = HeaderMap::new();
        let theirs = environment.first(signal.headers).filter(|_| is_theirs || code.headers.is_empty());
        if let Some((variable, text)) = theirs {
            let pairs = pairs(text).map_err(|why| invalid(format!("{variable}: {why}")))?;
            put(&mut headers, &pairs).map_err(|why| invalid(format!("{variable}: {why}")))?;
        } else if endpoint.is_none() || code.endpoint.is_none() {
            // What the code wrote for its own endpoint, a key say, is not for another.
            put(&mut headers, &code.headers).map_err(invalid)?;
        }
        Ok(Target {
            protocol,
            url,
            headers,
            timeout: self.timeout(code),
            gzip: self.gzip(code),
            tls: self.tls(code, is_theirs)?,
        })
    }

    fn protocol(&mut self, code: &Otlp, is_theirs: bool) -> Result<Protocol, Error> {
        let theirs = match self.environment.first(self.signal.protocol) {
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

    fn timeout(&mut self, code: &Otlp) -> Duration {
        let read = self.environment.first(self.signal.timeout).and_then(|(variable, text)| {
            let millis = text.parse().ok().filter(|millis| *millis > 0);
            if millis.is_none() {
                self.complaints
                    .push(format!("{variable} `{text}`: is a whole number of milliseconds above 0"));
            }
            millis.map(Duration::from_millis)
        });
        code.timeout.or(read).unwrap_or(TIMEOUT).min(TIMEOUT_MAX)
    }

    fn gzip(&mut self, code: &Otlp) -> bool {
        let read = match self.environment.first(self.signal.compression) {
            Some((_, "gzip")) => Some(true),
            Some((_, "none")) | None => None,
            Some((variable, other)) => {
                self.complaints.push(format!("{variable} `{other}`: is `gzip` or `none`"));
                None
            }
        };
        code.gzip.or(read).unwrap_or(false)
    }

    fn tls(&self, code: &Otlp, is_theirs: bool) -> Result<Tls, Error> {
        let (environment, signal) = (self.environment, self.signal);
        let path = |names| environment.first(names).map(|(_, text)| PathBuf::from(text));
        let pick = |theirs: Option<PathBuf>, ours: Option<PathBuf>| {
            if is_theirs { theirs.or(ours) } else { ours.or(theirs) }
        };
        let authorities = pick(path(signal.certificate), code.certificate.clone());
        let theirs = path(signal.client_certificate).zip(path(signal.client_key));
        let client = if is_theirs { theirs.or(code.client.clone()) } else { code.client.clone().or(theirs) };
        Tls::read(authorities.as_deref().map(Path::new), client.as_ref())
    }
}

/// Reads an endpoint, to which `path` is added for HTTP. Without a scheme it is one of gRPC.
fn url(text: &str, protocol: Protocol, path: &str, is_insecure: bool) -> Result<Url, &'static str> {
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
    if protocol == Protocol::Http && !path.is_empty() {
        let path = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    Ok(url)
}

/// An address, without what may be secret in it.
fn hidden(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or_default().split('?').next().unwrap_or_default()
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

fn is_true(text: &str) -> bool {
    text.eq_ignore_ascii_case("true")
}

fn is_bool(text: &str) -> bool {
    is_true(text) || text.eq_ignore_ascii_case("false")
}
