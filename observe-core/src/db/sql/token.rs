//! The parts of a statement.

use super::dialect::{Dialect, Quoted, Sign};

/// A part of a statement. What is a literal has no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// White space, or a comment.
    Space,
    /// A keyword or a name.
    Word(&'a str),
    /// A name between marks, with them.
    Name(&'a str),
    /// A text, a number or the like.
    Literal,
    /// Where the value of a parameter goes.
    Placeholder(&'a str),
    Sign(char),
}

/// Nobody knows what of it is a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads a statement. Ends after the first error.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    dialect: Dialect,
    is_over: bool,
}

type Step<'a> = Result<Token<'a>, Malformed>;

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self { text, at: 0, dialect, is_over: false }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What was read since `start`.
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_while(&mut self, is: impl Fn(u8) -> bool) {
        while self.byte(0).is_some_and(&is) {
            self.at += 1;
        }
    }

    fn skip_over(&mut self, end: &str) -> Result<(), Malformed> {
        self.at += self.rest().find(end).ok_or(Malformed)? + end.len();
        Ok(())
    }

    fn is_in_name(&self, byte: u8) -> bool {
        is_word(byte) || matches!(byte, b'$' | b'#') && self.dialect.has_signs_in_names()
    }

    fn step(&mut self, first: u8) -> Step<'a> {
        let (dialect, next) = (self.dialect, self.byte(1));
        match first {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0c => {
                self.skip_while(|byte| byte.is_ascii_whitespace());
                Ok(Token::Space)
            }
            b'-' if next == Some(b'-') => {
                let is_bare = self.byte(2).is_some_and(|byte| !byte.is_ascii_whitespace());
                match dialect.bare_dashes() {
                    Sign::Doubtful if is_bare => Err(Malformed),
                    Sign::MeansNothing if is_bare => self.sign(),
                    _ => self.line_comment(),
                }
            }
            b'#' => match dialect.hash() {
                Sign::Means => self.line_comment(),
                Sign::Doubtful => Err(Malformed),
                Sign::MeansNothing if dialect.has_signs_in_names() => self.word(),
                Sign::MeansNothing => self.sign(),
            },
            b'/' if next == Some(b'*') => self.comment(),
            b'/' if next == Some(b'/') && dialect.has_double_slash() => Err(Malformed),
            b'\'' => self.literal(b'\'', dialect.backslash()),
            b'"' => self.quoted(b'"', dialect.double_quotes()),
            b'`' => self.quoted(b'`', dialect.backticks()),
            b'[' => self.quoted(b']', dialect.brackets()),
            b'0'..=b'9' => Ok(self.number()),
            b'.' if next.is_some_and(|byte| byte.is_ascii_digit()) => Ok(self.number()),
            b'$' => self.dollar(),
            b'?' => {
                self.at += 1;
                let start = self.at - 1;
                if dialect == Dialect::Sqlite {
                    self.skip_while(|byte| byte.is_ascii_digit());
                }
                Ok(Token::Placeholder(self.since(start)))
            }
            b':' | b'@' if next.is_some_and(|byte| is_word(byte) && !byte.is_ascii_digit()) => {
                let start = self.at;
                self.at += 1;
                self.skip_while(is_word);
                Ok(Token::Placeholder(self.since(start)))
            }
            _ if is_word(first) => self.word(),
            b'\\' => Err(Malformed),
            0x21..=0x7e => self.sign(),
            _ => Err(Malformed),
        }
    }

    fn sign(&mut self) -> Step<'a> {
        let sign = self.byte(0).ok_or(Malformed)?;
        self.at += 1;
        Ok(Token::Sign(char::from(sign)))
    }

    fn line_comment(&mut self) -> Step<'a> {
        let start = self.at;
        self.skip_while(|byte| byte != b'\n');
        self.comment_since(start)
    }

    /// With a mark in it, it may be the end of a text that is taken for a comment.
    fn comment_since(&self, start: usize) -> Step<'a> {
        if self.since(start).contains(['\'', '"', '`']) { Err(Malformed) } else { Ok(Token::Space) }
    }

    fn comment(&mut self) -> Step<'a> {
        let start = self.at;
        self.at += 2;
        let mut depth = 1;
        while depth > 0 {
            let rest = self.rest();
            let end = rest.find("*/").ok_or(Malformed)?;
            match (rest.find("/*").filter(|inner| *inner < end), self.dialect.nested_comments()) {
                (Some(_), Sign::Doubtful) => return Err(Malformed),
                (Some(inner), Sign::Means) => {
                    depth += 1;
                    self.at += inner + 2;
                }
                _ => {
                    depth -= 1;
                    self.at += end + 2;
                }
            }
        }
        self.comment_since(start)
    }

    /// From one mark to the next; two of them are one within.
    fn between(&mut self, end: u8, backslash: Sign) -> Result<(), Malformed> {
        self.at += 1;
        loop {
            self.skip_while(|byte| byte != end && byte != b'\\' && byte != 0);
            match (self.byte(0), self.byte(1)) {
                (Some(b'\\'), next) => match backslash {
                    Sign::Means => self.at += 2,
                    Sign::Doubtful if next == Some(end) || next == Some(b'\\') => return Err(Malformed),
                    _ => self.at += 1,
                },
                (Some(byte), Some(next)) if byte == end && next == end => self.at += 2,
                (Some(byte), next) if byte == end => {
                    self.at += 1;
                    // Else a mark within a text was taken for its end.
                    return if next.is_some_and(is_word) { Err(Malformed) } else { Ok(()) };
                }
                _ => return Err(Malformed),
            }
        }
    }

    fn literal(&mut self, end: u8, backslash: Sign) -> Step<'a> {
        self.between(end, backslash)?;
        Ok(Token::Literal)
    }

    fn quoted(&mut self, end: u8, what: Quoted) -> Step<'a> {
        let start = self.at;
        match what {
            Quoted::Nothing => self.sign(),
            Quoted::Literal => self.literal(end, self.dialect.backslash()),
            Quoted::Name => {
                self.between(end, Sign::MeansNothing)?;
                let name = self.since(start);
                // As with comments.
                if name.contains('\'') { Err(Malformed) } else { Ok(Token::Name(name)) }
            }
        }
    }

    fn number(&mut self) -> Token<'a> {
        loop {
            self.skip_while(|byte| is_word(byte) || byte == b'.');
            let before = self.at.checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
            let is_exponent = matches!(before, Some(b'e' | b'E'));
            let is_signed = matches!(self.byte(0), Some(b'+' | b'-'));
            if is_exponent && is_signed && self.byte(1).is_some_and(|byte| byte.is_ascii_digit()) {
                self.at += 1;
            } else {
                return Token::Literal;
            }
        }
    }

    fn dollar(&mut self) -> Step<'a> {
        let (start, dialect) = (self.at, self.dialect);
        self.at += 1;
        if self.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.skip_while(|byte| byte.is_ascii_digit());
            if self.byte(0).is_some_and(|byte| is_word(byte) || byte == b'$') {
                return Err(Malformed);
            }
            let placeholder = Token::Placeholder(self.since(start));
            return Ok(if dialect.has_dollar_numbers() { placeholder } else { Token::Literal });
        }
        self.skip_while(is_word);
        if self.byte(0) == Some(b'$') && dialect.has_dollar_quotes() {
            self.at += 1;
            let tag = self.since(start);
            self.skip_over(tag)?;
            return if self.byte(0).is_some_and(is_word) { Err(Malformed) } else { Ok(Token::Literal) };
        }
        let is_name = self.at > start + 1 && self.byte(0) != Some(b'$');
        if is_name && dialect.has_dollar_names() {
            return Ok(Token::Placeholder(self.since(start)));
        }
        if is_name && dialect == Dialect::SqlServer {
            Ok(Token::Word(self.since(start)))
        } else {
            Err(Malformed)
        }
    }

    fn word(&mut self) -> Step<'a> {
        let start = self.at;
        while self.byte(0).is_some_and(|byte| self.is_in_name(byte)) {
            self.at += 1;
        }
        let word = self.since(start);
        match self.byte(0) {
            Some(b'$') => Err(Malformed),
            Some(b'\'') => self.marked_literal(word, start),
            // Names of this kind are not written so: more likely the mark ends a text that began elsewhere.
            Some(b'"') if self.dialect.double_quotes() == Quoted::Literal => Err(Malformed),
            _ => Ok(Token::Word(word)),
        }
    }

    /// `x'…'`, `date'…'`: a word right before a text.
    fn marked_literal(&mut self, word: &'a str, start: usize) -> Step<'a> {
        let is = |marks: &[&str]| marks.iter().any(|mark| word.eq_ignore_ascii_case(mark));
        if is(&["e"]) && self.dialect.has_e_quotes() {
            return self.literal(b'\'', Sign::Means);
        }
        if is(&["q", "nq"]) {
            return if self.dialect.has_q_quotes() { self.q_literal() } else { Err(Malformed) };
        }
        if is(&["n", "b", "x", "r", "e"]) || word.starts_with('_') && self.dialect == Dialect::MySql {
            return self.literal(b'\'', self.dialect.backslash());
        }
        if is(&["date", "time", "timestamp", "interval", "like", "and", "or", "in", "then", "else", "when"]) {
            return Ok(Token::Word(self.text.get(start..self.at).unwrap_or_default()));
        }
        Err(Malformed)
    }

    /// `q'[ … ]'`
    fn q_literal(&mut self) -> Step<'a> {
        self.at += 1;
        let open = self.rest().chars().next().filter(|open| !open.is_whitespace()).ok_or(Malformed)?;
        self.at += open.len_utf8();
        let close = match open {
            '[' => ']',
            '(' => ')',
            '{' => '}',
            '<' => '>',
            open => open,
        };
        self.skip_over(&format!("{close}'"))?;
        if self.byte(0).is_some_and(is_word) { Err(Malformed) } else { Ok(Token::Literal) }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Step<'a>;

    fn next(&mut self) -> Option<Step<'a>> {
        let first = self.byte(0).filter(|_| !self.is_over)?;
        let step = self.step(first);
        self.is_over = step.is_err();
        Some(step)
    }
}

/// Letters of all scripts among them.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
