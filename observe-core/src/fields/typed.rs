//! Fields read back, each with its type.

use std::borrow::Cow;

use super::Entries;
use super::text::unescaped;

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Typed<'a> {
    Str(Cow<'a, str>),
    I64(i64),
    /// Above what an `i64` holds.
    U64(u64),
    F64(f64),
    Bool(bool),
}

/// The fields that stand in [`Fields::as_str`](super::Fields::as_str): names and values as they were recorded. What is
/// not of its making ends them.
pub(crate) fn typed(members: &str) -> impl Iterator<Item = (Cow<'_, str>, Typed<'_>)> {
    let entries = Entries { text: members, at: 0 };
    entries.map(|entry| (unescaped(entry.name), Typed::read(entry.value)))
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
