//! How many instructions the hottest paths take, beside those of `baseline.txt`:
//! `cargo instructions [--renew | --keep] [PATH…]`.
//!
//! This program runs itself under Valgrind, once for each path, which counts what the function [`measured`] executes and
//! what it calls on the same thread. It needs `valgrind`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

mod baseline;
mod paths;
mod valgrind;

use crate::baseline::Baseline;
use std::process::ExitCode;

/// How often a path is gone while it is counted.
const TURNS: u64 = 1_000;

/// How often before: what is made once is there, and buffers have grown.
const WARM_UP: u64 = 2_000;

const HELP: &str = "\
cargo instructions [OPTION] [PATH…]
  (nothing)      count, and compare with benches/instructions/baseline.txt
  --renew        count, and write what was counted into it
  --keep         count, compare, and keep Callgrind's files for callgrind_annotate";

/// The only function whose instructions count.
#[inline(never)]
fn measured(work: &mut dyn FnMut(u64), turns: u64) {
    work(turns);
}

/// What runs under Valgrind: one path.
fn walk(name: &str) -> ExitCode {
    let Some((_, path)) = paths::ALL.iter().find(|(known, _)| *known == name) else {
        return ExitCode::FAILURE;
    };
    path();
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [walked, name] = arguments.as_slice()
        && walked == valgrind::WALK
    {
        return walk(name);
    }
    let (options, asked): (Vec<&str>, Vec<&str>) =
        arguments.iter().map(String::as_str).partition(|argument| argument.starts_with("--"));
    let unknown = asked.iter().find(|name| !paths::ALL.iter().any(|(known, _)| known == *name));
    let (renew, keep) = match options[..] {
        [] => (false, false),
        ["--renew"] => (true, false),
        ["--keep"] => (false, true),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(name) = unknown {
        let known: Vec<&str> = paths::ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("no path `{name}`; there are: {}\n{HELP}", known.join(", "));
        return ExitCode::FAILURE;
    }
    let mut counted = Vec::new();
    for (name, _) in paths::ALL {
        if asked.is_empty() || asked.contains(name) {
            match valgrind::count(name, keep) {
                Ok(instructions) => counted.push((*name, instructions as f64 / TURNS as f64)),
                Err(error) => {
                    eprintln!("{name}: {error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let outcome = Baseline::read().and_then(|before| match renew {
        true => before.renewed(&counted).write().map(|()| true),
        false => Ok(before.compare(&counted, asked.is_empty())),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", baseline::FILE);
            ExitCode::FAILURE
        }
    }
}
