//! Memory that nobody can give back any more, as valgrind finds it when a service has ended.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use hostile::{Plan, Target};
use processes::installed;
use std::path::Path;

/// Ends with a status of its own if there is some.
const VALGRIND: [&str; 4] =
    ["valgrind", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=9"];

// Mutation caught: a request that forgets a `Vec`.
#[test]
fn a_service_that_was_attacked_and_ended_has_lost_no_memory() {
    if !installed("valgrind") {
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_hostile-smallest-axum"));
    let plan = Plan { rounds: 0, until_flat: true, requests: 400 };
    let books = hostile::run(Target::smallest_axum_by(&VALGRIND, program), plan, |_, _| ()).unwrap();
    assert!(books.arrived() > plan.requests, "{books:?}");
}
