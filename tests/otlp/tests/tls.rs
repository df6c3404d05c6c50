//! Collectors that are reached by TLS.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::time::Duration;

use observe_core::testing::Captured;
use observe_core::{Otlp, Sampling};
use otlp_tests::tls::Tls;
use otlp_tests::{Collector, PATIENCE};

/// Exports one span, and answers what came of it.
fn export(otlp: Otlp, patience: Duration) -> Result<(), observe_core::Error> {
    let captured = Captured::with(|builder| builder.sampling(Sampling::always()).otlp(otlp));
    captured.run(|| captured.telemetry().operation("request").start().finish(observe_core::Outcome::Ok));
    captured.telemetry().shutdown(patience)
}

fn each(tls: &Tls, test: impl Fn(&Collector, Otlp)) {
    for (collector, otlp) in [(Collector::https(tls), Otlp::http()), (Collector::grpcs(tls), Otlp::grpc())] {
        let otlp = otlp.endpoint(&collector.endpoint);
        test(&collector, otlp);
    }
}

// Mutations caught: the authorities of the system in the place of those that were named, or in addition to them; a
// certificate that is not checked.
#[test]
fn a_collector_is_checked_against_the_named_authority() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(false);
    let [authority, ..] = tls.write(folder.path());
    each(&tls, |collector, otlp| {
        export(otlp.clone().certificate(&authority), PATIENCE).unwrap();
        assert_eq!(collector.desk.spans().len(), 1);
        let error = export(otlp, Duration::from_millis(700)).unwrap_err();
        assert!(error.to_string().contains("1 spans were not delivered"), "{error}");
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        assert_eq!(collector.desk.spans().len(), 1);
    });
}

// Mutation caught: a client's certificate that is not shown.
#[test]
fn a_collector_is_shown_who_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(true);
    let [authority, certificate, key] = tls.write(folder.path());
    each(&tls, |collector, otlp| {
        let otlp = otlp.certificate(&authority);
        export(otlp.clone().client_certificate(&certificate, &key), PATIENCE).unwrap();
        assert_eq!(collector.desk.spans().len(), 1);
        export(otlp, Duration::from_millis(700)).unwrap_err();
        assert_eq!(collector.desk.spans().len(), 1);
    });
}

// Mutation caught: a file that is wrong found out with the first export, or never.
#[test]
fn a_wrong_file_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let [authority, certificate, key] = Tls::new(false).write(folder.path());
    let other = Tls::new(false).write(tempfile::tempdir().unwrap().keep().as_path());
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for otlp in [Otlp::http(), Otlp::grpc()] {
        let otlp = otlp.endpoint("https://localhost:1");
        for wrong in [
            otlp.clone().certificate(&empty),
            otlp.clone().certificate(&authority).client_certificate(&certificate, &empty),
            otlp.clone().certificate(&authority).client_certificate(&empty, &key),
            otlp.clone().certificate(&authority).client_certificate(&certificate, &other[2]),
        ] {
            let error = observe_core::Telemetry::builder("shop").otlp(wrong.clone()).build().unwrap_err();
            assert!(error.is_invalid(), "{wrong:?}: {error}");
        }
    }
}
