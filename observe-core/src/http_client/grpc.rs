//! Requests that are calls by gRPC.

use super::{HttpClientOperation, OutgoingRequest};
use crate::http_metrics::{GrpcStatus, RpcCall};
use crate::outcome::Outcome;

impl HttpClientOperation {
    /// Whether it is a call by gRPC.
    #[must_use]
    pub fn is_grpc(&self) -> bool {
        self.call.is_some()
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
pub(super) fn call(request: &OutgoingRequest<'_>) -> Option<Box<RpcCall>> {
    let path = request.path_and_query.split('?').next().unwrap_or_default();
    request.grpc.then(|| Box::new(RpcCall::made(path)))
}
