//! Text escaped for a JSON string: bounded, and safe against what formats itself.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use super::special::{find_special, is_clean};
use crate::catch::{catch, depth};

/// The longest value, in bytes of rendered text; a longer one is cut, and ends in [`CUT`].
pub(crate) const VALUE_MAX: usize = 16 * 1024;

/// Ends a value that was cut.
pub(crate) const CUT: &str = "…";

/// How deep what is formatted may log values that are formatted, counted with all else whose panics are caught: one that
/// logs itself would never end.
pub(crate) const NESTED_MAX: u32 = 8;

/// Stands for a value that lies deeper.
const NESTED: &str = "<nested>";

/// Stands for a value whose `Debug` or `Display` panicked.
const PANICKED: &str = "<panicked>";

/// Ends a value whose `Debug` or `Display` answered with an error.
const FAILED: &str = "<error>";

/// The inside of a JSON string: escaped, and at most 16 KiB (a longer text is cut at a character's
/// boundary, ends in `…`, and the line says so).
///
/// Meant to be reused: [`clear`](Self::clear) keeps the memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    escaped: String,
    cut: bool,
}

impl Text {
    /// An empty text, which owns no memory yet.
    #[must_use]
    pub(crate) const fn new() -> Self {
        Self { escaped: String::new(), cut: false }
    }

    /// Empties it, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.escaped.clear();
        self.cut = false;
    }

    /// Replaces the text.
    pub(crate) fn set(&mut self, text: &str) {
        self.clear();
        self.cut = push_escaped(&mut self.escaped, text, VALUE_MAX);
        self.close();
    }

    /// Replaces the text by what is formatted. If formatting panics, the text says so.
    pub(crate) fn set_formatted(&mut self, value: fmt::Arguments<'_>) {
        match value.as_str() {
            Some(text) => self.set(text),
            None => self.set_with(|out| out.write_fmt(value)),
        }
    }

    /// Replaces the text by `value`'s `Debug`. If that panics, the text says so.
    pub(crate) fn set_debug(&mut self, value: &dyn fmt::Debug) {
        self.set_with(|out| write!(out, "{value:?}"));
    }

    /// Replaces the text by an error's message and those of its causes. If formatting panics, the text says so.
    pub(crate) fn set_error(&mut self, error: &dyn Error) {
        self.set_with(|out| write_error(out, error));
    }

    fn set_with(&mut self, write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) {
        self.clear();
        // One deeper than the fields of its line: mostly its words are the code's own.
        self.cut = push_formatted(&mut self.escaped, VALUE_MAX, NESTED_MAX + 1, write);
        self.close();
    }

    fn close(&mut self) {
        if self.cut {
            self.escaped.push_str(CUT);
        }
    }

    /// As it stands between the quotes of a JSON string.
    #[must_use]
    pub(crate) fn escaped(&self) -> &str {
        &self.escaped
    }

    /// As it was before escaping.
    #[must_use]
    pub(crate) fn plain(&self) -> Cow<'_, str> {
        unescaped(&self.escaped)
    }

    /// Whether it was too long and was cut.
    #[must_use]
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }
}

/// How many causes of an error are written: a chain may be a circle.
const CAUSES_MAX: usize = 16;

/// Writes an error's message and those of its causes, `: ` between them.
pub(crate) fn write_error(out: &mut dyn fmt::Write, error: &dyn Error) -> fmt::Result {
    write!(out, "{error}")?;
    let mut cause = error.source();
    for _ in 0..CAUSES_MAX {
        let Some(error) = cause else { break };
        write!(out, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}

/// Undoes the escaping of a JSON string's inside; text that is not of our making is left as it is.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    match serde_json::from_str(&format!("\"{text}\"")) {
        Ok(plain) => Cow::Owned(plain),
        Err(_) => Cow::Borrowed(text),
    }
}

/// `text` as it stands between the quotes of a JSON string.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if is_clean(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    push_escaped(&mut out, text, usize::MAX);
    Cow::Owned(out)
}

/// Appends `text`, escaped, until `out` is `limit` bytes long. Answers whether it was cut.
pub(crate) fn push_escaped(out: &mut String, text: &str, limit: usize) -> bool {
    // Most texts are short, and stand there as they are.
    if text.len() <= limit.saturating_sub(out.len()) && is_clean(text.as_bytes()) {
        out.push_str(text);
        return false;
    }
    push_piecewise(out, text, limit)
}

