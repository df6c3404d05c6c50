//! `Accept` and `Accept-Encoding`: a page of a format that was named, coded as was asked, and as its header says.

use crate::page;
use crate::pieces::lines;
use flate2::read::GzDecoder;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body::Body;
use observe_core::{Collect, Format, Registry};
use observe_tower::ScrapeService;
use std::future::Future;
use std::io::Read;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tower_service::Service;

/// Each line is a value: of `Accept`, or behind `~` of `Accept-Encoding`.
pub fn check(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in lines(data).take(64) {
        let (name, value) = line.strip_prefix(b"~").map_or((ACCEPT, line), |value| (ACCEPT_ENCODING, value));
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    let (format, is_gzip) = asked(&headers);
    let names = |header, text: &str| {
        headers.get_all(header).iter().any(|value| {
            let value = value.as_bytes().to_ascii_lowercase();
            value.windows(text.len()).any(|part| part == text.as_bytes())
        })
    };
    match format {
        Format::Protobuf => {
            assert!(
                names(ACCEPT, "application/vnd.google.protobuf") && names(ACCEPT, "io.prometheus.client")
            );
        }
        Format::OpenMetrics => assert!(names(ACCEPT, "application/") || names(ACCEPT, "*/*")),
        _ => {}
    }
    // Who refuses a body as it is can read another.
    assert!(!is_gzip || ["gzip", "*", "identity"].iter().any(|coding| names(ACCEPT_ENCODING, coding)));
    // What is malformed, or has no quality, changes nothing.
    let mut more = headers.clone();
    for malformed in ["application/openmetrics-text;q=2", "text/plain;q=", "application/", ";;,,", "x/y;q=0"]
    {
        more.append(ACCEPT, HeaderValue::from_static(malformed));
    }
    for malformed in ["gzip;q=1.0000", "identity;q=x", ";;,,"] {
        more.append(ACCEPT_ENCODING, HeaderValue::from_static(malformed));
    }
    assert_eq!(asked(&more), (format, is_gzip));
}

/// The format and whether it was compressed, once the page was read by that.
fn asked(headers: &HeaderMap) -> (Format, bool) {
    let registry = Registry::new();
    registry.collector(|out: &mut Collect<'_>| out.gauge("planted", "Planted.", &[("one", "1")], 1_u64));
    let mut request = Request::new(());
    request.headers_mut().clone_from(headers);
    let response = pin!(ScrapeService::of(&registry).call(request));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = response.poll(&mut context) else { panic!("it is made at once") };
    assert_eq!(response.status(), StatusCode::OK);
    let (head, body) = response.into_parts();
    let mut page = Vec::new();
    let mut body = pin!(body);
    while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
        page.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    let coding = head.headers.get(CONTENT_ENCODING).map(|coding| coding.to_str().unwrap());
    match coding {
        None => {}
        Some("gzip") => {
            let mut plain = Vec::new();
            GzDecoder::new(page.as_slice()).read_to_end(&mut plain).unwrap();
            page = plain;
        }
        Some(other) => panic!("coded as {other}"),
    }
    let kind = head.headers[CONTENT_TYPE].to_str().unwrap();
    let format = match kind.split(';').next().unwrap() {
        "text/plain" => Format::Text,
        "application/openmetrics-text" => Format::OpenMetrics,
        "application/vnd.google.protobuf" => Format::Protobuf,
        other => panic!("a page of {other}"),
    };
    let page = page::read(format, &page);
    assert!(page["planted"].series.iter().any(|labels| labels["one"] == "1"));
    (format, coding.is_some())
}
