//! Counting with Valgrind's Callgrind.

use std::io::{Error, Result};
use std::path::Path;
use std::process::Command;

/// The argument by which the program is told that it runs under Valgrind.
pub(crate) const WALK: &str = "walk";

/// How many instructions the function [`measured`](crate::measured) executes on this path. With `keep`, Callgrind's file
/// stays and is named.
///
/// Nothing of the environment comes along: neither what configures the telemetry, nor its size, which moves the stack.
pub(crate) fn count(name: &str, keep: bool) -> Result<u64> {
    let program = std::env::current_exe()?;
    let file = program.with_file_name(format!("callgrind.{name}"));
    let mut valgrind = Command::new("valgrind");
    valgrind.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    valgrind.args(["--quiet", "--tool=callgrind", "--toggle-collect=instructions::measured"]);
    valgrind.arg(format!("--callgrind-out-file={}", file.display()));
    let done = valgrind.arg(&program).args([WALK, name]).output().map_err(|error| {
        Error::new(error.kind(), format!("valgrind does not start, is it installed? {error}"))
    })?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        return Err(Error::other(format!("valgrind: {}\n{said}", done.status)));
    }
    let total = total(&file)?;
    if keep {
        println!("callgrind_annotate {}", file.display());
    } else {
        std::fs::remove_file(&file)?;
    }
    Ok(total)
}

/// What the file says in all: `totals: 12345`.
fn total(file: &Path) -> Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let totals = text.lines().find_map(|line| line.strip_prefix("totals:"));
    // Nothing at all is a function that Callgrind did not find.
    totals.and_then(|total| total.trim().parse().ok()).filter(|total| *total > 0).ok_or_else(|| {
        Error::other(format!("{}: no instructions of `instructions::measured`", file.display()))
    })
}
