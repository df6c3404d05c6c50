//! With what a request ends, when the head of its answer is there: of a server, and of a client alike.

use crate::http_metrics::StreamKind;

/// No length was declared, and none is so great.
pub(crate) const UNKNOWN: u64 = u64::MAX;

/// What the request's method says about the answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// There may be one.
    Whole,
    /// There is none.
    Head,
    /// If it is granted, the connection is no longer HTTP.
    Tunnel,
}

impl Asked {
    pub(crate) fn of(method: &str) -> Self {
        match method {
            "HEAD" => Asked::Head,
            "CONNECT" => Asked::Tunnel,
            _ => Asked::Whole,
        }
    }
}

/// What is known of an answer when its head is there, besides its status:
/// [`HttpServerOperation::answered`](crate::http_server::HttpServerOperation::answered).
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
pub(crate) enum Ending {
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
    pub(crate) fn of(asked: Asked, status: u16, answer: &HttpAnswer<'_>) -> Self {
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
