//! OTLP by HTTP, in protobuf.

use std::error::Error as StdError;
use std::io::Write;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, PROXY_AUTHORIZATION, RETRY_AFTER, USER_AGENT,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use percent_encoding::percent_decode_str;
use prost::Message;
use url::Url;

use super::connect::{Connector, connector};
use super::target::Target;
use super::{answer, invalid};
use crate::error::Error;
use crate::export::spans::Answer;

/// More of an answer is not read.
const ANSWER_MAX: usize = 1024 * 1024;
/// A longer head of an answer is none. By it, heads without an end (`100 Continue`, again and again) are left soon enough for
/// the timeout to be seen.
const HEAD_MAX: usize = 64 * 1024;
/// A connection without a request is closed after it, before a balancer in between does it in the middle of one.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Http {
    client: Client<Connector, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    timeout: Duration,
    gzip: bool,
}

impl Http {
    pub(super) fn new(target: &Target) -> Result<Self, Error> {
        let (uri, authorization) = split(&target.url)?;
        let (connector, to_proxy) = connector(&uri, &target.tls)?;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .http1_max_buf_size(HEAD_MAX)
            .build(connector);
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("observe/", env!("CARGO_PKG_VERSION"))));
        headers.extend(authorization.map(|value| (AUTHORIZATION, value)));
        headers.extend(to_proxy.map(|value| (PROXY_AUTHORIZATION, value)));
        // What was said by name counts.
        headers.extend(target.headers.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if target.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self { client, uri, headers, timeout: target.timeout, gzip: target.gzip })
    }

    /// The body of a request.
    pub(super) fn pack(&self, request: &impl Message) -> Bytes {
        let plain = request.encode_to_vec();
        if !self.gzip {
            return plain.into();
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        // Writing to memory does not fail.
        let _ = encoder.write_all(&plain);
        encoder.finish().unwrap_or_default().into()
    }

    /// Redirects are not followed: what was sent may have secrets with it.
    pub(super) async fn send(&self, body: Bytes) -> Answer {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let exchange = async {
            match self.client.request(request).await {
                Ok(response) => read(response).await,
                Err(error) => Answer::failed(innermost(&error)),
            }
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Answer::failed("no answer in time"),
        }
    }
}

async fn read(response: Response<Incoming>) -> Answer {
    let (head, mut frames) = response.into_parts();
    let status = head.status.as_u16();
    let mut body = BytesMut::new();
    while let Some(frame) = frames.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => body.extend_from_slice(&chunk),
            Ok(Ok(_)) => return Answer::Refused(format!("HTTP {status}, and too long an answer")),
            Ok(Err(_trailers)) => (),
            // Whether it was taken is not known.
            Err(error) => return Answer::failed(innermost(&error)),
        }
    }
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    answer::of_http(status, header(RETRY_AFTER), header(CONTENT_TYPE), &body)
}

/// Where to, and what the user and the password in the address are as a header (RFC 7617).
fn split(url: &Url) -> Result<(Uri, Option<HeaderValue>), Error> {
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
    let mut authorization = None;
    if !url.username().is_empty() || url.password().is_some() {
        let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|error| invalid("the endpoint's user and password cannot be used").caused_by(error))?;
        value.set_sensitive(true);
        authorization = Some(value);
    }
    let mut url = url.clone();
    // Neither can be refused: the address has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let uri = Uri::try_from(url.as_str())
        .map_err(|error| invalid("the endpoint is no address of a server by HTTP").caused_by(error))?;
    Ok((uri, authorization))
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    while let Some(inner) = innermost.source() {
        innermost = inner;
    }
    innermost.to_string()
}
