//! Calls to others, as JSON over HTTP.

use axum::body::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use observe_core::Telemetry;
use observe_tower::{ObserveClientLayer, ObserveClientService};
use serde::Deserialize;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use tower::{Layer as _, ServiceExt as _};

/// Whoever waits for the answer gives up after five seconds.
const PATIENCE: Duration = Duration::from_millis(4500);
/// How many calls of one request are under way at once.
const AT_ONCE: usize = 16;
const LONGEST_ANSWER: usize = 1024 * 1024;

/// Whom to call, and with what.
#[derive(Debug, Deserialize)]
pub(crate) struct Call {
    url: String,
    arguments: Value,
}

/// Makes the calls.
#[derive(Clone)]
pub(crate) struct Caller {
    http: ObserveClientService<Http<HttpConnector, Full<Bytes>>>,
}

impl Caller {
    pub(crate) fn new(telemetry: &Telemetry) -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Self { http: ObserveClientLayer::new(telemetry).layer(http) }
    }

    /// Makes all of them, and waits for all, whatever becomes of one.
    pub(crate) async fn call_all(&self, calls: Vec<Call>) -> Result<(), CallError> {
        let made = stream::iter(calls).map(|call| self.call(call)).buffer_unordered(AT_ONCE);
        let finished = made.fold(Ok(()), async |first: Result<(), CallError>, made| first.and(made));
        tokio::time::timeout(PATIENCE, finished).await.unwrap_or(Err(CallError::Timeout))
    }

    async fn call(&self, call: Call) -> Result<(), CallError> {
        let arguments = serde_json::to_vec(&call.arguments).map_err(broken)?;
        let request = Request::post(call.url)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(Full::from(arguments))
            .map_err(CallError::Address)?;
        let (head, body) = self.http.clone().oneshot(request).await.map_err(broken)?.into_parts();
        // To its end, so that the connection is of use to the next call.
        Limited::new(body, LONGEST_ANSWER).collect().await.map_err(CallError::Broken)?;
        if head.status.is_success() { Ok(()) } else { Err(CallError::Refused(head.status)) }
    }
}

fn broken(error: impl Into<Box<dyn Error + Send + Sync>>) -> CallError {
    CallError::Broken(error.into())
}

/// Why a call came to nothing.
#[derive(Debug)]
pub(crate) enum CallError {
    /// Nobody can be called by that name.
    Address(http::Error),
    /// The other one said no.
    Refused(StatusCode),
    Timeout,
    /// The other one could not be reached, or its answer could not be read.
    Broken(Box<dyn Error + Send + Sync>),
}

impl CallError {
    /// What to answer.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            CallError::Address(_) => StatusCode::BAD_REQUEST,
            CallError::Refused(_) | CallError::Broken(_) => StatusCode::BAD_GATEWAY,
            CallError::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::Address(_) => f.write_str("no address"),
            CallError::Refused(status) => write!(f, "answered {status}"),
            CallError::Timeout => f.write_str("did not answer in time"),
            CallError::Broken(_) => f.write_str("could not be asked"),
        }
    }
}

impl Error for CallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            CallError::Address(error) => Some(error),
            CallError::Broken(error) => Some(&**error),
            CallError::Refused(_) | CallError::Timeout => None,
        }
    }
}
