//! What `#[observed]` refuses, and how it says it: each file of `ui_observed/` fails to compile with the text
//! beside it.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p observe-core --test ui_observed`, then read the diff.
#![cfg(feature = "macros")]

/// One build serves all cases. The texts are those of the workspace's `rust-version`: other compilers word
/// their part differently.
#[test]
fn refusals() {
    let cases = trybuild::TestCases::new();
    for case in ["options", "contradictions", "fields", "places", "types", "body"] {
        cases.compile_fail(format!("tests/ui_observed/{case}.rs"));
    }
}
