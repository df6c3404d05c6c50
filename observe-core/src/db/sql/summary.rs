//! What a statement does to what: `SELECT orders`, `INSERT receipts SELECT orders` (semantic conventions, "Generating a
//! summary of the query text").

use super::Dialect;
use super::token::{Malformed, Token, Tokens};

/// The longest summary, in bytes. What does not fit is left out whole.
const MAX_SUMMARY: usize = 255;
/// How deep queries are looked for in queries.
const MAX_DEPTH: usize = 16;

/// What a statement does, of words that stand in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::db) struct Summary {
    text: String,
    /// Where its one operation and its one target are. Empty where there are several.
    operation: Option<(usize, usize)>,
    target: Option<(usize, usize)>,
}

impl Summary {
    pub(in crate::db) fn as_str(&self) -> &str {
        &self.text
    }

    /// What it does, if it is one thing.
    pub(in crate::db) fn operation(&self) -> &str {
        self.part(self.operation)
    }

    /// To what, if it is one table.
    pub(in crate::db) fn target(&self) -> &str {
        self.part(self.target)
    }

    fn part(&self, part: Option<(usize, usize)>) -> &str {
        part.and_then(|(start, end)| self.text.get(start..end)).unwrap_or_default()
    }

    /// Of the first word alone, if it is a known one.
    pub(super) fn of_first_word(sql: &str) -> Self {
        let mut reader = Reader::new();
        let head = sql.char_indices().nth(MAX_SUMMARY).map_or(sql, |(end, _)| sql.get(..end).unwrap_or(""));
        for token in Tokens::new(head, Dialect::Other) {
            match token {
                Ok(Token::Space) => {}
                Ok(token) => {
                    reader.read(&token);
                    break;
                }
                Err(Malformed) => break,
            }
        }
        reader.finish()
    }
}

/// What the words may mean where the reader is.
#[derive(Clone, Copy, Default)]
struct Query {
    /// It reads, or takes away: `FROM` names a table.
    has_from: bool,
    /// Within its list of tables, where a comma is followed by one more.
    lists: bool,
}

/// Reads a statement's parts.
pub(super) struct Reader {
    summary: Summary,
    operations: usize,
    targets: usize,
    first: Option<usize>,
    depth: usize,
    queries: [Query; MAX_DEPTH],
    /// A table's name comes next.
    awaits: Awaits,
    before: Before,
    is_full: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Nothing,
    /// `TABLE`, `INDEX` or the like.
    Kind,
    Target,
    /// `.` and more of it, if it comes.
    More,
    /// What is behind the `.`.
    Rest,
}

/// What came last, white space left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Start,
    Open,
    Close,
    As,
    Distinct,
    Dot,
    Other,
}

