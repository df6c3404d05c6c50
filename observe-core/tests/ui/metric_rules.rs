//! Names, help texts and buckets are checked when the program is built.
use observe_core::metric;
use observe_core::metric::{Counter, Family};

#[metric]
static NO_TOTAL: Family<(), Counter> = Family::counter("orders", "Orders placed.");

#[metric(lazy)]
static LAZY: Family<(), Counter> = Family::counter("orders", "Orders placed.");

#[metric]
static DOTTED: Family<(), Counter> = Family::counter("orders.placed_total", "Orders placed.");

#[metric]
static EMPTY_HELP: Family<(), Counter> = Family::counter("empty_help_total", "");

fn main() {}
