//! Where `#[metric]` does not stand, and what it does not know.
use observe_core::metric;
use observe_core::metric::{Counter, Family};

#[metric]
const CONSTANT: Family<(), Counter> = Family::counter("constant_total", "A constant.");

#[metric]
static mut MUTABLE: Family<(), Counter> = Family::counter("mutable_total", "Mutable.");

#[metric]
fn function() {}

#[metric]
struct Struct;

#[metric(eager)]
static UNKNOWN: Family<(), Counter> = Family::counter("unknown_total", "Unknown option.");

#[metric(lazy, lazy)]
static TWICE: Family<(), Counter> = Family::counter("twice_total", "Option twice.");

#[metric(lazy = true)]
static VALUE: Family<(), Counter> = Family::counter("value_total", "Option with a value.");

#[metric]
static NO_HELP: Family<(), Counter> = Family::counter("no_help_total");

fn main() {
    function();
    UNKNOWN.inc();
    TWICE.inc();
}
