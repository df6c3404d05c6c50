//! A few rounds against each service. Longer ones: `cargo run --release -p hostile`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use hostile::{Plan, Target};
use std::path::Path;

const PLAN: Plan = Plan { rounds: 6, until_flat: true, requests: 8_000 };

// Mutations caught: a quote or a line feed that is not escaped in a line; the query on it; a method or a call's path of the
// client's as a label; a request that was left and is counted twice, or never leaves the gauge; 200 bytes, or a descriptor,
// that each request leaves behind.
fn attack(target: Target) {
    let books = hostile::run(target, PLAN, |_, _| ()).unwrap();
    assert!(books.arrived() >= PLAN.requests * 2 && books.refused > 300, "{books:?}");
}

#[test]
fn checkout_under_attack() {
    attack(Target::checkout(Path::new(env!("CARGO_BIN_EXE_hostile-checkout"))));
}

#[test]
fn smallest_axum_under_attack() {
    attack(Target::smallest_axum(Path::new(env!("CARGO_BIN_EXE_hostile-smallest-axum"))));
}

#[test]
fn smallest_hyper_under_attack() {
    attack(Target::smallest_hyper(Path::new(env!("CARGO_BIN_EXE_hostile-smallest-hyper"))));
}

#[test]
fn exposed_under_attack() {
    attack(Target::exposed(Path::new(env!("CARGO_BIN_EXE_hostile-exposed"))));
}
