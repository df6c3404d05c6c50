//! The correlation id: one text that people search for.

use std::fmt;
use std::sync::Arc;

use crate::context::id::TraceId;
use crate::context::rejected::Rejected;
use crate::context::text::trim;
use crate::error::{Error, Kind};

/// An id that callers choose and services hand on: 1 to 128 visible ASCII characters. Cheap to clone.
///
/// ```
/// use observe_core::context::CorrelationId;
///
/// assert_eq!(CorrelationId::new("order-4711").unwrap().as_str(), "order-4711");
/// assert!(CorrelationId::new("two words").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CorrelationId(Arc<str>);

impl CorrelationId {
    /// How long it is at most, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// Takes an id of one's own.
    ///
    /// # Errors
    ///
    /// If it is empty, longer than 128 characters, or has one that is not visible ASCII.
    pub fn new(text: &str) -> Result<Self, Error> {
        check(text.as_bytes()).map_err(|_| {
            Error::new(Kind::Invalid, "a correlation id is 1 to 128 visible ASCII characters".to_owned())
        })?;
        Ok(Self(Arc::from(text)))
    }

    /// Reads a header's value. White space around it is allowed.
    ///
    /// # Errors
    ///
    /// [`Rejected::Length`] if it is empty or longer than 128 characters, [`Rejected::Value`] if it has one
    /// that is not visible ASCII.
    pub fn parse(header: &[u8]) -> Result<Self, Rejected> {
        let header = trim(header);
        check(header)?;
        str::from_utf8(header).map(|text| Self(Arc::from(text))).map_err(|_| Rejected::Value)
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &[u8]) -> Result<(), Rejected> {
    if text.is_empty() || text.len() > CorrelationId::MAX_LENGTH {
        return Err(Rejected::Length);
    }
    if text.iter().all(u8::is_ascii_graphic) { Ok(()) } else { Err(Rejected::Value) }
}

/// The trace id's digits: what stands in where the caller gave no correlation id.
impl From<TraceId> for CorrelationId {
    fn from(id: TraceId) -> Self {
        Self(Arc::from(str::from_utf8(&id.write_hex()).unwrap_or_default()))
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CorrelationId({:?})", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_1_to_128_visible_ascii_characters_pass() {
        let longest = "~".repeat(128);
        for good in ["!", "a-b_c", "{\"json\"}", &longest] {
            assert_eq!(CorrelationId::parse(good.as_bytes()).unwrap().as_str(), good);
            assert_eq!(CorrelationId::new(good).unwrap().as_str(), good);
        }
        assert_eq!(CorrelationId::parse(b" a\t").unwrap().as_str(), "a");
        assert!(CorrelationId::new(" a").is_err());
        for (bad, reason) in [
            ("", Rejected::Length),
            (" ", Rejected::Length),
            (&*format!("{longest}~"), Rejected::Length),
            ("a b", Rejected::Value),
            ("a\nb", Rejected::Value),
            ("a\u{7f}", Rejected::Value),
            ("\u{e9}", Rejected::Value),
        ] {
            assert_eq!(CorrelationId::parse(bad.as_bytes()), Err(reason), "{bad:?}");
            assert!(CorrelationId::new(bad).unwrap_err().is_invalid());
        }
    }

    #[test]
    fn a_trace_id_makes_one() {
        let digits = "4bf92f3577b34da6a3ce929d0e0e4736";
        let id = CorrelationId::from(TraceId::from_hex(digits.as_bytes()).unwrap());
        assert_eq!(id, CorrelationId::new(digits).unwrap());
    }

    // Mutations caught: one that shows nothing; one whose width is left out.
    #[test]
    fn it_shows_itself() {
        let id = CorrelationId::new("a-1").unwrap();
        assert_eq!(
            (format!("{id:>5}"), format!("{id:?}")),
            ("  a-1".into(), r#"CorrelationId("a-1")"#.into())
        );
    }
}
