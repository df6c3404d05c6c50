//! Objectives about one host of many: in a process of its own, since its hosts use up the label.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use observe_core::http_client::OutgoingRequest;
use observe_core::slo::Slo;
use observe_core::testing::Captured;

// Mutations caught: a host that is `_OTHER` when its first call comes, and is judged by no objective; one that is declared
// with capital letters.
#[test]
fn an_objectives_host_is_judged_however_many_others_are_called_before() {
    let captured = Captured::with(|builder| {
        builder.slo(Slo::availability("bank", 99.0).server_address("Bank.example.org"))
    });
    let call = |host: &str| {
        let mut call =
            captured.telemetry().http_client().start(&OutgoingRequest::new("GET", "http", host, "/"));
        call.status(500);
        call.finish();
    };
    captured.run(|| {
        (0..1_000).for_each(|n| call(&format!("host{n}.example.org")));
        call("bank.example.org");
    });
    let bank = captured.telemetry().slo("bank").unwrap();
    assert_eq!((bank.events(), bank.bad()), (1, 1));
}
