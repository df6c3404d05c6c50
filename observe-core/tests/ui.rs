//! What the macros refuse, and how they say it: each file of `ui/` fails to compile with the text beside it.
//!
//! After a change of wording: `TRYBUILD=overwrite cargo test -p observe-core --test ui`, then read the diff.
#![cfg(feature = "macros")]

/// One build serves all cases. The texts are those of the workspace's `rust-version`: other compilers word
/// their part differently.
#[test]
fn refusals() {
    let cases = trybuild::TestCases::new();
    for case in [
        "label_enum",
        "label_open",
        "label_set",
        "label_set_copy",
        "label_set_names",
        "label_set_space",
        "label_types",
        "metric_place",
        "metric_rules",
    ] {
        cases.compile_fail(format!("tests/ui/{case}.rs"));
    }
}
