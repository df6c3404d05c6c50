//! The answer's body, with which a request ends.

use crate::future::Asked;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http_body::{Body, Frame, SizeHint};
use observe_core::http_server::HttpServerOperation;
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
    pub struct ObserveBody<B> {
        #[pin]
        body: Option<B>,
        operation: Option<HttpServerOperation>,
        // Of the declared length, what was not yet handed over.
        owed: Option<u64>,
    }

    impl<B> PinnedDrop for ObserveBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Some(operation) = this.operation.as_mut() {
                // The body's destructors run inside, then the request ends.
                operation.within(|| this.body.set(None));
            }
            if *this.owed == Some(0) && let Some(operation) = this.operation.take() {
                operation.finish();
            }
        }
    }
}

/// With what a request ends.
enum Ending {
    /// With the answer's head: there is no body, or the connection becomes something else, whose life is not the
    /// request's.
    Head,
    /// With the body.
    Body {
        /// How long it is, where that was said.
        declared: Option<u64>,
    },
}

impl Ending {
    fn of<B: Body>(asked: Asked, parts: &Parts, body: &B) -> Self {
        let status = parts.status;
        let bodiless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || asked == Asked::Head
            || asked == Asked::Tunnel && status.is_success();
        if bodiless || body.is_end_stream() {
            return Ending::Head;
        }
        let declared = body.size_hint().exact().or_else(|| {
            let length = parts.headers.get(CONTENT_LENGTH)?;
            length.to_str().ok()?.parse().ok()
        });
        Ending::Body { declared }
    }
}

impl<B: Body> ObserveBody<B> {
    pub(crate) fn new(body: B, operation: HttpServerOperation, asked: Asked, parts: &Parts) -> Self {
        match Ending::of(asked, parts, &body) {
            Ending::Head => {
                operation.finish();
                Self { body: Some(body), operation: None, owed: None }
            }
            Ending::Body { declared } => {
                Self { body: Some(body), operation: Some(operation), owed: declared }
            }
        }
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
        let Some(operation) = this.operation.as_mut() else { return body.poll_frame(cx) };

        let (frame, ended) = ready!(operation.within(|| {
            let frame = ready!(body.as_mut().poll_frame(cx));
            // Who reads may stop here.
            let ended = frame.is_none() || body.is_end_stream();
            Poll::Ready((frame, ended))
        }));
        let ended = match &frame {
            Some(Ok(frame)) => {
                if let (Some(data), Some(owed)) = (frame.data_ref(), this.owed.as_mut()) {
                    *owed = owed.saturating_sub(bytes(data));
                }
                ended || frame.is_trailers()
            }
            Some(Err(_)) => {
                operation.body_failed();
                true
            }
            None => true,
        };
        if ended && let Some(operation) = this.operation.take() {
            operation.finish();
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

fn bytes(data: &impl bytes::Buf) -> u64 {
    u64::try_from(data.remaining()).unwrap_or(u64::MAX)
}

impl<B> fmt::Debug for ObserveBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveBody").field("operation", &self.operation).finish_non_exhaustive()
    }
}
