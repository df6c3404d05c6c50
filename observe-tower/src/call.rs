//! What a server's request and a client's have in common, for their futures.

use crate::future::After;
use http::StatusCode;
use observe_core::http_server::HttpServerOperation;

/// A request, of a server or of a client, until its answer's head.
pub trait Call: Sized {
    /// What is to be done when the head of the answer is there.
    type After;

    /// Runs `f` with the request as the current context.
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R;

    /// Whether an answer of this status is a failure.
    fn fails_by(&self, status: StatusCode) -> bool;

    /// It failed: a name of a closed set. The first one said stays.
    fn fail(&mut self, error_type: &'static str);

    /// Why it failed.
    fn cause(&mut self, cause: &str);
}

impl Call for HttpServerOperation {
    type After = After;

    #[inline]
    fn within<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.within(f)
    }

    fn fails_by(&self, status: StatusCode) -> bool {
        status.is_server_error()
    }

    fn fail(&mut self, error_type: &'static str) {
        self.fail(error_type);
    }

    fn cause(&mut self, cause: &str) {
        self.cause(cause);
    }
}
