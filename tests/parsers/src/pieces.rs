//! How bytes are taken apart: into pieces, so that what is found can be read and written by hand.

use std::borrow::Cow;

/// What stands between pieces that may have ends of lines in them.
const BETWEEN: u8 = 0x1f;

/// The lines.
pub(crate) fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    data.split(|byte| *byte == b'\n')
}

/// Texts that may be anything.
pub(crate) struct Texts<'a>(std::slice::Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Texts<'a> {
    pub(crate) fn of(data: &'a [u8]) -> Self {
        Self(data.split(|byte| *byte == BETWEEN))
    }

    /// The next one, empty where there is none.
    pub(crate) fn text(&mut self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.0.next().unwrap_or_default())
    }

    /// The next one, if there is one.
    pub(crate) fn next(&mut self) -> Option<Cow<'a, str>> {
        self.0.next().map(String::from_utf8_lossy)
    }

    /// A number from the next one's first byte.
    pub(crate) fn number(&mut self) -> u8 {
        self.0.next().and_then(|piece| piece.first()).copied().unwrap_or_default()
    }
}
