//! What is told of who asks, where it was asked for.

use super::request::HttpRequest;
use crate::fields::cut;
use crate::semconv::http as names;
use crate::span::OpenSpan;

/// The longest user agent on a line, in bytes; a longer one is cut.
const MAX_USER_AGENT: usize = 256;

/// Goes to the request's line and its span, and to no other line: it may be about a person.
pub(super) fn tell(span: &OpenSpan, request: &HttpRequest<'_>) {
    let peer = &request.peer;
    if peer.client.is_none() && peer.address.is_none() && peer.user_agent.is_none() {
        return;
    }
    let Some(trace) = span.trace() else { return };
    trace.tell(|told| {
        let addresses = [(names::CLIENT_ADDRESS, peer.client), (names::PEER_ADDRESS, peer.address)];
        for (name, address) in addresses {
            if let Some(address) = address {
                told.annotations.display(name, &address.to_canonical());
            }
        }
        if let Some(agent) = peer.user_agent.and_then(|agent| str::from_utf8(agent).ok()) {
            told.annotations.str(names::USER_AGENT, cut(agent, MAX_USER_AGENT));
        }
    });
}
