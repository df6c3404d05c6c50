//! The text of an error, made when it is to be told.

use crate::fields;
use std::error::Error;
use std::fmt::{self, Debug, Display};

/// How to tell an error.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// Not at all.
    None,
    /// By its `Display`, and those of its sources.
    Error(&'a dyn Error),
    /// By its `Display`.
    Display(&'a dyn Display),
    /// By its `Debug`.
    Debug(&'a dyn Debug),
}

impl Text<'_> {
    /// The text, if there is to be one: bounded, and safe against what formats itself, since observing changes
    /// nothing about what a function does.
    #[cold]
    pub(super) fn render(self) -> Option<String> {
        let mut text = fields::Text::new();
        match self {
            Text::None => return None,
            Text::Error(error) => text.set_error(error),
            Text::Display(error) => text.set_formatted(format_args!("{error}")),
            Text::Debug(error) => text.set_debug(&error),
        }
        Some(text.plain().into_owned())
    }

    pub(super) fn is_none(self) -> bool {
        matches!(self, Text::None)
    }
}

impl Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Text").finish_non_exhaustive()
    }
}
