//! Calls to another service, as JSON over HTTP.

use axum::body::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: usize = 64 * 1024;

/// One other service.
#[derive(Clone)]
pub(crate) struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { http: Http::builder(TokioExecutor::new()).build_http(), address }
    }

    /// Posts `question` and reads the answer of a success.
    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<A, CallError> {
        tokio::time::timeout(PATIENCE, self.exchange(path, question)).await.unwrap_or(Err(CallError::Timeout))
    }

    async fn exchange<A: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<A, CallError> {
        let question = serde_json::to_vec(question).map_err(broken)?;
        let mut request = Request::post(format!("http://{}{path}", self.address))
            .body(Full::from(question))
            .map_err(broken)?;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        observe_core::inject(request.headers_mut());
        let (head, body) = self.http.request(request).await.map_err(broken)?.into_parts();
        let answer =
            Limited::new(body, LONGEST_ANSWER).collect().await.map_err(CallError::Broken)?.to_bytes();
        if !head.status.is_success() {
            return Err(CallError::Refused(head.status));
        }
        serde_json::from_slice(&answer).map_err(broken)
    }
}

fn broken(error: impl Into<Box<dyn Error + Send + Sync>>) -> CallError {
    CallError::Broken(error.into())
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// The other service said no.
    Refused(StatusCode),
    Timeout,
    /// It could not be reached, or its answer could not be read.
    Broken(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Refused(status) => write!(f, "answered {status}"),
            CallError::Timeout => f.write_str("did not answer in time"),
            CallError::Broken(_) => f.write_str("could not be asked"),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            CallError::Broken(error) => Some(&**error),
            CallError::Refused(_) | CallError::Timeout => None,
        }
    }
}
