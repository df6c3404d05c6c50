//! Requests that are calls by gRPC.

use super::{HttpRequest, HttpServerOperation};
use crate::http_metrics::{GrpcStatus, RpcCall};
use crate::outcome::Outcome;

impl HttpServerOperation {
    /// Whether it is a call by gRPC.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.call.is_some()
    }

    /// It only said that it was a call: its answer is none of gRPC's. It is a request like any other, from now on.
    pub fn is_no_call(&mut self) {
        self.call = None;
    }

    /// The value of `grpc-status`, in the answer's head or behind its body.
    pub fn grpc_status(&mut self, value: &[u8]) {
        if let Some(call) = &mut self.call {
            call.status = GrpcStatus::read(value);
        }
    }

    /// What its status says of it, when it is over.
    pub(super) fn settle_call(&mut self, outcome: Outcome) {
        let (http_status, has_failed) = (self.labels.status.code(), !self.labels.error_type.is_none());
        let failure = self.call.as_mut().and_then(|call| call.settle(outcome, http_status, has_failed));
        if let Some(failure) = failure {
            self.fail(failure);
        }
    }
}

/// The call that a request is, if it is one.
pub(super) fn call(request: &HttpRequest<'_>) -> Option<Box<RpcCall>> {
    request.grpc.then(|| Box::new(RpcCall::received(request.path)))
}
