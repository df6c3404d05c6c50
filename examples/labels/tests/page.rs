//! What the program prints, whole.

use std::process::Command;

#[test]
fn the_page_is_as_it_is_shown() {
    let output = Command::new(env!("CARGO_BIN_EXE_labels")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(page, include_str!("page.txt"));
}

// Mutation caught: a guide that shows other figures than the program.
#[test]
fn the_guide_shows_its_audit() {
    let output = Command::new(env!("CARGO_BIN_EXE_labels")).arg("audit").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let audit = String::from_utf8(output.stdout).unwrap();
    assert!(
        include_str!("../../../docs/cardinality.md").contains(&format!("```text\n{audit}```\n")),
        "{audit}"
    );
}
