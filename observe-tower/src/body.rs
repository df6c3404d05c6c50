//! The answer's body, with which a request ends.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, UPGRADE};
use http::response::Parts;
use http::{Method, StatusCode};
use http_body::{Body, Frame, SizeHint};
use observe_core::http_server::{HttpServerOperation, HttpStream, StreamKind};
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
    /// read it is not known here.
    ///
    /// Server-sent events (`text/event-stream`, of no known length) are a stream: their request has ended with the
    /// head, and what ends with the body, in the same ways, is the stream.
    pub struct ObserveBody<B> {
        #[pin]
        body: Option<B>,
        life: Life,
        // What was handed over, and how much was declared to be: `UNKNOWN` if nothing was.
        sent: u64,
        declared: u64,
    }

    impl<B> PinnedDrop for ObserveBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if !this.life.is_over() {
                // The body's destructors run inside, then the request ends.
                this.life.within(|| this.body.set(None));
                this.life.sent_in_all(*this.sent);
            }
            if *this.sent >= *this.declared {
                this.life.finish();
            }
        }
    }
}

/// No length was declared, and none is so great.
const UNKNOWN: u64 = u64::MAX;

/// What ends with the body.
enum Life {
    /// Nothing any more.
    Over,
    /// The request.
    Request(HttpServerOperation),
    /// What the request began.
    Stream(Box<HttpStream>),
}

impl Life {
    fn is_over(&self) -> bool {
        matches!(self, Life::Over)
    }

    #[inline]
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        match self {
            Life::Over => f(),
            Life::Request(operation) => operation.within(f),
            Life::Stream(stream) => stream.within(f),
        }
    }

    /// So many bytes were handed over. A stream has counted for itself.
    fn sent_in_all(&mut self, bytes: u64) {
        if let Life::Request(operation) = self {
            operation.response_bytes(bytes);
        }
    }

    fn failed(&mut self) {
        match self {
            Life::Over => {}
            Life::Request(operation) => operation.body_failed(),
            Life::Stream(stream) => stream.body_failed(),
        }
    }

    fn finish(&mut self) {
        match std::mem::replace(self, Life::Over) {
            Life::Over => {}
            Life::Request(operation) => operation.finish(),
            Life::Stream(stream) => stream.finish(),
        }
    }
}

/// What the method says about the answer's body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// There may be one.
    Whole,
    /// There is none.
    Head,
    /// If it is granted, the connection is no longer HTTP.
    Tunnel,
}

impl Asked {
    pub(crate) fn of(method: &Method) -> Self {
        match *method {
            Method::HEAD => Asked::Head,
            Method::CONNECT => Asked::Tunnel,
            _ => Asked::Whole,
        }
    }
}

/// With what a request ends.
enum Ending {
    /// With the answer's head: there is no body.
    Head,
    /// With the answer's head: the connection becomes something else, whose life is not the request's.
    Upgrade(StreamKind),
    /// With the answer's head: the body is a stream.
    Stream(StreamKind),
    /// With the body.
    Body {
        /// How long it is, where that was said.
        declared: u64,
    },
}

impl Ending {
    fn of<B: Body>(asked: Asked, parts: &Parts, body: &B) -> Self {
        let status = parts.status;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Ending::Upgrade(upgraded_to(parts));
        }
        if asked == Asked::Tunnel && status.is_success() {
            return Ending::Upgrade(StreamKind::Connect);
        }
        let bodiless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || asked == Asked::Head;
        if bodiless || body.is_end_stream() {
            return Ending::Head;
        }
        let Some(exact) = body.size_hint().exact() else {
            return if status.is_success() && is_event_stream(parts) {
                Ending::Stream(StreamKind::Sse)
            } else {
                Ending::Body { declared: content_length(parts).unwrap_or(UNKNOWN) }
            };
        };
        Ending::Body { declared: exact }
    }
}

fn content_length(parts: &Parts) -> Option<u64> {
    parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn is_event_stream(parts: &Parts) -> bool {
    let Some(value) = parts.headers.get(CONTENT_TYPE) else { return false };
    let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream") && content_length(parts).is_none()
}

fn upgraded_to(parts: &Parts) -> StreamKind {
    match parts.headers.get(UPGRADE) {
        Some(to) if to.as_bytes().eq_ignore_ascii_case(b"websocket") => StreamKind::WebSocket,
        _ => StreamKind::Upgrade,
    }
}

impl<B: Body> ObserveBody<B> {
    pub(crate) fn new(body: B, mut operation: HttpServerOperation, asked: Asked, parts: &Parts) -> Self {
        let (life, declared) = match Ending::of(asked, parts, &body) {
            Ending::Head => {
                operation.response_bytes(0);
                operation.finish();
                (Life::Over, UNKNOWN)
            }
            Ending::Upgrade(kind) => {
                operation.upgraded(kind);
                (Life::Over, UNKNOWN)
            }
            Ending::Stream(kind) => match operation.stream(kind) {
                Ok(mut stream) => {
                    // Known, also when nothing comes.
                    stream.sent(0);
                    (Life::Stream(Box::new(stream)), UNKNOWN)
                }
                Err(operation) => (Life::Request(operation), UNKNOWN),
            },
            Ending::Body { declared } => (Life::Request(operation), declared),
        };
        Self { body: Some(body), life, sent: 0, declared }
    }
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
        if this.life.is_over() {
            return body.poll_frame(cx);
        }

        let (frame, ended) = ready!(this.life.within(|| {
            let frame = ready!(body.as_mut().poll_frame(cx));
            // Who reads may stop here.
            let ended = frame.is_none() || body.is_end_stream();
            Poll::Ready((frame, ended))
        }));
        let ended = match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    *this.sent = this.sent.saturating_add(bytes(data));
                    if let Life::Stream(stream) = this.life {
                        stream.sent(bytes(data));
                    }
                }
                ended || frame.is_trailers()
            }
            Some(Err(_)) => {
                this.life.failed();
                true
            }
            None => {
                // The client gets an answer that is cut off.
                if *this.declared != UNKNOWN && *this.sent < *this.declared {
                    this.life.failed();
                }
                true
            }
        };
        if ended {
            this.life.sent_in_all(*this.sent);
            this.life.finish();
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
        let operation: Option<&dyn fmt::Debug> = match &self.life {
            Life::Over => None,
            Life::Request(operation) => Some(operation),
            Life::Stream(stream) => Some(stream),
        };
        f.debug_struct("ObserveBody").field("operation", &operation).finish_non_exhaustive()
    }
}
