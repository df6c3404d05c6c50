//! Who may ask: by which name, from which page, with which token.

use super::refusal::{Refusal, Rule};
use super::token::Token;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The rules that every request has to keep.
pub(super) struct Guard {
    address: SocketAddr,
    /// Names that are answered to beside the address, in lower case.
    hosts: Vec<String>,
    token: Option<Token>,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, hosts: Vec<String>, token: Option<Token>) -> Self {
        Self { address, hosts, token }
    }

    /// Whether it is asked by a name of ours, and by no page of somebody else's.
    pub(super) fn admit(&self, request: &Parts) -> Result<(), Refusal> {
        let host = self.host(request)?;
        is_own_page(&request.headers, &host)
    }

    /// Whether it is asked by a name of ours, whoever's page leads here.
    pub(super) fn admit_link(&self, request: &Parts) -> Result<(), Refusal> {
        self.host(request).map(drop)
    }

    /// Whether the token is there, where one is asked for.
    pub(super) fn authorise(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(token) = &self.token else { return Ok(()) };
        let given = single(headers, &AUTHORIZATION).ok().flatten().and_then(|value| {
            let (scheme, token) = value.as_bytes().split_at_checked(b"Bearer ".len())?;
            scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
        });
        match given {
            Some(given) if token.is(given) => Ok(()),
            Some(_) => Err(Refusal::new(Rule::Token, "this is not the token")),
            None => Err(Refusal::new(Rule::Token, "a token is asked for: `Authorization: Bearer TOKEN`")),
        }
    }

    /// Whether one is asked for.
    pub(super) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    fn host(&self, request: &Parts) -> Result<Authority, Refusal> {
        let refused = |why: &str| Refusal::new(Rule::Host, why);
        let host = single(&request.headers, &HOST)
            .map_err(|()| refused("there is more than one `Host`"))?
            .ok_or_else(|| refused("there is no `Host`"))?;
        let host: Authority = host.as_bytes().try_into().map_err(|_| refused("`Host` is no authority"))?;
        let is_ours = |authority: &Authority| is_host_and_port(authority) && self.is_ours(authority.host());
        // A target in the form of a proxy's names a host, too.
        if is_ours(&host) && request.uri.authority().is_none_or(is_ours) {
            Ok(host)
        } else {
            Err(refused(
                "`Host` is to be `localhost`, the address that is listened on, or a name given by `allow_host`",
            ))
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            // No address is a name that somebody else could make to point here.
            Ok(ip) => ip.is_loopback() || ip == self.address.ip() || self.address.ip().is_unspecified(),
            Err(_) => {
                let host = host.to_ascii_lowercase();
                host == "localhost" || self.hosts.contains(&host)
            }
        }
    }
}

/// Whether it is a host, and a port or none. The type takes more: users, and what stands behind a host's `]` or in a port's place.
fn is_host_and_port(authority: &Authority) -> bool {
    match authority.as_str().strip_prefix(authority.host()) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|digit| digit.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }),
        None => false,
    }
}

/// The value of a header; `Err`: it is there more than once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ()> {
    let mut values = headers.get_all(name).into_iter();
    let first = values.next();
    if values.next().is_some() { Err(()) } else { Ok(first) }
}

