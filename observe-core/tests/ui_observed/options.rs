//! Options that there are not, or that are said in another way. The functions are there all the same.

use observe_core::observed;

#[observed(nmae = "x")]
fn mistyped() {}

#[observed(colour = "red")]
fn unknown() {}

#[observed("x")]
fn positional() {}

#[observed(skip(a), ret)]
fn of_instrument(_a: u8) {}

#[observed(name = "x", lazy, name = "y", lazy)]
fn twice() {}

#[observed(name = "", target = 1, dependency = f())]
fn texts() {}

#[observed(level = "loud")]
fn level_text() {}

#[observed(level = 6, ok_level = debug)]
fn level_number() {}

#[observed(span = on, metrics = false)]
fn on_or_off() {}

#[observed(span)]
fn off_of_what() {}

#[observed(err)]
fn err_alone() -> Result<(), ()> {
    Ok(())
}

#[observed(err(Pretty))]
fn err_pretty() -> Result<(), ()> {
    Ok(())
}

#[observed(name "x", lazy crate = a)]
fn punctuation() {}

fn main() {
    mistyped();
    unknown();
    positional();
    of_instrument(1);
    twice();
    texts();
    level_text();
    level_number();
    on_or_off();
    off_of_what();
    let _ = (err_alone(), err_pretty());
    punctuation();
}
