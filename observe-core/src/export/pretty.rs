//! Lines for people at a terminal. Made from the finished JSON lines, by the thread that writes them.

use std::fmt::{self, Write as _};

use serde_json::Value;

use crate::export::keys::Keys;

/// Hexadecimal digits of the trace id that are shown: enough to tell the traces on a screen apart.
const TRACE_DIGITS: usize = 8;

/// Makes `12:34:56.789012 INFO  shop::pay: payment authorised order.id=42 trace=4bf92f35` out of a JSON line.
///
/// Control characters, and those that turn the direction of text, are shown escaped: they may come from a
/// client. A further line of a message is indented.
pub(crate) struct Pretty {
    keys: Keys,
    colour: bool,
    text: String,
}

impl Pretty {
    pub(crate) fn new(keys: Keys, colour: bool) -> Self {
        Self { keys, colour, text: String::new() }
    }

    /// Appends the line in its human form. A line that is not one of ours is appended as it is.
    pub(crate) fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.text.clear();
        let Ok(Value::Object(members)) = serde_json::from_slice(line) else {
            out.extend_from_slice(line);
            return;
        };
        let text_of = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default();
        let keys = self.keys;
        let level = text_of(keys.level);
        let timestamp = text_of(keys.timestamp);
        // The date is known to those who watch.
        let time = timestamp.split_once('T').map_or(timestamp, |(_, time)| time.trim_end_matches('Z'));
        self.paint(DIM, time);
        self.text.push(' ');
        self.paint(self.level_colour(level), &format!("{level:<5}"));
        self.text.push(' ');
        self.paint(DIM, &format!("{}:", Shown(text_of(keys.target))));
        for (index, line) in text_of(keys.message).lines().enumerate() {
            self.text.push_str(if index == 0 { " " } else { "\n    | " });
            let _ = write!(self.text, "{}", Shown(line));
        }
        let known = keys.reserved();
        for (name, value) in &members {
            if known.contains(&name.as_str()) && *name != keys.truncated {
                continue;
            }
            self.text.push(' ');
            self.paint(DIM, &format!("{}=", Shown(name)));
            let _ = match value {
                Value::String(text) if is_plain(text) => write!(self.text, "{text}"),
                Value::String(text) => write!(self.text, "\"{}\"", Shown(text)),
                other => write!(self.text, "{other}"),
            };
        }
        if let Some(short) = text_of(keys.trace_id).get(..TRACE_DIGITS) {
            self.text.push(' ');
            self.paint(DIM, &format!("trace={}", Shown(short)));
        }
        self.text.push('\n');
        out.extend_from_slice(self.text.as_bytes());
    }

    fn paint(&mut self, code: &str, text: &str) {
        let _ = match self.colour {
            true => write!(self.text, "\x1b[{code}m{text}\x1b[0m"),
            false => write!(self.text, "{text}"),
        };
    }

    fn level_colour(&self, level: &str) -> &'static str {
        let at = self.keys.levels.iter().position(|text| *text == level);
        at.and_then(|at| LEVELS.get(at)).copied().unwrap_or(DIM)
    }
}

const DIM: &str = "2";
/// Red, yellow, green, blue, magenta: as tracing-subscriber has them.
const LEVELS: [&str; 5] = ["31", "33", "32", "34", "35"];

/// Text as it can be shown: a terminal obeys control characters, and a reader the direction.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.split_inclusive(is_hidden) {
            match part.chars().next_back() {
                Some(last) if is_hidden(last) => {
                    f.write_str(part.strip_suffix(last).unwrap_or_default())?;
                    write!(f, "{}", last.escape_default())?;
                }
                _ => f.write_str(part)?,
            }
        }
        Ok(())
    }
}

fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && !text.contains(|char: char| is_hidden(char) || char.is_whitespace() || char == '"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pretty(colour: bool, line: &str) -> String {
        let mut out = Vec::new();
        Pretty::new(Keys::DEFAULT, colour).line(line.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_made_readable() {
        let line = concat!(
            r#"{"timestamp":"2026-01-02T03:04:05.678901Z","level":"WARN","message":"no \u001b[31m room\nmore","#,
            r#""target":"shop","service.name":"s","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"1","#,
            r#""z":1,"a":1.0,"q":"two words","e":"\u202e\u200f","truncated":true}"#,
            "\n"
        );
        let expected = concat!(
            "03:04:05.678901 WARN  shop: no \\u{1b}[31m room\n    | more",
            " z=1 a=1.0 q=\"two words\" e=\"\\u{202e}\\u{200f}\" truncated=true trace=4bf92f35\n"
        );
        assert_eq!(pretty(false, line), expected);
        assert!(pretty(true, line).contains("\x1b[33mWARN \x1b[0m "));
    }

    // Mutation caught: returning before `extend_from_slice`.
    #[test]
    fn what_does_not_parse_is_shown_as_it_is() {
        for line in ["not json\n", "[1]\n", "{\"a\":\n", "\n"] {
            assert_eq!(pretty(true, line), line);
        }
        assert_eq!(pretty(false, "{}\n"), "       :\n");
    }
}
