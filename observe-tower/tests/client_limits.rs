//! How many servers are kept apart: a process of its own, as the texts of labels are the process's.
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod support;

use http::{Request, Response};
use observe_tower::ObserveClientLayer;
use std::convert::Infallible;
use std::future::ready;
use support::{Observed, Steps};
use tower::{Layer, Service};

// Mutations caught: a series for each host that a client was told to ask, or for each of their ports.
#[tokio::test]
async fn servers_past_the_limit_are_other_and_their_ports_too() {
    let observed = Observed::new();
    let mut client =
        ObserveClientLayer::new(&observed.telemetry).layer(tower::service_fn(|_: Request<()>| {
            ready(Ok::<_, Infallible>(Response::builder().status(204).body(Steps::default()).unwrap()))
        }));
    for host in 0..1_000 {
        let url = format!("http://HOST-{host}.example:{}/", 1_000 + host % 100);
        client.call(Request::get(url).body(()).unwrap()).await.unwrap();
    }
    let calls = observed.calls();
    assert_eq!(calls.values().sum::<u64>(), 1_000);
    assert_eq!(calls.len(), 257);
    let (other, count) =
        calls.iter().find(|(labels, _)| labels.contains("server_address=\"_OTHER\"")).unwrap();
    assert!(other.contains("server_port=\"_OTHER\""), "{other}");
    assert_eq!(*count, 744);
    assert!(
        calls.keys().any(|labels| labels.contains("server_address=\"host-0.example\",server_port=\"1000\""))
    );
    let overflow = observed.series("observe_label_overflow_total");
    let metric = "metric=\"http_client_request_duration_seconds\",label=\"server_address\"";
    assert_eq!(overflow.get(metric), Some(&744), "{overflow:?}");
}
