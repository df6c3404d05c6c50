//! URLs as they may be told: whom they lead to, and what of them is a secret.

use crate::fields::Fields;
use crate::scratch;
use crate::semconv::http_client::{REDACTED, REDACTED_KEYS, URL_FULL};

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
        let url = &mut scratch.target;
        write(url, scheme, authority, path_and_query);
        url.truncate(url.floor_char_boundary(MAX_URL));
        fields.str(URL_FULL, url);
    });
}

fn write(url: &mut String, scheme: &str, authority: &str, path_and_query: &str) {
    // What is cut later is not written, of texts that have no end.
    let mut push = |text: &str| {
        if url.len() <= MAX_URL {
            url.push_str(text);
        }
    };
    if !authority.is_empty() {
        push(scheme);
        push("://");
        match authority.rsplit_once('@') {
            Some((user, place)) => {
                push(REDACTED);
                if user.contains(':') {
                    push(":");
                    push(REDACTED);
                }
                push("@");
                push(place);
            }
            None => push(authority),
        }
    }
    let Some((path, query)) = path_and_query.split_once('?') else { return push(path_and_query) };
    push(path);
    push("?");
    for (at, member) in query.split('&').enumerate() {
        if at > 0 {
            push("&");
        }
        match member.split_once('=') {
            Some((key, _)) if REDACTED_KEYS.iter().any(|secret| key.eq_ignore_ascii_case(secret)) => {
                push(key);
                push("=");
                push(REDACTED);
            }
            _ => push(member),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    // Mutations caught: user, password or the value of a key written; a key compared with its case.
    #[test]
    fn secrets_are_not_told() {
        assert_eq!(url("https", "stock:1", "/a?b=c&d"), "https://stock:1/a?b=c&d");
        assert_eq!(url("http", "ada:secret@stock", "/"), "http://REDACTED:REDACTED@stock/");
        assert_eq!(url("http", "ada@stock", "/"), "http://REDACTED@stock/");
        assert_eq!(
            url("http", "s", "/a?sig=x&SIG=y&signature=&q=sig=z&X-Amz-Signature=a=b&sig"),
            "http://s/a?sig=REDACTED&SIG=REDACTED&signature=REDACTED&q=sig=z&X-Amz-Signature=REDACTED&sig"
        );
        for key in REDACTED_KEYS {
            assert_eq!(url("http", "s", &format!("/?{key}=hidden")), format!("http://s/?{key}=REDACTED"));
        }
        assert_eq!(url("", "", "/only/a/path"), "/only/a/path");
    }

    #[test]
    fn a_long_url_is_cut() {
        let mut fields = Fields::new();
        describe(&mut fields, "http", "s", &format!("/{}ä", "x".repeat(MAX_URL - 10)));
        assert_eq!(fields.as_str().len(), r#","url.full":"""#.len() + MAX_URL - 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_it_is_no_secret_is_told(user in "[a-z:@]{0,6}", key in 0..REDACTED_KEYS.len(), rest in "[a-z&=?]{0,9}") {
            let told = url("http", &format!("{user}SECRET@host"), &format!("/?{rest}&{}=SECRET", REDACTED_KEYS[key]));
            prop_assert!(!told.contains("SECRET"), "{told}");
        }
    }
}
