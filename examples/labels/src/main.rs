//! Which labels can a metric have, and what does it look like when one has too many values?

use observe_core::label::{LabelId, LabelSet, LabelValue};
use observe_core::metric::{Buckets, Counter, Family, Gauge, GaugeF64, Histogram, Summary};
use observe_core::{Format, Outcome, Registry, metric};
use std::io::{self, Write};
use std::time::Duration;

/// Closed: known when the program is built. Every series is there from the start, at 0.
#[derive(Clone, Copy, LabelValue)]
enum Payment {
    Card,
    #[label(rename = "bank transfer")]
    Transfer,
}

/// Open: known at run time. Born when first used, three of them at most, which is little: to see what comes then.
#[derive(Clone, Copy, LabelValue)]
#[label(open, max = 3)]
struct Tenant(LabelId);

#[derive(Clone, Copy, LabelSet)]
struct OrderLabels {
    payment: Payment,
    gift: bool,
}

#[derive(Clone, Copy, LabelSet)]
struct TenantLabels {
    tenant: Tenant,
    /// Without one the label is left out.
    payment: Option<Payment>,
}

#[metric]
static ORDERS: Family<OrderLabels, Counter> = Family::counter("orders_total", "Orders placed.");
#[metric]
static PAID: Family<TenantLabels, Counter> =
    Family::counter("paid_cents_total", "What tenants' customers paid.");
#[metric]
static OPEN: Family<(), Gauge> = Family::gauge("orders_open", "Orders that are not shipped yet.");
#[metric]
static FILLED: Family<(), GaugeF64> = Family::gauge_f64("van_filled_ratio", "How full the van is.");
#[metric]
static PACKING: Family<TenantLabels, Histogram> =
    Family::histogram("packing_seconds", "How long packing took.", Buckets::new(&[1.0, 60.0]));
#[metric]
static WEIGHT: Family<(), Summary> = Family::summary("parcel_weight_grams", "What parcels weigh.");

fn main() -> io::Result<()> {
    ORDERS.with(OrderLabels { payment: Payment::Card, gift: true }).inc();
    // A `String` is none: `OrderLabels { payment: name, … }` does not compile. It goes to the line, or is a `Tenant`.
    for (tenant, cents) in
        [("acme", 1_200), ("globex", 800), ("initech", 50), ("hooli", 70), ("umbrella", 30)]
    {
        let labels = TenantLabels { tenant: Tenant::from(tenant), payment: Some(Payment::Transfer) };
        PAID.with(labels).add(cents); // from the fourth on it is `_OTHER`: the sum stays right
    }
    let nobody_paid = TenantLabels { tenant: Tenant::from("acme"), payment: None };
    PACKING.with(nobody_paid).observe_duration(Duration::from_secs(40));
    OPEN.with(()).set(6);
    FILLED.with(()).set(0.75);
    for grams in [250.0, 300.0, 1_900.0] {
        WEIGHT.with(()).observe(grams);
    }

    let registry = Registry::with_statics();
    if std::env::args().any(|arg| arg == "audit") {
        // `Telemetry::audit` where there is one: what all this costs, and what labels would.
        let (audit, mut out) = (registry.audit(), io::stdout());
        write!(out, "{audit}")?;
        for cost in [
            audit.cost_of::<Outcome>("packing_seconds", "outcome"),
            audit.with_label("orders_total", "warehouse", 50),
            audit.with_label("orders_total", "customer", 100_000),
        ] {
            writeln!(out, "{}", cost.map_err(io::Error::other)?)?;
        }
        return Ok(());
    }
    let mut page = Vec::new();
    registry.encode(Format::Text, &mut page);
    io::stdout().write_all(&page)
}