/// A browser says whose page asks. Who is no browser says nothing.
fn is_own_page(headers: &HeaderMap, host: &Authority) -> Result<(), Refusal> {
    let refused = || Err(Refusal::new(Rule::Origin, "a page of somebody else's asks: only our own may"));
    match single(headers, &ORIGIN) {
        Ok(None) => {}
        Ok(Some(origin)) => {
            let origin = origin.to_str().unwrap_or_default();
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            if authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host.as_str())) {
                return refused();
            }
        }
        Err(()) => return refused(),
    }
    let mut sites = headers.get_all(&SEC_FETCH_SITE).into_iter();
    if sites.all(|site| [&b"same-origin"[..], b"none"].contains(&site.as_bytes())) {
        Ok(())
    } else {
        refused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn guard(address: &str) -> Guard {
        Guard::new(address.parse().unwrap(), vec!["admin.internal".to_owned()], None)
    }

    fn admit(guard: &Guard, uri: &str, headers: &[(&str, &str)]) -> Option<Rule> {
        let request =
            headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        guard.admit(&request.body(()).unwrap().into_parts().0).err().map(|refusal| refusal.rule)
    }

    // Mutations caught: a name that is let through by its beginning or its end; a port that has to be ours; a second `Host`
    // that is not looked at; a target's own host.
    #[test]
    fn by_which_names_it_answers() {
        let (own, any) = (guard("127.0.0.1:9465"), guard("0.0.0.0:9465"));
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:9465",
            "127.9.9.9",
            "[::1]:80",
            "Admin.Internal",
            "admin.internal:443",
        ] {
            assert_eq!(admit(&own, "/", &[("host", host)]), None, "{host}");
        }
        let strangers = [
            "example.org",
            "localhost.example.org",
            "xlocalhost",
            "127.0.0.1.example.org",
            "admin.internal.",
            "a@localhost",
            "[::1]evil.example",
            "[::1]:80evil",
            "localhost:evil",
            "localhost:99999",
            "localhost:+80",
            "localhost:80:80",
            "",
            "a b",
        ];
        for host in strangers {
            assert_eq!(admit(&own, "/", &[("host", host)]), Some(Rule::Host), "{host}");
        }
        assert_eq!(admit(&own, "/", &[("host", "10.1.2.3")]), Some(Rule::Host));
        assert_eq!(admit(&any, "/", &[("host", "10.1.2.3:9465")]), None);
        assert_eq!(admit(&own, "/", &[]), Some(Rule::Host));
        assert_eq!(admit(&own, "/", &[("host", "localhost"), ("host", "localhost")]), Some(Rule::Host));
        assert_eq!(admit(&own, "http://example.org/", &[("host", "localhost")]), Some(Rule::Host));
        assert_eq!(admit(&own, "http://localhost/", &[("host", "localhost")]), None);
    }

    // Mutations caught: `null` or another port taken for our own; a second `Origin`; `same-site`, which any other port is.
    #[test]
    fn from_which_pages() {
        let own = guard("127.0.0.1:9465");
        let origins = |origins: &[&str]| {
            let headers: Vec<_> = std::iter::once(("host", "localhost:9465"))
                .chain(origins.iter().map(|origin| ("origin", *origin)))
                .collect();
            admit(&own, "/", &headers)
        };
        assert_eq!(origins(&["http://localhost:9465"]), None);
        assert_eq!(origins(&["https://LOCALHOST:9465"]), None);
        for wrong in [
            "null",
            "http://localhost:3000",
            "http://localhost",
            "http://example.org",
            "ftp://localhost:9465",
            "",
        ] {
            assert_eq!(origins(&[wrong]), Some(Rule::Origin), "{wrong}");
        }
        assert_eq!(origins(&["http://localhost:9465", "http://example.org"]), Some(Rule::Origin));
        for (site, refused) in [
            ("same-origin", None),
            ("none", None),
            ("same-site", Some(Rule::Origin)),
            ("cross-site", Some(Rule::Origin)),
        ] {
            assert_eq!(
                admit(&own, "/", &[("host", "localhost"), ("sec-fetch-site", site)]),
                refused,
                "{site}"
            );
        }
    }

    // Mutation caught: a link on another page refused, or let through to a name of somebody else's.
    #[test]
    fn whose_links_lead_here() {
        let link = |host: &str| {
            let request = Request::get("/").header("host", host).header("sec-fetch-site", "cross-site");
            guard("127.0.0.1:9465")
                .admit_link(&request.body(()).unwrap().into_parts().0)
                .map_err(|refusal| refusal.rule)
        };
        assert_eq!(link("localhost:9465"), Ok(()));
        assert_eq!(link("example.org"), Err(Rule::Host));
    }

    // Mutations caught: no token taken for the right one; another scheme; a second header.
    #[test]
    fn with_which_token() {
        let token = Token::new("0123456789abcdef").ok();
        let guard = Guard::new("127.0.0.1:1".parse().unwrap(), Vec::new(), token);
        let ask = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            guard.authorise(&headers).is_ok()
        };
        assert!(ask(&["Bearer 0123456789abcdef"]));
        assert!(ask(&["bearer 0123456789abcdef"]));
        let right = "Bearer 0123456789abcdef";
        for wrong in [
            &[][..],
            &[""],
            &["Bearer "],
            &["Basic 0123456789abcdef"],
            &["0123456789abcdef"],
            &[right, right],
        ] {
            assert!(!ask(wrong), "{wrong:?}");
        }
    }
}
