//! A statement's text without its literals.

use super::token::Token;

/// Writes the parts of a statement: `?` for a literal, one space for white space, one of each list that may be of any
/// length (`IN (?, ?)`, the rows of `VALUES`).
pub(super) struct Writer {
    out: String,
    /// White space came since.
    space: bool,
    depth: u32,
    last: Last,
    list: Option<List>,
    /// Where the first row of `VALUES` ended.
    row_end: Option<usize>,
}

/// What came last, white space left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    In,
    Values,
    /// A comma between rows of `VALUES`.
    NextRow,
    Other,
}

/// A list in parentheses of which each entry is a literal or a placeholder so far.
struct List {
    is_row: bool,
    /// Behind its parenthesis.
    start: usize,
    depth: u32,
}

impl Writer {
    pub(super) fn new(len: usize) -> Self {
        Self {
            out: String::with_capacity(len),
            space: false,
            depth: 0,
            last: Last::Other,
            list: None,
            row_end: None,
        }
    }

    pub(super) fn write(&mut self, token: &Token<'_>) {
        match token {
            Token::Space => {
                self.space = true;
                return;
            }
            Token::Literal | Token::Placeholder(_) | Token::Sign(',' | '-' | '+' | '(' | ')') => {}
            Token::Word(_) | Token::Name(_) | Token::Sign(_) => self.list = None,
        }
        let is_behind_row = self.row_end.is_some() && self.depth == 0 && self.list.is_none();
        let is_next_row = is_behind_row && self.row_end == Some(self.out.len()) && *token == Token::Sign(',');
        if is_behind_row && !is_next_row && self.last != Last::NextRow {
            self.row_end = None;
        }
        if std::mem::take(&mut self.space) && !self.out.is_empty() {
            self.out.push(' ');
        }
        let last = std::mem::replace(&mut self.last, Last::Other);
        match *token {
            Token::Space => {}
            Token::Literal => self.out.push('?'),
            Token::Placeholder(text) | Token::Name(text) => self.out.push_str(text),
            Token::Word(word) => {
                self.out.push_str(word);
                if word.eq_ignore_ascii_case("in") {
                    self.last = Last::In;
                } else if word.eq_ignore_ascii_case("values") && self.depth == 0 {
                    self.last = Last::Values;
                } else if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") {
                    self.out.truncate(self.out.len() - word.len());
                    self.out.push('?');
                }
            }
            Token::Sign('(') => {
                self.out.push('(');
                self.depth += 1;
                let is_row = matches!(last, Last::Values | Last::NextRow);
                let start = self.out.len();
                self.list = (is_row || last == Last::In).then_some(List { is_row, start, depth: self.depth });
            }
            Token::Sign(')') => self.close(),
            Token::Sign(sign) => {
                self.out.push(sign);
                if is_next_row {
                    self.last = Last::NextRow;
                }
            }
        }
    }

    fn close(&mut self) {
        let list = self.list.take().filter(|list| list.depth == self.depth);
        self.depth = self.depth.saturating_sub(1);
        match (list, self.row_end) {
            (Some(List { is_row: false, start, .. }), _) => {
                self.out.truncate(start);
                self.out.push_str("?)");
            }
            // As the row before it.
            (Some(List { is_row: true, .. }), Some(end)) => self.out.truncate(end),
            (list, _) => {
                self.out.push(')');
                self.row_end = list.map(|_| self.out.len());
            }
        }
    }

    pub(super) fn finish(mut self) -> String {
        let end = self.out.trim_end_matches([';', ' ']).len();
        self.out.truncate(end);
        self.out
    }
}
