//! What the shop promises, and who is told when it does not keep it.

use observe_core::Builder;
use observe_core::slo::{Alerting, Slo};
use std::time::Duration;

/// The objective that is recorded by hand: receipts that are written.
pub(crate) const RECEIPTS: &str = "receipts";

/// Declares them. What is generated is made of this (`checkout generate DIR`); a copy of it is in `generated/`.
pub(crate) fn declare(builder: Builder, period: Duration) -> Builder {
    builder
        .slo(
            Slo::availability("charge", 99.9)
                .route("/charge")
                .method("POST")
                .window(period)
                .sla(99.5)
                .impact("Customers cannot pay.")
                .cause("Payment, or the bank behind it, does not answer.")
                .cause("The orders' database is locked or its disk is full.")
                .first_action("Look at what payment answers: the panel of dependencies."),
        )
        .slo(
            Slo::latency("charge-fast", 95.0, Duration::from_millis(500))
                .route("/charge")
                .method("POST")
                .window(period)
                .impact("Customers wait, and some go away.")
                .cause("The bank is slow."),
        )
        .slo(
            Slo::availability("payment", 99.5)
                .dependency("payment")
                .window(period)
                .owner("team-payment")
                // Customers feel it as `charge`, and that wakes somebody.
                .pages_on([])
                .impact("What is charged fails with it.")
                .first_action("Ask team-payment."),
        )
        .slo(
            Slo::events(RECEIPTS, 99.9)
                .window(period)
                .pages_on([])
                .impact("Customers have paid and have no receipt.")
                .first_action("Nothing is lost: write those that are missing once the database is well."),
        )
        .alerting(
            Alerting::new()
                .owner("team-shop")
                .runbooks("https://wiki.example.org/runbooks/{name}")
                .dashboard("https://grafana.example.org/d/checkout"),
        )
}
