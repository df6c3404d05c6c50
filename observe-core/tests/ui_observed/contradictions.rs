//! Options that leave each other nothing to do.

use observe_core::observed;

#[observed(span = off, fields(a), level = "debug", target = "t", parent = None, ok_level = "info")]
fn of_the_span(a: u8) {
    let _ = a;
}

#[observed(buckets = [1.0], dependency = "d", lazy, metrics = off)]
fn of_the_metrics() {}

#[observed(span = off, metrics = off)]
fn of_everything() {}

#[observed(err(Debug), failure = |_| true)]
fn no_result() {}

#[observed(err(off))]
fn never() -> ! {
    panic!()
}

#[observed(ok_level = "info")]
async fn never_ready() -> ! {
    panic!()
}

fn main() {
    of_the_span(1);
    of_the_metrics();
    of_everything();
    no_result();
    let _ = never_ready();
    never();
}
