//! A real collector, of somebody else's: rotel takes traces and metrics of the three services, and hands them on to one of
//! ours.

use crate::support::{Other, Running, charge, installed, wait_for};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use otlp_tests::{Collector, attribute};
use std::collections::BTreeSet;
use std::net::{TcpListener, TcpStream};
use std::process::Command;

/// An address that nobody listens on, for now.
fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The services, and the names of the spans, that a collector was given.
fn arrived(collector: &Collector) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut services, mut names) = <(BTreeSet<_>, BTreeSet<_>)>::default();
    for resource in collector.desk.taken().into_iter().flat_map(|request| request.resource_spans) {
        services.extend(attribute(&resource.resource.unwrap().attributes, "service.name"));
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        names.extend(spans.map(|span| span.name));
    }
    (services, names)
}

/// The services whose requests were counted, with an exemplar, in what was pushed.
fn counted(collector: &Collector) -> BTreeSet<String> {
    let mut services = BTreeSet::new();
    for resource in collector.desk.pushes().into_iter().flat_map(|request| request.resource_metrics) {
        let mut metrics = resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics);
        let has_exemplar = |metric: Metric| match metric.data {
            Some(Data::Histogram(of)) if metric.name == "http.server.request.duration" => {
                of.data_points.iter().any(|point| point.count > 0 && !point.exemplars.is_empty())
            }
            _ => false,
        };
        if metrics.any(has_exemplar) {
            services.extend(attribute(&resource.resource.unwrap().attributes, "service.name"));
        }
    }
    services
}

// Caught by it: anything that a collector does not take for OTLP, over HTTP or over gRPC.
#[test]
fn traces_and_metrics_go_through_a_real_collector() {
    if !installed("rotel-agent") {
        return;
    }
    for protocol in ["http/protobuf", "grpc"] {
        let collector = Collector::http();
        let (http, grpc, folder) = (free(), free(), tempfile::tempdir().unwrap());
        let mut rotel = Command::new("rotel-agent");
        rotel
            .args(["start", "--otlp-http-endpoint", &http, "--otlp-grpc-endpoint", &grpc])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", &collector.endpoint, "--batch-timeout", "100ms"])
            .current_dir(folder.path());
        let _rotel = Other::start(&mut rotel, &folder.path().join("rotel.log"));
        for address in [&http, &grpc] {
            wait_for("rotel", || TcpStream::connect(address).is_ok().then_some(()));
        }

        let address = if protocol == "grpc" { grpc } else { http };
        let endpoint = format!("http://{address}");
        let environment = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_TRACES_SAMPLER", "always_on"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
        ];
        let running = Running::start_with(&["--load", "0"], &environment);
        assert_eq!(charge(running.checkout, "", "").unwrap().status, 201);
        assert_eq!(charge(running.checkout, "fail", "").unwrap().status, 502);
        running.end();
        let all = ["checkout", "inventory", "payment"].map(str::to_owned);
        let all = BTreeSet::from(all);
        wait_for(protocol, || (arrived(&collector).0 == all).then_some(()));
        wait_for(protocol, || (counted(&collector) == all).then_some(()));
        let (_, names) = arrived(&collector);
        for name in ["POST /charge", "POST /authorize", "POST /reserve", "checkout::shop::place"] {
            assert!(names.contains(name), "{protocol}: {names:?}");
        }
    }
}
