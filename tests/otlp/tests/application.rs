//! What the exporter is built of leaves the application's own clients and its TLS alone.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::time::Duration;

use observe_core::testing::Captured;
use observe_core::{Otlp, Sampling};
use otlp_tests::tls::Tls;
use otlp_tests::{Collector, PATIENCE};
use rustls::crypto::CryptoProvider;

// Mutation caught: a feature of reqwest that one of ours turns on for everybody: with `rustls-no-provider` an application
// that wants no TLS of it panics here.
#[test]
fn an_applications_reqwest_is_built_as_it_asked_for() {
    drop(reqwest::Client::new());
}

// Mutation caught: a provider that is installed for the whole process, or needed there.
#[test]
fn the_process_has_no_provider_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls::new(false);
    let [authority, ..] = tls.write(folder.path());
    let collector = Collector::https(&tls);
    for (otlp, is_understood) in [(Otlp::http(), true), (Otlp::grpc(), false)] {
        let otlp = otlp.endpoint(&collector.endpoint).certificate(&authority);
        let captured = Captured::with(|builder| builder.sampling(Sampling::always()).otlp(otlp));
        captured.run(|| captured.telemetry().operation("request").start().finish(observe_core::Outcome::Ok));
        let patience = if is_understood { PATIENCE } else { Duration::from_millis(500) };
        assert_eq!(captured.telemetry().shutdown(patience).is_ok(), is_understood);
        assert!(CryptoProvider::get_default().is_none());
    }
}
