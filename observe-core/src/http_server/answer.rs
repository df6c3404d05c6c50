//! Requests whose answer has its head, and a body.

use super::HttpServerOperation;
use crate::http_answer::{Ending, HttpAnswer, UNKNOWN};
use crate::http_client::HttpClientOperation;
use crate::http_stream::HttpStream;
use crate::semconv::http as names;
use std::fmt;

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
        HttpBody { life, passed: 0, declared }
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

impl HttpClientOperation {
    /// The head of its answer is there, and its [`status`](HttpClientOperation::status) was said. What it ends with is
    /// decided here, as for a server; whoever reads the answer's body says what becomes of that. With an upgrade, and with
    /// the head of an event stream, it has ended.
    pub fn answered(self, answer: &HttpAnswer<'_>) -> HttpBody {
        let (life, declared) = match self.ending(answer) {
            Ending::Head | Ending::Upgrade(_) | Ending::Stream(_) => {
                self.finish();
                (Life::Over, UNKNOWN)
            }
            Ending::Body { declared } => (Life::Call(self), declared),
        };
        HttpBody { life, passed: 0, declared }
    }
}

/// What ends with the body.
enum Life {
    /// Nothing any more.
    Over,
    /// The request.
    Request(HttpServerOperation),
    /// The request to another service.
    Call(HttpClientOperation),
    /// What the request began.
    Stream(Box<HttpStream>),
}

/// A request whose answer has its head, until the body has ended; or the stream that this body is, the request having
/// ended. Made by [`HttpServerOperation::answered`], and for a client's request by [`HttpClientOperation::answered`], whose
/// body is read where a server's is sent.
///
/// It ends exactly once. Well: by [`end`](HttpBody::end), or dropped when all was sent that was declared, as many a
/// server does not ask for an end then. It fails by [`failed`](HttpBody::failed), and by an end before all was sent.
/// Dropped otherwise it was cancelled, or panicked if it unwound. What was handed to the server counts as sent: whether
/// the client read it is not known here.
#[must_use = "a body that is dropped at once is recorded as cancelled"]
pub struct HttpBody {
    life: Life,
    /// What was passed on, and how much was declared to be.
    passed: u64,
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
            Life::Call(operation) => operation.within(f),
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
        self.passed = self.passed.saturating_add(bytes);
        if let Life::Stream(stream) = &mut self.life {
            stream.sent(bytes);
        }
    }

    /// The body says that it has ended. Before all was sent that was declared, the client gets an answer that is cut
    /// off: it failed.
    pub fn end(&mut self) {
        if self.declared != UNKNOWN && self.passed < self.declared {
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
            Life::Call(operation) => operation.body_failed(),
            Life::Stream(stream) => stream.body_failed(),
        }
        self.close();
    }

    /// Whether it is a call by gRPC, whose status may stand behind the body.
    #[inline]
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        match &self.life {
            Life::Over | Life::Stream(_) => false,
            Life::Request(operation) => operation.is_grpc(),
            Life::Call(operation) => operation.is_grpc(),
        }
    }

    /// The value of `grpc-status` behind the body, before its end.
    pub fn grpc_status(&mut self, value: &[u8]) {
        match &mut self.life {
            Life::Over | Life::Stream(_) => {}
            Life::Request(operation) => operation.grpc_status(value),
            Life::Call(operation) => operation.grpc_status(value),
        }
    }

    fn close(&mut self) {
        match std::mem::replace(&mut self.life, Life::Over) {
            Life::Over => {}
            Life::Request(mut operation) => {
                operation.response_bytes(self.passed);
                operation.finish();
            }
            Life::Call(operation) => operation.finish(),
            Life::Stream(stream) => stream.finish(),
        }
    }
}

impl Drop for HttpBody {
    fn drop(&mut self) {
        if self.passed >= self.declared {
            self.close();
        } else if let Life::Request(operation) = &mut self.life {
            operation.response_bytes(self.passed);
        }
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation: Option<&dyn fmt::Debug> = match &self.life {
            Life::Over => None,
            Life::Request(operation) => Some(operation),
            Life::Call(operation) => Some(operation),
            Life::Stream(stream) => Some(stream),
        };
        f.debug_struct("HttpBody").field("operation", &operation).finish_non_exhaustive()
    }
}
