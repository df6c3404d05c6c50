//! YAML, as far as the generated files need it (YAML 1.2: block style, literal scalars, double-quoted scalars).

use std::fmt::Write as _;

/// A value of YAML.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    /// A text: quoted unless it is plain beyond doubt.
    Text(String),
    /// A text of several lines, kept as it is.
    Block(String),
    /// What is not quoted: a number, `true`.
    Bare(String),
    /// Names and values, in this order.
    Map(Vec<(String, Yaml)>),
    /// Values.
    List(Vec<Yaml>),
}

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Yaml::Text(text.into())
    }

    /// A text that is long: as a block of its own.
    pub(super) fn block(text: impl Into<String>) -> Self {
        Yaml::Block(text.into())
    }

    pub(super) fn bare(value: &impl ToString) -> Self {
        Yaml::Bare(value.to_string())
    }

    pub(super) fn map<K: Into<String>>(pairs: impl IntoIterator<Item = (K, Yaml)>) -> Self {
        Yaml::Map(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    pub(super) fn list(values: impl IntoIterator<Item = Yaml>) -> Self {
        Yaml::List(values.into_iter().collect())
    }

    /// The document, each line of `head` a comment above it.
    pub(super) fn document(&self, head: &str) -> String {
        // What ends a line to a reader of YAML ends the comment.
        let head = head.replace(|character| character != '\n' && !is_printable(character), " ");
        let mut out: String =
            head.lines().flat_map(|line| [if line.is_empty() { "#" } else { "# " }, line, "\n"]).collect();
        self.write(0, &mut out);
        if !out.ends_with('\n') {
            out.push('\n');
        }
        out
    }

    /// Behind a name or a dash, which stand at `indent`.
    fn write(&self, indent: usize, out: &mut String) {
        match self {
            Yaml::Text(text) => out.push_str(&scalar(text)),
            Yaml::Bare(text) => out.push_str(text),
            Yaml::Block(text) if !is_block(text) => out.push_str(&quoted(text)),
            Yaml::Block(text) => {
                out.push('|');
                // What ends without a line's end is to stay so.
                if !text.ends_with('\n') {
                    out.push('-');
                }
                for line in text.lines() {
                    out.push('\n');
                    if !line.is_empty() {
                        pad(indent, out);
                        out.push_str(line);
                    }
                }
            }
            Yaml::Map(pairs) if pairs.is_empty() => out.push_str("{}"),
            Yaml::List(values) if values.is_empty() => out.push_str("[]"),
            Yaml::Map(pairs) => {
                for (index, (name, value)) in pairs.iter().enumerate() {
                    if index > 0 {
                        begin(indent, out);
                    }
                    out.push_str(&scalar(name));
                    out.push(':');
                    let is_nested = matches!(value, Yaml::Map(inner) if !inner.is_empty())
                        || matches!(value, Yaml::List(inner) if !inner.is_empty());
                    if is_nested {
                        begin(indent + 2, out);
                    } else {
                        out.push(' ');
                    }
                    value.write(indent + 2, out);
                }
            }
            Yaml::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        begin(indent, out);
                    }
                    out.push_str("- ");
                    value.write(indent + 2, out);
                }
            }
        }
    }
}

fn begin(indent: usize, out: &mut String) {
    out.push('\n');
    pad(indent, out);
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

/// Whether a block of its own says exactly this.
fn is_block(text: &str) -> bool {
    !text.trim().is_empty()
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && text.chars().all(|character| character == '\n' || is_printable(character))
}

/// Whether it stands for itself, in a line. (The byte order mark is nothing inside of a text, and two of Unicode's end a line
/// to some readers.)
fn is_printable(character: char) -> bool {
    let is_special = matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    !is_special && !character.is_control()
}

/// Plain where nothing could take it for anything else.
fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b' '))
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"]
            .contains(&text.to_ascii_lowercase().as_str());
    // Between these quotes nothing is escaped, and nothing can be.
    let is_literal = text.contains(['"', '\\']) && !text.contains('\'') && text.chars().all(is_printable);
    match (is_plain, is_literal) {
        (true, _) => text.to_owned(),
        (_, true) => format!("'{text}'"),
        _ => quoted(text),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            other if !is_printable(other) => {
                // A `String` takes what it is given.
                let _ = write!(out, "\\u{:04x}", u32::from(other));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lists_and_names_nest() {
        let yaml = Yaml::map([
            (
                "groups",
                Yaml::list([Yaml::map([
                    ("name", Yaml::text("slo-charge")),
                    ("expr", Yaml::block("a\n  / b")),
                    ("labels", Yaml::map([("severity", Yaml::text("page"))])),
                    ("none", Yaml::list([])),
                ])]),
            ),
            ("count", Yaml::bare(&3)),
        ]);
        let expected = "# Generated.\ngroups:\n  - name: slo-charge\n    expr: |-\n      a\n        / b\n    labels:\n      severity: page\n    none: []\ncount: 3\n";
        assert_eq!(yaml.document("Generated."), expected);
    }

    // Mutations caught: a block that loses its last lines; a character that no reader takes; a comment that ends early.
    #[test]
    fn what_a_block_cannot_say_is_quoted() {
        for (text, expected) in [
            ("a\n", "|\na"),
            ("a\n\n", "\"a\\n\\n\""),
            (" a\nb", "\" a\\nb\""),
            ("a\r\nb", "\"a\\u000d\\nb\""),
            ("a\u{ffff}\nb", "\"a\\uffff\\nb\""),
        ] {
            assert_eq!(Yaml::block(text).document("").trim_end(), expected);
        }
        assert_eq!(Yaml::text("a").document("b\rc: d\ne"), "# b c: d\n# e\na\n");
    }

    // Mutation caught: a text that reads as something else.
    #[test]
    fn what_could_be_taken_for_something_else_is_quoted() {
        for (text, expected) in [
            ("page", "page"),
            ("no", "\"no\""),
            ("1", "\"1\""),
            ("30s", "\"30s\""),
            ("a: b", "\"a: b\""),
            ("say \"hi\"\n\\", "\"say \\\"hi\\\"\\n\\\\\""),
            ("up{job=\"a\\\"\"}", "'up{job=\"a\\\"\"}'"),
            ("it's \"so\"", "\"it's \\\"so\\\"\""),
            ("", "\"\""),
            ("a #b", "\"a #b\""),
            ("\u{1}", "\"\\u0001\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }
}
