//! All that was found, and all that the fuzzers begin with, over the same rules: on any toolchain.

use parsers::TARGETS;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
    files.sort();
    files
}

// Catches: whatever a target's rules do, by what once broke them, and by what is well-formed.
#[test]
fn every_input_that_is_kept() {
    let mut broken = Vec::new();
    for (name, target) in TARGETS {
        let seeds = files(&folder("seeds").join(name));
        assert!(!seeds.is_empty(), "{name} begins with nothing");
        for file in seeds.into_iter().chain(files(&folder("found").join(name))) {
            let data = fs::read(&file).expect("a file can be read");
            // Whole, and cut anywhere, as a stranger would.
            for end in (0..=data.len()).rev().step_by(1 + data.len() / 32) {
                if catch_unwind(|| target(&data[..end])).is_err() {
                    broken.push(format!("{} to {end}", file.display()));
                    break;
                }
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

// Catches: a target that libFuzzer is not given, or one that is none.
#[test]
fn every_target_is_fuzzed() {
    let names = TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    for place in ["fuzz_targets", "seeds"] {
        let found: Vec<_> = files(&folder(place))
            .iter()
            .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
            .collect();
        assert_eq!(found, names, "{place}");
    }
    let manifest = fs::read_to_string(folder("Cargo.toml")).expect("there is a manifest");
    let binaries: Vec<_> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .skip(1)
        .collect();
    assert_eq!(binaries, names);
    for name in names {
        let path = folder("fuzz_targets").join(format!("{name}.rs"));
        let text = fs::read_to_string(path).expect("it was found");
        assert!(text.contains(&format!("parsers::{name}(data)")), "{text}");
    }
}
