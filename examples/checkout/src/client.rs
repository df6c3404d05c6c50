//! Calls to another service, as JSON over HTTP.

use axum::body::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use observe_core::Telemetry;
use observe_tower::{Failure, ObserveClientLayer, ObserveClientService, ObserveConnector, ResponseHead};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tower::{Layer as _, ServiceExt as _};

const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: usize = 64 * 1024;

/// One other service.
#[derive(Clone)]
pub(crate) struct Client {
    http: ObserveClientService<Http<ObserveConnector<HttpConnector>, Full<Bytes>>>,
    address: SocketAddr,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, telemetry: &Telemetry) -> Self {
        let connector = ObserveConnector::connect(HttpConnector::new());
        let http = Http::builder(TokioExecutor::new()).build(connector);
        // The other services are our own: what they keep of a trace is kept here, too.
        let layer = ObserveClientLayer::new(telemetry).trust_response(true).classify(fails);
        Self { http: layer.layer(http), address }
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
        let (head, body) = self.http.clone().oneshot(request).await.map_err(broken)?.into_parts();
        let answer =
            Limited::new(body, LONGEST_ANSWER).collect().await.map_err(CallError::Broken)?.to_bytes();
        if !head.status.is_success() {
            return Err(CallError::Refused(head.status));
        }
        serde_json::from_slice(&answer).map_err(broken)
    }
}

/// Which answers are failures: to be sold out, or declined, is none.
fn fails(head: &ResponseHead<'_>) -> Option<Failure> {
    let is_an_answer = matches!(head.status, StatusCode::CONFLICT | StatusCode::PAYMENT_REQUIRED);
    (head.status.as_u16() >= 400 && !is_an_answer).then(Failure::unnamed)
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
