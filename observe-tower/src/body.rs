//! The answer's body, with which a request ends.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, UPGRADE};
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use observe_core::http_server::{HttpAnswer, HttpBody};
use observe_core::semconv::rpc::GRPC_STATUS;
use pin_project_lite::pin_project;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// An answer's body: it passes on what the body within says, and ends the request with it.
    ///
    /// The request ends well with the last frame, with trailers, and when a body whose length was declared is
    /// dropped after that length: HTTP/1 servers do not ask for an end then. It fails with the body's error. A
    /// body that is dropped before was cancelled. What was handed to the server counts as sent: whether the client
    /// read it is not known here. Of a client's answer it is the same, for the request that it made.
    ///
    /// Server-sent events (`text/event-stream`, of no known length) are a stream: their request has ended with the
    /// head, and what ends with the body, in the same ways, is the stream.
    pub struct ObserveBody<B> {
        #[pin]
        body: Option<B>,
        observed: HttpBody,
    }

    impl<B> PinnedDrop for ObserveBody<B> {
        fn drop(this: Pin<&mut Self>) {
            // The body's destructors run inside, then the request ends.
            let mut this = this.project();
            if !this.observed.is_over() {
                this.observed.within(|| this.body.set(None));
            }
        }
    }
}

impl<B> ObserveBody<B> {
    pub(crate) fn new(body: B, observed: HttpBody) -> Self {
        Self { body: Some(body), observed }
    }
}

/// What an answer says of its body.
pub(crate) fn declared<B: Body>(response: &Response<B>) -> HttpAnswer<'_> {
    let (body, headers) = (response.body(), response.headers());
    let mut answer = HttpAnswer::new().empty(body.is_end_stream());
    match body.size_hint().exact() {
        // It is no stream, and what the headers say of it is the same.
        Some(exact) => answer = answer.length(exact),
        None => {
            let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
            answer = answer.length(content_length(headers)).content_type(content_type);
        }
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        answer = answer.upgrade(headers.get(UPGRADE).map(HeaderValue::as_bytes));
    }
    answer
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

impl<B: Body> Body for ObserveBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(mut body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if this.observed.is_over() {
            return body.poll_frame(cx);
        }

        let (frame, ended) = ready!(this.observed.within(|| {
            let frame = ready!(body.as_mut().poll_frame(cx));
            // Who reads may stop here.
            let ended = frame.is_none() || body.is_end_stream();
            Poll::Ready((frame, ended))
        }));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.observed.sent(bytes(data));
                }
                if this.observed.is_grpc()
                    && let Some(status) = frame.trailers_ref().and_then(|trailers| trailers.get(GRPC_STATUS))
                {
                    this.observed.grpc_status(status.as_bytes());
                }
                if ended || frame.is_trailers() {
                    this.observed.end();
                }
            }
            Some(Err(_)) => this.observed.failed(),
            None => this.observed.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

pub(crate) fn bytes(data: &impl bytes::Buf) -> u64 {
    u64::try_from(data.remaining()).unwrap_or(u64::MAX)
}

impl<B> fmt::Debug for ObserveBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveBody").field("observed", &self.observed).finish_non_exhaustive()
    }
}
