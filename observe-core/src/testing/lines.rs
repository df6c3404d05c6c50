//! Lines that were written.

use serde_json::Value;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Lines, in the order they were written: a slice of JSON objects.
///
/// Prints as lines.
#[derive(Clone)]
pub struct Lines {
    chosen: Vec<Value>,
    /// What they were chosen from, and by what.
    all: Arc<[Value]>,
    asked: String,
}

impl Lines {
    /// # Panics
    ///
    /// If one is no JSON.
    #[track_caller]
    pub(super) fn read(text: &str) -> Self {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let chosen: Vec<Value> = text.lines().map(read).collect();
        let all = chosen.clone().into();
        Self { chosen, all, asked: String::new() }
    }

    /// Those in which `key` is `value`.
    #[must_use]
    pub fn with(&self, key: &str, value: impl Into<Value>) -> Lines {
        let value = value.into();
        let asked = format!("{}{key} = {value}", self.asked_and(" and "));
        self.choose(asked, |line| line.get(key) == Some(&value))
    }

    /// Those that have no `key`.
    #[must_use]
    pub fn without(&self, key: &str) -> Lines {
        let asked = format!("{}no {key}", self.asked_and(" and "));
        self.choose(asked, |line| line.get(key).is_none())
    }

    fn choose(&self, asked: String, is_meant: impl Fn(&Value) -> bool) -> Lines {
        let chosen = self.chosen.iter().filter(|line| is_meant(line)).cloned().collect();
        Lines { chosen, all: Arc::clone(&self.all), asked }
    }

    fn asked_and(&self, and: &str) -> String {
        if self.asked.is_empty() { String::new() } else { self.asked.clone() + and }
    }

    /// The only one.
    ///
    /// # Panics
    ///
    /// If there is none, or more than one: with all lines.
    #[must_use]
    #[track_caller]
    pub fn one(&self) -> &Value {
        match &self.chosen[..] {
            [line] => line,
            lines => panic!("{} lines{}, not one; {}", lines.len(), self.condition(), self.there()),
        }
    }

    /// Nothing.
    ///
    /// # Panics
    ///
    /// If there is any: with all lines.
    #[track_caller]
    pub fn none(&self) {
        let lines = self.chosen.len();
        assert!(lines == 0, "{lines} lines{}, not none; {}", self.condition(), self.there());
    }

    fn condition(&self) -> String {
        if self.asked.is_empty() { String::new() } else { format!(" with {}", self.asked) }
    }

    fn there(&self) -> String {
        let lines: Vec<String> = self.all.iter().map(Value::to_string).collect();
        format!("there are {} in all:\n{}", lines.len(), lines.join("\n"))
    }
}

impl Deref for Lines {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.chosen
    }
}

impl IntoIterator for Lines {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.chosen.into_iter()
    }
}

impl<'a> IntoIterator for &'a Lines {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.chosen.iter()
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chosen.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
