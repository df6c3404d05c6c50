//! Errors of the compiler's, which point at what the user wrote.

use observe_core::metric::Buckets;
use observe_core::observed;

struct Opaque;

#[observed(err(Debug))]
fn no_debug() -> Result<(), Opaque> {
    Err(Opaque)
}

#[observed(err(Display))]
async fn no_display() -> Result<(), Opaque> {
    Err(Opaque)
}

#[observed(err(Debug))]
fn no_result() -> u8 {
    1
}

#[observed(parent = 5)]
fn no_parent() {}

#[observed(level = "info", ok_level = LEVEL)]
fn no_level() {}
const LEVEL: u8 = 1;

#[observed(buckets = [0.5, 0.5])]
fn buckets_stand_still() {}

#[observed(buckets = FALLING)]
fn buckets_fall() {}
const FALLING: Buckets = Buckets::new(&[1.0, 0.5]);

#[observed(buckets = 3)]
fn no_buckets() {}

fn main() {}

fn is_failure(code: &u8) -> bool {
    *code > 1
}

#[observed(failure = is_failure)]
fn an_answer() -> u8 {
    1
}

#[observed(failure = is_failure)]
fn another_error() -> Result<(), String> {
    Ok(())
}
