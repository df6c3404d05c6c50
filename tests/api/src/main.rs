//! Holds the public interface of each crate, all features on, against `tests/api/CRATE.txt`: what is public changes on
//! purpose, in the same commit as that file. `cargo api` compares, `cargo api --renew` writes.
//!
//! What rustdoc says is unstable, but for one compiler always the same, and the workspace has one (`rust-version`): this
//! runs the rustdoc of that as if it were a nightly one.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const CRATES: [&str; 3] = ["observe-core", "observe-macros", "observe-tower"];

/// Set where this program stands in for rustdoc: nothing else of a build is to see that it may be unstable.
const AS_RUSTDOC: &str = "API_AS_RUSTDOC";

/// Of what the compiler derives for types by itself, this is nobody's concern; whether they are `Send` and `Sync` is.
const NOBODYS: [&str; 6] =
    ["Freeze", "RefUnwindSafe", "StructuralPartialEq", "Unpin", "UnsafeUnpin", "UnwindSafe"];

#[allow(clippy::print_stderr, reason = "it is a program for people")]
fn main() -> ExitCode {
    if let Some(rustdoc) = env::var_os(AS_RUSTDOC) {
        let status = Command::new(rustdoc).args(env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").status();
        return if status.is_ok_and(|status| status.success()) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let renew = env::args().nth(1).is_some_and(|argument| argument == "--renew");
    match run(renew) {
        Ok(changes) if changes.is_empty() => ExitCode::SUCCESS,
        Ok(changes) => {
            eprintln!(
                "{changes}\nThis is public and changed. Is it meant? Then: cargo api --renew, and CHANGELOG.md."
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What changed, for people.
fn run(renew: bool) -> Result<String, Box<dyn Error>> {
    let json = documented()?;
    let mut changes = String::new();
    for name in CRATES {
        let listed = listed(&json.join(format!("{}.json", name.replace('-', "_"))))?;
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.txt"));
        if renew {
            fs::write(&path, listed)?;
            continue;
        }
        let known = fs::read_to_string(&path)?;
        let [known, listed] = [&known, &listed].map(|text| text.lines().collect::<BTreeSet<_>>());
        for (sign, lines) in [('-', known.difference(&listed)), ('+', listed.difference(&known))] {
            lines.for_each(|line| changes.extend([&format!("{sign} "), *line, "\n"]));
        }
    }
    Ok(changes)
}

/// Where rustdoc's JSON is.
fn documented() -> Result<PathBuf, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from).join("api");
    let rustdoc = env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["doc", "-q", "--locked", "--no-deps", "--lib", "--all-features", "--target-dir"])
        .arg(&target);
    cargo.args(CRATES.iter().flat_map(|name| ["-p", name]));
    cargo.env("RUSTDOC", env::current_exe()?).env(AS_RUSTDOC, rustdoc);
    cargo.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints allow");
    let status = cargo.current_dir(&root).status()?;
    if status.success() { Ok(target.join("doc")) } else { Err(format!("cargo doc: {status}").into()) }
}

/// Every public item, sorted.
fn listed(json: &Path) -> Result<String, Box<dyn Error>> {
    let api = public_api::Builder::from_rustdoc_json(json).omit_blanket_impls(true).sorted(true).build()?;
    let is_nobodys = |line: &str| {
        line.starts_with("impl") && NOBODYS.iter().any(|name| line.contains(&format!("::{name} for ")))
    };
    let lines = api.items().map(ToString::to_string).filter(|line| !is_nobodys(line));
    Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
}
