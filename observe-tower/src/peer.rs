//! What is told of who asks, where it was asked for.

use crate::route::RequestHead;
use http::HeaderValue;
use http::header::USER_AGENT;
use observe_core::http_server::HttpRequest;
use observe_core::semconv::http::X_FORWARDED_FOR;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

type AddressOf = Arc<dyn Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync>;

/// Which facts are told. Defaults to none: they may be about a person.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    pub(crate) address_of: Option<AddressOf>,
    pub(crate) tells_client: bool,
    pub(crate) tells_user_agent: bool,
}

/// What is to be told of one request.
pub(crate) struct Facts<'a> {
    client: Option<IpAddr>,
    address: Option<IpAddr>,
    user_agent: Option<&'a [u8]>,
}

impl Peer {
    /// Runs the user's function: it may panic.
    #[inline]
    pub(crate) fn facts<'a>(&self, head: &RequestHead<'a>, trusted: bool) -> Facts<'a> {
        let address = self.address_of.as_ref().and_then(|address_of| address_of(head));
        let forwarded = if self.tells_client && trusted { forwarded(head) } else { None };
        let client = if self.tells_client { forwarded.or(address) } else { None };
        let user_agent = if self.tells_user_agent { head.headers.get(USER_AGENT) } else { None };
        Facts { client, address, user_agent: user_agent.map(HeaderValue::as_bytes) }
    }
}

impl<'a> Facts<'a> {
    pub(crate) fn tell(&self, request: HttpRequest<'a>) -> HttpRequest<'a> {
        request.client_address(self.client).peer_address(self.address).user_agent(self.user_agent)
    }
}

/// Whom the sender heard itself: the last address of the last header. What stands before it others have said.
fn forwarded(head: &RequestHead<'_>) -> Option<IpAddr> {
    let last = head.headers.get_all(X_FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let last = last.rsplit(',').next().unwrap_or_default().trim();
    let bare = last.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(last);
    bare.parse().ok().or_else(|| last.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    // Mutations caught: the first address, which the client may have made up; a text that is no address.
    #[test]
    fn the_last_address_counts() {
        let forwarded = |values: &[&str]| {
            let mut request = Request::new(());
            for value in values {
                request.headers_mut().append(X_FORWARDED_FOR, value.parse().expect("a header's value"));
            }
            forwarded(&RequestHead::of(&request)).map(|address| address.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(forwarded(&["6.6.6.6, 203.0.113.7"]), some("203.0.113.7"));
        assert_eq!(forwarded(&["6.6.6.6", " 203.0.113.7:4711 "]), some("203.0.113.7"));
        assert_eq!(forwarded(&["[2001:db8::1]:80"]), some("2001:db8::1"));
        assert_eq!(forwarded(&["[2001:db8::1]"]), some("2001:db8::1"));
        assert_eq!(forwarded(&["2001:db8::1"]), some("2001:db8::1"));
        for nonsense in ["", "203.0.113.7,", "unknown", "<script>", "203.0.113.7\" x"] {
            assert_eq!(forwarded(&[nonsense]), None, "{nonsense}");
        }
        assert_eq!(forwarded(&[]), None);
    }
}
