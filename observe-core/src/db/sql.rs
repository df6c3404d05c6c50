//! What of a statement may be said: its text without literals, what that comes to, and a summary.

mod dialect;
mod summary;
mod token;
mod writer;

pub(super) use dialect::Dialect;
pub(super) use summary::Summary;

use token::{Malformed, Tokens};
use writer::Writer;

/// The longest statement whose text is looked at, in bytes.
const MAX_STATEMENT: usize = 65_536;
/// The most of it that is told, in bytes.
pub(super) const MAX_TEXT: usize = 2_048;

/// What may be said of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) summary: Summary,
    /// Its text without its literals. `None`: it is malformed, or too long, and so nobody knows what of it is a literal.
    pub(super) text: Option<String>,
}

impl Statement {
    /// Reads it once. Nothing of a literal, of a comment, or of what might be one is in what comes out: where the text is
    /// not what the dialect allows, only a known keyword that it begins with is.
    pub(super) fn read(sql: &str, dialect: Dialect) -> Self {
        let (mut summary, mut writer) = (summary::Reader::new(), Writer::new(sql.len().min(MAX_STATEMENT)));
        let fits = sql.len() <= MAX_STATEMENT;
        for token in Tokens::new(if fits { sql } else { "" }, dialect) {
            match token {
                Ok(token) => {
                    summary.read(&token);
                    writer.write(&token);
                }
                Err(Malformed) => return Self { summary: summary.first_operation(), text: None },
            }
        }
        if !fits {
            return Self { summary: Summary::of_first_word(sql), text: None };
        }
        Self { summary: summary.finish(), text: Some(writer.finish()) }
    }

    /// What its text comes to: equal for statements that differ by literals, white space and comments only.
    pub(super) fn hash(&self) -> Option<u64> {
        self.text.as_ref().map(|text| fnv(text.as_bytes()))
    }
}

/// FNV-1a, of 64 bits: the same in every process and version.
pub(super) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
