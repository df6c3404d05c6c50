//! A service whose code says nothing of exports: what the environment makes of it.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::process::Command;

use otlp_tests::{Collector, attribute};

/// Runs the service, and answers its log.
fn service(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_service"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    let output = command.output().unwrap();
    let (log, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{log}{errors}");
    log
}

fn each(test: impl Fn(&Collector, &str)) {
    test(&Collector::http(), "http/protobuf");
    test(&Collector::grpc(), "grpc");
}

// Mutations caught: an endpoint that is not asked; a name that is not read; the first line that does not say it.
#[test]
fn an_endpoint_turns_it_on() {
    each(|collector, protocol| {
        let log = service(
            &["3"],
            &[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20secret"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_SERVICE_NAME", "shop"),
                ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
            ],
        );
        assert_eq!(collector.desk.spans().len(), 6);
        assert!(collector.desk.pushes().is_empty(), "nobody asked for metrics");
        assert!(log.contains(&format!("({protocol}) by OTEL_EXPORTER_OTLP_ENDPOINT")), "{log}");
        assert!(log.contains(r#""service.name":"shop""#), "{log}");
        let head = &collector.desk.heads()[0];
        assert!(head.contains(&("api-key".to_owned(), "a secret".to_owned())), "{head:?}");
        let taken = collector.desk.taken();
        let attributes = &taken[0].resource_spans[0].resource.as_ref().unwrap().attributes;
        assert_eq!(attribute(attributes, "service.name").as_deref(), Some("shop"));
        assert_eq!(attribute(attributes, "deployment.environment.name").as_deref(), Some("test"));
    });
}

// Mutations caught: a user in the address who is not shown to the collector, or is written to the log.
#[test]
fn a_user_in_the_address_is_who_asks() {
    let collector = Collector::http();
    let endpoint = collector.endpoint.replace("http://", "http://ada:s%40cret@");
    let log = service(&["3"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    assert_eq!(collector.desk.spans().len(), 6);
    // `ada:s@cret`, as Basic authentication has it.
    let authorization = ("authorization".to_owned(), "Basic YWRhOnNAY3JldA==".to_owned());
    let head = &collector.desk.heads()[0];
    assert!(head.contains(&authorization), "{head:?}");
    assert!(!log.contains("cret"), "{log}");
}

// Mutations caught: spans, lines or records of the exporter's own connection recorded: by the subscriber, by the layer, or
// of the `log` crate. One of them would be exported, and lead to another.
#[test]
fn the_exporter_is_not_observed() {
    for arguments in [&["5"][..], &["layer", "5"]] {
        each(|collector, protocol| {
            // By name: that is looked up on a thread of its own.
            let endpoint = collector.endpoint.replace("127.0.0.1", "localhost");
            let variables = [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_METRICS_EXPORTER", "otlp"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
                // One attempt after the other, while spans come.
                ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
                ("RUST_LOG", "trace"),
            ];
            let log = service(arguments, &variables);
            let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            for line in lines {
                let target = line["target"].as_str().unwrap().to_owned();
                let own = ["service", "observe"].iter().any(|own| target.split("::").next() == Some(own));
                assert!(own, "{arguments:?} {protocol}: {line}");
            }
            let mut names: Vec<_> = collector.desk.spans().into_iter().map(|span| span.name).collect();
            names.sort();
            assert_eq!(names, [["request"; 5], ["step"; 5]].concat(), "{arguments:?} {protocol}");
        });
    }
}

// Mutations caught: a variable that asks in vain; the last push left out; a protocol, an interval or a name that is not
// read.
#[test]
fn a_variable_pushes_metrics() {
    each(|collector, protocol| {
        let log = service(
            &["3"],
            &[
                ("OTEL_METRICS_EXPORTER", "otlp"),
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
                ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "api-key=secret"),
                ("OTEL_SERVICE_NAME", "shop"),
            ],
        );
        assert!(log.contains(&format!("({protocol}) by OTEL_METRICS_EXPORTER")), "{log}");
        let metrics = collector.desk.metrics();
        assert!(metrics.iter().any(|metric| metric.name == "operation_duration"), "{metrics:?}");
        assert_eq!((collector.desk.pushes().len(), collector.desk.spans().len()), (1, 0));
        assert!(collector.desk.heads()[0].contains(&("api-key".to_owned(), "secret".to_owned())));
        let pushes = collector.desk.pushes();
        let attributes = &pushes[0].resource_metrics[0].resource.as_ref().unwrap().attributes;
        assert_eq!(attribute(attributes, "service.name").as_deref(), Some("shop"));
    });
    let log = service(&["3"], &[("OTEL_METRICS_EXPORTER", "console")]);
    // In one piece; what the log's own thread has still to write may come after it.
    let page: Vec<_> = log.lines().skip_while(|line| !line.starts_with('#')).collect();
    let end = page.iter().position(|line| *line == "# EOF").unwrap_or_else(|| panic!("{log}"));
    assert!(page[..end].iter().any(|line| line.starts_with("operation_duration_seconds_count{")), "{log}");
    assert!(!page[..end].iter().any(|line| line.starts_with('{')), "{log}");
}

// Mutations caught: spans that are written to nowhere, or without their lines; colours or control characters.
#[test]
fn the_console_is_for_people() {
    let log = service(&["1"], &[("OTEL_TRACES_EXPORTER", "console"), ("OTEL_SERVICE_NAME", "shop")]);
    let spans: Vec<_> = log.lines().filter(|line| !line.starts_with('{')).collect();
    let [step, line, request] = &spans[..] else { panic!("{log}") };
    assert!(
        step.starts_with("span ") && step.contains(" internal step ") && step.contains(" number=0"),
        "{step}"
    );
    assert_eq!(*line, "    INFO service: half way");
    assert!(
        request.contains(" internal request ") && request.contains(" sampling.probability=1"),
        "{request}"
    );
    assert!(log.contains("spans to console by OTEL_TRACES_EXPORTER"), "{log}");
}

// Mutation caught: a wrong word that stops the service, or is passed over in silence.
#[test]
fn a_wrong_word_is_told_and_stops_nothing() {
    let log = service(&["1"], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")]);
    let told =
        "OTEL_EXPORTER_OTLP_ENDPOINT `collector:4318`: is an address that begins with http:// or https://";
    assert!(log.contains(told) && log.contains(r#""level":"WARN""#), "{log}");
    let log = service(&["1"], &[("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "console")]);
    assert!(log.contains("spans to nowhere by OTEL_SDK_DISABLED"), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
}