#[inline(never)]
fn push_piecewise(out: &mut String, text: &str, limit: usize) -> bool {
    let mut rest = text;
    loop {
        let clean = find_special(rest.as_bytes()).unwrap_or(rest.len());
        let room = limit.saturating_sub(out.len());
        if clean > room {
            out.push_str(&rest[..rest.floor_char_boundary(room)]);
            return true;
        }
        out.push_str(&rest[..clean]);
        let Some(&special) = rest.as_bytes().get(clean) else { return false };
        let mut long = *b"\\u0000";
        let escape = escape(special, &mut long);
        if escape.len() > room - clean {
            return true;
        }
        out.push_str(escape);
        rest = &rest[clean + 1..];
    }
}

/// Appends what `write` writes, escaped, until `out` is `limit` bytes long. Answers whether it was cut.
/// `write` is a user's code: it may panic, fail, or log lines of its own, whose values are formatted in turn, so `deep`.
pub(crate) fn push_formatted(
    out: &mut String,
    limit: usize,
    deep: u32,
    write: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result,
) -> bool {
    if depth() >= deep {
        out.push_str(NESTED);
        return false;
    }
    let start = out.len();
    let mut escaping = Escaping { out, limit, cut: false };
    let result = catch(|| write(&mut escaping));
    let cut = escaping.cut;
    match result {
        Some(Ok(())) => cut,
        Some(Err(fmt::Error)) => {
            if !cut {
                out.push_str(FAILED);
            }
            cut
        }
        None => {
            out.truncate(start);
            out.push_str(PANICKED);
            false
        }
    }
}

struct Escaping<'a> {
    out: &'a mut String,
    limit: usize,
    cut: bool,
}

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.cut {
            self.cut = push_escaped(self.out, text, self.limit);
        }
        // Ends the formatting of a value that is too long.
        if self.cut { Err(fmt::Error) } else { Ok(()) }
    }
}

fn escape(special: u8, long: &mut [u8; 6]) -> &str {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    match special {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'\t' => "\\t",
        _ => {
            long[4] = HEX[usize::from(special >> 4 & 0xf)];
            long[5] = HEX[usize::from(special & 0xf)];
            str::from_utf8(long).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // Mutation caught: leaving the backslash out of `find_special`; `tail` without its offset.
        #[test]
        fn escaping_is_what_serde_json_reads_back(text in ".{0,40}", noise in "[\\x00-\\x7f]{0,40}") {
            for text in [text.as_str(), noise.as_str()] {
                let mut out = String::new();
                prop_assert!(!push_escaped(&mut out, text, usize::MAX));
                let back: String = serde_json::from_str(&format!("\"{out}\"")).unwrap();
                prop_assert_eq!(&back, text);
                prop_assert_eq!(unescaped(&out), text);
            }
        }

        // Mutation caught: cutting at `room` instead of at a character's boundary (panics).
        #[test]
        fn a_cut_text_is_a_prefix(text in "[a-zé\"\\n\\x01日]{0,60}", limit in 0usize..80) {
            let mut out = String::new();
            let cut = push_escaped(&mut out, &text, limit);
            prop_assert!(out.len() <= limit);
            let back: String = serde_json::from_str(&format!("\"{out}\"")).unwrap();
            prop_assert!(text.starts_with(&back));
            prop_assert_eq!(cut, back.len() < text.len());
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let mut text = Text::new();
        text.set(&"é".repeat(VALUE_MAX));
        assert!(text.is_cut());
        assert!(text.escaped().ends_with("é…"));
        assert!(text.escaped().len() <= VALUE_MAX + CUT.len());
        text.set("short");
        assert!(!text.is_cut());
    }

    struct Rude(u8);

    impl fmt::Debug for Rude {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("part")?;
            match self.0 {
                0 => panic!("rude"),
                1 => Err(fmt::Error),
                _ => loop {
                    f.write_str("endless")?;
                },
            }
        }
    }

    // Mutation caught: no `catch_unwind`; `write_str` that answers Ok when full (never ends).
    #[test]
    fn rude_values_become_text() {
        let mut text = Text::new();
        text.set_debug(&Rude(0));
        assert_eq!(text.escaped(), "<panicked>");
        text.set_debug(&Rude(1));
        assert_eq!(text.escaped(), "part<error>");
        text.set_debug(&Rude(2));
        assert!(text.is_cut() && text.escaped().len() <= VALUE_MAX + CUT.len());
        text.set_formatted(format_args!("{}\n", 1));
        assert_eq!((text.escaped(), &*text.plain()), ("1\\n", "1\n"));
    }
}
