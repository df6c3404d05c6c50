//! What the program prints, whole.

use std::process::Command;

#[test]
fn the_page_is_as_it_is_shown() {
    let output = Command::new(env!("CARGO_BIN_EXE_labels")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = String::from_utf8(output.stdout).unwrap();
    assert_eq!(page, include_str!("page.txt"));
}
