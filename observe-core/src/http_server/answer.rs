//! With what a request ends, when the head of its answer is there.

use super::HttpServerOperation;
use crate::http_metrics::StreamKind;
use crate::http_stream::HttpStream;
use crate::semconv::http as names;
use std::fmt;

/// No length was declared, and none is so great.
const UNKNOWN: u64 = u64::MAX;

/// What the request's method says about the answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// There may be one.
    Whole,
    /// There is none.
    Head,
    /// If it is granted, the connection is no longer HTTP.
    Tunnel,
}

impl Asked {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "HEAD" => Asked::Head,
            "CONNECT" => Asked::Tunnel,
            _ => Asked::Whole,
        }
    }
}

/// What is known of an answer when its head is there, besides its status: [`HttpServerOperation::answered`].
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "it says with what a request ends"]
pub struct HttpAnswer<'a> {
    is_empty: bool,
    length: Option<u64>,
    content_type: Option<&'a [u8]>,
    upgrade: Option<&'a [u8]>,
}

impl<'a> HttpAnswer<'a> {
    /// One of which nothing is known: it ends with its body, however long that is.
    pub const fn new() -> Self {
        Self { is_empty: false, length: None, content_type: None, upgrade: None }
    }

    /// Whether it has no body, so that nobody will ask for one. That of a `HEAD`, of 1xx, 204 and 304 is known to have
    /// none. Defaults to `false`.
    pub const fn empty(mut self, is_empty: bool) -> Self {
        self.is_empty = is_empty;
        self
    }

    /// How many bytes its body has, where that was said: by `Content-Length`, or by the body itself. Defaults to none.
    pub fn length(mut self, length: impl Into<Option<u64>>) -> Self {
        self.length = length.into();
        self
    }

    /// Its `Content-Type`: with `text/event-stream`, 2xx and no length it is a stream. Defaults to none.
    pub fn content_type(mut self, value: impl Into<Option<&'a [u8]>>) -> Self {
        self.content_type = value.into();
        self
    }

    /// Its `Upgrade`, which tells a WebSocket from another upgrade. It counts with 101. Defaults to none.
    pub fn upgrade(mut self, value: impl Into<Option<&'a [u8]>>) -> Self {
        self.upgrade = value.into();
        self
    }

    fn is_event_stream(&self) -> bool {
        let Some(value) = self.content_type else { return false };
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        self.length.is_none() && essence.trim_ascii().eq_ignore_ascii_case(b"text/event-stream")
    }

