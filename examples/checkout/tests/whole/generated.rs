//! The files that are made of what checkout declares, as the repository keeps them.

use crate::support::installed;
use std::process::Command;

// Mutation caught: a declaration, or a generator, that was changed and the files were not.
#[test]
fn the_files_are_up_to_date() {
    let mut check = Command::new(env!("CARGO_BIN_EXE_checkout"));
    check.args(["generate", "generated", "--check"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let said = check.output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(
        said.status.success(),
        "{text}\nin examples/checkout: cargo run -p checkout -- generate generated"
    );
}

// Mutation caught: an exit that says success.
#[test]
fn what_differs_is_named_and_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let mut run = Command::new(env!("CARGO_BIN_EXE_checkout"));
        run.arg("generate").arg(folder.path()).args(args).output().unwrap()
    };
    assert!(run(&[]).status.success());
    let rules = folder.path().join("alertmanager.yaml");
    let text = std::fs::read_to_string(&rules).unwrap().replace("4h", "8h");
    std::fs::write(&rules, text).unwrap();
    let said = run(&["--check"]);
    assert_eq!(said.status.code(), Some(1));
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(text.contains("`alertmanager.yaml` differs from line"), "{text}");
}

// Mutation caught: a rule, or a test of one, that does not hold for what is declared here.
#[test]
fn the_programs_that_they_are_for_take_them() {
    for (program, args) in [
        ("promtool", &["check", "config", "prometheus.yaml"][..]),
        ("promtool", &["test", "rules", "rules_test.yaml"]),
        ("amtool", &["check-config", "alertmanager.yaml"]),
    ] {
        if !installed(program) {
            continue;
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/generated");
        let said = Command::new(program).args(args).current_dir(folder).output().unwrap();
        let (text, errors) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{program} {args:?}: {text}{errors}");
    }
}
