//! The scrape service, as a scraper sees it: over a socket, and mounted in axum.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use axum::Router;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use observe_core::{Registry, Telemetry};
use observe_tower::{ScrapeBody, ScrapeService};
use std::collections::HashMap;
use std::io::Read;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What came over the socket.
struct Answer {
    status: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// Sends one request to a server that has the service and nothing else.
async fn ask(service: ScrapeService, method: &str, headers: &[(&str, &str)]) -> Answer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service);
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    });
    let mut request = format!("{method} /metrics HTTP/1.1\r\nhost: here\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().to_owned();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.counter::<()>("lines_total", "Lines written.").unwrap().inc();
    registry
}

#[tokio::test]
async fn text_unless_asked_otherwise() {
    let answer = ask(ScrapeService::of(&registry()), "GET", &[]).await;
    assert_eq!(answer.status, "HTTP/1.1 200 OK");
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.headers["vary"], "Accept, Accept-Encoding");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["content-length"], answer.body.len().to_string());
    assert!(!answer.headers.contains_key("content-encoding"));
    assert!(answer.text().contains("\nlines_total 1\n"), "{}", answer.text());
    assert!(!answer.text().contains("# EOF"));
}

// Catches: the format chosen for the header but not for the body, or the other way round.
#[tokio::test]
async fn open_metrics_for_prometheus() {
    let answer = ask(ScrapeService::of(&registry()), "GET", &[("accept", PROMETHEUS)]).await;
    assert_eq!(answer.headers["content-type"], "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(answer.text().ends_with("# EOF\n"), "{}", answer.text());
}

// Catches: `Content-Encoding` without compression, the length of the page instead of that of the body.
#[tokio::test]
async fn compressed_when_asked() {
    let headers = [("accept", PROMETHEUS), ("accept-encoding", "gzip")];
    let answer = ask(ScrapeService::of(&registry()), "GET", &headers).await;
    assert_eq!(answer.headers["content-encoding"], "gzip");
    assert_eq!(answer.headers["content-length"], answer.body.len().to_string());
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut text).unwrap();
    assert!(text.contains("\nlines_total 1\n") && text.ends_with("# EOF\n"), "{text}");
}

// Catches: a body after HEAD (hyper would not send it, other servers may), or headers that differ from those of GET.
#[tokio::test]
async fn head_is_get_without_the_body() {
    let service = ScrapeService::of(&registry());
    for accept_encoding in ["identity", "gzip"] {
        let ask =
            |method| Request::builder().method(method).header("accept-encoding", accept_encoding).body(());
        let mut get = service.clone().oneshot(ask("GET").unwrap()).await.unwrap();
        let mut head = service.clone().oneshot(ask("HEAD").unwrap()).await.unwrap();
        // The page tells how long the one before it took: the lengths differ a little.
        let length = |answer: &mut Response<ScrapeBody>| {
            let length = answer.headers_mut().remove("content-length").unwrap();
            length.to_str().unwrap().parse::<u64>().unwrap()
        };
        assert_eq!(Some(length(&mut get)), get.body().size_hint().exact());
        assert!(length(&mut head) > 0);
        assert_eq!((head.status(), head.headers()), (get.status(), get.headers()));
        assert!(head.body().is_end_stream() && !get.body().is_end_stream());
        assert!(head.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
    let answer = self::ask(service, "HEAD", &[]).await;
    assert!(answer.body.is_empty() && answer.headers["content-length"] != "0");
}

#[tokio::test]
async fn other_methods_are_refused() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"] {
        let answer = ask(ScrapeService::of(&registry()), method, &[]).await;
        assert_eq!(answer.status, "HTTP/1.1 405 Method Not Allowed", "{method}");
        assert_eq!(answer.headers["allow"], "GET, HEAD");
        assert!(answer.body.is_empty());
    }
}

// Catches: a value that is counted while the service lives and not shown.
#[tokio::test]
async fn mounted_in_axum() {
    let registry = registry();
    let lines = registry.counter::<()>("more_total", "More.").unwrap();
    let app: Router = Router::new().route_service("/metrics", ScrapeService::of(&registry));
    for count in 1..=2 {
        lines.inc();
        let request = Request::get("/metrics").body(axum::body::Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(text.contains(&format!("\nmore_total {count}\n")), "{text}");
    }
    let request = Request::get("/elsewhere").body(axum::body::Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND);
}

// Catches: a scrape that takes no part in `observe_scrape_duration_seconds`, a second service that hides it.
#[tokio::test]
async fn its_own_time_is_measured() {
    let registry = registry();
    let first = ask(ScrapeService::of(&registry), "GET", &[]).await.text();
    assert!(first.contains("\nobserve_scrape_duration_seconds_count 0\n"), "{first}");
    let second = ask(ScrapeService::of(&registry), "GET", &[]).await.text();
    assert!(second.contains("\nobserve_scrape_duration_seconds_count 1\n"), "{second}");
}

// Catches: a scrape that counts as traffic of the layer around it.
#[tokio::test]
async fn being_scraped_is_not_traffic() {
    let telemetry = Telemetry::builder("test").build().unwrap();
    let service = ScrapeService::new(&telemetry);
    let ask = || service.clone().oneshot(Request::new(()));
    telemetry.operation("asked").start().instrument(async {}).await;
    telemetry.operation("scraped").start().instrument(ask()).await.unwrap();
    let page = ask().await.unwrap().into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    let count = |operation| {
        let line =
            format!("operation_duration_seconds_count{{operation=\"{operation}\",outcome=\"ok\"}} 1\n");
        page.contains(&line)
    };
    assert!(count("asked"), "{page}");
    assert!(!count("scraped"), "{page}");
}
