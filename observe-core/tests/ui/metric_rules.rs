//! Names, help texts and buckets are checked when the program is built.
use observe_core::metric;
use observe_core::metric::{Buckets, Counter, Family, Gauge, Histogram, Unit};

#[metric]
static NO_TOTAL: Family<(), Counter> = Family::counter("orders", "Orders placed.");

#[metric(lazy)]
static LAZY: Family<(), Counter> = Family::counter("orders", "Orders placed.");

#[metric]
static DOTTED: Family<(), Counter> = Family::counter("orders.placed_total", "Orders placed.");

#[metric]
static EMPTY_HELP: Family<(), Counter> = Family::counter("empty_help_total", "");

#[metric]
static WRONG_UNIT: Family<(), Gauge> = Family::gauge("size_bytes", "A size.").unit(Unit::Seconds);

#[metric]
static FALLING: Family<(), Histogram> =
    Family::histogram("falling_seconds", "Falling buckets.", Buckets::new(&[0.2, 0.1]));

#[metric]
static ENDLESS: Family<(), Histogram> =
    Family::histogram("endless_seconds", "Buckets that are not finite.", Buckets::new(&[0.1, f64::INFINITY]));

fn main() {}
