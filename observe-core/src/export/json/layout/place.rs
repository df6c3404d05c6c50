//! Places that a format has for fields of certain names.

use crate::fields::{Entry, Fields};
use crate::outcome::Outcome;
use crate::semconv::ecs;

/// Where a field goes that a format has a place for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// The field's name.
    pub(super) name: &'static str,
    /// What it is called there.
    pub(super) key: &'static str,
    pub(super) value: As,
    /// Names of fields that this place rather belongs to.
    pub(super) unless: &'static [&'static str],
}

/// How a field's value is written in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// As it is.
    Same,
    /// As it is, a whole number that fits into 63 bits.
    Whole,
    /// The same number as text.
    Quoted,
    /// A time in milliseconds as one in nanoseconds.
    Nanos,
    /// A time in milliseconds as one in seconds: `"0.005752540s"`.
    Seconds,
    /// An outcome as ECS calls it.
    Outcome,
}

impl Place {
    /// Whether the field goes there, in a line of these two sets.
    pub(super) fn takes(&self, entry: &Entry<'_>, span: &Fields, event: &Fields) -> bool {
        self.value.fits(entry.value)
            && !self.unless.iter().any(|name| span.contains(name) || event.contains(name))
    }

    pub(super) fn push(&self, value: &str, line: &mut Vec<u8>) {
        line.extend_from_slice(b",\"");
        line.extend_from_slice(self.key.as_bytes());
        line.extend_from_slice(b"\":");
        self.value.push(value, line);
    }
}

impl As {
    fn fits(self, value: &str) -> bool {
        match self {
            As::Same => true,
            As::Whole | As::Quoted => is_whole(value),
            As::Nanos | As::Seconds => nanos(value).is_some(),
            As::Outcome => outcome(value).is_some(),
        }
    }

    fn push(self, value: &str, line: &mut Vec<u8>) {
        match self {
            As::Same | As::Whole => line.extend_from_slice(value.as_bytes()),
            As::Quoted => push_quoted(value, line),
            As::Nanos => {
                let nanos = nanos(value).unwrap_or_default();
                line.extend_from_slice(itoa::Buffer::new().format(nanos).as_bytes());
            }
            As::Seconds => push_seconds(nanos(value).unwrap_or_default(), line),
            As::Outcome => push_quoted(outcome(value).unwrap_or_default(), line),
        }
    }
}

fn push_quoted(text: &str, line: &mut Vec<u8>) {
    line.push(b'"');
    line.extend_from_slice(text.as_bytes());
    line.push(b'"');
}

fn push_seconds(nanos: u64, line: &mut Vec<u8>) {
    const SECOND: u64 = 1_000_000_000;
    let mut digits = *b".000000000s\"";
    let mut rest = nanos % SECOND;
    for digit in digits.iter_mut().skip(1).take(9).rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    line.push(b'"');
    line.extend_from_slice(itoa::Buffer::new().format(nanos / SECOND).as_bytes());
    line.extend_from_slice(&digits);
}

fn is_whole(value: &str) -> bool {
    (1..=18).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

/// The nanoseconds of a decimal number of milliseconds that is written without an exponent.
fn nanos(millis: &str) -> Option<u64> {
    const FRACTION: usize = 6;
    let (whole, fraction) = millis.split_once('.').unwrap_or((millis, "0"));
    if whole.len() > 12 || !is_whole(whole) || fraction.is_empty() {
        return None;
    }
    let mut nanos = whole.parse::<u64>().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    for at in 0..FRACTION {
        let digit = fraction.as_bytes().get(at).map_or(0, |byte| byte - b'0');
        nanos = nanos * 10 + u64::from(digit);
    }
    Some(nanos)
}

fn outcome(value: &str) -> Option<&'static str> {
    let value = value.strip_prefix('"')?.strip_suffix('"')?;
    let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == value)?;
    Some(match outcome {
        Outcome::Ok => ecs::SUCCESS,
        Outcome::Error | Outcome::Panicked => ecs::FAILURE,
        Outcome::Cancelled => ecs::UNKNOWN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(how: As, value: &str) -> Option<String> {
        let mut line = Vec::new();
        how.fits(value).then(|| how.push(value, &mut line))?;
        String::from_utf8(line).ok()
    }

    #[test]
    fn values_are_written_as_the_place_wants_them() {
        for (how, value, expected) in [
            (As::Same, "\"a\"", Some("\"a\"")),
            (As::Whole, "502", Some("502")),
            (As::Whole, "18446744073709551615", None),
            (As::Whole, "\"502\"", None),
            (As::Whole, "1.5", None),
            (As::Whole, "-1", None),
            (As::Quoted, "887", Some("\"887\"")),
            (As::Nanos, "5.752540", Some("5752540")),
            (As::Nanos, "5", Some("5000000")),
            (As::Nanos, "0.0000019", Some("1")),
            (As::Nanos, "1e3", None),
            (As::Nanos, "1.5e3", None),
            (As::Nanos, "-1.5", None),
            (As::Nanos, "\"5\"", None),
            (As::Nanos, "true", None),
            (As::Nanos, "999999999999.999999", Some("999999999999999999")),
            (As::Nanos, "9999999999999", None),
            (As::Seconds, "5.752540", Some("\"0.005752540s\"")),
            (As::Seconds, "61000.000001", Some("\"61.000000001s\"")),
            (As::Outcome, "\"ok\"", Some("\"success\"")),
            (As::Outcome, "\"error\"", Some("\"failure\"")),
            (As::Outcome, "\"panicked\"", Some("\"failure\"")),
            (As::Outcome, "\"cancelled\"", Some("\"unknown\"")),
            (As::Outcome, "\"other\"", None),
            (As::Outcome, "1", None),
        ] {
            assert_eq!(written(how, value).as_deref(), expected, "{how:?} {value}");
        }
    }

    proptest! {
        // Mutation caught: a digit of the fraction left out.
        #[test]
        fn no_nanosecond_is_lost(nanos in 0..10_u64.pow(18)) {
            let millis = format!("{}.{:06}", nanos / 1_000_000, nanos % 1_000_000);
            prop_assert_eq!(written(As::Nanos, &millis), Some(nanos.to_string()));
        }
    }
}
