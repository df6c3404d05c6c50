//! An installation that is refused leaves everything as it was. In a process of its own: what is global stays.

use observe_core::{Format, Registry, Telemetry};
use std::io;
use tracing::subscriber::NoSubscriber;

// Mutation caught: a registry that is written to before the last thing that can be refused.
#[test]
fn a_registry_can_be_used_again_after_a_refusal() {
    tracing::subscriber::set_global_default(NoSubscriber::new()).unwrap();
    let registry = Registry::new();
    let builder = || Telemetry::builder("test").registry(registry.clone()).log_writer(io::sink());
    let page = || {
        let mut out = Vec::new();
        registry.encode(Format::Text, &mut out);
        out
    };
    let before = page();
    let error = builder().install().unwrap_err();
    assert!(error.is_already_installed(), "{error}");
    assert!(error.to_string().contains("install_without_subscriber"), "{error}");
    assert_eq!(page(), before);

    let telemetry = builder().install_without_subscriber().unwrap();
    assert_ne!(page(), before);
    assert!(builder().install_without_subscriber().unwrap_err().is_already_installed());
    telemetry.shutdown(std::time::Duration::from_secs(10)).unwrap();
}
