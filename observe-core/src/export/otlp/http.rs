//! OTLP by HTTP, in protobuf.

use std::error::Error as _;
use std::io::Write;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect};

use super::answer;
use super::transport::Target;
use crate::error::{Error, Kind};
use crate::export::spans::Answer;

/// More of an answer is not read.
const ANSWER_MAX: usize = 1024 * 1024;
/// A connection without a request is closed after it, before a balancer in between does it in the middle of one.
const IDLE: Duration = Duration::from_secs(30);

pub(super) struct Http {
    client: Client,
    url: Url,
    headers: HeaderMap,
    gzip: bool,
}

impl Http {
    pub(super) fn new(target: &Target) -> Result<Self, Error> {
        let tls = target.tls.config(target.url.scheme() == "https")?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(target.timeout)
            .pool_idle_timeout(IDLE)
            // What was sent is not sent elsewhere: it may have secrets with it.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("observe/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::new(Kind::Io, "the HTTP client cannot be made").caused_by(error))?;
        let (url, headers, gzip) = (target.url.clone(), target.headers.clone(), target.gzip);
        Ok(Self { client, url, headers, gzip })
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

    pub(super) async fn send(&self, body: Bytes) -> Answer {
        let request = self.client.post(self.url.clone()).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/x-protobuf");
        let request = if self.gzip { request.header(CONTENT_ENCODING, "gzip") } else { request };
        match request.body(body).send().await {
            Ok(response) => self.read(response).await,
            Err(error) => Answer::failed(told(error)),
        }
    }

    async fn read(&self, mut response: Response) -> Answer {
        let status = response.status().as_u16();
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= ANSWER_MAX => body.extend_from_slice(&chunk),
                Ok(Some(_)) => return Answer::Refused(format!("HTTP {status}, and too long an answer")),
                Ok(None) => break,
                // Whether it was taken is not known.
                Err(error) => return Answer::failed(told(error)),
            }
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        answer::of_http(status, header(RETRY_AFTER), header(CONTENT_TYPE), &body)
    }
}

/// The innermost reason, without the address: that may have secrets in it.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut text = error.to_string();
    let mut inner = error.source();
    while let Some(error) = inner {
        text = error.to_string();
        inner = error.source();
    }
    text
}
