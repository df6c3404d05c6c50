//! How an operation ended.

use std::fmt;

/// How an operation ended: exactly one of these, exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what it was asked.
    Ok,
    /// It answered that it failed.
    Error,
    /// It was dropped before it ended: the client went away, or a `select!` took another branch.
    Cancelled,
    /// It unwound. Not seen under `panic = "abort"`: there the process ends first.
    Panicked,
}

impl Outcome {
    /// Every outcome, in the order of their metric label's codes.
    pub const ALL: [Outcome; 4] = [Outcome::Ok, Outcome::Error, Outcome::Cancelled, Outcome::Panicked];

    /// The text of the `outcome` label: `ok`, `error`, `cancelled`, `panicked`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Cancelled => "cancelled",
            Outcome::Panicked => "panicked",
        }
    }

    /// What a line says of it, behind a name.
    pub(crate) const fn as_verb(self) -> &'static str {
        match self {
            Outcome::Ok => "ended",
            Outcome::Error => "failed",
            Outcome::Cancelled => "was cancelled",
            Outcome::Panicked => "panicked",
        }
    }

    /// Whether it is [`Error`](Outcome::Error) or [`Panicked`](Outcome::Panicked). A cancelled operation
    /// did not fail: somebody stopped waiting for it.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Outcome::Error | Outcome::Panicked)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
