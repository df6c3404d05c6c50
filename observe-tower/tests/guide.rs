//! Holds the links of the guides in rustdoc against those of the pages in `docs/`. Catches: a link to another page that leads
//! nowhere in the one or the other.
#![allow(clippy::unwrap_used, reason = "a test says by it what must be there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names of links that a text defines, if their targets are pages.
fn defined<'a>(lines: impl Iterator<Item = &'a str>, is_page: fn(&str) -> bool) -> BTreeSet<&'a str> {
    let definition = |line: &'a str| line.strip_prefix('[')?.split_once("]: ");
    lines.filter_map(definition).filter(|(_, target)| is_page(target)).map(|(name, _)| name).collect()
}

#[test]
fn links_between_pages_are_there_in_both() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = fs::read_to_string(root.join("src/guide.rs")).unwrap();
    let mut pages = 0;
    for part in guide.split("pub mod ") {
        let Some((_, file)) = part.split_once("include_str!(\"../docs/") else { continue };
        let file = file.split('"').next().unwrap();
        let page = fs::read_to_string(root.join("docs").join(file)).unwrap();
        let there = part.lines().filter_map(|line| line.strip_prefix("#[doc = \""));
        let there = defined(there, |target| target.starts_with("self::"));
        assert_eq!(
            there,
            defined(page.lines(), |target| target.contains(".md")),
            "in the guide, and in {file}"
        );

        let mut before = "";
        for line in page.lines() {
            let is_bare = line.split("](").skip(1).any(|to| to.split(')').next().unwrap().contains(".md"));
            assert!(!is_bare, "a link that has no name: {file}: {line}");
            let is_definition = |line: &str| line.starts_with('[') && line.contains("]: ");
            let is_seen = before.is_empty() || is_definition(before);
            assert!(!is_definition(line) || is_seen, "a part of the paragraph before it: {file}: {line}");
            before = line;
        }
        pages += 1;
    }
    assert!(pages > 10, "{pages} pages");
}
