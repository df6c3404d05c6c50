//! Answers: JSON, with the headers that every one of them has.

use super::refusal::{Refusal, Rule};
use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY,
    RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// Nothing may be loaded, run or framed.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer with this status and this body.
pub(super) fn json(status: StatusCode, value: &Value) -> Response<AdminBody> {
    text(status, "application/json", value.to_string().into())
}

/// An answer whose body is there.
pub(super) fn text(status: StatusCode, content_type: &'static str, page: Bytes) -> Response<AdminBody> {
    let length = HeaderValue::from(page.len());
    let mut response = secured(Response::new(AdminBody::Whole(page)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// An answer that goes on until who asked leaves.
pub(super) fn events(events: Receiver<Bytes>) -> Response<AdminBody> {
    let mut response = secured(Response::new(AdminBody::Events(events)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

/// What a refused request is answered with.
pub(super) fn refused(refusal: &Refusal) -> Response<AdminBody> {
    let Refusal { rule, message, allow } = refusal;
    let body = json!({"error": {"rule": rule.as_str(), "message": message}});
    let mut response = json(rule.status(), &body);
    let headers = response.headers_mut();
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if matches!(rule, Rule::Host | Rule::Origin | Rule::Token) {
        // Whoever may not ask keeps no connection.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match rule {
        Rule::Token => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Rule::Connections | Rule::Listeners | Rule::Busy | Rule::Collectors => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        _ => {}
    }
    response
}

/// With the headers that keep others out.
fn secured(mut response: Response<AdminBody>) -> Response<AdminBody> {
    let own = |name: &'static str| HeaderName::from_static(name);
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (own("cross-origin-opener-policy"), "same-origin"),
        (own("cross-origin-embedder-policy"), "require-corp"),
        (own("cross-origin-resource-policy"), "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The body of an answer: one frame of known length, or events as they come.
pub(super) enum AdminBody {
    Whole(Bytes),
    Events(Receiver<Bytes>),
}

impl Body for AdminBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            AdminBody::Whole(page) => {
                let page = std::mem::take(page);
                Poll::Ready((!page.is_empty()).then(|| Ok(Frame::data(page))))
            }
            AdminBody::Events(events) => {
                events.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, AdminBody::Whole(page) if page.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AdminBody::Whole(page) => SizeHint::with_exact(page.len() as u64),
            AdminBody::Events(_) => SizeHint::default(),
        }
    }
}
