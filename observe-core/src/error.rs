//! What can be refused, and why.

use std::fmt;

/// Why something was refused. The text names the thing and the rule.
///
/// Opaque, so that new reasons are not breaking changes; ask it with the `is_*` methods.
pub struct Error {
    kind: Kind,
    text: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name, label, bucket list or setting breaks a rule.
    Invalid,
    /// The name is taken.
    Duplicate,
    /// It was set before, and can be set only once.
    AlreadyInstalled,
    /// The deadline came first.
    Timeout,
    /// Reading or writing failed.
    Io,
    /// It was asked for too often.
    Limited,
}

impl Error {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), source: None }
    }

    /// A setting breaks a rule: for the crates of this house.
    #[doc(hidden)]
    #[must_use]
    pub fn of_setting(text: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, text)
    }

    /// Reading, writing or listening failed: for the crates of this house.
    #[doc(hidden)]
    #[must_use]
    pub fn of_io(text: impl Into<String>, source: std::io::Error) -> Self {
        Self::new(Kind::Io, text).caused_by(source)
    }

    pub(crate) fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A name, label, bucket list or setting breaks a rule.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// The name is taken; what had it first keeps it.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        self.kind == Kind::Duplicate
    }

    /// A process-wide place (subscriber, logger) was taken before.
    #[must_use]
    pub fn is_already_installed(&self) -> bool {
        self.kind == Kind::AlreadyInstalled
    }

    /// The deadline came before the work was done.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind == Kind::Timeout
    }

    /// Reading or writing failed.
    #[must_use]
    pub fn is_io(&self) -> bool {
        self.kind == Kind::Io
    }

    /// It was asked for too often, and may be asked for again later.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.kind == Kind::Limited
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What `main` and `unwrap` show: the text, and those of its causes.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Mutation caught: a cause that is left out.
    #[test]
    fn people_are_shown_the_text_and_its_causes() {
        let error = Error::new(Kind::Io, "cannot save").caused_by(std::io::Error::other("disk"));
        assert_eq!(format!("{error:?} / {error}"), "cannot save: disk / cannot save");
    }
}
