//! The text of an error, made when it is to be told.

use std::error::Error;
use std::fmt::{self, Debug, Display, Write as _};
use std::panic::{self, AssertUnwindSafe};

/// How to tell an error.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// Not at all.
    None,
    /// By its `Display`, and then by its sources.
    Display(&'a dyn Display, Option<&'a (dyn Error + 'static)>),
    /// By its `Debug`.
    Debug(&'a dyn Debug),
}

/// How long a text gets, in bytes.
const LONGEST: usize = 4096;

impl Text<'_> {
    pub(super) fn is_none(self) -> bool {
        matches!(self, Text::None)
    }

    /// The text, cut where it is too long. `None` when there is none, or when its code panics: observing changes
    /// nothing about what a function does.
    #[cold]
    pub(super) fn render(self) -> Option<String> {
        let rendered = panic::catch_unwind(AssertUnwindSafe(|| {
            let mut text = Bounded(String::new());
            match self {
                Text::None => return None,
                Text::Debug(error) => text.push(format_args!("{error:?}")),
                Text::Display(error, mut source) => {
                    text.push(format_args!("{error}"));
                    // A circle of sources ends where there is no more room.
                    while let Some(error) = source.filter(|_| text.0.len() < LONGEST) {
                        let mut more = Bounded(String::new());
                        more.push(format_args!("{error}"));
                        // Many have their source in their own text already.
                        if !text.0.ends_with(&more.0) {
                            text.push(format_args!(": {}", more.0));
                        }
                        source = error.source();
                    }
                }
            }
            Some(text.0)
        }));
        rendered.ok().flatten()
    }
}

impl Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Text").finish_non_exhaustive()
    }
}

/// Takes no more than [`LONGEST`] bytes.
struct Bounded(String);

impl Bounded {
    /// Nobody is told of an error in telling an error.
    fn push(&mut self, text: fmt::Arguments<'_>) {
        let _ = self.write_fmt(text);
    }
}

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let end = more.floor_char_boundary(LONGEST.saturating_sub(self.0.len()));
        self.0.push_str(more.get(..end).unwrap_or_default());
        if end < more.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Failure(&'static str, Option<Box<Failure>>);

    impl Display for Failure {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0 {
                "panics" => panic!("in Display"),
                "refuses" => Err(fmt::Error),
                text => f.write_str(text),
            }
        }
    }

    impl Error for Failure {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as &dyn Error)
        }
    }

    fn told(failure: &Failure) -> Option<String> {
        Text::Display(failure, failure.source()).render()
    }

    #[test]
    fn sources_are_told_once() {
        let disk = || Some(Box::new(Failure("disk full", None)));
        assert_eq!(told(&Failure("not saved", disk())).unwrap(), "not saved: disk full");
        assert_eq!(told(&Failure("not saved: disk full", disk())).unwrap(), "not saved: disk full");
    }

    // Catches: `to_string`, which panics when `Display` says it cannot; a panic let through.
    #[test]
    fn a_bad_display_is_no_panic() {
        assert_eq!(told(&Failure("refuses", None)).unwrap(), "");
        assert_eq!(told(&Failure("panics", None)), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = Text::Debug(&"é".repeat(5_000)).render().unwrap();
        assert!(text.len() <= LONGEST && text.len() > LONGEST - 4);
    }
}
