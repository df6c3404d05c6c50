//! The fields in a rendered text, one by one.

use super::find_special;
use std::ops::Range;

/// One field of a [`Fields`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    /// Where it stands, comma included.
    pub(crate) range: Range<usize>,
    /// Its name, escaped.
    pub(crate) name: &'a str,
    /// Its value, as JSON.
    pub(crate) value: &'a str,
}

/// Walks over the text of a [`Fields`], which is of our own making: no field's value is an object or a list.
#[derive(Clone, Debug)]
pub(crate) struct Entries<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let start = self.at;
        let name_start = start + ",\"".len();
        let name_end = string_end(self.text, name_start)?;
        let value_start = name_end + "\":".len();
        let end = match self.text.as_bytes().get(value_start)? {
            b'"' => string_end(self.text, value_start + 1)? + 1,
            _ => {
                let rest = self.text.get(value_start..)?;
                value_start + rest.find(',').unwrap_or(rest.len())
            }
        };
        self.at = end;
        Some(Entry {
            range: start..end,
            name: self.text.get(name_start..name_end)?,
            value: self.text.get(value_start..end)?,
        })
    }
}

/// Where the quote is that ends the string whose inside starts at `at`.
pub(super) fn string_end(text: &str, mut at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    loop {
        at += find_special(bytes.get(at..)?)?;
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            _ => return Some(at),
        }
    }
}
