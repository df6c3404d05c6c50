//! Fields of the library's own, whose names are known when it is built.

use std::time::Duration;

use super::{FIELDS_MAX, Fields, RESERVED, bit, find_special};
use crate::redaction::is_about_own;

/// A name of the library's own: it needs no escaping, no format reserves it, and the compiler knows its bit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    name: &'static str,
    bit: u64,
}

impl Key {
    /// Fails to compile, as a constant, for a name that is not that plain.
    pub(crate) const fn new(name: &'static str) -> Self {
        let mut rest = name.as_bytes();
        while let [first, others @ ..] = rest {
            assert!(matches!(first, b'a'..=b'z' | b'.' | b'_'), "a field of our own has a plain name");
            rest = others;
        }
        Self { name, bit: bit(name) }
    }
}

/// Fields that are written quickly end before this: there is room then, whatever comes.
const QUICK_MAX: usize = FIELDS_MAX / 2;

impl Fields {
    /// [`str`](Fields::str) for a name of the library's own.
    #[inline]
    pub(crate) fn key_str(&mut self, key: Key, value: &str) {
        if find_special(value.as_bytes()).is_none() && self.starts(key, value.len()) {
            self.text.push('"');
            self.text.push_str(value);
            self.text.push('"');
        } else {
            self.str(key.name, value);
        }
    }

    /// [`u64`](Fields::u64) for a name of the library's own.
    #[inline]
    pub(crate) fn key_u64(&mut self, key: Key, value: u64) {
        if self.starts(key, 20) {
            self.text.push_str(itoa::Buffer::new().format(value));
        } else {
            self.u64(key.name, value);
        }
    }

    /// Records a time in milliseconds, to the nanosecond: `0.001234`.
    #[inline]
    pub(crate) fn key_millis(&mut self, key: Key, time: Duration) {
        const NANOS: u128 = 1_000_000;
        let Ok(millis) = u64::try_from(time.as_nanos() / NANOS) else {
            return self.f64(key.name, time.as_secs_f64() * 1e3);
        };
        if !self.starts(key, 28) {
            return self.f64(key.name, time.as_secs_f64() * 1e3);
        }
        let mut rest = time.subsec_nanos() % 1_000_000;
        let mut digits = *b".000000";
        for digit in digits.iter_mut().skip(1).rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.text.push_str(itoa::Buffer::new().format(millis));
        self.text.push_str(std::str::from_utf8(&digits).unwrap_or(".0"));
    }

    /// Writes the name, if it is not there already and there is room for a plain value of this length.
    #[inline]
    fn starts(&mut self, key: Key, value: usize) -> bool {
        let len = key.name.len() + value + r#","":"""#.len();
        if self.names & key.bit != 0 || self.text.len() + len > QUICK_MAX || is_about_own(key.name) {
            return false;
        }
        debug_assert!(!RESERVED.contains(&key.name));
        self.names |= key.bit;
        self.text.reserve(len);
        self.text.push_str(",\"");
        self.text.push_str(key.name);
        self.text.push_str("\":");
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Key = Key::new("some.key");
    const B: Key = Key::new("other");

    // Mutation caught: the quick way taken for a name that is there, for a value that needs escaping, without room.
    #[test]
    fn the_quick_way_says_what_the_other_says() {
        let long = "x".repeat(FIELDS_MAX);
        for (text, number) in [("plain", 0), ("a \"quote\"", u64::MAX), ("", 7), (&*long, 9)] {
            let (mut quick, mut slow) = (Fields::new(), Fields::new());
            for _ in 0..3 {
                quick.key_str(A, text);
                slow.str("some.key", text);
                quick.key_u64(B, number);
                slow.u64("other", number);
            }
            assert_eq!(quick.as_str(), slow.as_str());
            assert_eq!(quick.is_cut(), slow.is_cut());
        }
    }

    #[test]
    fn times_are_exact() {
        for (nanos, text) in [
            (0, "0.000000"),
            (1_234, "0.001234"),
            (999_999, "0.999999"),
            (1_000_000, "1.000000"),
            (61_000_000_001, "61000.000001"),
        ] {
            let mut fields = Fields::new();
            fields.key_millis(A, Duration::from_nanos(nanos));
            assert_eq!(fields.as_str(), format!(",\"some.key\":{text}"));
        }
        let mut fields = Fields::new();
        fields.key_millis(A, Duration::MAX);
        serde_json::from_str::<serde_json::Value>(&format!("{{{}}}", &fields.as_str()[1..])).unwrap();
    }
}
