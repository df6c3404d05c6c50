//! URLs as they may be told: whom they lead to, and what of them is a secret.

use crate::fields::{Fields, Key, key};
use crate::redaction::Url;
use crate::scratch;
use crate::semconv::http_client::URL_FULL;

const FULL: Key = key!(URL_FULL);

/// The longest URL in a span, in bytes; a longer one is cut.
const MAX_URL: usize = 2048;

/// Whom a URL leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server<'a> {
    /// Without the brackets of an IPv6 address. Empty where it is not known.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
}

impl<'a> Server<'a> {
    pub(super) fn of(authority: &'a str, default_port: u16) -> Self {
        let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
        let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        let port = port.and_then(|port| port.parse().ok()).unwrap_or(default_port);
        Self { host, port: (!host.is_empty()).then_some(port) }
    }
}

/// Tells a URL without user, password, and the values of the keys that are secrets.
pub(super) fn describe(fields: &mut Fields, scheme: &str, authority: &str, path_and_query: &str) {
    scratch::with(|scratch| {
        write(&mut scratch.target, scheme, authority, path_and_query);
        fields.key_str(FULL, &scratch.target);
    });
}

fn write(out: &mut String, scheme: &str, authority: &str, path_and_query: &str) {
    let mut url = Url::new(out, MAX_URL);
    if !authority.is_empty() {
        url.plain(scheme);
        url.plain("://");
        url.authority(authority);
    }
    url.path_and_query(path_and_query);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(scheme: &str, authority: &str, path_and_query: &str) -> String {
        let mut url = String::new();
        write(&mut url, scheme, authority, path_and_query);
        url
    }

    #[test]
    fn authorities() {
        let of = |text, host, port| assert_eq!(Server::of(text, 80), Server { host, port }, "{text}");
        of("stock:8443", "stock", Some(8443));
        of("stock", "stock", Some(80));
        of("[::1]:81", "::1", Some(81));
        of("[::1]", "::1", Some(80));
        of("ada:p@ss@stock:81", "stock", Some(81));
        of("stock:99999", "stock", Some(80));
        of("stock:", "stock", Some(80));
        of("", "", None);
        of(":80", "", None);
    }

    // Mutation caught: user, password or the value of a key written.
    #[test]
    fn secrets_are_not_told() {
        assert_eq!(url("https", "stock:1", "/a?b=c&d"), "https://stock:1/a?b=c&d");
        assert_eq!(url("http", "ada:secret@stock", "/"), "http://REDACTED:REDACTED@stock/");
        assert_eq!(
            url("http", "ada@s", "/a?sig=x&q=sig=z&access_token=a=b&sig"),
            "http://REDACTED@s/a?sig=REDACTED&q=sig=z&access_token=REDACTED&sig"
        );
        assert_eq!(url("", "", "/only/a/path"), "/only/a/path");
    }

    #[test]
    fn a_long_url_is_cut() {
        let mut fields = Fields::new();
        describe(&mut fields, "http", "s", &format!("/{}ä", "x".repeat(MAX_URL - 10)));
        assert_eq!(fields.as_str().len(), r#","url.full":"""#.len() + MAX_URL - 1);
    }
}