    fn upgraded_to(&self) -> StreamKind {
        match self.upgrade {
            Some(to) if to.eq_ignore_ascii_case(b"websocket") => StreamKind::WebSocket,
            _ => StreamKind::Upgrade,
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
    fn of(asked: Asked, status: u16, answer: &HttpAnswer<'_>) -> Self {
        let is_success = (200..300).contains(&status);
        if status == 101 {
            return Ending::Upgrade(answer.upgraded_to());
        }
        if asked == Asked::Tunnel && is_success {
            return Ending::Upgrade(StreamKind::Connect);
        }
        let bodiless = matches!(status, 100..200 | 204 | 304) || asked == Asked::Head;
        if bodiless || answer.is_empty {
            return Ending::Head;
        }
        if is_success && answer.is_event_stream() {
            return Ending::Stream(StreamKind::Sse);
        }
        Ending::Body { declared: answer.length.unwrap_or(UNKNOWN) }
    }
}

impl HttpServerOperation {
    /// The head of its answer is there, and its [`status`](HttpServerOperation::status) was said. What it ends with is
    /// decided here; whoever sends the answer's body says what becomes of that.
    ///
    /// ```
    /// use observe_core::Telemetry;
    /// use observe_core::context::Context;
    /// use observe_core::http_server::{HttpAnswer, HttpRequest};
    ///
    /// let telemetry = Telemetry::builder("orders").build()?;
    /// let request = HttpRequest::new("GET", "/orders");
    /// let mut operation = telemetry.http_server().start(&request, &Context::new());
    /// operation.status(200);
    /// let mut body = operation.answered(&HttpAnswer::new().length(10));
    /// for chunk in ["17\n", "18\n", "4711"] {
    ///     // Dropped before the end it is cancelled: the client has gone.
    ///     body.sent(chunk.len() as u64);
    /// }
    /// body.end();
    /// # Ok::<(), observe_core::Error>(())
    /// ```
    pub fn answered(mut self, answer: &HttpAnswer<'_>) -> HttpBody {
        let status = self.labels.status.code().unwrap_or_default();
        let (life, declared) = match Ending::of(self.asked, status, answer) {
            Ending::Head => {
                self.response_bytes(0);
                self.finish();
                (Life::Over, UNKNOWN)
            }
            Ending::Upgrade(kind) => {
                self.upgraded(kind);
                (Life::Over, UNKNOWN)
            }
            Ending::Stream(kind) => match self.stream(kind) {
                Ok(mut stream) => {
                    // Known, also when nothing comes.
                    stream.sent(0);
                    (Life::Stream(Box::new(stream)), UNKNOWN)
                }
                Err(operation) => (Life::Request(operation), UNKNOWN),
            },
            Ending::Body { declared } => (Life::Request(self), declared),
        };
        HttpBody { life, sent: 0, declared }
    }

    /// The answer's body failed, after its head was sent.
    pub fn body_failed(&mut self) {
        self.fail(names::BODY_ERROR);
    }

    /// So many bytes of its answer's body were sent in all; the last one said counts. Only where
    /// [`HttpServer::response_sizes`](super::HttpServer::response_sizes) asked for it.
    pub fn response_bytes(&mut self, bytes: u64) {
        if self.sized
            && let Some(trace) = self.trace()
        {
            trace.tell(|told| told.response_bytes = Some(bytes));
        }
    }
}

/// What ends with the body.
enum Life {
    /// Nothing any more.
    Over,
    /// The request.
    Request(HttpServerOperation),
    /// What the request began.
    Stream(Box<HttpStream>),
}

/// A request whose answer has its head, until the body has ended; or the stream that this body is, the request having
/// ended. Made by [`HttpServerOperation::answered`].
///
/// It ends exactly once. Well: by [`end`](HttpBody::end), or dropped when all was sent that was declared, as many a
/// server does not ask for an end then. It fails by [`failed`](HttpBody::failed), and by an end before all was sent.
/// Dropped otherwise it was cancelled, or panicked if it unwound. What was handed to the server counts as sent: whether
/// the client read it is not known here.
#[must_use = "a body that is dropped at once is recorded as cancelled"]
pub struct HttpBody {
    life: Life,
    /// What was handed over, and how much was declared to be.
    sent: u64,
    declared: u64,
}

impl HttpBody {
    /// Runs `f`, one poll of the body or its destructor, with the request (or the stream) as the current context. Marks
    /// it as panicked when `f` unwinds.
    #[inline]
    pub fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        match &mut self.life {
            Life::Over => f(),
            Life::Request(operation) => operation.within(f),
            Life::Stream(stream) => stream.within(f),
        }
    }

    /// Whether it has ended: what is polled further is nobody's.
    #[inline]
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.life, Life::Over)
    }

    /// So many bytes more were handed over to be sent.
    #[inline]
    pub fn sent(&mut self, bytes: u64) {
        self.sent = self.sent.saturating_add(bytes);
        if let Life::Stream(stream) = &mut self.life {
            stream.sent(bytes);
        }
    }

    /// The body says that it has ended. Before all was sent that was declared, the client gets an answer that is cut
    /// off: it failed.
    pub fn end(&mut self) {
        if self.declared != UNKNOWN && self.sent < self.declared {
            self.failed();
        } else {
            self.close();
        }
    }

    /// The body has failed, and ended by that.
    pub fn failed(&mut self) {
        match &mut self.life {
            Life::Over => {}
            Life::Request(operation) => operation.body_failed(),
            Life::Stream(stream) => stream.body_failed(),
        }
        self.close();
    }

    fn close(&mut self) {
        match std::mem::replace(&mut self.life, Life::Over) {
            Life::Over => {}
            Life::Request(mut operation) => {
                operation.response_bytes(self.sent);
                operation.finish();
            }
            Life::Stream(stream) => stream.finish(),
        }
    }
}

impl Drop for HttpBody {
    fn drop(&mut self) {
        if self.sent >= self.declared {
            self.close();
        } else if let Life::Request(operation) = &mut self.life {
            operation.response_bytes(self.sent);
        }
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation: Option<&dyn fmt::Debug> = match &self.life {
            Life::Over => None,
            Life::Request(operation) => Some(operation),
            Life::Stream(stream) => Some(stream),
        };
        f.debug_struct("HttpBody").field("operation", &operation).finish_non_exhaustive()
    }
}
