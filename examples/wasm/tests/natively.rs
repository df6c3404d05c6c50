//! The same program natively; in WebAssembly `.ci/run` runs it.

use std::process::Command;

#[test]
fn it_finds_what_it_looks_for() {
    let output = Command::new(env!("CARGO_BIN_EXE_wasm")).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
