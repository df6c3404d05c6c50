//! A real collector, of somebody else's: rotel takes the spans, and hands them on to a collector of ours.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use otlp_tests::{Collector, PATIENCE, attribute};

/// Killed when dropped.
struct Rotel(Child);

impl Drop for Rotel {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address that nobody listens on, for now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// Whether it is there. In CI it must be.
fn installed() -> bool {
    let there = Command::new("rotel-agent").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "rotel-agent is not installed, and in CI it must be");
        // `eprintln!` is not seen of a test that passes.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: rotel-agent (`pip install rotel`, and its folder in PATH) is not installed"
        );
    }
    there
}

// Mutation caught: anything that a collector does not take for OTLP.
#[test]
fn spans_go_through_a_real_collector() {
    if !installed() {
        return;
    }
    let collector = Collector::http();
    let (http, grpc, folder) = (free(), free(), tempfile::tempdir().unwrap());
    let rotel = Command::new("rotel-agent")
        .args(["start", "--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
        .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
        .args(["--otlp-exporter-endpoint", &collector.endpoint, "--batch-timeout", "100ms"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let _rotel = Rotel(rotel.unwrap());
    let begun = Instant::now();
    while [&http, &grpc].into_iter().any(|address| TcpStream::connect(address).is_err()) {
        assert!(begun.elapsed() < PATIENCE, "rotel does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }

    let mut expected = 0;
    for (protocol, address) in [("http/protobuf", &http), ("grpc", &grpc)] {
        let status = Command::new(env!("CARGO_BIN_EXE_service"))
            .arg("100")
            .env_clear()
            .env("OTEL_SERVICE_NAME", format!("by {protocol}"))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{address}"))
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{protocol}");
        expected += 200;
        let begun = Instant::now();
        while collector.desk.spans().len() < expected {
            assert!(begun.elapsed() < PATIENCE, "{protocol}: {} of {expected}", collector.desk.spans().len());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let spans = collector.desk.spans();
    assert_eq!(spans.len(), expected);
    for step in spans.iter().filter(|span| span.name == "step") {
        let parent = spans.iter().find(|span| span.span_id == step.parent_span_id).unwrap();
        assert_eq!((parent.name.as_str(), &parent.trace_id), ("request", &step.trace_id));
        assert!(attribute(&step.attributes, "number").unwrap().starts_with("int "));
        assert_eq!(step.events.len(), 1);
    }
    let services = collector.desk.taken().into_iter().flat_map(|request| request.resource_spans);
    let mut names: Vec<_> = services
        .map(|spans| attribute(&spans.resource.unwrap().attributes, "service.name").unwrap())
        .collect();
    names.sort();
    names.dedup();
    assert_eq!(names, ["by grpc", "by http/protobuf"]);
}
