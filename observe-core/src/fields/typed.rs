//! Fields read back, each with its type.

use std::borrow::Cow;
use std::fmt;

use super::Entries;
use super::text::unescaped;

/// The value of an attribute of a span, or of a field of a line, as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed<'a> {
    /// A text.
    Str(Cow<'a, str>),
    /// A whole number.
    I64(i64),
    /// One above what an `i64` holds.
    U64(u64),
    /// A number that was recorded as a floating-point one.
    F64(f64),
    /// True or false.
    Bool(bool),
}

/// The fields that stand in [`Fields::as_str`](super::Fields::as_str): names and values as they were recorded. What is
/// not of its making ends them.
pub(crate) fn typed(members: &str) -> impl Iterator<Item = (Cow<'_, str>, Typed<'_>)> {
    let entries = Entries { text: members, at: 0 };
    entries.map(|entry| (unescaped(entry.name), Typed::read(entry.value)))
}

impl Typed<'_> {
    /// The same, on its own.
    #[must_use]
    pub fn into_owned(self) -> Typed<'static> {
        match self {
            Typed::Str(text) => Typed::Str(Cow::Owned(text.into_owned())),
            Typed::I64(number) => Typed::I64(number),
            Typed::U64(number) => Typed::U64(number),
            Typed::F64(number) => Typed::F64(number),
            Typed::Bool(is) => Typed::Bool(is),
        }
    }
}

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Typed::Str(text) => f.write_str(text),
            Typed::I64(number) => number.fmt(f),
            Typed::U64(number) => number.fmt(f),
            Typed::F64(number) => number.fmt(f),
            Typed::Bool(is) => is.fmt(f),
        }
    }
}

impl<'a> Typed<'a> {
    fn read(json: &'a str) -> Self {
        match json {
            "true" => Self::Bool(true),
            "false" => Self::Bool(false),
            _ => {
                let text = json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
                text.map_or_else(|| Self::number(json), |text| Self::Str(unescaped(text)))
            }
        }
    }

    /// A number with a point or an exponent was recorded as a floating-point one.
    fn number(json: &'a str) -> Self {
        if let Ok(number) = json.parse() {
            Self::I64(number)
        } else if let Ok(number) = json.parse() {
            Self::U64(number)
        } else {
            json.parse().map_or(Self::Str(Cow::Borrowed(json)), Self::F64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fields;
    use super::*;

    // Mutation caught: reading `1.0` as a whole number, a number above `i64::MAX` as a floating-point one.
    #[test]
    fn what_was_recorded_is_read_with_its_type() {
        let mut fields = Fields::new();
        fields.str("text", "a\"b\n");
        fields.str("digits", "17");
        fields.str("true", "true");
        fields.i64("low", i64::MIN);
        fields.u64("high", u64::MAX);
        fields.f64("one", 1.0);
        fields.f64("tiny", -1e-300);
        fields.bool("is", false);
        fields.u64("odd\" name", 1);
        let read: Vec<_> = typed(fields.as_str()).collect();
        let text = |text: &'static str| Typed::Str(Cow::Borrowed(text));
        let expected = [
            ("text", text("a\"b\n")),
            ("digits", text("17")),
            ("true", text("true")),
            ("low", Typed::I64(i64::MIN)),
            ("high", Typed::U64(u64::MAX)),
            ("one", Typed::F64(1.0)),
            ("tiny", Typed::F64(-1e-300)),
            ("is", Typed::Bool(false)),
            ("odd\" name", Typed::I64(1)),
        ];
        assert_eq!(read, expected.map(|(name, value)| (Cow::Borrowed(name), value)));
    }
}
