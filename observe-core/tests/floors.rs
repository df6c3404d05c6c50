//! The floors of the house: a file imports only from lower floors, and on its own floor from files named
//! before it. Catches: any `use crate::…` that points up.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file of the crate, from the ground up: the folder and the file of one noun count as one.
const FLOORS: &[(&str, &[&str])] = &[
    ("ground", &["catch", "clock", "counting", "error", "figures", "semconv", "sync"]),
    ("values", &["context", "outcome", "label", "metric", "redaction", "sensitive", "fields", "record"]),
    (
        "policy",
        &[
            "filter",
            "catalogue",
            "registry",
            "red",
            "sampling",
            "log_sampling",
            "recorder",
            "traces",
            "http_metrics",
            "readiness",
            "http_answer",
            "slo",
        ],
    ),
    (
        "edges in",
        &[
            "watch",
            "hub",
            "bridge",
            "pool",
            "scratch",
            "cause",
            "handover",
            "trace",
            "span",
            "otel",
            "slab",
            "door",
            "in_flight",
            "current",
            "request",
            "usage",
            "function",
            "operation",
            "panics",
            "future",
            "task",
            "observed",
            "subscriber",
            "levels",
            "http_stream",
            "stream_guard",
            "http_client",
            "db",
            "genai",
            "http_server",
        ],
    ),
    ("edges out", &["export", "inspect", "audit", "burn_watch", "signals", "collect"]),
    ("roof", &["telemetry", "generate", "testing", "lib"]),
];

fn rank(noun: &str) -> Option<usize> {
    FLOORS.iter().flat_map(|(_, nouns)| nouns.iter()).position(|known| *known == noun)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// The first path segment of every `crate::…` in the code, doc comments left out.
fn imports(text: &str) -> Vec<String> {
    let mut nouns = Vec::new();
    for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            let noun: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            nouns.push(noun);
        }
    }
    nouns
}

#[test]
fn imports_go_down_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "the sources are not where they were: {files:?}");

    let mut wrong = Vec::new();
    let mut seen = BTreeMap::new();
    for file in files {
        let inner = file.strip_prefix(&root).unwrap();
        let noun = inner.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        let Some(here) = rank(&noun) else {
            wrong.push(format!("{}: has no floor", inner.display()));
            continue;
        };
        *seen.entry(noun.clone()).or_insert(0) += 1;
        if noun == "lib" {
            continue;
        }
        for import in imports(&fs::read_to_string(&file).unwrap()) {
            match rank(&import) {
                // The types of a derive or a macro of our own, re-exported at the root.
                None if import == "__private" => {}
                None => wrong.push(format!("{}: `crate::{import}` has no floor", inner.display())),
                Some(there) if there > here => {
                    wrong.push(format!("{}: imports `{import}`, which lies above it", inner.display()));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (floor, nouns) in FLOORS {
        for noun in *nouns {
            assert!(seen.contains_key(*noun), "`{noun}` on floor `{floor}` is no file any more");
        }
    }
}

// Mutation caught: a noun that is taken in here and not on the page, which then says another house.
#[test]
fn the_page_says_the_same() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    let page = fs::read_to_string(page).unwrap();
    for (floor, nouns) in FLOORS {
        let row = page.lines().find_map(|line| line.strip_prefix(&format!("| {floor} | ")));
        let cell = row.and_then(|row| row.split(" |").next()).unwrap_or_else(|| panic!("no floor `{floor}`"));
        let said: Vec<&str> = cell.split_whitespace().map(|noun| noun.trim_matches('`')).collect();
        assert_eq!(said, *nouns, "floor `{floor}` on the page, and here");
    }
}

#[test]
fn what_counts_as_an_import() {
    assert_eq!(
        imports("use crate::clock::Tick;\n    let x = crate::hub::f(crate::label::g());"),
        ["clock", "hub", "label"]
    );
    assert!(imports("/// [`crate::telemetry`]\n//! crate::lib").is_empty());
}