/// Those that begin with these words do it to nothing that a summary names.
const PLAIN: [&str; 24] = [
    "begin",
    "start",
    "commit",
    "rollback",
    "savepoint",
    "release",
    "end",
    "abort",
    "set",
    "reset",
    "show",
    "pragma",
    "vacuum",
    "analyze",
    "explain",
    "use",
    "declare",
    "fetch",
    "close",
    "listen",
    "notify",
    "grant",
    "revoke",
    "values",
];
/// Words between an operation, or `FROM`, and the name.
const PASSED: [&str; 12] = [
    "only",
    "lateral",
    "if",
    "not",
    "exists",
    "ignore",
    "low_priority",
    "delayed",
    "quick",
    "concurrently",
    "or",
    "top",
];
/// Words that end a list of tables.
const ENDS: [&str; 16] = [
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "fetch",
    "window",
    "for",
    "union",
    "except",
    "intersect",
    "returning",
    "set",
    "values",
    "on",
];

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|one| word.eq_ignore_ascii_case(one))
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            summary: Summary::default(),
            operations: 0,
            targets: 0,
            first: None,
            depth: 0,
            queries: [Query::default(); MAX_DEPTH],
            awaits: Awaits::Nothing,
            before: Before::Start,
            is_full: false,
        }
    }

    pub(super) fn read(&mut self, token: &Token<'_>) {
        let before = match *token {
            Token::Space => return,
            Token::Word(word) => self.word(word),
            Token::Name(name) => {
                self.name(bare(name));
                Before::Other
            }
            Token::Literal | Token::Placeholder(_) => {
                self.stop();
                Before::Other
            }
            Token::Sign('.') if self.awaits == Awaits::More => {
                self.awaits = Awaits::Rest;
                Before::Dot
            }
            Token::Sign(sign) => self.sign(sign),
        };
        self.before = before;
    }

    fn query(&mut self) -> Option<&mut Query> {
        self.queries.get_mut(self.depth)
    }

    fn sign(&mut self, sign: char) -> Before {
        self.stop();
        match sign {
            '(' => {
                self.depth += 1;
                if let Some(query) = self.query() {
                    *query = Query::default();
                }
                Before::Open
            }
            ')' => {
                self.depth = self.depth.saturating_sub(1);
                Before::Close
            }
            ';' => {
                self.queries = [Query::default(); MAX_DEPTH];
                self.depth = 0;
                Before::Start
            }
            ',' => {
                if self.query().is_some_and(|query| query.lists) {
                    self.awaits = Awaits::Target;
                }
                Before::Other
            }
            '.' => Before::Dot,
            _ => Before::Other,
        }
    }

    fn stop(&mut self) {
        self.awaits = Awaits::Nothing;
    }

    fn word(&mut self, word: &str) -> Before {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        let begins = !matches!(self.before, Before::Other | Before::Dot | Before::Distinct);
        if self.before == Before::Dot {
            self.name(word);
            return Before::Other;
        }
        if is("select") {
            self.operation(word, true, Awaits::Nothing);
        } else if begins && (is("insert") || is("merge") || is("replace")) {
            // `REPLACE (…)` is a function: then no `INTO` comes.
            if self.before == Before::Start || !is("replace") {
                self.operation(word, false, Awaits::Nothing);
            }
        } else if begins && is("update") {
            self.operation(word, true, Awaits::Target);
        } else if begins && is("delete") {
            self.operation(word, true, Awaits::Nothing);
        } else if self.before == Before::Start && is_one_of(word, &["create", "drop", "alter"]) {
            self.operation(word, false, Awaits::Kind);
        } else if self.before == Before::Start
            && is_one_of(word, &["truncate", "call", "exec", "execute", "copy", "lock"])
        {
            self.operation(word, false, Awaits::Target);
        } else if self.before == Before::Start && is_one_of(word, &PLAIN) {
            self.operation(word, false, Awaits::Nothing);
            if is("explain") {
                return Before::Start;
            }
        } else if self.awaits == Awaits::Kind {
            if is_one_of(word, &["table", "index", "view", "sequence", "trigger", "schema", "database"]) {
                self.awaits = Awaits::Target;
            }
        } else if is("from") && self.before != Before::Distinct {
            if let Some(query) = self.query()
                && query.has_from
            {
                query.lists = true;
                self.awaits = Awaits::Target;
            }
        } else if self.operations > 0 && (is("join") || is("into") || is("using") && self.first_is("merge")) {
            self.awaits = Awaits::Target;
        } else if is_one_of(word, &ENDS) {
            self.stop();
            if let Some(query) = self.query() {
                query.lists = false;
            }
        } else if self.awaits == Awaits::Target && (is_one_of(word, &PASSED) || is("table")) {
            // The name comes yet.
        } else {
            self.name(word);
        }
        match () {
            () if is("as") => Before::As,
            () if is("distinct") => Before::Distinct,
            () => Before::Other,
        }
    }

    fn first_is(&self, operation: &str) -> bool {
        self.summary.text.get(..operation.len()).is_some_and(|first| first.eq_ignore_ascii_case(operation))
    }

    fn operation(&mut self, word: &str, has_from: bool, awaits: Awaits) {
        self.awaits = awaits;
        if let Some(query) = self.query() {
            *query = Query { has_from, lists: false };
        }
        self.operations += 1;
        let part = self.push(word);
        self.first.get_or_insert(part.map_or(0, |(_, end)| end));
        self.summary.operation = part.filter(|_| self.operations == 1);
    }

    fn name(&mut self, name: &str) {
        match self.awaits {
            Awaits::Target => {
                let part = self.push(name);
                self.targets += 1;
                self.summary.target = part.filter(|_| self.targets == 1);
                self.awaits = Awaits::More;
            }
            Awaits::Rest => {
                let room = MAX_SUMMARY.saturating_sub(self.summary.text.len());
                if name.len() < room && !self.is_full {
                    self.summary.text.push('.');
                    self.summary.text.push_str(name);
                    let end = self.summary.text.len();
                    self.summary.target = self.summary.target.map(|(start, _)| (start, end));
                } else {
                    self.is_full = true;
                    self.summary.target = None;
                }
                self.awaits = Awaits::More;
            }
            Awaits::Nothing | Awaits::Kind | Awaits::More => self.stop(),
        }
    }

    /// Adds a word, if there is room.
    fn push(&mut self, word: &str) -> Option<(usize, usize)> {
        let text = &mut self.summary.text;
        self.is_full |= text.len() + 1 + word.len() > MAX_SUMMARY;
        if self.is_full {
            return None;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        let start = text.len();
        text.push_str(word);
        Some((start, text.len()))
    }

    /// What is sure of it, whatever comes: the known word that it begins with.
    pub(super) fn first_operation(self) -> Summary {
        let end = self.first.unwrap_or(0);
        let text = self.summary.text.get(..end).unwrap_or_default().to_owned();
        Summary { operation: Some((0, end)).filter(|_| end > 0), text, target: None }
    }

    pub(super) fn finish(self) -> Summary {
        self.summary
    }
}

/// A name without its marks, where it means the same without.
fn bare(name: &str) -> &str {
    let within = name.get(1..name.len().saturating_sub(1)).unwrap_or(name);
    let is_plain = within.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain && !within.is_empty() { within } else { name }
}
