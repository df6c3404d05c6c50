//! What was counted before, as the repository keeps it.

use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::process::Command;

/// The file.
pub(crate) const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/baseline.txt");

/// By how much a path may change, of what it took before.
const TOLERANCE: f64 = 0.05;

const HEADING: &str = "\
# Instructions that one turn of each path takes: what CI compares with. A path that takes 5 % more or fewer fails it.
# Written by: cargo instructions --renew
";

/// What each path took, and by which tools.
#[derive(Default)]
pub(crate) struct Baseline {
    by: String,
    paths: BTreeMap<String, f64>,
}

impl Baseline {
    /// Reads the file; where there is none, nothing was counted before.
    pub(crate) fn read() -> Result<Self> {
        match std::fs::read_to_string(FILE) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Lines of `name = value`; those that begin with `#` are left out.
    fn parse(text: &str) -> Result<Self> {
        let mut baseline = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let wrong = || Error::other(format!("`{line}` is no line of it"));
            let (name, value) = line.split_once(" = ").ok_or_else(wrong)?;
            if name == "by" {
                value.clone_into(&mut baseline.by);
            } else {
                let instructions = value.parse().map_err(|_| wrong())?;
                baseline.paths.insert(name.to_owned(), instructions);
            }
        }
        Ok(baseline)
    }

    /// With these in the place of what they took before.
    pub(crate) fn renewed(mut self, counted: &[(&str, f64)]) -> Self {
        if counted.len() == crate::paths::ALL.len() {
            self.paths.clear();
        }
        self.by = tools();
        self.paths.extend(counted.iter().map(|(name, count)| ((*name).to_owned(), *count)));
        self
    }

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<()> {
        let text = self.text();
        print!("{text}");
        std::fs::write(FILE, text)
    }

    fn text(&self) -> String {
        let mut text = format!("{HEADING}by = {}\n", self.by);
        for (name, count) in &self.paths {
            text += &format!("{name} = {count:.1}\n");
        }
        text
    }

    /// Prints what was counted beside what was counted before, and says whether nothing changed by more than it may.
    /// With `all`, a path that is there no more is a change.
    pub(crate) fn compare(&self, counted: &[(&str, f64)], all: bool) -> bool {
        let (now, mut complaints) = (tools(), Vec::new());
        println!("| path | instructions | before | change |\n| --- | ---: | ---: | ---: |");
        for (name, count) in counted {
            let Some(before) = self.paths.get(*name) else {
                println!("| {name} | {count:.1} | | |");
                complaints.push(format!("{name} has no figure yet"));
                continue;
            };
            let change = count / before - 1.0;
            println!("| {name} | {count:.1} | {before:.1} | {:+.1} % |", change * 100.0);
            if change > TOLERANCE {
                complaints.push(format!("{name} takes more instructions than before"));
            } else if change < -TOLERANCE {
                complaints.push(format!("{name} takes fewer: the baseline is out of date"));
            }
        }
        let gone = |name: &&String| !counted.iter().any(|(known, _)| known == name);
        for name in self.paths.keys().filter(|name| all && gone(name)) {
            complaints.push(format!("{name} is a path no more"));
        }
        if now != self.by {
            println!("Those before are by {}, these by {now}: that alone may change them.", self.by);
        }
        if complaints.is_empty() {
            return true;
        }
        for complaint in complaints {
            println!("{complaint}");
        }
        println!("If it is meant to be so, in the same commit: cargo instructions --renew");
        false
    }
}

/// The compiler and Valgrind, as they name themselves.
fn tools() -> String {
    let version = |program: &str| {
        let said = Command::new(program).arg("--version").output().map(|output| output.stdout);
        String::from_utf8_lossy(&said.unwrap_or_default()).trim().to_owned()
    };
    format!("{}, {}", version("rustc"), version("valgrind"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn baseline() -> Baseline {
        Baseline::parse("# a remark\nby = them\nline = 1000.0\nspan = 200.5\n").unwrap()
    }

    // Mutation caught: the tolerance on one side only, a path passed over that is new or gone.
    #[test]
    fn what_changes_by_more_than_a_twentieth_is_told_either_way() {
        for (line, span, good) in [
            (1000.0, 200.5, true),
            (1049.0, 191.0, true),
            (1051.0, 200.5, false),
            (949.0, 200.5, false),
            (1000.0, 211.0, false),
        ] {
            let counted = [("line", line), ("span", span)];
            assert_eq!(baseline().compare(&counted, true), good, "{line}, {span}");
        }
        assert!(!baseline().compare(&[("line", 1000.0), ("span", 200.5), ("new", 1.0)], true));
        assert!(!baseline().compare(&[("line", 1000.0)], true));
        assert!(baseline().compare(&[("line", 1000.0)], false));
    }

    #[test]
    fn what_is_written_can_be_read() {
        let renewed = baseline().renewed(&[("line", 17.32)]);
        let read = Baseline::parse(&renewed.text()).unwrap();
        assert_eq!((read.paths["line"], read.paths["span"]), (17.3, 200.5));
        assert_eq!(read.by, tools());
        for bad in ["line", "line = many", "by: them"] {
            assert!(Baseline::parse(bad).is_err(), "{bad}");
        }
    }
}
