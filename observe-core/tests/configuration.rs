//! Holds `docs/configuration.md` against the code. Catches: an option or a variable that is in one of them only.

#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page() -> String {
    fs::read_to_string(workspace().join("docs/configuration.md")).unwrap()
}

/// The first cells of the tables below a heading, without their backticks.
fn listed(page: &str, heading: &str) -> BTreeSet<String> {
    let start = page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    let part = page[start + 4..].split("\n## ").next().unwrap();
    let cells = part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(str::to_owned).collect()
}

/// The public functions of the first `impl` of a type.
fn functions(file: &str, of: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(workspace().join(file)).unwrap();
    let body = text.split(&format!("\nimpl {of} {{\n")).nth(1).unwrap().split("\n}\n").next().unwrap();
    let names = body.lines().filter_map(|line| {
        let line = line.strip_prefix("    pub ")?;
        line.strip_prefix("const ").unwrap_or(line).strip_prefix("fn ")?.split(['(', '<']).next()
    });
    names.map(str::to_owned).collect()
}

#[test]
fn every_option_is_on_the_page_and_no_other() {
    for (heading, file, of) in [
        ("`Builder`", "observe-core/src/telemetry/builder.rs", "Builder"),
        ("`ObserveLayer`", "observe-tower/src/layer.rs", "ObserveLayer"),
        ("`ObserveClientLayer`", "observe-tower/src/client/layer.rs", "ObserveClientLayer"),
        ("`MetricsBridge`", "observe-core/src/bridge.rs", "MetricsBridge"),
        ("`AdminBuilder`", "observe-tower/src/admin/builder.rs", "AdminBuilder"),
        ("`ScrapeService`", "observe-tower/src/scrape.rs", "ScrapeService"),
    ] {
        let functions = functions(file, of);
        assert!(!functions.is_empty(), "no function of {of}");
        assert_eq!(listed(&page(), heading), functions, "on the page, and in {file}");
    }
    for (file, of) in [
        ("observe-core/src/context/trust.rs", "Untrusted"),
        ("observe-tower/src/request_size.rs", "RequestSizeLayer"),
    ] {
        for name in functions(file, of) {
            assert!(page().contains(&format!("{of}::{name}")), "{of}::{name} is not on the page");
        }
    }
    for name in functions("observe-core/src/sampling.rs", "Sampling") {
        assert!(
            page().contains(&format!("Sampling::{name}")) || page().contains(&format!("`{name}`")),
            "{name}"
        );
    }
}

#[test]
fn every_variable_that_is_read_is_on_the_page_and_no_other() {
    let mut names = fs::read_to_string(workspace().join("observe-core/src/semconv.rs")).unwrap();
    for part in fs::read_dir(workspace().join("observe-core/src/semconv")).unwrap() {
        names += &fs::read_to_string(part.unwrap().path()).unwrap();
    }
    let mut read = BTreeSet::new();
    let mut folders = vec![workspace().join("observe-core/src"), workspace().join("observe-tower/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // What tests read is theirs.
            if path.ends_with("tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for start in ["env::var(", "env::var_os("] {
                for argument in text.split(start).skip(1).map(|after| after.split(')').next().unwrap()) {
                    if argument == "name" {
                        // One after the other of those that the file names.
                        read.extend(otel_variables(&names, &text));
                        continue;
                    }
                    let variable = argument.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                    read.insert(variable.map_or_else(|| constant(&names, argument), str::to_owned));
                }
            }
            assert!(!text.contains("env::vars"), "{} reads all variables", path.display());
        }
    }
    assert_eq!(listed(&page(), "Variables"), read, "on the page, and in the code");
}

/// Values of the constants of `semconv` that a file names, those that are variables.
fn otel_variables(names: &str, text: &str) -> BTreeSet<String> {
    let words = ["otel::", "semconv::"].into_iter().flat_map(|module| text.split(module).skip(1));
    let constants =
        words.map(|word| word.split(|char: char| !(char.is_ascii_uppercase() || char == '_')).next());
    let values = constants.flatten().filter(|name| name.len() > 1).map(|name| constant(names, name));
    values.filter(|value| value.starts_with("OTEL_")).collect()
}

fn constant(names: &str, path: &str) -> String {
    let name = path.rsplit("::").next().unwrap();
    let after =
        names.split(&format!("const {name}: &str = \"")).nth(1).unwrap_or_else(|| panic!("what is {path}?"));
    after.split('"').next().unwrap().to_owned()
}

#[test]
fn every_option_of_the_attributes_is_on_the_page() {
    let text = fs::read_to_string(workspace().join("observe-macros/src/lib.rs")).unwrap();
    let options = text.split("# Options").nth(1).unwrap();
    let options: Vec<&str> = options
        .lines()
        .filter_map(|line| line.strip_prefix("/// - `"))
        .map(|line| line.split([' ', '(', ',', '`']).next().unwrap())
        .map(|option| option.trim_end_matches(':'))
        .collect();
    assert!(options.len() > 10, "{options:?}");
    let page = page();
    let row = page.lines().find(|line| line.starts_with("| `#[observed(…)]` |")).unwrap();
    for option in options {
        assert!(row.contains(&format!("`{option}`")), "{option}");
    }
}
