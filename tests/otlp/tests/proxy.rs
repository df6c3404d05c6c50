//! Collectors that are behind a proxy, of which the environment says where it is.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::process::Command;

use otlp_tests::Collector;
use otlp_tests::proxy::Proxy;
use otlp_tests::tls::Tls;

/// `ada:s@cret`, as Basic authentication has it.
const BASIC: &str = "Basic YWRhOnNAY3JldA==";

/// Runs a service with three requests, by HTTP.
fn service(variables: &[(&str, &str)]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_service"));
    let output = command.arg("3").env_clear().envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

fn value<'a>(head: &'a [(String, String)], name: &str) -> Option<&'a str> {
    head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

// Mutations caught: a proxy that is not asked, or not told where to, or by whom; the origin's form of a request sent to it.
#[test]
fn plain_requests_are_sent_on() {
    let collector = Collector::http();
    let proxy = Proxy::to(&collector);
    service(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.invalid:4318"),
        ("HTTP_PROXY", &format!("http://ada:s%40cret@{}", proxy.address)),
    ]);
    assert_eq!(collector.desk.spans().len(), 6);
    let head = &collector.desk.heads()[0];
    assert_eq!(value(head, ":path"), Some("http://collector.invalid:4318/v1/traces"));
    assert_eq!(value(head, "host"), Some("collector.invalid:4318"));
    assert_eq!(value(head, "proxy-authorization"), Some(BASIC));
    assert_eq!(proxy.heads().len(), 1, "{:?}", proxy.heads());
}

// Mutations caught: TLS that ends at the proxy; what is the proxy's told to the collector.
#[test]
fn encrypted_ones_go_through_a_tunnel() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(false);
    let [authority, ..] = tls.write(folder.path());
    let collector = Collector::https(&tls);
    let proxy = Proxy::to(&collector);
    service(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=secret"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", authority.to_str().unwrap()),
        ("https_proxy", &format!("http://ada:s%40cret@{}", proxy.address)),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ]);
    assert_eq!(collector.desk.spans().len(), 6);
    let head = &collector.desk.heads()[0];
    assert_eq!(value(head, ":path"), Some("/v1/traces"));
    assert_eq!((value(head, "api-key"), value(head, "proxy-authorization")), (Some("secret"), None));
    let heads = proxy.heads();
    let [asked] = &heads[..] else { panic!("{heads:?}") };
    assert!(asked.starts_with("CONNECT localhost:4318 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains(&format!("Proxy-Authorization: {BASIC}\r\n")), "{asked}");
    assert!(!asked.contains("secret"), "{asked}");
}

// Mutation caught: exceptions that are not looked at.
#[test]
fn exceptions_are_reached_directly() {
    let collector = Collector::http();
    let proxy = Proxy::to(&collector);
    service(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
        ("HTTP_PROXY", &format!("http://{}", proxy.address)),
        ("NO_PROXY", "example.com,127.0.0.0/8"),
    ]);
    assert_eq!(collector.desk.spans().len(), 6);
    assert!(proxy.heads().is_empty(), "{:?}", proxy.heads());
}
